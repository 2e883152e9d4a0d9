use super::*;
use crate::condition::BaseOperator;

fn refused(text: &str, grammar: PolicyGrammar) -> (String, String, String) {
    let error = PolicyDocument::parse_str(text, grammar).unwrap_err();
    (error.pointer, error.found, error.expected)
}

#[test]
fn a_document_keeps_everything() {
    let text = r#"{"Version":"2012-10-17","Id":"my id","Extra":[1],"Statement":[
        {"Sid":"A b","Effect":"Allow","Action":"ses:*","NotResource":["arn:aws:ses","*"],
         "Condition":{"stringlike":{"ses:FromAddress":["a",1,true]},"ForAnyValue:Bool":{"k":false}},"Comment":"x"},
        {"Effect":"Deny","NotAction":["*"],"Resource":"*"}]}"#;
    let document = PolicyDocument::parse_str(text, PolicyGrammar::Identity).unwrap();
    assert_eq!((document.version, document.id.as_deref()), (Version::V2012, Some("my id")));
    assert_eq!(*document.raw, Json::parse(text).unwrap());
    let [first, second] = &document.statements[..] else { panic!("two statements") };
    assert_eq!(
        (first.sid.as_deref(), first.effect, first.pointer.as_str()),
        (Some("A b"), Effect::Allow, "/Statement/0")
    );
    assert!(!first.action.negated && first.resource.as_ref().unwrap().negated && first.principal.is_none());
    assert_eq!(first.conditions[0].values, ["a", "1", "true"]);
    assert_eq!(first.conditions[0].operator.base, BaseOperator::StringLike);
    assert_eq!(first.conditions[0].pointer, "/Statement/0/Condition/stringlike/ses:FromAddress");
    assert_eq!(first.conditions[1].operator.text, "ForAnyValue:Bool");
    assert!(second.action.negated && second.sid.is_none() && second.conditions.is_empty());
}

#[test]
fn a_single_statement_needs_no_list() {
    let text =
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"ses:*","Condition":{"Null":{"a/b":"true"}}}}"#;
    let document = PolicyDocument::parse_str(text, PolicyGrammar::Resource).unwrap();
    assert_eq!(document.version, Version::V2008);
    assert_eq!(document.statements[0].pointer, "/Statement");
    assert_eq!(document.statements[0].conditions[0].pointer, "/Statement/Condition/Null/a~1b");
    assert!(document.statements[0].resource.is_none());
}

#[test]
fn what_iam_refuses_is_an_error_with_its_place() {
    let whole = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
    let rest = r#""Action":"ses:*","Resource":"*""#;
    for (text, pointer, found) in [
        ("[]".to_owned(), "", "an empty list"),
        ("{".to_owned(), "", "line 1 column 2: expected a key in quotes or `}`, found the end of the text"),
        (r#"{"Statement":[],"Statement":[]}"#.to_owned(), "/Statement", "duplicate key `Statement`"),
        ("{}".to_owned(), "/Statement", "nothing"),
        (r#"{"Statement":"x"}"#.to_owned(), "/Statement", "`x`"),
        (r#"{"Statement":[1]}"#.to_owned(), "/Statement/0", "the number `1`"),
        (r#"{"Version":"2012-10-18","Statement":[]}"#.to_owned(), "/Version", "`2012-10-18`"),
        (r#"{"Version":2012,"Statement":[]}"#.to_owned(), "/Version", "the number `2012`"),
        (r#"{"Id":1,"Statement":[]}"#.to_owned(), "/Id", "the number `1`"),
        (whole(rest), "/Statement/0/Effect", "nothing"),
        (whole(&format!(r#""Effect":"allow",{rest}"#)), "/Statement/0/Effect", "`allow`"),
        (whole(&format!(r#""Effect":["Allow"],{rest}"#)), "/Statement/0/Effect", "a list"),
        (whole(&format!(r#""Effect":"Allow","Sid":7,{rest}"#)), "/Statement/0/Sid", "the number `7`"),
        (whole(r#""Effect":"Allow","Resource":"*""#), "/Statement/0/Action", "nothing"),
        (whole(r#""Effect":"Allow","Action":[],"Resource":"*""#), "/Statement/0/Action", "an empty list"),
        (whole(r#""Effect":"Allow","Action":"ses","Resource":"*""#), "/Statement/0/Action", "`ses`"),
        (whole(r#""Effect":"Allow","Action":["ses:*",null],"Resource":"*""#), "/Statement/0/Action/1", "null"),
        (
            whole(r#""Effect":"Allow","Action":"ses:*","NotAction":"s3:*","Resource":"*""#),
            "/Statement/0/NotAction",
            "both `Action` and `NotAction`",
        ),
        (whole(r#""Effect":"Allow","Action":"ses:*""#), "/Statement/0/Resource", "nothing"),
        (whole(r#""Effect":"Allow","Action":"ses:*","Resource":[]"#), "/Statement/0/Resource", "an empty list"),
        (whole(r#""Effect":"Allow","Action":"ses:*","Resource":["*","ses"]"#), "/Statement/0/Resource/1", "`ses`"),
        (whole(r#""Effect":"Allow","Action":"ses:*","NotResource":"ar*""#), "/Statement/0/NotResource", "`ar*`"),
        (whole(&format!(r#""Effect":"Allow","Principal":"*",{rest}"#)), "/Statement/0/Principal", "`*`"),
        (whole(&format!(r#""Effect":"Allow","NotPrincipal":"*",{rest}"#)), "/Statement/0/NotPrincipal", "`*`"),
        (whole(&format!(r#""Effect":"Allow","Condition":[],{rest}"#)), "/Statement/0/Condition", "an empty list"),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"StringMatch":{{}}}},{rest}"#)),
            "/Statement/0/Condition/StringMatch",
            "`StringMatch`",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"NullIfExists":{{"k":"true"}}}},{rest}"#)),
            "/Statement/0/Condition/NullIfExists",
            "`NullIfExists`",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"Bool":"x"}},{rest}"#)),
            "/Statement/0/Condition/Bool",
            "`x`",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"Bool":{{"k":null}}}},{rest}"#)),
            "/Statement/0/Condition/Bool/k",
            "null",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"Bool":{{"k":[[]]}}}},{rest}"#)),
            "/Statement/0/Condition/Bool/k/0",
            "an empty list",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"NumericEquals":{{"k":["1","x"]}}}},{rest}"#)),
            "/Statement/0/Condition/NumericEquals/k/1",
            "`x`",
        ),
        (
            whole(&format!(r#""Effect":"Allow","Condition":{{"IpAddress":{{"k":"10/8"}}}},{rest}"#)),
            "/Statement/0/Condition/IpAddress/k",
            "`10/8`",
        ),
    ] {
        let error = refused(&text, PolicyGrammar::Identity);
        assert_eq!((error.0.as_str(), error.1.as_str()), (pointer, found), "{text}");
        assert!(!error.2.is_empty());
    }
}

#[test]
fn messages_say_what_to_do() {
    let whole = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
    let statement = |action: &str, resource: &str| {
        whole(&format!(r#""Effect":"Allow","Action":"{action}","Resource":"{resource}""#))
    };
    let with = |field: &str| whole(&format!(r#""Effect":"Allow","Action":"ses:*","Resource":"*",{field}"#));
    for (text, message) in [
        (
            statement("ses:Send:Email", "*"),
            "/Statement/0/Action: expected `*` or `service:Action`, found `ses:Send:Email`",
        ),
        (statement("", "*"), "/Statement/0/Action: expected `*` or `service:Action`, found an empty text"),
        (
            statement("ses:*", "arn:aws:s3::bucket"),
            "/Statement/0/Resource: expected `*` or an ARN (`arn:partition:service:region:account:resource`), found \
             `arn:aws:s3::bucket`",
        ),
        (
            with(r#""condition":{"Bool":{"aws:SecureTransport":"true"}}"#),
            "/Statement/0/condition: expected `Condition`, in this spelling, found `condition`",
        ),
        (
            r#""%7B%22Version%22%3A""#.to_owned(),
            "/: expected a policy document (a JSON object); this one has to be URL-decoded first, found \
             `%7B%22Version%22%3A`",
        ),
        (
            r#""arn:aws:iam::aws:policy/AmazonSESFullAccess""#.to_owned(),
            "/: expected a policy document (a JSON object), found `arn:aws:iam::aws:policy/AmazonSESFullAccess`",
        ),
        (r#"{"Statement":[{"Sid":{"a":1}}]}"#.to_owned(), "/Statement/0/Sid: expected a string, found an object"),
        (
            r#"{"version":"2012-10-17","Statement":[]}"#.to_owned(),
            "/version: expected `Version`, in this spelling, found `version`",
        ),
    ] {
        let error = PolicyDocument::parse_str(&text, PolicyGrammar::Identity).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    for (principal, message) in [
        ("{}", "expected `*` or an object of `AWS`, `Service`, `Federated`, `CanonicalUser`, found an empty object"),
        (r#"{"Service":5}"#, "expected a service such as `ses.amazonaws.com`, or a list of them, found the number `5`"),
        (r#"{"Federated":[5]}"#, "expected an identity provider, found the number `5`"),
    ] {
        let text = format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"ses:*"}}}}"#);
        let error = PolicyDocument::parse_str(&text, PolicyGrammar::Resource).unwrap_err();
        assert!(error.to_string().ends_with(message), "{error}");
    }
}

#[test]
fn principals_belong_to_policies_of_resources() {
    let whole = |principal: &str| format!(r#"{{"Statement":[{{"Effect":"Deny",{principal}"Action":"*"}}]}}"#);
    let missing = refused(&whole(""), PolicyGrammar::Resource);
    assert_eq!((missing.0.as_str(), missing.1.as_str()), ("/Statement/0/Principal", "nothing"));
    assert!(PolicyDocument::parse_str(&whole(""), PolicyGrammar::ResourceControl).is_ok());
    for (principal, pointer, found) in [
        (r#""Principal":"111122223333","#, "/Statement/0/Principal", "`111122223333`"),
        (r#""Principal":{},"#, "/Statement/0/Principal", "an empty object"),
        (r#""Principal":["*"],"#, "/Statement/0/Principal", "a list"),
        (r#""Principal":{"aws":"*"},"#, "/Statement/0/Principal/aws", "`aws`"),
        (r#""Principal":{"AWS":[]},"#, "/Statement/0/Principal/AWS", "an empty list"),
        (r#""Principal":{"AWS":["*","someone"]},"#, "/Statement/0/Principal/AWS/1", "`someone`"),
        (r#""Principal":"*","NotPrincipal":"*","#, "/Statement/0/NotPrincipal", "both `Principal` and `NotPrincipal`"),
    ] {
        let error = refused(&whole(principal), PolicyGrammar::Resource);
        assert_eq!((error.0.as_str(), error.1.as_str()), (pointer, found), "{principal}");
    }
    let text = whole(
        r#""Principal":{"AWS":["*","111122223333","arn:aws-cn:iam::111122223333:root","arn:aws:iam::111122223333:user/x",
           "AIDAJQABLZS4A3QDU576Q"],"Service":"ses.amazonaws.com","Federated":["graph.facebook.com"],"CanonicalUser":"79a5"},"#,
    );
    let document = PolicyDocument::parse_str(&text, PolicyGrammar::Resource).unwrap();
    let account = || PrincipalPattern::Account("111122223333".to_owned());
    assert_eq!(
        document.statements[0].principal.as_ref().unwrap().members,
        [
            PrincipalPattern::Everyone,
            account(),
            account(),
            PrincipalPattern::Arn("arn:aws:iam::111122223333:user/x".parse().unwrap()),
            PrincipalPattern::UniqueId("AIDAJQABLZS4A3QDU576Q".to_owned()),
            PrincipalPattern::Service("ses.amazonaws.com".to_owned()),
            PrincipalPattern::Federated("graph.facebook.com".to_owned()),
            PrincipalPattern::CanonicalUser("79a5".to_owned()),
        ]
    );
}

#[test]
fn some_statements_can_be_kept_and_the_tree_stays() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"a:*","Resource":"*"},
        {"Sid":"B","Effect":"Deny","Action":"b:*","Resource":"*","X":1.0}]}"#;
    let document = PolicyDocument::parse_str(text, PolicyGrammar::Identity).unwrap();
    let kept = document.keeping(|index| index == 1);
    assert_eq!((kept.version, kept.grammar()), (document.version, document.grammar()));
    assert_eq!((kept.statements.len(), kept.statements[0].pointer.as_str()), (1, "/Statement/1"));
    assert_eq!(kept.raw, document.raw);
    assert!(document.keeping(|_| false).statements.is_empty());
}

#[test]
fn the_index_by_action_hides_no_statement_that_matches() {
    let patterns = [
        "*",
        "ses:*",
        "s*:*",
        "ses:SendEmail",
        "SES:sendemai?",
        "ses:SendEmailX",
        "s3:*",
        "?es:Send*",
        "ses:Send",
        "a:b",
    ];
    let statements: Vec<String> = patterns
        .iter()
        .flat_map(|pattern| [format!(r#""Action":["x:y","{pattern}"]"#), format!(r#""NotAction":"{pattern}""#)])
        .map(|action| format!(r#"{{"Effect":"Allow",{action},"Resource":"*"}}"#))
        .collect();
    let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
    let document = PolicyDocument::parse_str(&text, PolicyGrammar::Identity).unwrap();
    for action in ["ses:sendemail", "s3:get", "a:b", "ses:send", "x:y", "se", ""] {
        let candidates: Vec<usize> =
            document.statements.candidates(ActionHead::new(action)).map(|(index, _)| index).collect();
        let mut sorted = candidates.clone();
        sorted.dedup();
        assert_eq!(candidates, sorted);
        for (index, statement) in document.statements.iter().enumerate() {
            assert!(!statement.action.matches(action) || candidates.contains(&index), "{action} {}", statements[index]);
        }
    }
}

/// What the first eight bytes tell apart, and what they do not.
#[test]
fn the_index_by_action_rules_out_what_begins_otherwise() {
    let patterns =
        ["*", "ses:*", "ses:SendEmail", "ses:SendX", "ses:sendTemplatedEmail", "s3:Get*", "sesx:a", "*:SendEmail"];
    let statements: Vec<String> = patterns
        .iter()
        .map(|pattern| format!(r#"{{"Effect":"Allow","Action":["{pattern}","iam:*"],"Resource":"*"}}"#))
        .collect();
    let document = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
    let document = PolicyDocument::parse_str(&document, PolicyGrammar::Identity).unwrap();
    let candidates = |action: &str| -> Vec<&str> {
        document.statements.candidates(ActionHead::new(action)).map(|(index, _)| patterns[index]).collect()
    };
    // `ses:send` is eight bytes.
    assert_eq!(
        candidates("ses:sendemail"),
        ["*", "ses:*", "ses:SendEmail", "ses:SendX", "ses:sendTemplatedEmail", "*:SendEmail"]
    );
    assert_eq!(candidates("s3:getobject"), ["*", "s3:Get*", "*:SendEmail"]);
    assert_eq!(candidates("sesx:a"), ["*", "sesx:a", "*:SendEmail"]);
    assert_eq!(candidates("iam:x"), patterns);
}

#[test]
fn statements_can_be_walked_and_their_actions_asked() {
    let text = r#"{"Statement":[{"Effect":"Allow","Action":["ses:Send*","sns:*"],"Resource":"*"},
        {"Effect":"Allow","NotAction":"ses:Send*","Resource":"*"}]}"#;
    let document = PolicyDocument::parse_str(text, PolicyGrammar::Identity).unwrap();
    let mut walked = Vec::new();
    for statement in &document.statements {
        walked.push(["SES:sendEmail", "ses:GetAccount", "sns:Publish"].map(|action| statement.action.matches(action)));
    }
    assert_eq!(walked, [[true, false, true], [false, true, true]]);
}

#[test]
fn a_principal_is_an_arn_an_account_or_a_unique_id() {
    for (text, accepted) in [
        ("AIDAJQABLZS4A3QDU576Q", true),
        ("AROAJQABLZS4A3QDU", true),
        ("111122223333", true),
        ("1111", false),
        ("abcdefghijkl", false),
        ("AIDA", false),
        ("BIDAJQABLZS4A3QDU576Q", false),
        ("AIDAJQABLZS4A3-DU576Q", false),
        ("no principal at all", false),
    ] {
        let document =
            format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{text}"}},"Action":"ses:*"}}}}"#);
        assert_eq!(PolicyDocument::parse_str(&document, PolicyGrammar::Resource).is_ok(), accepted, "{text}");
    }
}
