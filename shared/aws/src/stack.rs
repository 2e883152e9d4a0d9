//! A deployed stack as its operators reach it: its outputs, and its HTTP API with signed requests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::Clients;
use crate::clients::{AccessError, causes};
use crate::failure::Failure;

/// The outputs of a CloudFormation stack in the Region of the clients.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>
///
/// # Errors
/// No Region, no such stack, or no permission to look.
pub async fn stack_outputs(clients: &Clients, name: &str) -> Result<BTreeMap<String, String>, AccessError> {
    const CALL: &str = "cloudformation:DescribeStacks";
    let region = clients.region().ok_or_else(|| {
        AccessError(
            "no Region is configured, so the stack cannot be looked for: give --region, or set AWS_REGION".to_owned(),
        )
    })?;
    let cloudformation = aws_sdk_cloudformation::Client::new(&clients.config);
    let output = cloudformation.describe_stacks().stack_name(name).send().await.map_err(|error| {
        let failure = Failure::of(&error);
        let missing = failure.message.as_deref().is_some_and(|message| message.contains("does not exist"));
        AccessError(match failure.message {
            _ if missing => {
                format!("there is no stack `{name}` in {region}: give --stack, --region, or the address with --api")
            }
            Some(message) => format!("`{CALL}` gave {}: {message}; give the address with --api", failure.code),
            None => format!("`{CALL}` gave {}; give the address with --api", failure.code),
        })
    })?;
    let stack = output.stacks.unwrap_or_default().into_iter().next();
    let stack = stack.ok_or_else(|| AccessError(format!("`{CALL}` answered without the stack `{name}`")))?;
    let outputs = stack.outputs.unwrap_or_default();
    Ok(outputs.into_iter().filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}

/// The HTTP API of a stack, called with a person's own credentials.
#[derive(Debug)]
pub struct StackApi {
    base: String,
    region: Region,
    credentials: SharedCredentialsProvider,
    connector: Connector,
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// Where a long answer goes on (header `sesame-next`).
    pub next: Option<String>,
}

/// An answer may wait for a function's cold start.
const ANSWER_WITHIN: Duration = Duration::from_secs(35);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Throttled requests were not looked at, so that they can be sent again.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];

impl StackApi {
    /// The API at a base URL, with or without a stage in its path.
    ///
    /// # Errors
    /// What is no such URL: `https`, but for this machine itself.
    pub fn new(clients: &Clients, url: &str) -> Result<StackApi, AccessError> {
        let wrong = |found: &str| AccessError(format!("expected the API's https address, found `{found}`"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(url))?;
        let host = host(rest);
        let plain = !host.is_empty() && url.chars().all(|c| c.is_ascii_graphic()) && !url.contains(['?', '#', '@']);
        if !plain || !(scheme == "https" || (scheme == "http" && is_loopback(host))) {
            return Err(wrong(url));
        }
        let credentials = clients.config.credentials_provider();
        let credentials = credentials.ok_or_else(|| AccessError("no AWS credentials were found".to_owned()))?;
        let region = region_of(host).or_else(|| clients.region()).ok_or_else(|| {
            AccessError("the address does not name its Region: give --region, or set AWS_REGION".to_owned())
        })?;
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_WITHIN).read_timeout(ANSWER_WITHIN);
        let connector = Connector::builder()
            .connector_settings(settings.build())
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc));
        Ok(StackApi {
            base: url.trim_end_matches('/').to_owned(),
            region: Region::new(region.to_owned()),
            credentials,
            connector: match host.ends_with(".localhost") {
                true => connector.build_with_resolver(Loopback),
                false => connector.build(),
            },
        })
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Sends a signed request; `path` begins with `/`.
    ///
    /// # Errors
    /// No answer at all. An answer that says no is an answer.
    pub async fn call(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Answer, AccessError> {
        let mut waits = WAITS.into_iter();
        loop {
            let answer = self.send(method, path, body).await?;
            match (answer.status, waits.next()) {
                (429, Some(wait)) => tokio::time::sleep(wait).await,
                _ => return Ok(answer),
            }
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Answer, AccessError> {
        let url = format!("{}{path}", self.base);
        let unsigned =
            |error: &dyn std::error::Error| AccessError(format!("the request could not be signed: {}", causes(error)));
        let credentials = self.credentials.provide_credentials().await;
        let identity = credentials.map_err(|error| unsigned(&error))?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_ref())
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default());
        let parameters = parameters.build().map_err(|error| unsigned(&error))?.into();
        let bytes = body.unwrap_or_default();
        let mut headers = vec![("user-agent", concat!("sesame/", env!("CARGO_PKG_VERSION")))];
        headers.extend(body.map(|_| ("content-type", "application/json")));
        let signable = SignableRequest::new(method, url.as_str(), headers.iter().copied(), SignableBody::Bytes(bytes));
        let signed =
            sign(signable.map_err(|error| unsigned(&error))?, &parameters).map_err(|error| unsigned(&error))?;
        let (instructions, _) = signed.into_parts();

        let mut request = HttpRequest::new(SdkBody::from(bytes));
        request.set_method(method).map_err(|error| unsigned(&error))?;
        request.set_uri(url.as_str()).map_err(|error| unsigned(&error))?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        let (signature, _) = instructions.into_parts();
        for header in signature {
            let (name, value) = (header.name(), header.value().to_owned());
            request.headers_mut().insert(name, value);
        }
        let lost = |why: String| AccessError(format!("{} could not be reached: {why}", self.base));
        let response = self.connector.call(request).await.map_err(|error| lost(causes(&error)))?;
        let status = response.status().as_u16();
        let next = response.headers().get("sesame-next").map(str::to_owned);
        let body = ByteStream::new(response.into_body()).collect().await.map_err(|error| lost(causes(&error)))?;
        Ok(Answer { status, body: body.to_vec(), next })
    }
}

/// The host of a URL without its scheme.
fn host(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `<id>.execute-api.<region>.amazonaws.com`; a domain of one's own tells no Region.
fn region_of(host: &str) -> Option<&str> {
    let mut labels = host.split('.').skip_while(|label| *label != "execute-api").skip(1);
    labels.next().filter(|_| host.contains(".amazonaws.com"))
}

/// Names below `localhost` are this machine, whatever its resolver knows of them.
/// <https://www.rfc-editor.org/rfc/rfc6761#section-6.3>
#[derive(Debug, Clone)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]))
    }
}

#[cfg(test)]
mod tests {
    use super::{host, is_loopback, region_of};

    #[test]
    fn the_host_of_an_address_is_found_in_all_its_forms() {
        assert_eq!(host("a.execute-api.eu-west-1.amazonaws.com/prod"), "a.execute-api.eu-west-1.amazonaws.com");
        assert_eq!(host("127.0.0.1:4566/x"), "127.0.0.1");
        assert_eq!(host("[::1]:4566"), "::1");
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        assert!(["localhost", "a.execute-api.localhost", "127.0.0.1", "::1"].into_iter().all(is_loopback));
        assert!(
            !["localhost.example.com", "10.0.0.1", "example.com", "127.0.0.1.example.com"].into_iter().any(is_loopback)
        );
    }

    #[test]
    fn the_region_is_read_off_the_address_where_aws_made_it() {
        assert_eq!(region_of("a1.execute-api.eu-west-1.amazonaws.com"), Some("eu-west-1"));
        assert_eq!(region_of("a1.execute-api.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        assert_eq!(region_of("sesame.example.com"), None);
        assert_eq!(region_of("a1.execute-api.localhost"), None);
    }
}
