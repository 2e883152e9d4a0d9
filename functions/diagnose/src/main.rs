//! Refused sends from a queue in, findings stored and published.

mod batch;
mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sesame_aws::{Clients, Members};
use sesame_lambda::{
    Environment, EnvironmentError, LinkEnvironment, apply_role_accounts, dead_letters, read_environment,
    readable_accounts,
};

/// What the function is set to.
struct Configuration {
    environment: Environment,
    readable: Members,
    apply_role_accounts: Vec<String>,
    links: Option<LinkEnvironment>,
    dead_letters: String,
}

impl Configuration {
    fn read() -> Result<Configuration, EnvironmentError> {
        read_environment(|all| {
            let environment = Environment::of(all);
            Configuration {
                readable: readable_accounts(all, &environment.stack),
                apply_role_accounts: apply_role_accounts(all),
                links: LinkEnvironment::optional(all),
                dead_letters: dead_letters(all),
                environment,
            }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let handler = Handler::new(Configuration::read()?, Clients::from_environment().await).await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handler.handle(event.payload))).await
}
