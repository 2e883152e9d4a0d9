//! The request context: what a denial's record lets us know of each condition key that the policies at hand ask for.
//!
//! Sources: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference, "Condition keys for Amazon
//! SES"; Amazon SES Developer Guide, "Controlling access to Amazon SES".

use std::collections::BTreeSet;
use std::net::IpAddr;

use sesame_policy::{Arn, Context, ContextValue, Principal};

use crate::assemble::Assembled;
use crate::denial::{ApiGeneration, Caller, Denial, Parameter};
use crate::question::Question;
use crate::subject::Subject;
use crate::world::{Readable, World};

/// The keys that a remedy may bring in, though no policy mentions them yet: whom an exception or a service control policy is
/// for, when a bridge ends, and what a grant is held to: the address on a domain, the endpoint where there is no source address,
/// the account that a service acts for.
const REMEDY_KEYS: [&str; 5] =
    ["aws:principalarn", "aws:currenttime", "ses:fromaddress", "aws:sourcevpce", "aws:sourceaccount"];

/// Whether a key is in every request context, whether a policy mentions it or not; lower-case.
pub fn is_always_known(key: &str) -> bool {
    REMEDY_KEYS.contains(&key)
}

/// Whether a call that asks for this action on this resource has a key of SES at all: an Allow with a condition on another one
/// never matches it, and a Deny that excepts values of it always does. A custom verification e-mail of API version 2 has no
/// address; it is authorized on its template, and never on an identity, as version 1's is. Source: Service Authorization
/// Reference, "Condition keys" of Amazon SES (v1 and v2).
pub fn has_key(denial: &Denial, action: &str, resource: &Arn, key: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let on = |kind: &str| resource.resource().starts_with(kind);
    let v2 = on("custom-verification-email-template/")
        || (denial.send.generation == Some(ApiGeneration::V2) && !on("identity/"));
    let has_from = action != "ses:sendbulkemail" && !(action == "ses:sendcustomverificationemail" && v2);
    match key.to_ascii_lowercase().as_str() {
        "ses:fromaddress" => has_from,
        "ses:fromdisplayname" | "ses:feedbackaddress" | "ses:recipients" => has_from && action != "ses:sendbounce",
        _ => true,
    }
}

/// The context of one question, with every key that the policies mention or a remedy may.
pub fn context(denial: &Denial, subject: &Subject, question: &Question, world: &World, set: &Assembled) -> Context {
    let facts = Facts { denial, subject, question, world };
    let mut context = Context::new();
    let keys = set.keys.iter().map(String::as_str);
    for key in keys.chain(REMEDY_KEYS.into_iter().filter(|key| !set.keys.contains(*key))) {
        let value = facts.value(key);
        if value != ContextValue::Absent {
            context.set(canonical(key), value);
        }
    }
    context
}

/// The keys by which a finding shows a request, whether a policy mentions them or not.
pub const SHOWN_KEYS: [&str; 9] = [
    "ses:FromAddress",
    "ses:FromDisplayName",
    "ses:FeedbackAddress",
    "ses:Recipients",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:SecureTransport",
    "aws:SourceVpce",
    "aws:CurrentTime",
];

/// What is known of a list of keys.
pub fn values(
    keys: &[&'static str],
    denial: &Denial,
    subject: &Subject,
    question: &Question,
    world: &World,
) -> Vec<(&'static str, ContextValue)> {
    let facts = Facts { denial, subject, question, world };
    keys.iter().map(|key| (*key, facts.value(key))).collect()
}

/// Every condition key and policy variable in the documents, lower-case.
pub(crate) fn mentioned_keys(set: &Assembled) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (_, _, policy) in set.iter() {
        for statement in policy.document.iter().flat_map(|document| &document.statements) {
            for condition in &statement.conditions {
                keys.insert(condition.key.to_ascii_lowercase());
                condition.values.iter().for_each(|value| variables(value, &mut keys));
            }
            for pattern in statement.resource.iter().flat_map(|element| &element.patterns) {
                variables(pattern.as_str(), &mut keys);
            }
        }
    }
    keys
}

/// The keys of the policy variables (`${key}`, `${key, 'default'}`) in a text.
fn variables(text: &str, keys: &mut BTreeSet<String>) {
    for part in text.split("${").skip(1) {
        if let Some((inside, _)) = part.split_once('}') {
            let key = inside.split(',').next().unwrap_or_default().trim();
            if key.contains(':') {
                keys.insert(key.to_ascii_lowercase());
            }
        }
    }
}

/// AWS's spelling of the keys that we know, so that findings read as AWS writes them.
pub fn canonical(key: &str) -> String {
    const KNOWN: [&str; 34] = [
        "aws:CalledVia",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIdentity",
        "aws:SourceIp",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:TokenIssueTime",
        "aws:UserAgent",
        "aws:ViaAWSService",
        "aws:VpcSourceIp",
        "aws:userid",
        "aws:username",
        "ses:ApiVersion",
        "ses:FeedbackAddress",
        "ses:FromAddress",
        "ses:FromDisplayName",
    ];
    let more = ["ses:Recipients", "ses:TenantName", "ses:MultiRegionEndpointId"];
    let found = KNOWN.iter().chain(&more).find(|known| known.eq_ignore_ascii_case(key));
    if let Some(known) = found {
        return (*known).to_owned();
    }
    // The tag's own key stays as it is written.
    let tag = |prefix: &&str| key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let prefix = ["aws:PrincipalTag/", "aws:ResourceTag/", "aws:RequestTag/"].into_iter().find(tag);
    prefix.map_or_else(|| key.to_owned(), |prefix| format!("{prefix}{}", key.get(prefix.len()..).unwrap_or_default()))
}

struct Facts<'a> {
    denial: &'a Denial,
    subject: &'a Subject<'a>,
    question: &'a Question,
    world: &'a World,
}

fn one(value: impl Into<String>) -> ContextValue {
    ContextValue::One(value.into())
}

fn unknown(why: &str) -> ContextValue {
    ContextValue::Unknown(why.to_owned())
}

fn given_or(value: Option<String>, why: &str) -> ContextValue {
    value.map_or_else(|| unknown(why), ContextValue::One)
}

fn boolean(value: bool) -> ContextValue {
    one(if value { "true" } else { "false" })
}

impl Facts<'_> {
    fn value(&self, key: &str) -> ContextValue {
        let key = key.to_ascii_lowercase();
        match key.split_once(':') {
            Some(("ses", name)) => self.ses(name),
            Some(("aws", name)) => self.global(name),
            // Keys of other services are not in a request to SES.
            _ => ContextValue::Absent,
        }
    }

    fn ses(&self, name: &str) -> ContextValue {
        let send = &self.denial.send;
        if !has_key(self.denial, &self.question.action, &self.question.resource, &format!("ses:{name}")) {
            return ContextValue::Absent;
        }
        match name {
            "fromaddress" => parameter(&send.from_address),
            "fromdisplayname" => parameter(&send.from_display_name),
            "feedbackaddress" => parameter(&send.feedback_address),
            "recipients" => match &send.recipients {
                Parameter::Given(list) => ContextValue::Many(list.clone()),
                Parameter::NotGiven => ContextValue::Absent,
                Parameter::Unknown => unknown("the record does not show the recipients"),
            },
            "apiversion" => match send.generation {
                Some(ApiGeneration::V1) => one("1"),
                Some(ApiGeneration::V2) => one("2"),
                None => unknown("the record does not tell the API version"),
            },
            "tenantname" => parameter(&send.tenant),
            "multiregionendpointid" => parameter(&send.endpoint_id),
            _ => ContextValue::Absent,
        }
    }

    fn global(&self, name: &str) -> ContextValue {
        let denial = self.denial;
        if let Some(tag) = name.strip_prefix("principaltag/") {
            return self.principal_tag(tag);
        }
        if name.starts_with("resourcetag/") {
            return unknown("the resource's tags were not read");
        }
        match name {
            "requestedregion" => given_or(denial.region.clone(), "the Region is not known"),
            "currenttime" => given_or(denial.time.map(|time| time.to_string()), "the time is not known"),
            "epochtime" => given_or(denial.time.map(|time| time.as_second().to_string()), "the time is not known"),
            "securetransport" => match denial.secure_transport {
                Some(secure) => boolean(secure),
                None => unknown("the record holds no TLS details"),
            },
            "useragent" => given_or(denial.user_agent.clone(), "the user agent is not known"),
            "sourceip" | "vpcsourceip" | "sourcevpce" | "sourcevpc" => self.network(name),
            "viaawsservice" => self.via_service(),
            "calledvia" => match &denial.invoked_by {
                Some(service) => ContextValue::Many(vec![service.clone()]),
                None => ContextValue::Absent,
            },
            "resourceaccount" => one(self.question.resource.account()),
            "resourceorgid" => self.organization(Some(self.question.resource.account())).0,
            "resourceorgpaths" => self.organization(Some(self.question.resource.account())).1,
            "tagkeys" | "requesttag" => ContextValue::Absent,
            _ => self.principal(name),
        }
    }

    fn network(&self, name: &str) -> ContextValue {
        let denial = self.denial;
        let recorded = denial.source_ip.as_deref();
        let address = recorded.filter(|text| text.parse::<IpAddr>().is_ok());
        let through_endpoint = denial.vpc_endpoint_id.is_some();
        let told = denial.provenance == crate::finding::Provenance::Cloudtrail;
        match name {
            // Through a VPC endpoint the request has aws:VpcSourceIp in place of aws:SourceIp.
            "sourceip" if through_endpoint => ContextValue::Absent,
            "sourceip" | "vpcsourceip" if recorded.is_some() && address.is_none() => {
                unknown("the call came from an AWS service, and the record gives no address")
            }
            "sourceip" => given_or(address.map(str::to_owned), "the source address is not known"),
            "vpcsourceip" if through_endpoint => {
                given_or(address.map(str::to_owned), "the source address is not known")
            }
            "sourcevpce" if through_endpoint => given_or(denial.vpc_endpoint_id.clone(), ""),
            "sourcevpc" if through_endpoint => unknown("the record does not name the VPC"),
            _ if told => ContextValue::Absent,
            _ => unknown("the network path is not known"),
        }
    }

    fn via_service(&self) -> ContextValue {
        match (&self.denial.invoked_by, &self.denial.caller) {
            (_, Caller::Service(_)) => boolean(false),
            (Some(_), _) => boolean(true),
            (None, Caller::Unknown) => unknown("the record does not tell"),
            (None, _) => boolean(false),
        }
    }

    fn principal(&self, name: &str) -> ContextValue {
        let Some(principal) = &self.subject.principal else { return unknown("the principal is not known") };
        let account_only = self.subject.info.kind == Some(crate::finding::PrincipalKind::Account);
        let long_term =
            !self.subject.is_session && self.denial.access_key_id.as_deref().is_some_and(|key| key.starts_with("AKIA"));
        match name {
            "principalarn" => self.principal_arn(principal, account_only),
            "principalaccount" => match principal {
                Principal::Service(_) | Principal::Anonymous => ContextValue::Absent,
                _ => given_or(self.subject.account_id.clone(), "the principal's account is not known"),
            },
            "principaltype" if account_only => unknown("only the principal's account is known"),
            "principaltype" => match principal {
                Principal::Root { .. } => one("Account"),
                Principal::User { .. } => one("User"),
                Principal::Role { .. } => one("AssumedRole"),
                Principal::FederatedUser { .. } => one("FederatedUser"),
                Principal::Service(_) => ContextValue::Absent,
                Principal::Anonymous => one("Anonymous"),
            },
            "principalisawsservice" => boolean(matches!(principal, Principal::Service(_))),
            "principalservicename" => match principal {
                Principal::Service(service) => one(service.clone()),
                _ => ContextValue::Absent,
            },
            "principalorgid" => self.organization(self.subject.account_id.as_deref()).0,
            "principalorgpaths" => self.organization(self.subject.account_id.as_deref()).1,
            "username" => match principal {
                Principal::User { .. } => given_or(self.subject.info.name.clone(), "the user's name is not known"),
                _ if account_only => unknown("only the principal's account is known"),
                _ => ContextValue::Absent,
            },
            "userid" => self.user_id(principal),
            "multifactorauthpresent" => match self.denial.mfa_authenticated {
                Some(present) => boolean(present),
                None if long_term => ContextValue::Absent,
                None => unknown("the record does not tell whether MFA was used"),
            },
            "multifactorauthage" if long_term => ContextValue::Absent,
            "tokenissuetime" => match self.denial.session_created {
                Some(time) => one(time.to_string()),
                None if long_term => ContextValue::Absent,
                None => unknown("the record does not tell when the session was made"),
            },
            "sourceidentity" => self.denial.source_identity.clone().map_or(ContextValue::Absent, ContextValue::One),
            "federatedprovider" => match (&self.denial.web_identity_provider, principal) {
                (Some(provider), _) => one(provider.clone()),
                (None, Principal::User { .. } | Principal::Root { .. } | Principal::Service(_)) => ContextValue::Absent,
                (None, _) => unknown("the record does not tell"),
            },
            "sourceaccount" | "sourcearn" | "sourceorgid" | "sourceorgpaths"
                if !matches!(principal, Principal::Service(_)) =>
            {
                ContextValue::Absent
            }
            _ => unknown("the record does not tell"),
        }
    }

    fn principal_arn(&self, principal: &Principal, account_only: bool) -> ContextValue {
        if account_only {
            return unknown("only the principal's account is known");
        }
        match principal {
            // For a role session this is the role's ARN with its path, not the session's.
            Principal::Role { role_arn, .. } => match role_arn {
                Some(arn) => one(arn.as_str()),
                None => unknown("the path of the role is not known"),
            },
            Principal::Root { arn } | Principal::User { arn } | Principal::FederatedUser { arn, .. } => {
                one(arn.as_str())
            }
            Principal::Service(_) | Principal::Anonymous => ContextValue::Absent,
        }
    }

    fn user_id(&self, principal: &Principal) -> ContextValue {
        let id = self.subject.entity.and_then(|entity| entity.unique_id.clone());
        match (principal, id) {
            (Principal::User { .. }, Some(id)) => one(id),
            (Principal::Role { session: Some(session), .. }, Some(id)) => one(format!("{id}:{session}")),
            (Principal::Root { .. }, _) => given_or(self.subject.account_id.clone(), ""),
            _ => unknown("the principal's unique id is not known"),
        }
    }

    /// `aws:…OrgID` and `aws:…OrgPaths` of an account.
    fn organization(&self, account: Option<&str>) -> (ContextValue, ContextValue) {
        let unread = || unknown("the organization could not be read");
        let Some(account) = account else { return (unread(), unread()) };
        match &self.world.organization {
            Readable::Gap(_) => (unread(), unread()),
            Readable::Known(None) => (ContextValue::Absent, ContextValue::Absent),
            Readable::Known(Some(organization)) => match (&organization.id, organization.paths.get(account)) {
                (Some(id), Some(path)) => {
                    let nodes = path.iter().filter(|node| node.kind != crate::world::NodeKind::Account);
                    let path: String = nodes.map(|node| format!("{}/", node.id)).collect();
                    (one(id.clone()), ContextValue::Many(vec![format!("{id}/{path}")]))
                }
                (Some(id), None) if organization.management_account.as_deref() == Some(account) => {
                    (one(id.clone()), unread())
                }
                _ => (unread(), unread()),
            },
        }
    }

    fn principal_tag(&self, tag: &str) -> ContextValue {
        let found = self.subject.entity.and_then(|entity| crate::subject::tag(entity, &[tag]));
        match found {
            Some(value) => one(value),
            None if self.subject.entity.is_some() && !self.subject.has_issuer => ContextValue::Absent,
            None if self.subject.entity.is_some() => unknown("session tags are not in the record of the refused call"),
            None => unknown("the principal's tags were not read"),
        }
    }
}

fn parameter(value: &Parameter<String>) -> ContextValue {
    match value {
        Parameter::Given(value) => ContextValue::One(value.clone()),
        Parameter::NotGiven => ContextValue::Absent,
        Parameter::Unknown => unknown("the record does not show it"),
    }
}
