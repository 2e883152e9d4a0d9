//! Decisions from the table's stream in: applied, or taken back.

mod handler;
mod stream;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::{Clients, Members};
use sesame_lambda::{
    Environment, EnvironmentError, Remediation, dead_letters, read_environment, readable_accounts, writable_accounts,
};

/// What the function is set to.
struct Configuration {
    environment: Environment,
    remediation: Remediation,
    readable: Members,
    writable: Members,
    dead_letters: String,
}

impl Configuration {
    fn read() -> Result<Configuration, EnvironmentError> {
        read_environment(|all| {
            let environment = Environment::of(all);
            Configuration {
                remediation: Remediation::of(all),
                readable: readable_accounts(all, &environment.stack),
                writable: writable_accounts(all, &environment.stack),
                dead_letters: dead_letters(all),
                environment,
            }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let handler = Handler::new(Configuration::read()?, Clients::from_environment().await);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handler.handle(event.payload))).await
}
