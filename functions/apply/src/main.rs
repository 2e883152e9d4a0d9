//! Decisions from the table's stream in: applied, or taken back.

mod handler;
mod stream;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::Clients;
use sesame_lambda::{Environment, Remediation, read_environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let (environment, remediation) = read_environment(|all| (Environment::of(all), Remediation::of(all)))?;
    let handler = Handler::new(environment, remediation, Clients::from_environment().await);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handler.handle(event.payload))).await
}
