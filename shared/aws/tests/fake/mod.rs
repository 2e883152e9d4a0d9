//! A scripted AWS, and clients of it.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod server;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use sesame_aws::Clients;

pub use server::{Answer, Call, FakeAws, entered, json, json_error, query, query_error};

impl FakeAws {
    /// Clients that know only this server, with the timeouts and retries of production.
    pub fn clients(&self) -> Clients {
        Clients::new(self.config())
    }

    /// Clients that give up in a second.
    pub fn impatient_clients(&self) -> Clients {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(300));
        let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(10));
        let config = self.config().into_builder().timeout_config(timeouts.build()).retry_config(retries);
        Clients::new(config.build())
    }

    fn config(&self) -> SdkConfig {
        let credentials = Credentials::for_tests_with_session_token();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .build()
    }
}
