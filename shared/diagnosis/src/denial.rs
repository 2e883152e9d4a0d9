//! A refused send, as far as its record tells: the parsed form of every way in.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sesame_policy::Arn;

use crate::finding::{CauseKind, Provenance};

/// What a record tells of one request parameter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Parameter<T> {
    /// It was given, and stands in the record.
    Given(T),
    /// The record shows the parameters, and this one was not given.
    NotGiven,
    /// The record does not tell: redacted, or no parameters at all.
    #[default]
    Unknown,
}

impl<T> Parameter<T> {
    /// The value, where it stands in the record.
    pub fn given(&self) -> Option<&T> {
        match self {
            Parameter::Given(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the record does not tell.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Parameter::Unknown)
    }
}

/// As a finding keeps it: the value, `null` where it was not given, and left out where the record does not tell.
impl<T: Serialize> Serialize for Parameter<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Parameter<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Parameter::NotGiven, Parameter::Given))
    }
}

/// A refused send.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// How it came in.
    pub provenance: Provenance,
    /// CloudTrail's `eventID`; deduplicates.
    pub event_id: Option<String>,
    /// CloudTrail's `sharedEventID`, the same on the copies that several accounts get.
    pub shared_event_id: Option<String>,
    /// When.
    pub time: Option<Timestamp>,
    /// The Region of the endpoint.
    pub region: Option<String>,
    /// The API operation (`eventName`).
    pub api: Option<String>,
    /// Who called.
    pub caller: Caller,
    /// The account that got this copy of the record (`recipientAccountId`).
    pub recipient_account: Option<String>,
    /// The account that the record's envelope names: an EventBridge event's `account`, a log subscription's `owner`.
    pub event_account: Option<String>,
    /// The access key id.
    pub access_key_id: Option<String>,
    /// `sourceIPAddress` as recorded: an address, a service name, or `AWS Internal`.
    pub source_ip: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// Whether the connection used TLS; `None` when the record does not tell.
    pub secure_transport: Option<bool>,
    /// `tlsDetails.clientProvidedHostHeader`.
    pub host: Option<String>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<String>,
    /// `userIdentity.invokedBy`: the AWS service that made the call for the caller.
    pub invoked_by: Option<String>,
    /// Whether the session used MFA, where the record says.
    pub mfa_authenticated: Option<bool>,
    /// When the session's credentials were made.
    pub session_created: Option<Timestamp>,
    /// `sessionContext.sourceIdentity`.
    pub source_identity: Option<String>,
    /// `sessionContext.webIdFederationData.federatedProvider`: who vouched for the caller of `AssumeRoleWithWebIdentity`.
    pub web_identity_provider: Option<String>,
    /// What was to be sent.
    pub send: SendParameters,
    /// ARNs of the record's `resources`.
    pub resources: Vec<String>,
    /// AWS's message, parsed.
    pub message: DenialMessage,
    /// Whether it is a refusal by policy at all.
    pub refusal: Refusal,
}

impl Denial {
    /// A refusal of which nothing more is known.
    pub fn new(provenance: Provenance) -> Denial {
        Denial {
            provenance,
            event_id: None,
            shared_event_id: None,
            time: None,
            region: None,
            api: None,
            caller: Caller::Unknown,
            recipient_account: None,
            event_account: None,
            access_key_id: None,
            source_ip: None,
            user_agent: None,
            secure_transport: None,
            host: None,
            vpc_endpoint_id: None,
            invoked_by: None,
            mfa_authenticated: None,
            session_created: None,
            source_identity: None,
            web_identity_provider: None,
            send: SendParameters::default(),
            resources: Vec::new(),
            message: DenialMessage::default(),
            refusal: Refusal::AccessDenied,
        }
    }
}

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Caller {
    /// The account's root user.
    Root {
        /// `arn:…:iam::A:root`
        arn: Arn,
    },
    /// An IAM user.
    User {
        /// `arn:…:iam::A:user/…`
        arn: Arn,
    },
    /// A session of a role, or the role itself.
    Role {
        /// Twelve digits.
        account: String,
        /// The role's name without its path.
        name: String,
        /// The role's ARN with its path (`sessionIssuer.arn`), where the record has it.
        role_arn: Option<Arn>,
        /// `arn:…:sts::A:assumed-role/NAME/SESSION`
        session_arn: Option<Arn>,
    },
    /// A federated user.
    FederatedUser {
        /// `arn:…:sts::A:federated-user/NAME`
        arn: Arn,
        /// The user (or root) behind it.
        issuer: Option<Arn>,
    },
    /// An AWS service by itself.
    Service(String),
    /// Another account, of whose principal only the account is known.
    Account {
        /// Twelve digits.
        account: String,
        /// `AIDA…` or `AROA…`
        principal_id: Option<String>,
    },
    /// The record does not tell.
    #[default]
    Unknown,
}

impl Caller {
    /// The caller's account, twelve digits.
    pub fn account(&self) -> Option<&str> {
        match self {
            Caller::Root { arn } | Caller::User { arn } | Caller::FederatedUser { arn, .. } => Some(arn.account()),
            Caller::Role { account, .. } | Caller::Account { account, .. } => Some(account),
            Caller::Service(_) | Caller::Unknown => None,
        }
    }
}

/// Which generation of the SES API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiGeneration {
    /// The Query API (`ses`).
    V1,
    /// The REST API (`sesv2`), and SMTP, which SES authorizes like it.
    V2,
}

/// What kind of content a send carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Subject and body given by part.
    Simple,
    /// A whole MIME message; authorized as `ses:SendRawEmail`.
    Raw,
    /// A template.
    Template,
    /// A template for many destinations.
    Bulk,
    /// A custom verification e-mail.
    CustomVerification,
    /// A bounce message (`SendBounce`).
    Bounce,
}

/// The parameters of a send.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SendParameters {
    /// The API's generation, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<ApiGeneration>,
    /// It came over the SMTP interface.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub smtp: bool,
    /// The kind of content, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The From address without display name.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub from_address: Parameter<String>,
    /// The display part of From.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub from_display_name: Parameter<String>,
    /// The Return-Path or feedback forwarding address.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub feedback_address: Parameter<String>,
    /// To, Cc and Bcc.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub recipients: Parameter<Vec<String>>,
    /// The configuration set's name.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub configuration_set: Parameter<String>,
    /// The template's name.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub template: Parameter<String>,
    /// The template's ARN, where it was given by ARN.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub template_arn: Parameter<String>,
    /// `FromEmailAddressIdentityArn`, `SourceArn`, `FromArn`, or the raw header of that meaning.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub identity_arn: Parameter<String>,
    /// `FeedbackForwardingEmailAddressIdentityArn`, `ReturnPathArn`.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub feedback_identity_arn: Parameter<String>,
    /// `TenantName`.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub tenant: Parameter<String>,
    /// `EndpointId` of a multi-Region endpoint.
    #[serde(skip_serializing_if = "Parameter::is_unknown")]
    pub endpoint_id: Parameter<String>,
}

/// AWS's refusal text, parsed. All fields are `None` when there was no text, or the text is of no known form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DenialMessage {
    /// The text as received (at most 1 KB of it, in CloudTrail).
    pub text: Option<String>,
    /// The principal's ARN.
    pub principal: Option<String>,
    /// The IAM action, such as `ses:SendRawEmail`.
    pub action: Option<String>,
    /// The resource's ARN, or `*`.
    pub resource: Option<String>,
    /// The layer's name (`identity-policy`, …), where the text names one.
    pub layer: Option<String>,
    /// Whether it speaks of a missing allow or a deny, where it says.
    pub kind: Option<CauseKind>,
    /// The ARN of the denying policy, where the text names it.
    pub policy_arn: Option<String>,
}

/// Whether a failure is a refusal by policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `AccessDenied*`.
    AccessDenied,
    /// Some other refusal, in text or a log line: what it is.
    Other(OtherRefusal),
}

/// Refusals that no policy mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherRefusal {
    /// `MessageRejected`: an identity is not verified in this Region, or a sandbox recipient is not.
    Unverified,
    /// Sending is paused for the account or the configuration set.
    SendingPaused,
    /// AWS has suspended the account.
    Suspended,
    /// The account is in the sandbox (`ProductionAccessNotGranted`).
    Sandbox,
    /// SMTP 535: wrong credentials, or those of another Region.
    Credentials,
    /// AWS does not take the request's signature or token: expired, unknown, or made with a wrong secret.
    Signature,
    /// The custom MAIL FROM domain is not set up.
    MailFromDomain,
    /// A configuration set or template does not exist.
    NotFound,
    /// A quota or rate was passed.
    Throttled,
    /// Something else.
    Rejected,
}

/// Denials of one fingerprint, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// `f-…`
    pub id: String,
    /// The latest denial.
    pub latest: Denial,
    /// Distinct event ids (or denials without one).
    pub count: u64,
    /// Time of the first denial.
    pub first_seen: Option<Timestamp>,
    /// Time of the last denial.
    pub last_seen: Option<Timestamp>,
    /// One denial for each distinct request context, the latest first, at most 20; `latest` among them.
    pub distinct: Vec<(Denial, u64)>,
    /// How many distinct contexts were cut off.
    pub cut: u64,
    /// Up to five sources.
    pub sources: Vec<crate::finding::Source>,
}
