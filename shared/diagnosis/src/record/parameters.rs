//! `requestParameters` of a send, of both API generations.
//!
//! Names as in the API references of [v1](https://docs.aws.amazon.com/ses/latest/APIReference/API_Operations.html) and
//! [v2](https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Operations.html), in whatever case CloudTrail writes them.

use serde_json::{Map, Value};

use super::mime::Headers;
use crate::address;
use crate::denial::{ApiGeneration, Content, Parameter, SendParameters};

/// What the parameters of a send are told by.
pub(crate) struct Evidence<'a> {
    pub(crate) api: &'a str,
    pub(crate) host: Option<&'a str>,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) action: Option<&'a str>,
    pub(crate) parameters: Option<&'a Value>,
}

/// Reads the parameters of a send.
pub(crate) fn read(evidence: &Evidence<'_>) -> SendParameters {
    let shown = evidence.parameters.and_then(shown);
    let smtp = evidence.host.is_some_and(is_smtp_host);
    let generation = generation(evidence, shown, smtp);
    let content = content(evidence, shown, generation, smtp);
    let known = SendParameters { generation, smtp, content, ..SendParameters::default() };
    // A v2 `SendEmail` may be raw unless something says that it is not.
    let raw = match (content, generation) {
        (Some(content), _) => content == Content::Raw,
        (None, Some(ApiGeneration::V1)) => false,
        (None, _) => evidence.action.is_none(),
    };
    match shown {
        Some(parameters) => fill(known, parameters, raw),
        None => known,
    }
}

/// The parameters, when the record shows them: CloudTrail puts a note in place of parameters that are too large or secret.
fn shown(parameters: &Value) -> Option<&Map<String, Value>> {
    let parameters = parameters.as_object()?;
    let omitted = field(parameters, "omitted").and_then(Value::as_bool) == Some(true);
    let hidden = parameters.len() == 1 && parameters.values().all(is_redacted);
    (!parameters.is_empty() && !omitted && !hidden).then_some(parameters)
}

/// `email-smtp.us-east-1.amazonaws.com`, its FIPS form, and those of VPC endpoints.
pub(crate) fn is_smtp_host(host: &str) -> bool {
    host.split('.').any(|label| label.starts_with("email-smtp"))
}

fn generation(evidence: &Evidence<'_>, shown: Option<&Map<String, Value>>, smtp: bool) -> Option<ApiGeneration> {
    const V1: [&str; 10] = [
        "source",
        "message",
        "rawMessage",
        "returnPath",
        "sourceArn",
        "fromArn",
        "returnPathArn",
        "template",
        "templateData",
        "bounceSender",
    ];
    const V2: [&str; 11] = [
        "fromEmailAddress",
        "fromEmailAddressIdentityArn",
        "feedbackForwardingEmailAddress",
        "feedbackForwardingEmailAddressIdentityArn",
        "content",
        "defaultContent",
        "bulkEmailEntries",
        "emailTags",
        "endpointId",
        "tenantName",
        "listManagementOptions",
    ];
    if smtp {
        return Some(ApiGeneration::V2);
    }
    if let Some(parameters) = shown {
        if V2.iter().any(|name| field(parameters, name).is_some()) {
            return Some(ApiGeneration::V2);
        }
        if V1.iter().any(|name| field(parameters, name).is_some()) {
            return Some(ApiGeneration::V1);
        }
    }
    generation_of_api(evidence.api, evidence.action, evidence.error_code)
}

/// The generation by the operation's name; else a raw `SendEmail` is of v2, and so is the error code `…Exception`.
pub(crate) fn generation_of_api(api: &str, action: Option<&str>, error_code: Option<&str>) -> Option<ApiGeneration> {
    match api {
        "SendRawEmail" | "SendTemplatedEmail" | "SendBulkTemplatedEmail" | "SendBounce" => Some(ApiGeneration::V1),
        "SendBulkEmail" => Some(ApiGeneration::V2),
        "SendEmail" if action.is_some_and(|action| !action.eq_ignore_ascii_case("ses:SendEmail")) => {
            Some(ApiGeneration::V2)
        }
        _ => error_code.filter(|code| code.contains("AccessDeniedException")).map(|_| ApiGeneration::V2),
    }
}

fn content(
    evidence: &Evidence<'_>,
    shown: Option<&Map<String, Value>>,
    generation: Option<ApiGeneration>,
    smtp: bool,
) -> Option<Content> {
    if smtp {
        return Some(Content::Raw);
    }
    if evidence.api == "SendEmail" && generation == Some(ApiGeneration::V1) {
        return Some(Content::Simple);
    }
    if evidence.api == "SendEmail"
        && let Some(Value::Object(content)) = shown.and_then(|parameters| field(parameters, "content"))
    {
        const KINDS: [(&str, Content); 3] =
            [("raw", Content::Raw), ("template", Content::Template), ("simple", Content::Simple)];
        if let Some((_, kind)) = KINDS.iter().find(|(name, _)| field(content, name).is_some()) {
            return Some(*kind);
        }
    }
    content_of_api(evidence.api, evidence.action)
}

/// The kind of content by the operation's name or by the action that was checked. `ses:SendEmail` alone does not tell: a
/// template is authorized by it too.
pub(crate) fn content_of_api(api: &str, action: Option<&str>) -> Option<Content> {
    let action = action.and_then(|action| action.split_once(':')).map(|(_, name)| name).unwrap_or_default();
    match (api, action) {
        ("SendRawEmail", _) => Some(Content::Raw),
        ("SendTemplatedEmail", _) => Some(Content::Template),
        ("SendBulkTemplatedEmail" | "SendBulkEmail", _) => Some(Content::Bulk),
        ("SendCustomVerificationEmail", _) => Some(Content::CustomVerification),
        ("SendBounce", _) => Some(Content::Bounce),
        (_, "SendRawEmail") => Some(Content::Raw),
        (_, "SendTemplatedEmail") => Some(Content::Template),
        (_, "SendBulkTemplatedEmail" | "SendBulkEmail") => Some(Content::Bulk),
        (_, "SendCustomVerificationEmail") => Some(Content::CustomVerification),
        (_, "SendBounce") => Some(Content::Bounce),
        _ => None,
    }
}

/// Fills in what shown parameters tell.
fn fill(known: SendParameters, parameters: &Map<String, Value>, raw: bool) -> SendParameters {
    let headers = if raw { headers(parameters) } else { None };
    // What a raw send leaves out may stand in its headers.
    let from_header = |names: &[&str]| match (&headers, raw) {
        (Some(headers), _) => match names.iter().find_map(|name| headers.first(name)) {
            Some(value) => Parameter::Given(value.to_owned()),
            None => Parameter::NotGiven,
        },
        (None, true) => Parameter::Unknown,
        (None, false) => Parameter::NotGiven,
    };
    let or_header = |value: Parameter<String>, names: &[&str]| match value {
        Parameter::NotGiven => from_header(names),
        value => value,
    };
    let (from_address, from_display_name) = from(parameters, raw, headers.as_ref());
    let (template, template_arn) = template(parameters, known.content);
    SendParameters {
        from_address,
        from_display_name,
        feedback_address: bare(or_header(
            text(parameters, &["feedbackForwardingEmailAddress", "returnPath"]),
            &["return-path"],
        )),
        recipients: recipients(parameters, headers.as_ref()),
        configuration_set: or_header(text(parameters, &["configurationSetName"]), &["x-ses-configuration-set"]),
        template,
        template_arn,
        identity_arn: or_header(
            text(parameters, &["fromEmailAddressIdentityArn", "sourceArn", "fromArn", "bounceSenderArn"]),
            &["x-ses-source-arn", "x-ses-from-arn"],
        ),
        feedback_identity_arn: or_header(
            text(parameters, &["feedbackForwardingEmailAddressIdentityArn", "returnPathArn"]),
            &["x-ses-return-path-arn"],
        ),
        tenant: or_header(text(parameters, &["tenantName"]), &["x-ses-tenant"]),
        endpoint_id: text(parameters, &["endpointId"]),
        ..known
    }
}

/// From: its address and its display name. Every send has an address, so a record that lacks it does not tell.
fn from(
    parameters: &Map<String, Value>,
    raw: bool,
    headers: Option<&Headers>,
) -> (Parameter<String>, Parameter<String>) {
    let written = match text(parameters, &["fromEmailAddress", "source", "bounceSender"]) {
        Parameter::Given(text) => address::parse(&text).filter(|mailbox| !is_masked(&mailbox.address)),
        _ => None,
    };
    let header = headers.and_then(|headers| headers.first("from")).and_then(address::parse);
    let name = |mailbox: &address::Mailbox, absent: Parameter<String>| match &mailbox.display_name {
        Some(name) => Parameter::Given(name.clone()),
        None => absent,
    };
    match (written, header) {
        // AWS does not say which of two From addresses its conditions see.
        (Some(written), Some(header)) if written.address != header.address => {
            (Parameter::Unknown, name(&header, Parameter::NotGiven))
        }
        (Some(written), Some(header)) => {
            (Parameter::Given(written.address.clone()), name(&written, name(&header, Parameter::NotGiven)))
        }
        (Some(written), None) => {
            let absent = if raw { Parameter::Unknown } else { Parameter::NotGiven };
            (Parameter::Given(written.address.clone()), name(&written, absent))
        }
        (None, Some(header)) => (Parameter::Given(header.address.clone()), name(&header, Parameter::NotGiven)),
        (None, None) => (Parameter::Unknown, Parameter::Unknown),
    }
}

/// The template's name and ARN, wherever the operation puts them.
fn template(parameters: &Map<String, Value>, content: Option<Content>) -> (Parameter<String>, Parameter<String>) {
    const UNKNOWN: (Parameter<String>, Parameter<String>) = (Parameter::Unknown, Parameter::Unknown);
    const NOT_GIVEN: (Parameter<String>, Parameter<String>) = (Parameter::NotGiven, Parameter::NotGiven);
    if matches!(content, Some(Content::Simple | Content::Raw | Content::Bounce)) {
        return NOT_GIVEN;
    }
    let holder = match field(parameters, "content").or_else(|| field(parameters, "defaultContent")) {
        Some(Value::Object(content)) => match field(content, "template") {
            Some(Value::Object(template)) => template,
            Some(_) => return UNKNOWN,
            None => return NOT_GIVEN,
        },
        Some(_) => return UNKNOWN,
        None => parameters,
    };
    let name = text(holder, &["templateName", "template"]);
    let arn = text(holder, &["templateArn"]);
    match (name, arn) {
        // Nothing of a template, where the operation takes one at the top level: it was left out of the record.
        (Parameter::NotGiven, Parameter::NotGiven) if std::ptr::eq(holder, parameters) => UNKNOWN,
        (Parameter::NotGiven, Parameter::Given(arn)) => match arn.split_once(":template/") {
            Some((_, name)) => (Parameter::Given(name.to_owned()), Parameter::Given(arn)),
            None => (Parameter::Unknown, Parameter::Given(arn)),
        },
        pair => pair,
    }
}

/// To, Cc and Bcc of every destination. Every send has one, so a record that lacks them does not tell.
fn recipients(parameters: &Map<String, Value>, headers: Option<&Headers>) -> Parameter<Vec<String>> {
    const HOLDERS: [&str; 5] =
        ["destination", "destinations", "bulkEmailEntries", "bouncedRecipientInfoList", "emailAddress"];
    let mut found = Recipients::default();
    for holder in HOLDERS {
        if let Some(value) = field(parameters, holder) {
            found.collect(value);
        }
    }
    if found.addresses.is_empty()
        && !found.unknown
        && let Some(headers) = headers
    {
        for name in ["to", "cc", "bcc"] {
            for value in headers.all(name) {
                found.addresses.extend(address::parse_list(value).into_iter().map(|mailbox| mailbox.address));
            }
        }
    }
    if found.unknown || found.addresses.is_empty() { Parameter::Unknown } else { Parameter::Given(found.addresses) }
}

#[derive(Default)]
struct Recipients {
    addresses: Vec<String>,
    unknown: bool,
}

impl Recipients {
    fn collect(&mut self, value: &Value) {
        const FIELDS: [&str; 6] =
            ["toAddresses", "ccAddresses", "bccAddresses", "destination", "recipient", "emailAddress"];
        match value {
            Value::Null => {}
            Value::String(text) => {
                let mailboxes = if redacted(text) { Vec::new() } else { address::parse_list(text) };
                self.unknown |= mailboxes.is_empty() || mailboxes.iter().any(|mailbox| is_masked(&mailbox.address));
                self.addresses.extend(mailboxes.into_iter().map(|mailbox| mailbox.address));
            }
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(fields) => {
                FIELDS.iter().filter_map(|name| field(fields, name)).for_each(|value| self.collect(value));
            }
            Value::Bool(_) | Value::Number(_) => self.unknown = true,
        }
    }
}

/// The headers of a raw message that stands in the record in clear.
fn headers(parameters: &Map<String, Value>) -> Option<Headers> {
    let raw = match field(parameters, "rawMessage") {
        Some(raw) => raw,
        None => field(field(parameters, "content")?.as_object()?, "raw")?,
    };
    let data = raw.as_str().or_else(|| field(raw.as_object()?, "data")?.as_str())?;
    if redacted(data) { None } else { Headers::read(data) }
}

/// The text of the first of `names` that is there.
fn text(parameters: &Map<String, Value>, names: &[&str]) -> Parameter<String> {
    for value in names.iter().filter_map(|name| field(parameters, name)) {
        match value {
            Value::String(text) if text.trim().is_empty() => {}
            Value::String(text) if redacted(text) => return Parameter::Unknown,
            Value::String(text) => return Parameter::Given(text.trim().to_owned()),
            _ => return Parameter::Unknown,
        }
    }
    Parameter::NotGiven
}

/// Takes a display name off an address.
fn bare(value: Parameter<String>) -> Parameter<String> {
    match value {
        Parameter::Given(text) => match address::parse(&text).filter(|mailbox| !is_masked(&mailbox.address)) {
            Some(mailbox) => Parameter::Given(mailbox.address),
            None => Parameter::Unknown,
        },
        value => value,
    }
}

/// A field by its name in any case; CloudTrail writes the first letter small. `null` is no value.
fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
        .filter(|value| !value.is_null())
}

fn is_redacted(value: &Value) -> bool {
    value.as_str().is_some_and(redacted)
}

/// Whether a value stands for one that CloudTrail does not show.
fn redacted(text: &str) -> bool {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    upper.starts_with("HIDDEN_DUE_TO")
        || upper.contains("SENSITIVE_DATA_REMOVED")
        || matches!(upper.as_str(), "HIDDEN" | "REDACTED" | "[REDACTED]" | "<REDACTED>" | "<SENSITIVE>")
        || (text.len() >= 3 && text.chars().all(|c| c == '*'))
}

/// Whether an address was masked in part (`***@example.com`).
fn is_masked(address: &str) -> bool {
    address.contains("**") || address.starts_with("*@")
}
