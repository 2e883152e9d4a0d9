//! What the function is set to.

use sesame_lambda::{Environment, EnvironmentError, LinkEnvironment, Remediation, Variables, parse_environment};
use sesame_responder::web::{Address, WebApproval};

/// The environment, parsed.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub environment: Environment,
    pub remediation: Remediation,
    pub links: LinkEnvironment,
    pub address: Address,
    /// `SESAME_WEB_APPROVAL`: what holders of links may do.
    pub web_approval: WebApproval,
}

impl Configuration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn read() -> Result<Configuration, EnvironmentError> {
        Configuration::parse(|name| std::env::var(name).ok())
    }

    /// Reads variables from wherever they are.
    ///
    /// # Errors
    /// Everything that is wrong with them, at once.
    pub fn parse(variable: impl Fn(&str) -> Option<String>) -> Result<Configuration, EnvironmentError> {
        let (environment, remediation, links, web_approval) = parse_environment(&variable, |variables| {
            let environment = Environment::of(variables);
            (environment, Remediation::of(variables), LinkEnvironment::of(variables), web_approval(variables))
        })?;
        let address = Address::parse(&links.url).ok_or_else(|| {
            let found = &links.url;
            let expected = "an https URL without user, query and fragment";
            EnvironmentError(vec![format!(
                "environment variable `SESAME_APPROVAL_URL`: expected {expected}, found `{found}`"
            )])
        })?;
        Ok(Configuration { environment, remediation, links, address, web_approval })
    }
}

fn web_approval(variables: &mut Variables<'_>) -> WebApproval {
    let is_right = |value: &str| ["approve", "view", "off"].contains(&value);
    match variables.read("SESAME_WEB_APPROVAL", "`approve`, `view` or `off`", is_right).as_str() {
        "approve" => WebApproval::Approve,
        "view" => WebApproval::View,
        _ => WebApproval::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        let value = match name {
            "SESAME_STACK" => "sesame",
            "SESAME_ACCOUNT" => "111122223333",
            "SESAME_TABLE" => "findings",
            "SESAME_TOPIC" => "arn:aws:sns:eu-west-1:111122223333:sesame",
            "SESAME_OWN_ROLES" => "arn:aws:iam::111122223333:role/sesame-diagnose",
            "SESAME_STAGE" => "$default",
            "SESAME_APPROVAL_URL" => "https://sesame.example/hook/",
            "SESAME_LINK_SECRET" => "arn:aws:secretsmanager:eu-west-1:111122223333:secret:links",
            "SESAME_LINK_DAYS" => "7",
            "SESAME_WEB_APPROVAL" => "view",
            "SESAME_DECISION_KEY" => "arn:aws:kms:eu-west-1:111122223333:key/1",
            "SESAME_REMEDIATION" => "suggest-only",
            "SESAME_REMEDIABLE_PRINCIPALS" | "SESAME_REMEDIABLE_IDENTITIES" => "none",
            "SESAME_REQUIRED_BOUNDARY" | "SESAME_APPLY_ROLE_ACCOUNTS" => "none",
            "SESAME_GRANTS_A_DAY" => "5",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn the_environment_of_the_template_is_read() {
        let read = Configuration::parse(variable).unwrap();
        assert_eq!(read.web_approval, WebApproval::View);
        assert_eq!((read.address.origin.as_str(), read.address.path.as_str()), ("https://sesame.example", "/hook"));
        assert!(!read.remediation.applies);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let without = |name: &str| match name {
            "SESAME_WEB_APPROVAL" | "SESAME_REMEDIATION" | "SESAME_TABLE" => {
                Some("x y".to_owned()).filter(|_| name != "SESAME_TABLE")
            }
            name => variable(name),
        };
        let wrong = Configuration::parse(without).unwrap_err().0;
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        let odd = |name: &str| match name {
            "SESAME_APPROVAL_URL" => Some("https://user@sesame.example".to_owned()),
            name => variable(name),
        };
        assert!(Configuration::parse(odd).unwrap_err().to_string().contains("SESAME_APPROVAL_URL"));
    }
}
