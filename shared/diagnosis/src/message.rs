//! AWS's refusal texts, as services, SDKs, SMTP servers and logs write them.
//!
//! The forms with a reason: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>. SES refuses
//! sends with a form of its own (``User `arn' is not authorized to perform `ses:SendEmail' on resource `arn'``) that gives
//! none. A scanner by hand: linear in the text, and nothing in the text can make it fail.

use sesame_policy::{Arn, LayerKind};

use crate::denial::{DenialMessage, OtherRefusal, Refusal};
use crate::finding::CauseKind;

/// The API operations that send.
pub const SEND_APIS: [&str; 7] = [
    "SendEmail",
    "SendRawEmail",
    "SendTemplatedEmail",
    "SendBulkTemplatedEmail",
    "SendBulkEmail",
    "SendCustomVerificationEmail",
    "SendBounce",
];

/// The longest text that is kept.
const KEPT: usize = 4096;
/// How far from the words "not authorized to perform" the rest of a message may lie.
const REACH: usize = 2048;
/// How many messages of one text are looked at for one about a send.
const MESSAGES: usize = 100;
/// CloudTrail cuts `errorMessage` at 1 KB; what ends a text of such a length may be half a name.
const CUT: std::ops::RangeInclusive<usize> = 1000..=1027;

const ANCHOR: &str = "not authorized to perform";

/// The operation of that name, in AWS's spelling, if it sends.
pub fn send_api(name: &str) -> Option<&'static str> {
    SEND_APIS.into_iter().find(|api| api.eq_ignore_ascii_case(name))
}

/// Parses an access-denied text, wherever in `text` it stands. Of a text that was cut off only what is whole is told.
pub fn parse(text: &str) -> DenialMessage {
    let mut best: Option<(usize, DenialMessage)> = None;
    for (at, _) in text.match_indices(ANCHOR).take(MESSAGES) {
        let message = parse_at(text, at);
        let send = message.action.as_deref().is_some_and(is_send_action);
        if send || best.is_none() {
            best = Some((at, message));
        }
        if send {
            break;
        }
    }
    let (at, mut message) = best.unwrap_or_default();
    message.text = (!text.is_empty()).then(|| excerpt(text, at));
    message
}

/// Whether a text was cut off before its end.
pub fn was_cut(text: &str) -> bool {
    CUT.contains(&text.len()) || text.ends_with("...") || text.ends_with('…')
}

/// The text as AWS wrote it: the escapes of JSON, XML and HTML undone once, and lines that a terminal or a ticket has wrapped
/// made one.
pub fn plain(text: &str) -> String {
    const ESCAPES: [(&str, &str); 14] = [
        ("\\u0060", "`"),
        ("\\u0027", "'"),
        ("\\u0022", "\""),
        ("&#x27;", "'"),
        ("&#x60;", "`"),
        ("&#39;", "'"),
        ("&#039;", "'"),
        ("&#96;", "`"),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        // The last, or `&amp;quot;` would be undone twice.
        ("&amp;", "&"),
    ];
    let mut plain = text.to_owned();
    for (escape, written) in ESCAPES {
        if plain.contains(escape) {
            plain = plain.replace(escape, written);
        }
    }
    let wrapped = plain.contains(['\n', '\r']) && !plain.contains(ANCHOR);
    if wrapped { plain.split_whitespace().collect::<Vec<_>>().join(" ") } else { plain }
}

/// Whether an IAM action is one that SES authorizes sends by.
pub fn is_send_action(action: &str) -> bool {
    action
        .split_once(':')
        .is_some_and(|(service, name)| service.eq_ignore_ascii_case("ses") && send_api(name).is_some())
}

/// What kind of refusal `text` speaks of; `None` when of none.
pub fn refusal(text: &str) -> Option<Refusal> {
    let text = text.to_ascii_lowercase();
    let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let all = |needles: &[&str]| needles.iter().all(|needle| text.contains(needle));
    if text.contains(ANCHOR) {
        return Some(Refusal::AccessDenied);
    }
    let other = if any(&["mailfromdomainnotverified"]) {
        OtherRefusal::MailFromDomain
    } else if any(&["email address is not verified", "email address not verified", "failed the check in region"]) {
        OtherRefusal::Unverified
    } else if any(&["sendingpaused", "sending is paused", "sending paused", "sending has been paused"]) {
        OtherRefusal::SendingPaused
    } else if any(&["accountsuspended", "account is suspended", "account has been suspended"]) {
        OtherRefusal::Suspended
    } else if any(&["productionaccessnotgranted", "in the sandbox", "sandbox mode"]) {
        OtherRefusal::Sandbox
    } else if any(&[
        "authentication credentials invalid",
        "535 authentication",
        "535 5.7",
        "530 authentication required",
    ]) {
        OtherRefusal::Credentials
    } else if any(&[
        "expiredtoken",
        "invalidclienttokenid",
        "unrecognizedclient",
        "signaturedoesnotmatch",
        "security token included in the request",
    ]) {
        OtherRefusal::Signature
    } else if any(&["configurationsetdoesnotexist", "templatedoesnotexist"])
        || all(&["configuration set", "does not exist"])
        || all(&["template", "notfoundexception"])
    {
        OtherRefusal::NotFound
    } else if any(&[
        "throttling",
        "toomanyrequests",
        "limitexceeded",
        "maximum sending rate exceeded",
        "daily message quota exceeded",
        "sending quota exceeded",
    ]) {
        OtherRefusal::Throttled
    } else if any(&["accessdenied", "access denied", "not authorized to"]) {
        return Some(Refusal::AccessDenied);
    } else if any(&["messagerejected", "message rejected"]) {
        OtherRefusal::Rejected
    } else {
        return None;
    };
    Some(Refusal::Other(other))
}

/// Whether `text` can be taken to speak of SES: much else is denied and throttled in a log.
pub fn speaks_of_ses(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "ses:send",
        "amazonses",
        "sesv2",
        "aws::ses",
        "email-smtp",
        "554 access denied",
        "authentication credentials invalid",
        "454 throttling failure",
        "messagerejected",
        "email address is not verified",
        "accountsendingpaused",
        "productionaccessnotgranted",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
        || SEND_APIS.iter().any(|api| lower.contains(&api.to_ascii_lowercase()))
        || lower.contains("service: ses")
        || lower.contains("://email.")
}

/// The API operation that an SDK names beside the refusal.
pub fn api(text: &str) -> Option<String> {
    // botocore; Go; PHP; .NET and Java have none.
    const BEFORE: [&str; 4] =
        ["when calling the ", "operation error SES: ", "operation error SESv2: ", "Error executing \""];
    BEFORE.iter().find_map(|before| {
        let (_, rest) = text.split_once(before)?;
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).take(64).collect();
        (!name.is_empty()).then_some(name)
    })
}

/// The Region that a `MessageRejected` names (`… failed the check in region EU-WEST-1: …`).
pub fn checked_region(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("failed the check in region ")?;
    let region: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').take(32).collect();
    (!region.is_empty()).then(|| region.to_ascii_lowercase())
}

/// At most [`KEPT`] bytes of a text, so that what stands at `at` is among them.
fn excerpt(text: &str, at: usize) -> String {
    if text.len() <= KEPT {
        return text.to_owned();
    }
    let from = text.floor_char_boundary(at.saturating_sub(KEPT / 4));
    let to = text.floor_char_boundary(from.saturating_add(KEPT).min(text.len()));
    text.get(from..to).unwrap_or_default().to_owned()
}

/// Parses the message around the [`ANCHOR`] at `at`.
fn parse_at(text: &str, at: usize) -> DenialMessage {
    let from = text.floor_char_boundary(at.saturating_sub(REACH));
    let before = text.get(from..at).unwrap_or_default();
    let start = at + ANCHOR.len();
    let to = text.floor_char_boundary(start.saturating_add(REACH).min(text.len()));
    let after = text.get(start..to).unwrap_or_default();
    // Nothing after the window can be told whole.
    let cut = to < text.len() || was_cut(text);

    let mut message = DenialMessage { principal: principal(before), ..DenialMessage::default() };
    let rest = skip(after, ":");
    let rest = skip(rest, QUOTES);
    let Some((action, rest)) = action(rest, cut) else { return message };
    message.action = Some(action);
    let (resource, rest) = resource(rest, cut);
    message.resource = resource;
    reason(rest, cut, &mut message);
    message
}

/// Quotes of every kind, with the backslash before them in JSON.
const QUOTES: &str = "`'\"\\‘’“”";

/// Passes over white space and any of `extra`.
fn skip<'a>(text: &'a str, extra: &str) -> &'a str {
    text.trim_start_matches(|c: char| c.is_whitespace() || extra.contains(c))
}

/// The principal's ARN in the text that ends before the anchor.
fn principal(before: &str) -> Option<String> {
    let before = before.trim_end();
    let before = before.strip_suffix(" is").unwrap_or(before);
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || QUOTES.contains(c));
    let (lead, arn) = before.rfind("arn:").and_then(|at| before.split_at_checked(at))?;
    let lead = lead.trim_end_matches(|c: char| c.is_whitespace() || c == ':' || QUOTES.contains(c));
    // Old user names may hold spaces; without `User` before it, a text with spaces is no name.
    let spaces = arn.contains(char::is_whitespace) && !lead.ends_with("User");
    if spaces || arn.contains(['\n', '\r', '`', '"']) {
        return None;
    }
    let parsed = Arn::parse(arn).ok()?;
    matches!(parsed.service(), "iam" | "sts").then(|| arn.to_owned())
}

/// `service:Action` at the start of `text`, and what follows it.
fn action(text: &str, cut: bool) -> Option<(String, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '*'))).unwrap_or(text.len());
    let (action, rest) = text.split_at_checked(end)?;
    let action = action.trim_end_matches(':');
    let (service, name) = action.split_once(':')?;
    let part = service.is_empty() || name.is_empty() || name.contains(':') || (cut && rest.is_empty());
    (!part).then(|| (action.to_owned(), rest))
}

/// ` on resource: X` at the start of `text`, and what follows it.
fn resource(text: &str, cut: bool) -> (Option<String>, &str) {
    let rest = skip(text, QUOTES);
    let Some(rest) = rest.strip_prefix("on resource").or_else(|| rest.strip_prefix("on this resource")) else {
        return (None, text);
    };
    let rest = skip(skip(rest, ":"), "\\");
    let opening = rest.chars().next();
    let closing: &[char] = match opening {
        Some('`') => &['\'', '`'],
        Some('\'') => &['\''],
        Some('"') => &['"'],
        Some('‘') => &['’'],
        Some('“') => &['”'],
        _ => return unquoted(rest, cut),
    };
    let inside = rest.get(opening.map_or(0, char::len_utf8)..).unwrap_or_default();
    let Some(end) = closing_quote(inside, closing) else {
        // The end is missing, and with it perhaps half of the name.
        return (None, "");
    };
    let (resource, rest) = inside.split_at_checked(end).unwrap_or((inside, ""));
    let resource = resource.trim_end_matches('\\').trim();
    let rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
    ((resource == "*" || resource.starts_with("arn:")).then(|| resource.to_owned()), rest)
}

/// Where the closing quote stands: addresses may hold apostrophes, so it must be followed by what can follow a quotation.
fn closing_quote(text: &str, closing: &[char]) -> Option<usize> {
    for (at, quote) in text.match_indices(closing) {
        let next = text.get(at + quote.len()..).and_then(|rest| rest.chars().next());
        if next.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '+' | '%' | '='))) {
            return Some(at);
        }
    }
    None
}

/// A name without quotes: up to white space or to what no ARN of SES holds.
fn unquoted(text: &str, cut: bool) -> (Option<String>, &str) {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '<' | '>' | ',' | ';' | '`'));
    let reaches_end = end.is_none();
    let (name, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    if cut && reaches_end {
        return (None, rest);
    }
    let name = name.trim_end_matches(['.', ')', ']', '}', '\'', '’', ':']);
    ((name == "*" || Arn::parse(name).is_ok()).then(|| name.to_owned()), rest)
}

/// The clause that says why.
fn reason(text: &str, cut: bool, message: &mut DenialMessage) {
    const DENY: &str = "with an explicit deny";
    const NO_ALLOW: &str = "because no ";
    let deny = text.find(DENY);
    let no_allow = text.find(NO_ALLOW);
    // A text may hold several messages; the nearer clause is of this one.
    if let Some(at) = no_allow.filter(|at| deny.is_none_or(|deny| *at < deny)) {
        message.kind = Some(CauseKind::NoAllow);
        message.layer = text.get(at + NO_ALLOW.len()..).and_then(layer);
    } else if let Some(at) = deny {
        message.kind = Some(CauseKind::ExplicitDeny);
        let rest = text.get(at + DENY.len()..).unwrap_or_default().trim_start();
        let Some(rest) = rest.strip_prefix("in ") else { return };
        let name = ["an ", "a ", "the "].iter().find_map(|article| rest.strip_prefix(article)).unwrap_or(rest);
        message.layer = layer(name);
        message.policy_arn = policy_arn(name, cut);
    }
}

/// The layer whose name `text` starts with.
fn layer(text: &str) -> Option<String> {
    const NAMES: [(&str, LayerKind); 7] = [
        ("identity-based", LayerKind::Identity),
        ("resource-based", LayerKind::Resource),
        ("permissions boundary", LayerKind::Boundary),
        ("session", LayerKind::Session),
        ("service control", LayerKind::ServiceControl),
        ("resource control", LayerKind::ResourceControl),
        ("vpc endpoint", LayerKind::VpcEndpoint),
    ];
    NAMES.iter().find_map(|(name, layer)| {
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| layer.as_str().to_owned())
    })
}

/// The ARN after the layer's name: `a service control policy: arn:…`.
fn policy_arn(text: &str, cut: bool) -> Option<String> {
    let (name, rest) = text.split_once(": ")?;
    // The colon belongs to the clause when nothing but its words stands before it.
    let clause = name.len() <= 120 && name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '-'));
    if !clause || !rest.starts_with("arn:") {
        return None;
    }
    unquoted(rest, cut).0.filter(|arn| arn != "*")
}
