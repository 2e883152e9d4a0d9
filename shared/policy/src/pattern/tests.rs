use super::*;
use crate::arn::Arn;
use proptest::prelude::*;

const LIKE: Syntax = Syntax { wildcards: true, variables: false };
const VARIABLES: Syntax = Syntax { wildcards: true, variables: true };

fn like(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, LIKE).matches_plain(text)
}

/// What a pattern means, said by another engine.
fn oracle(pattern: &str, text: &str) -> bool {
    let mut expression = String::from("^(?s:");
    for character in pattern.chars() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push_str(")$");
    regex::Regex::new(&expression).unwrap().is_match(text)
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(4000))]
    #[test]
    fn matching_agrees_with_a_regular_expression(pattern in "[ab*?é\n]{0,10}", text in "[abé\n]{0,14}") {
        prop_assert_eq!(like(&pattern, &text), oracle(&pattern, &text));
    }

    #[test]
    fn resolved_tokens_match_as_the_pattern_does(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let parsed = Pattern::parse(&pattern, LIKE);
        let context = Context::new();
        let Resolved::Tokens(tokens) = parsed.resolve(&context) else { panic!("no variable in it") };
        prop_assert_eq!(tokens_match(&tokens, &text), parsed.matches_plain(&text));
    }

    #[test]
    fn any_text_parses_without_a_panic(text in ".{0,40}", tail in "[${}',a *?]{0,20}") {
        let joined = format!("{text}{tail}");
        let pattern = Pattern::parse(&joined, VARIABLES);
        pattern.matches(&joined, &Context::new());
        let _ = ActionPattern::parse(&joined);
        let _ = ArnPattern::parse(&format!("arn:{joined}"), true);
        ConditionArnPattern::parse(&joined, true);
    }
}

/// Most patterns are matched by one comparison.
#[test]
fn simple_patterns_hold_one_text() {
    for (text, expected) in [
        ("", Form::Literal("".into())),
        ("ab", Form::Literal("ab".into())),
        ("${*}${$}", Form::Literal("*$".into())),
        ("**", Form::Everything),
        ("ab**", Form::Prefix("ab".into())),
        ("${?}*", Form::Prefix("?".into())),
        ("*ab", Form::Suffix("ab".into())),
    ] {
        assert_eq!(Pattern::parse(text, VARIABLES), Pattern(expected), "{text}");
    }
    for (text, whole, variables) in [("a*b", 3, false), ("?", 1, false), ("*${a}", 2, true)] {
        let pattern = Pattern::parse(text, VARIABLES);
        assert_eq!((pattern.pieces().count(), pattern.has_variables()), (whole, variables), "{text}");
    }
}

#[test]
fn hostile_patterns_end_soon() {
    let text = "a".repeat(20_000);
    for pattern in ["*a".repeat(50) + "b", "*a".repeat(50) + "*b*", "*".repeat(1000) + "b", "a?*".repeat(300) + "b"] {
        assert!(!like(&pattern, &text));
    }
    assert!(like(&"*a".repeat(50), &text));
}

fn context() -> Context {
    Context::new()
        .with("aws:username", ContextValue::One("jo*".to_owned()))
        .with("ses:FromAddress", ContextValue::Unknown("redacted".to_owned()))
        .with("ses:Recipients", ContextValue::Unknown("redacted".to_owned()))
        .with("aws:TagKeys", ContextValue::Many(vec!["a".to_owned()]))
}

fn variable(pattern: &str, text: &str) -> Truth {
    Pattern::parse(pattern, VARIABLES).matches(text, &context())
}

#[test]
fn a_variable_stands_for_its_value_literally() {
    assert_eq!(variable("x/${aws:username}", "x/jo*"), Truth::True);
    assert_eq!(variable("x/${AWS:UserName}/*", "x/jo*/y"), Truth::True);
    assert_eq!(variable("x/${aws:username}", "x/joe"), Truth::False);
}

#[test]
fn a_variable_without_a_value_matches_nothing_unless_it_has_a_default() {
    for key in ["aws:absent", "aws:TagKeys", "ses:Recipients"] {
        assert_eq!(variable(&format!("${{{key}}}*"), "x"), Truth::False);
        assert_eq!(variable(&format!("${{{key}, 'a b'}}-?"), "a b-1"), Truth::True);
        assert_eq!(variable(&format!("${{ {key} ,'*' }}"), "*"), Truth::True);
        assert_eq!(variable(&format!("${{{key}, '*'}}"), "x"), Truth::False);
    }
    assert_eq!(variable("${aws:username, 'other'}", "jo*"), Truth::True);
}

#[test]
fn an_unknown_variable_may_match() {
    assert_eq!(variable("${ses:FromAddress}", "x"), Truth::Unknown);
    assert_eq!(variable("${ses:FromAddress}${aws:absent}", "x"), Truth::False);
}

#[test]
fn without_wildcards_stars_and_question_marks_are_text_beside_variables_too() {
    let pattern = |text: &str| Pattern::parse(text, Syntax { wildcards: false, variables: true });
    for (text, value, expected) in [
        ("*${aws:username}", "*jo*", Truth::True),
        ("*${aws:username}", "xjo*", Truth::False),
        ("?${aws:username}", "?jo*", Truth::True),
        ("?${aws:username}", "xjo*", Truth::False),
        ("${aws:username}*", "jo**", Truth::True),
        ("${aws:username}*", "jo*", Truth::False),
    ] {
        assert_eq!(pattern(text).matches(value, &context()), expected, "{text} {value}");
    }
}

#[test]
fn escapes_are_literal_and_what_is_not_closed_is_text() {
    for (pattern, text) in [
        ("a${*}b", "a*b"),
        ("${?}", "?"),
        ("${$}{x}", "${x}"),
        ("${aws:username", "${aws:username"),
        ("$", "$"),
        ("$$x", "$$x"),
    ] {
        assert_eq!(variable(pattern, text), Truth::True, "{pattern}");
        assert_eq!(variable(pattern, "axb"), Truth::False, "{pattern}");
    }
    // In version 2008-10-17 nothing of this is known, but wildcards are.
    assert!(like("${aws:username}", "${aws:username}") && like("${*}", "${x}"));
}

#[test]
fn actions_match_without_regard_to_case() {
    let pattern = ActionPattern::parse("SES:send*Email").unwrap();
    assert!(
        pattern.matches("ses:SendRawEmail") && pattern.matches("Ses:SENDEMAIL") && !pattern.matches("ses:SendBounce")
    );
    assert_eq!(pattern.as_str(), "SES:send*Email");
    assert!(ActionPattern::parse("**").unwrap().matches("a:b"));
    assert!(ActionPattern::parse("s?s-v2.x:Send Émail").is_ok());
    for text in ["", "ses", "ses:", ":SendEmail", "Send*", "a*", "ses:Send:Email", "ses::", " ses:a", "s_s:a", "sés:a"]
    {
        assert!(ActionPattern::parse(text).is_err(), "{text}");
    }
}

fn resource(pattern: &str, arn: &str) -> Truth {
    ArnPattern::parse(pattern, true).unwrap().matches(&Arn::parse(arn).unwrap(), &context())
}

#[test]
fn resources_match_part_by_part() {
    let identity = "arn:aws:ses:us-east-1:111122223333:identity/example.com";
    for (pattern, expected) in [
        ("*", true),
        ("***", true),
        (identity, true),
        ("arn:aws:ses:*:111122223333:identity/*", true),
        ("arn:*:ses:us-*-1:????22223333:identity/example.com", true),
        ("arn:aws:*:us-east-1:111122223333:identity/example.com", true),
        ("arn:aws:ses", true),
        ("arn:aws:ses:us-east-1", true),
        ("arn:aws:ses:us-east-1:", false),
        ("arn:aws:s3", false),
        // No wildcard within the service, none across colons.
        ("arn:aws:s*:us-east-1:111122223333:identity/example.com", false),
        ("arn:aws:s?s:us-east-1:111122223333:identity/example.com", false),
        ("arn:aws:ses:*:identity/example.com", false),
        ("arn:aws:ses:us-east-1:111122223333:identity/Example.com", false),
        ("arn:aws:ses:us-east-1:111122223333:", false),
        ("arn:aws:ses::111122223333:identity/example.com", false),
    ] {
        assert_eq!(resource(pattern, identity), expected.into(), "{pattern}");
    }
    assert_eq!(resource("arn:aws:logs:*:*:log-group:/a*", "arn:aws:logs:r:1:log-group:/app:stream:x"), Truth::True);
    for text in
        ["ar*", "", "arn", "arn:", "arn:aws", "arn:*", "arn:aws:", "arn:aws::x", "arn:aws::::x", "arn:aws:s3::x"]
    {
        assert!(ArnPattern::parse(text, true).is_err(), "{text}");
    }
    for text in ["*", "arn:aws:ses:*:*:identity/${aws:username}"] {
        assert_eq!(ArnPattern::parse(text, true).unwrap().as_str(), text);
    }
}

#[test]
fn variables_in_resources_stand_after_the_fifth_colon_only() {
    let arn = "arn:aws:s3:::home/jo*/x";
    assert_eq!(resource("arn:aws:s3:::home/${aws:username}/*", arn), Truth::True);
    assert_eq!(resource("arn:aws:s3:::${ses:FromAddress}/*", arn), Truth::Unknown);
    assert_eq!(resource("arn:aws:sqs:::${ses:FromAddress}/*", arn), Truth::False);
    assert_eq!(resource("arn:aws:s3:${aws:username}::home/*", "arn:aws:s3:jo*::home/x"), Truth::False);
    assert_eq!(
        ArnPattern::parse("arn:aws:s3:::${a}", false)
            .unwrap()
            .matches(&Arn::parse("arn:aws:s3:::${a}").unwrap(), &context()),
        Truth::True
    );
}

#[test]
fn arn_conditions_are_cut_after_the_variables_were_replaced() {
    let context = Context::new()
        .with("aws:PrincipalArn", ContextValue::One("arn:aws:iam::1:user/x".to_owned()))
        .with("part", ContextValue::One("1:user/*".to_owned()));
    let matches = |pattern: &str, actual: &str| {
        ConditionArnPattern::parse(pattern, true).matches(&crate::arn::split(actual).unwrap(), &context)
    };
    assert_eq!(matches("${aws:PrincipalArn}", "arn:aws:iam::1:user/x"), Truth::True);
    assert_eq!(matches("arn:aws:iam::${part}", "arn:aws:iam::1:user/*"), Truth::True);
    assert_eq!(matches("arn:aws:iam::${part}", "arn:aws:iam::1:user/y"), Truth::False);
    assert_eq!(matches("arn:aws:i*::1:user/${*}", "arn:aws:iam::1:user/*"), Truth::True);
    assert_eq!(matches("arn:aws:iam", "arn:aws:iam::1:user/x"), Truth::True);
    assert_eq!(matches("arn:*:user/x", "arn:aws:iam::1:user/x"), Truth::False);
    assert_eq!(matches("*:aws:iam::1:user/?", "arn:aws:iam::1:user/x"), Truth::True);
    assert_eq!(matches("", "arn:aws:iam::1:user/x"), Truth::False);
}
