use serde_json::{Value, json};

use super::Redactor;

fn event() -> Value {
    json!({
        "source": "aws.ses", "account": "123456789012", "detail": {
            "userIdentity": {
                "type": "AssumedRole", "principalId": "AROA2SECRETROLEID:ann.smith",
                "arn": "arn:aws:sts::123456789012:assumed-role/order-mailer/ann.smith",
                "accessKeyId": "ASIASECRETKEYID12345",
                "sessionContext": {"sessionIssuer": {
                    "arn": "arn:aws:iam::123456789012:role/teams/order-mailer", "userName": "order-mailer"}}},
            "sourceIPAddress": "203.0.113.99", "userAgent": "Boto3/1.43", "vpcEndpointId": "vpce-0a1b2c3d4e5f60718",
            "eventID": "A4A4C1A6-3A1F-4E9F-9D0D-7F5B9C7F6C11", "eventName": "SendEmail", "readOnly": false,
            "errorMessage": "User `arn:aws:sts::123456789012:assumed-role/order-mailer/ann.smith' is not authorized to \
                perform `ses:SendEmail' on resource `arn:aws:ses:eu-west-1:123456789012:identity/mail.secretcorp.com'",
            "requestParameters": {
                "fromEmailAddress": "Secret Corp <orders@mail.secretcorp.com>",
                "destination": {"toAddresses": ["bob@customer.test"], "ccAddresses": "HIDDEN_DUE_TO_SECURITY_REASONS"},
                "content": {"simple": {"subject": {"data": "Your secret order", "charset": "UTF-8"}}},
                "configurationSetName": "secret-set"},
            "tlsDetails": {"clientProvidedHostHeader": "email.eu-west-1.amazonaws.com"}
        }
    })
}

#[test]
fn nothing_that_names_anybody_is_left() {
    let redacted = Redactor::default().event(&event()).to_string();
    for secret in [
        "123456789012",
        "SECRET",
        "ann",
        "order-mailer",
        "teams",
        "203.0.113.99",
        "a1b2c3",
        "A4A4C1A6",
        "secret",
        "Secret",
        "orders",
        "customer",
        "bob",
    ] {
        assert!(!redacted.contains(secret), "{secret} is left in {redacted}");
    }
}

#[test]
fn what_belongs_together_still_does_and_aws_words_stay() {
    let redacted = Redactor::default().event(&event());
    let text = |pointer: &str| redacted.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let (arn, message) = (text("/detail/userIdentity/arn"), text("/detail/errorMessage"));
    assert!(message.contains(&format!(
        "User `{arn}' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-west-1:"
    )));
    assert_eq!(text("/account"), "111100000001");
    assert!(
        text("/detail/userIdentity/sessionContext/sessionIssuer/arn")
            .ends_with(&format!("/{}", text("/detail/userIdentity/sessionContext/sessionIssuer/userName")))
    );
    let domain = message.split("identity/").nth(1).unwrap().trim_end_matches('\'').to_owned();
    assert!(text("/detail/requestParameters/fromEmailAddress").ends_with(&format!("@{domain}>")));
    assert_eq!(text("/detail/requestParameters/destination/ccAddresses"), "HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!(text("/detail/tlsDetails/clientProvidedHostHeader"), "email.eu-west-1.amazonaws.com");
    assert_eq!(text("/detail/userAgent"), "Boto3/1.43");
    assert!(text("/detail/userIdentity/accessKeyId").starts_with("ASIAEXAMPLE"));
    assert_eq!(redacted.pointer("/detail/readOnly"), Some(&json!(false)));
}

#[test]
fn a_second_event_gets_the_same_replacements() {
    let mut redactor = Redactor::default();
    assert_eq!(redactor.event(&event()), redactor.event(&event()));
}

#[test]
fn own_words_in_paths_stay() {
    let arn = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admins_0a1b2c";
    let redacted = Redactor::default().event(&json!({ "arn": arn }));
    assert_eq!(redacted["arn"], "arn:aws:iam::111100000001:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_name1");
    let managed = json!({ "arn": "arn:aws:iam::aws:policy/AmazonSESFullAccess" });
    assert_eq!(Redactor::default().event(&managed), managed);
}
