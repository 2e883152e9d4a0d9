//! One set of clients for the life of a process; timeouts and retries for all of them.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_http_client::tls;

/// Whose credentials a person at a terminal uses, and for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// A profile of the AWS configuration files; `None` for what the environment says.
    pub profile: Option<String>,
    /// A Region, in place of the one that the configuration names.
    pub region: Option<String>,
    /// Throttling is waited out for minutes: for reading whole accounts, where nobody waits for one answer.
    pub patient: bool,
}

/// Why AWS cannot be called at all: one line with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessError(pub(crate) String);

/// Clients of every service that Sesame calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) config: SdkConfig,
    region_is_given: bool,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) organizations: aws_sdk_organizations::Client,
    pub(crate) secrets_manager: aws_sdk_secretsmanager::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Reads the environment (credentials, Region, endpoints) once.
    pub async fn from_environment() -> Clients {
        Clients::new(loader().load().await)
    }

    /// Clients with a person's own credentials: environment, profile, IAM Identity Center.
    ///
    /// # Errors
    /// No credentials, or such as cannot be used. No call to AWS is made for it but those that make credentials.
    pub async fn of_caller(access: &Access) -> Result<Clients, AccessError> {
        let loader = match &access.profile {
            Some(profile) => loader().profile_name(profile),
            None => loader(),
        };
        let loader = match access.patient {
            true => loader.timeout_config(patient_timeouts()).retry_config(patient_retries()),
            false => loader,
        };
        let loader = match &access.region {
            Some(region) => loader.region(Region::new(region.clone())),
            None => loader,
        };
        let config = loader.load().await;
        check_credentials(&config, access.profile.as_deref()).await?;
        Ok(Clients::new(config))
    }

    /// The Region of the configuration; `None` when it names none.
    pub fn region(&self) -> Option<&str> {
        self.config.region().filter(|_| self.region_is_given).map(Region::as_ref)
    }

    /// Clients of a given configuration, with Sesame's timeouts and retries where it brings none of its own.
    pub fn new(config: SdkConfig) -> Clients {
        let timeouts = config.timeout_config().cloned().unwrap_or_else(timeouts);
        let retries = config.retry_config().cloned().unwrap_or_else(retries);
        let region_is_given = config.region().is_some();
        let region = config.region().cloned().unwrap_or_else(|| Region::from_static(WITHOUT_REGION));
        let config = config.into_builder().region(region).timeout_config(timeouts).retry_config(retries).build();
        Clients {
            region_is_given,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            organizations: aws_sdk_organizations::Client::new(&config),
            secrets_manager: aws_sdk_secretsmanager::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
        }
    }

    /// The same with other credentials.
    pub(crate) fn with_credentials(&self, credentials: SharedCredentialsProvider) -> Clients {
        let config = self.config.to_builder().credentials_provider(credentials).build();
        Clients { region_is_given: self.region_is_given, ..Clients::new(config) }
    }

    /// SES is asked in the Region of the refused send, which need not be our own.
    pub(crate) fn ses(&self, region: &str) -> aws_sdk_sesv2::Client {
        let config = aws_sdk_sesv2::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_sesv2::Client::from_conf(config.build())
    }
}

/// IAM, STS and Organizations answer from here for the whole partition; what is of a Region is asked there by name.
const WITHOUT_REGION: &str = "us-east-1";

fn loader() -> ConfigLoader {
    // One HTTP client for all: each would otherwise read the root certificates and keep connections of its own.
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .build_https();
    aws_config::defaults(behavior()).http_client(http)
}

/// Whether there are credentials: without any, every call would fail with words that name no remedy.
async fn check_credentials(config: &SdkConfig, profile: Option<&str>) -> Result<(), AccessError> {
    const SIGN_IN: &str =
        "sign in (`aws sso login`), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let place = profile.map(|name| format!(" in profile `{name}`")).unwrap_or_default();
    let none = || AccessError(format!("no AWS credentials were found{place}: {SIGN_IN}"));
    let provider = config.credentials_provider().ok_or_else(none)?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(CredentialsError::CredentialsNotLoaded(_)) => Err(none()),
        Err(error) => Err(AccessError(format!("the AWS credentials cannot be used: {}: {SIGN_IN}", causes(&error)))),
    }
}

/// An error with what caused it, on one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// A dated version: an update of the SDK must not change how it behaves here.
pub(crate) fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// A call that hangs must leave time for the others within one invocation.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

/// SES answers about one control call a second for a whole account: waits of up to 1, 2 and 4 seconds come through that.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_secs(1))
}

/// No limit on an operation as a whole: its attempts have one, and waiting between them is what is wanted.
fn patient_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

/// Slows down by itself to what the service takes.
fn patient_retries() -> RetryConfig {
    RetryConfig::adaptive()
        .with_max_attempts(10)
        .with_initial_backoff(Duration::from_secs(1))
        .with_max_backoff(Duration::from_secs(20))
}
