//! Refused sends from a queue in, findings stored and published.

mod batch;
mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::Clients;
use sesame_lambda::{Environment, LinkEnvironment, read_environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let (environment, links) = read_environment(|all| (Environment::of(all), LinkEnvironment::optional(all)))?;
    let handler = Handler::new(environment, links, Clients::from_environment().await).await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handler.handle(event.payload))).await
}
