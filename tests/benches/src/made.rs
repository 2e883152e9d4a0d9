//! Policies made up to be large or hostile.

use std::sync::Arc;

use sesame_policy::arn::ArnError;
use sesame_policy::document::{PolicyError, PolicyGrammar};
use sesame_policy::{Arn, Context, ContextValue, Policy, PolicyDocument, PolicySet, Principal, Request};

/// What can't go wrong here, but is not to be unwrapped either.
#[derive(Debug)]
pub(crate) struct MadeError(String);

impl MadeError {
    pub(crate) fn new(error: impl std::fmt::Display) -> MadeError {
        MadeError(error.to_string())
    }
}

impl std::fmt::Display for MadeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MadeError {}

impl From<PolicyError> for MadeError {
    fn from(error: PolicyError) -> MadeError {
        MadeError(error.to_string())
    }
}

impl From<ArnError> for MadeError {
    fn from(error: ArnError) -> MadeError {
        MadeError(error.to_string())
    }
}

fn request(from: &str) -> Result<Request, MadeError> {
    let principal = "arn:aws:iam::111122223333:user/mailer";
    Ok(Request {
        principal: Principal::parse(principal).map_err(|error| MadeError(error.to_string()))?,
        action: "ses:SendEmail".to_owned(),
        resource: Arn::parse("arn:aws:ses:us-east-1:111122223333:identity/example.com")?,
        resource_account: None,
        context: Context::new().with("ses:FromAddress", ContextValue::One(from.to_owned())),
    })
}

fn identity(statements: &[String]) -> Result<PolicySet, MadeError> {
    let text = format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", statements.join(","));
    let document = Arc::new(PolicyDocument::parse_str(&text, PolicyGrammar::Identity)?);
    Ok(PolicySet { identity: vec![Policy::new("made", document)], ..PolicySet::default() })
}

/// Statements of which a third is about the action, and a tenth of those about the resource too.
pub(crate) fn statements(count: u32) -> Result<(PolicySet, Request), MadeError> {
    let statements: Vec<String> = (0..count)
        .map(|index| {
            let action = if index % 3 == 0 { "ses:Send*" } else { "s3:Get*" };
            let identity = if index % 10 == 0 { "*" } else { "example.net" };
            format!(
                "{{\"Effect\":\"Allow\",\"Action\":[\"{action}\",\"sqs:*\"],\
                 \"Resource\":\"arn:aws:ses:us-east-1:111122223333:identity/{identity}\",\
                 \"Condition\":{{\"StringLike\":{{\"ses:FromAddress\":\"*@d{index}.example.com\"}}}}}}"
            )
        })
        .collect();
    Ok((identity(&statements)?, request("a@d30.example.com")?))
}

/// Denys of which each may match one of the recipients, which are not known.
pub(crate) fn hidden(count: u32) -> Result<(PolicySet, Request), MadeError> {
    let mut statements = vec!["{\"Effect\":\"Allow\",\"Action\":\"ses:*\",\"Resource\":\"*\"}".to_owned()];
    statements.extend((0..count).map(|index| {
        format!(
            "{{\"Effect\":\"Deny\",\"Action\":\"ses:*\",\"Resource\":\"*\",\
             \"Condition\":{{\"ForAnyValue:StringLike\":{{\"ses:Recipients\":\"*@d{index}.example\"}}}}}}"
        )
    }));
    let mut request = request("a@example.com")?;
    request.context.set("ses:Recipients", ContextValue::Unknown("redacted".to_owned()));
    Ok((identity(&statements)?, request))
}

/// Patterns made to be tried over and over, on a text made to fit them nearly.
pub(crate) fn hostile(length: usize) -> Result<Vec<(&'static str, PolicySet, Request)>, MadeError> {
    [
        ("fifty stars, *a*a…*ab", format!("{}b", "*a".repeat(50))),
        ("fifty stars and a tail, *a…*b*", format!("{}*b*", "*a".repeat(50))),
        ("question marks, *a?a?…a?b", format!("*{}b", "a?".repeat(50))),
        ("a long needle, *aaa…ab*", format!("*{}b*", "a".repeat(200))),
    ]
    .into_iter()
    .map(|(name, pattern)| {
        let statement = format!(
            "{{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\
             \"Condition\":{{\"StringLike\":{{\"ses:FromAddress\":\"{pattern}\"}}}}}}"
        );
        Ok((name, identity(&[statement])?, request(&"a".repeat(length))?))
    })
    .collect()
}
