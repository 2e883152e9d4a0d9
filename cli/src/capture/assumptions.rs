//! What is assumed of records of sends, each with the public source that it rests on, and what events say about it.

use serde_json::Value;
use sesame_diagnosis::denial::{Caller, DenialMessage};
use sesame_diagnosis::{input, message};

use super::Event;

/// Something that is assumed of events of sends.
#[derive(Debug)]
pub struct Assumption {
    /// A name for programs.
    pub id: &'static str,
    /// What is assumed.
    pub what: &'static str,
    /// What that rests on.
    pub source: &'static str,
    /// Whether an event bears it out; `None` when the event says nothing about it.
    holds: fn(&Sent<'_>) -> Option<bool>,
}

/// What the events say.
#[derive(Debug)]
pub struct Judged {
    /// About what.
    pub assumption: &'static Assumption,
    /// How many events say something.
    pub seen: usize,
    /// The files of those that speak against it.
    pub against: Vec<String>,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every event that says something bears it out.
    Holds,
    /// At least one speaks against it.
    DoesNotHold,
    /// No event says anything about it.
    NotSeen,
}

impl Verdict {
    /// Its words.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::DoesNotHold => "does not hold",
            Verdict::NotSeen => "not seen",
        }
    }
}

impl Judged {
    /// What comes of it.
    pub fn verdict(&self) -> Verdict {
        match (self.seen, self.against.is_empty()) {
            (0, _) => Verdict::NotSeen,
            (_, true) => Verdict::Holds,
            (_, false) => Verdict::DoesNotHold,
        }
    }
}

/// Judges every assumption by all events.
pub fn judge(events: &[Event]) -> Vec<Judged> {
    let sent: Vec<Sent<'_>> = events.iter().map(Sent::of).collect();
    let judged = |assumption: &'static Assumption| {
        let said: Vec<(bool, &str)> =
            sent.iter().filter_map(|sent| Some(((assumption.holds)(sent)?, sent.event.file.as_str()))).collect();
        let against = said.iter().filter(|(holds, _)| !holds).map(|(_, file)| (*file).to_owned()).collect();
        Judged { assumption, seen: said.len(), against }
    };
    ASSUMPTIONS.iter().map(judged).collect()
}

/// An event, looked at as a send.
struct Sent<'e> {
    event: &'e Event,
    record: &'e Value,
    /// What AWS says, where it refused for lack of permission.
    refusal: Option<DenialMessage>,
}

impl<'e> Sent<'e> {
    fn of(event: &'e Event) -> Sent<'e> {
        let record = event.record();
        let refused = record.get("errorCode").and_then(Value::as_str).is_some_and(|code| code.contains("Denied"));
        let text = record.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        Sent { event, record, refusal: refused.then(|| message::parse(text)) }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.record.pointer(pointer).and_then(Value::as_str)
    }

    /// A request parameter by either API's name for it.
    fn parameter(&self, names: &[&str]) -> Option<&Value> {
        let parameters = self.record.get("requestParameters")?.as_object()?;
        let named =
            |name: &&str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        names.iter().find_map(named).filter(|value| !value.is_null())
    }

    /// Whether a parameter stands in clear, if it is there.
    fn in_clear(&self, names: &[&str]) -> Option<bool> {
        self.parameter(names).map(|value| !is_hidden(value))
    }

    fn content(&self, kind: &str) -> Option<()> {
        let content = self.parameter(&["content"])?.as_object()?;
        content.iter().find(|(key, value)| key.eq_ignore_ascii_case(kind) && !value.is_null()).map(|_| ())
    }

    fn action(&self) -> Option<&str> {
        self.refusal.as_ref()?.action.as_deref()
    }

    fn is_refused_on(&self, actions: &[&str]) -> Option<bool> {
        let action = self.action()?;
        Some(actions.iter().any(|expected| action.eq_ignore_ascii_case(expected)))
    }

    fn is_smtp(&self) -> bool {
        self.text("/tlsDetails/clientProvidedHostHeader").is_some_and(|host| host.starts_with("email-smtp."))
    }

    /// The account of the identity that the send is about.
    fn owner(&self) -> Option<&str> {
        let named = self.refusal.as_ref().and_then(|refusal| refusal.resource.as_deref());
        let arn = named.or_else(|| self.text("/requestParameters/fromEmailAddressIdentityArn"))?;
        arn.split(':').nth(4).filter(|account| account.len() == 12)
    }

    /// Caller's and owner's account, where they differ.
    fn across(&self) -> Option<(&str, &str)> {
        let (caller, owner) = (self.text("/userIdentity/accountId")?, self.owner()?);
        (caller != owner).then_some((caller, owner))
    }
}

/// How AWS marks what it leaves out.
fn is_hidden(value: &Value) -> bool {
    match value {
        Value::String(text) => super::redact::MARKS.contains(&text.as_str()),
        Value::Array(items) => !items.is_empty() && items.iter().all(is_hidden),
        Value::Object(fields) => !fields.is_empty() && fields.values().all(is_hidden),
        _ => false,
    }
}

const FROM: [&str; 2] = ["fromEmailAddress", "source"];
const RECIPIENTS: [&str; 2] = ["destination", "destinations"];
const CONTENT: [&str; 3] = ["content", "message", "rawMessage"];

const CLOUDTRAIL: &str = "CloudTrail User Guide, \"CloudTrail record contents\"";
const IDENTITY: &str = "CloudTrail User Guide, \"CloudTrail userIdentity element\"";
const EVENTBRIDGE: &str = "EventBridge User Guide, \"AWS service events delivered via AWS CloudTrail\"";
const LOGS: &str = "logs that users of SES published";
const ANYMAIL: &str = "documentation of django-anymail, \"Amazon SES\"";
const NONE: &str = "no public source; from the fields of other services' data events";

/// All of them.
const ASSUMPTIONS: [Assumption; 24] = [
    Assumption {
        id: "detail-type",
        what: "a send reaches EventBridge with detail-type `AWS API Call via CloudTrail`",
        source: EVENTBRIDGE,
        holds: |sent| Some(sent.event.envelope()?.get("detail-type")? == "AWS API Call via CloudTrail"),
    },
    Assumption {
        id: "source",
        what: "and with source `aws.ses`",
        source: EVENTBRIDGE,
        holds: |sent| Some(sent.event.envelope()?.get("source")? == "aws.ses"),
    },
    Assumption {
        id: "data-event",
        what: "a send is a data event",
        source: "CloudTrail User Guide, \"Logging data events\"",
        holds: |sent| {
            Some(
                sent.text("/eventCategory")? == "Data"
                    && sent.record.get("managementEvent") != Some(&Value::Bool(true)),
            )
        },
    },
    Assumption {
        id: "event-type",
        what: "its eventType is `AwsApiCall`",
        source: CLOUDTRAIL,
        holds: |sent| Some(sent.text("/eventType")? == "AwsApiCall"),
    },
    Assumption {
        id: "error-code",
        what: "a refusal has errorCode `AccessDenied` (v1) or `AccessDeniedException` (v2, bulk)",
        source: LOGS,
        holds: |sent| {
            let code = sent.text("/errorCode").filter(|_| sent.refusal.is_some())?;
            Some(["AccessDenied", "AccessDeniedException"].contains(&code))
        },
    },
    Assumption {
        id: "message-form",
        what: "its errorMessage names principal, action and resource in a form that Sesame reads",
        source: LOGS,
        holds: |sent| {
            let refusal = sent.refusal.as_ref()?;
            Some(refusal.principal.is_some() && refusal.action.is_some() && refusal.resource.is_some())
        },
    },
    Assumption {
        id: "no-reason",
        what: "its errorMessage gives no reason: neither a layer nor a policy's ARN",
        source: LOGS,
        holds: |sent| {
            let refusal = sent.refusal.as_ref()?;
            Some(refusal.layer.is_none() && refusal.kind.is_none() && refusal.policy_arn.is_none())
        },
    },
    Assumption {
        id: "message-whole",
        what: "its errorMessage is shorter than the 1 KB at which CloudTrail cuts",
        source: CLOUDTRAIL,
        holds: |sent| sent.refusal.as_ref().map(|_| sent.text("/errorMessage").unwrap_or_default().len() < 1024),
    },
    Assumption {
        id: "resources",
        what: "`resources` names an ARN of SES",
        source: NONE,
        holds: |sent| {
            let resources = sent.record.get("resources").and_then(Value::as_array);
            let arns = resources.into_iter().flatten().filter_map(|resource| resource.get("ARN")?.as_str());
            Some(arns.into_iter().any(|arn| arn.split(':').nth(2) == Some("ses")))
        },
    },
    Assumption {
        id: "from-in-clear",
        what: "the From address stands in clear",
        source: NONE,
        holds: |sent| sent.in_clear(&FROM),
    },
    Assumption {
        id: "recipients-hidden",
        what: "recipients are left out or hidden",
        source: NONE,
        holds: |sent| sent.in_clear(&RECIPIENTS).map(|clear| !clear),
    },
    Assumption {
        id: "content-hidden",
        what: "subject and body are left out or hidden",
        source: NONE,
        holds: |sent| {
            let text = |value: &Value| {
                let all = value.to_string().to_ascii_lowercase();
                all.contains("\"data\":\"text ") || all.contains("\"data\":{\"text ")
            };
            sent.parameter(&CONTENT).map(|value| !text(value))
        },
    },
    Assumption {
        id: "configuration-set-in-clear",
        what: "the configuration set's name stands in clear",
        source: NONE,
        holds: |sent| sent.in_clear(&["configurationSetName"]),
    },
    Assumption {
        id: "template-in-clear",
        what: "the template's name stands in clear",
        source: NONE,
        holds: |sent| {
            let name = sent
                .parameter(&["template", "templateName"])
                .or_else(|| sent.record.pointer("/requestParameters/content/template/templateName"));
            name.map(|name| !is_hidden(name))
        },
    },
    Assumption {
        id: "identity-arn-in-clear",
        what: "the ARN of another account's identity stands in clear",
        source: NONE,
        holds: |sent| sent.in_clear(&["fromEmailAddressIdentityArn", "sourceArn", "fromArn"]),
    },
    Assumption {
        id: "raw-action",
        what: "a v2 send of raw content is authorized as ses:SendRawEmail",
        source: ANYMAIL,
        holds: |sent| sent.content("raw").and_then(|()| sent.is_refused_on(&["ses:SendRawEmail"])),
    },
    Assumption {
        id: "template-action",
        what: "a v2 send with a template is authorized as ses:SendEmail",
        source: "Service Authorization Reference, Amazon SES v2 (it lists the template under SendEmail)",
        holds: |sent| sent.content("template").and_then(|()| sent.is_refused_on(&["ses:SendEmail"])),
    },
    Assumption {
        id: "bulk-actions",
        what: "a v2 bulk send is authorized as ses:SendBulkEmail and ses:SendBulkTemplatedEmail",
        source: ANYMAIL,
        holds: |sent| {
            (sent.text("/eventName")? == "SendBulkEmail")
                .then(|| sent.is_refused_on(&["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]))
                .flatten()
        },
    },
    Assumption {
        id: "smtp-action",
        what: "a send over SMTP, told by its host, is authorized as ses:SendRawEmail",
        source: "SES Developer Guide, \"Identity and access management in Amazon SES\"",
        holds: |sent| sent.is_smtp().then(|| sent.is_refused_on(&["ses:SendRawEmail"])).flatten(),
    },
    Assumption {
        id: "role-issuer",
        what: "a role's session names its role, with the path, as sessionIssuer",
        source: IDENTITY,
        holds: |sent| {
            (sent.text("/userIdentity/type")? == "AssumedRole")
                .then(|| sent.text("/userIdentity/sessionContext/sessionIssuer/arn").is_some())
        },
    },
    Assumption {
        id: "owner-copy",
        what: "a cross-account send is also recorded in the account of the identity's owner",
        source: "EventBridge User Guide; for SES no public source",
        holds: |sent| {
            let (_, owner) = sent.across()?;
            // The caller's own copy says nothing about the other.
            (sent.text("/recipientAccountId")? == owner).then_some(true)
        },
    },
    Assumption {
        id: "shared-event-id",
        what: "copies in several accounts share sharedEventID",
        source: CLOUDTRAIL,
        holds: |sent| sent.across().map(|_| sent.text("/sharedEventID").is_some()),
    },
    Assumption {
        id: "generation",
        what: "the API's generation shows in its parameters: `source` (v1), `fromEmailAddress` (v2)",
        source: "API models of SES and SES v2",
        holds: |sent| {
            sent.record.get("requestParameters").filter(|parameters| parameters.is_object())?;
            Some(sent.parameter(&FROM).is_some() || sent.parameter(&["rawMessage", "bounceSender"]).is_some())
        },
    },
    Assumption {
        id: "read-by-sesame",
        what: "Sesame reads a refusal with its caller, Region and API",
        source: "all of the above",
        holds: |sent| {
            sent.refusal.as_ref()?;
            let read = input::read(sent.event.whole.to_string().as_bytes(), &sent.event.file);
            let denial = read.denials.first();
            Some(denial.is_some_and(|denial| {
                denial.caller != Caller::Unknown && denial.region.is_some() && denial.api.is_some()
            }))
        },
    },
];
