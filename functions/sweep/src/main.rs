//! On a schedule: what was left over, what ran out of time, what came of what was applied.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::Clients;
use sesame_lambda::{Environment, LinkEnvironment, read_environment, readable_accounts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let (environment, readable, links) = read_environment(|all| {
        let environment = Environment::of(all);
        let readable = readable_accounts(all, &environment.stack);
        (environment, readable, LinkEnvironment::optional(all))
    })?;
    let handler = Handler::new(environment, readable, links, Clients::from_environment().await).await;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| handler.handle())).await
}
