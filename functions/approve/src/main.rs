//! The approval page and the signed door, behind an HTTP API. It decides, and writes no policy: it has no right to.

mod configuration;
mod gateway;
mod handler;

use configuration::Configuration;
use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let handler = Handler::open(Configuration::read()?, Clients::from_environment().await).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handler.handle(event.payload))).await
}
