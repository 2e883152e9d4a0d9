//! One set of clients for the life of a process; timeouts and retries for all of them.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls;

/// Clients of every service that Sesame calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) organizations: aws_sdk_organizations::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Reads the environment (credentials, Region, endpoints) once.
    pub async fn from_environment() -> Clients {
        // One HTTP client for all: each would otherwise read the root certificates and keep connections of its own.
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        Clients::new(aws_config::defaults(behavior()).http_client(http).load().await)
    }

    /// Clients of a given configuration, with Sesame's timeouts and retries where it brings none of its own.
    pub fn new(config: SdkConfig) -> Clients {
        let timeouts = config.timeout_config().cloned().unwrap_or_else(timeouts);
        let retries = config.retry_config().cloned().unwrap_or_else(retries);
        let config = config.into_builder().timeout_config(timeouts).retry_config(retries).build();
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            organizations: aws_sdk_organizations::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
        }
    }

    /// The same with other credentials.
    pub(crate) fn with_credentials(&self, credentials: SharedCredentialsProvider) -> Clients {
        Clients::new(self.config.clone().into_builder().credentials_provider(credentials).build())
    }

    /// The Region that this process is set to.
    pub(crate) fn region(&self) -> String {
        self.config.region().map(|region| region.as_ref().to_owned()).unwrap_or_default()
    }

    /// SES is asked in the Region of the refused send, which need not be our own.
    pub(crate) fn ses(&self, region: &str) -> aws_sdk_sesv2::Client {
        let config = aws_sdk_sesv2::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_sesv2::Client::from_conf(config.build())
    }
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
