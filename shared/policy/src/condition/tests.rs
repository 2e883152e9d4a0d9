use super::*;
use BaseOperator::*;
use Truth::{False, True, Unknown};

/// One value of the policy with a value of the request that it matches and one that it does not.
const VALUES: &[(BaseOperator, &str, &str, &str)] = &[
    (StringEquals, "a*", "a*", "ab"),
    (StringNotEquals, "a*", "a*", "ab"),
    (StringEqualsIgnoreCase, "Straße?", "straße?", "strasse?"),
    (StringNotEqualsIgnoreCase, "AbC", "aBc", "abd"),
    (StringLike, "*@ex?mple.com", "a:/@example.com", "a@exmple.com"),
    (StringNotLike, "a*", "abc", "bc"),
    (NumericEquals, "10", "1e1", "10.000000000000000000001"),
    (NumericNotEquals, "0.1", ".10", "0.2"),
    (NumericLessThan, "10", "9.99", "10"),
    (NumericLessThanEquals, "10", "10.0", "10.1"),
    (NumericGreaterThan, "-5", "-4", "-5"),
    (NumericGreaterThanEquals, "-5", "-5", "-6"),
    (DateEquals, "2018-08-31T12:00Z", "1535716800", "2018-08-31T12:00:01Z"),
    (DateNotEquals, "2018", "2018-01-01T00:00:00Z", "2018-01-02"),
    (DateLessThan, "2018-08-31T12:00:00+02:00", "2018-08-31T09:59:59Z", "2018-08-31T10:00:00Z"),
    (DateLessThanEquals, "2018-08-31", "2018-08-31T00:00:00Z", "2018-08-31T00:00:00.001Z"),
    (DateGreaterThan, "2018-08-31", "2018-08-31T00:00:00.001Z", "2018-08-31T00:00:00Z"),
    (DateGreaterThanEquals, "2018-08-31", "2018-08-31T00:00:00Z", "2018-08-30T23:59:59Z"),
    (Bool, "true", "TRUE", "false"),
    (BinaryEquals, "QmluYXJ5", "QmluYXJ5", "QmluYXJz"),
    (IpAddress, "10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
    (NotIpAddress, "2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
    (ArnEquals, "arn:aws:s?s:*:1111????2222:*", "arn:aws:sns::111133332222:a:b", "arn:aws:sns::11113333222:a"),
    (ArnNotEquals, "arn:aws:sns", "arn:aws:sns:r:1:t", "arn:aws:sqs:r:1:t"),
    (ArnLike, "arn:*:sns:*:*:t*", "arn:aws:sns:r:1:topic", "arn:aws:sns:r:1:Topic"),
    (ArnNotLike, "*:aws:sns:*:*:*", "arn:aws:sns:r:1:t", "arn:aws-cn:sns:r:1:t"),
];

fn condition(operator: &str, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let operator = Operator::parse(operator).unwrap();
    Condition::new(operator, "aws:Key".to_owned(), values, String::new(), true).unwrap()
}

fn one(text: &str) -> ContextValue {
    ContextValue::One(text.to_owned())
}

fn many(texts: &[&str]) -> ContextValue {
    ContextValue::Many(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn check(operator: &str, values: &[&str], actual: &ContextValue, expected: Truth) {
    let outcome = condition(operator, values).evaluate(&Context::new().with("AWS:key", actual.clone()));
    assert_eq!(outcome, expected, "{operator} {values:?} of {actual:?}");
}

#[test]
fn every_operator_has_its_line_here() {
    let tested: Vec<BaseOperator> = VALUES.iter().map(|(base, ..)| *base).chain([Null]).collect();
    assert_eq!(tested, BaseOperator::all().collect::<Vec<_>>());
}

#[test]
fn a_single_value_matches_or_not() {
    for (base, value, hit, miss) in VALUES {
        let turned = Truth::from(base.is_negated());
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            for suffix in ["", "IfExists"] {
                let operator = format!("{prefix}{}{suffix}", base.as_str());
                check(&operator, &[value], &one(hit), !turned);
                check(&operator, &[value], &one(miss), turned);
                // Values of the policy are alternatives, or NOR.
                check(&operator, &[miss_value(*base), value], &one(hit), !turned);
                check(&operator, &[], &one(hit), turned);
            }
        }
    }
}

/// A value that matches neither.
fn miss_value(base: BaseOperator) -> &'static str {
    match base {
        NumericLessThan | NumericLessThanEquals => "-999",
        NumericGreaterThan | NumericGreaterThanEquals | NumericEquals | NumericNotEquals => "999",
        DateLessThan | DateLessThanEquals => "1999",
        DateGreaterThan | DateGreaterThanEquals | DateEquals | DateNotEquals => "2999",
        IpAddress | NotIpAddress => "192.0.2.1",
        _ => "none",
    }
}

#[test]
fn an_absent_key_fails_positive_operators_and_passes_negated_ones() {
    for (base, value, ..) in VALUES {
        let name = base.as_str();
        check(name, &[value], &ContextValue::Absent, base.is_negated().into());
        check(&format!("ForAllValues:{name}"), &[value], &ContextValue::Absent, True);
        check(&format!("ForAnyValue:{name}"), &[value], &ContextValue::Absent, False);
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            check(&format!("{prefix}{name}IfExists"), &[value], &ContextValue::Absent, True);
        }
    }
}

#[test]
fn an_unknown_key_leaves_the_outcome_open() {
    for (base, value, ..) in VALUES {
        for operator in [base.as_str().to_owned(), format!("ForAnyValue:{}IfExists", base.as_str())] {
            check(&operator, &[value], &ContextValue::Unknown("redacted".to_owned()), Unknown);
        }
    }
}

#[test]
fn a_list_needs_a_set_operator() {
    for (base, value, hit, miss) in VALUES {
        for actual in [many(&[hit]), many(&[miss]), many(&[]), many(&[hit, miss])] {
            check(base.as_str(), &[value], &actual, False);
            check(&format!("{}IfExists", base.as_str()), &[value], &actual, False);
        }
    }
}

#[test]
fn set_operators_ask_for_all_or_for_any() {
    for (base, value, hit, miss) in VALUES {
        let (all, any) = (format!("ForAllValues:{}", base.as_str()), format!("ForAnyValue:{}", base.as_str()));
        let (good, bad) = if base.is_negated() { (miss, hit) } else { (hit, miss) };
        for (actual, in_all, in_any) in [
            (many(&[]), True, False),
            (many(&[good]), True, True),
            (many(&[bad]), False, False),
            (many(&[good, good]), True, True),
            (many(&[good, bad]), False, True),
            (many(&[bad, good]), False, True),
        ] {
            check(&all, &[value], &actual, in_all);
            check(&any, &[value], &actual, in_any);
            check(&format!("{all}IfExists"), &[value], &actual, in_all);
            check(&format!("{any}ifexists"), &[value], &actual, in_any);
        }
    }
}

#[test]
fn null_asks_whether_the_key_is_there() {
    let unknown = ContextValue::Unknown("redacted".to_owned());
    for (values, absent, present, open) in [
        (&["true"][..], True, False, Unknown),
        (&["false"], False, True, Unknown),
        (&["TRUE", "false"], True, True, True),
        (&[], False, False, False),
    ] {
        check("Null", values, &ContextValue::Absent, absent);
        for actual in [one(""), one("x"), many(&[]), many(&["x"])] {
            check("Null", values, &actual, present);
        }
        check("Null", values, &unknown, open);
    }
}

#[test]
fn a_value_of_another_type_matches_nothing() {
    for (operator, value, actual) in [
        ("Numeric", "5", "five"),
        ("Numeric", "5", ""),
        ("Numeric", "5", "5 "),
        ("Date", "2018", "yesterday"),
        ("IpAddress", "0.0.0.0/0", "::ffff:10.0.0.1"),
        ("IpAddress", "::/0", "10.0.0.1"),
        ("IpAddress", "::ffff:10.0.0.0/104", "10.0.0.1"),
        ("IpAddress", "10.0.0.0/8", "10.0.0.1/32"),
        ("Arn", "*", "not:an:arn:of:six:parts"),
        ("Arn", "*", "arn:aws:s3"),
        ("Bool", "true", "yes"),
        ("Bool", "yes", "yes"),
        ("Bool", "1", "1"),
        ("BinaryEquals", "no base64!", "no base64!"),
        ("BinaryEquals", "QQ==", "QQ"),
    ] {
        let (positive, negated) = match operator {
            "Numeric" | "Date" => (format!("{operator}Equals"), Some(format!("{operator}NotEquals"))),
            "IpAddress" => ("IpAddress".to_owned(), Some("NotIpAddress".to_owned())),
            "Arn" => ("ArnLike".to_owned(), Some("ArnNotLike".to_owned())),
            other => (other.to_owned(), None),
        };
        check(&positive, &[value], &one(actual), False);
        if let Some(negated) = negated {
            check(&negated, &[value], &one(actual), True);
        }
    }
    check("NumericLessThan", &["5"], &one("x"), False);
    check("DateGreaterThan", &["1970"], &one("x"), False);
}

#[test]
fn malformed_values_of_a_policy_are_refused() {
    for (operator, values, index) in [
        ("NumericEquals", &["1", "one"][..], 1),
        ("NumericLessThan", &["${aws:Key}"], 0),
        ("DateEquals", &["2018-13"], 0),
        ("IpAddress", &["10.0.0.0/33"], 0),
        ("NotIpAddress", &["10.0.0.0/8", "10.0.0/8"], 1),
        ("IpAddress", &["${aws:SourceIp}"], 0),
        ("Null", &["yes"], 0),
    ] {
        let owned = values.iter().map(|value| (*value).to_owned()).collect();
        let error =
            Condition::new(Operator::parse(operator).unwrap(), "k".to_owned(), owned, String::new(), true).unwrap_err();
        assert_eq!((error.index, error.found.as_str()), (index, values[index]), "{operator}");
    }
}

#[test]
fn variables_are_replaced_in_texts_arns_and_booleans_only() {
    let context = Context::new()
        .with("aws:username", one("jo*"))
        .with("aws:Flag", one("true"))
        .with("aws:Arn", one("arn:aws:sns:r:1:t"))
        .with("aws:List", many(&["x"]))
        .with("aws:Open", ContextValue::Unknown("redacted".to_owned()));
    let outcome = |operator: &str, value: &str, actual: &str| {
        let condition = condition(operator, &[value]);
        condition.evaluate_value(&one(actual), &context)
    };
    for (operator, value, actual, expected) in [
        ("StringEquals", "${aws:username}", "jo*", True),
        ("StringLike", "${aws:username}?", "jo*1", True),
        ("StringLike", "${aws:username}", "joe", False),
        ("StringNotEquals", "${aws:username}", "jo*", False),
        ("StringEqualsIgnoreCase", "x${AWS:USERNAME}", "XJO*", True),
        ("Bool", "${aws:Flag}", "true", True),
        ("ArnEquals", "${aws:Arn}", "arn:aws:sns:r:1:t", True),
        ("BinaryEquals", "${aws:username}", "${aws:username}", False),
        // No value: the pattern matches nothing, whatever stands beside the variable.
        ("StringLike", "${aws:Absent}*", "x", False),
        ("StringNotLike", "*${aws:Absent}", "x", True),
        ("StringEquals", "${aws:List}", "x", False),
        ("ArnLike", "arn:aws:sns:${aws:Absent}:*:*", "arn:aws:sns::1:t", False),
        ("StringEquals", "${aws:Absent, 'x'}", "x", True),
        ("StringEqualsIgnoreCase", "${aws:Absent, 'x'}", "X", True),
        // Not known.
        ("StringEquals", "${aws:Open}", "x", Unknown),
        ("StringNotLike", "${aws:Open}*", "x", Unknown),
        ("Bool", "${aws:Open}", "maybe", False),
    ] {
        assert_eq!(outcome(operator, value, actual), expected, "{operator} {value} {actual}");
    }
}

#[test]
fn one_unknown_alternative_does_not_hide_one_that_matches() {
    let context = Context::new().with("aws:Open", ContextValue::Unknown("redacted".to_owned()));
    let open = condition("StringEquals", &["${aws:Open}", "x"]);
    assert_eq!(open.evaluate_value(&one("x"), &context), True);
    assert_eq!(open.evaluate_value(&one("y"), &context), Unknown);
    let none = condition("StringNotEquals", &["${aws:Open}", "x"]);
    assert_eq!(none.evaluate_value(&one("x"), &context), False);
}

#[test]
fn each_value_can_be_asked_about() {
    let context = Context::new();
    for (base, value, hit, miss) in VALUES {
        let condition = condition(base.as_str(), &[miss_value(*base), value]);
        assert_eq!(condition.value_matches(1, hit, &context), True, "{base:?}");
        assert_eq!(condition.value_matches(1, miss, &context), False, "{base:?}");
        assert_eq!(condition.value_matches(0, hit, &context), False, "{base:?}");
        assert_eq!(condition.value_matches(2, hit, &context), False, "{base:?}");
        assert_eq!(condition.resolved_values(&context), None);
    }
}

#[test]
fn resolved_values_show_what_the_variables_stand_for() {
    let context = Context::new().with("aws:username", one("joe"));
    let text = condition("StringLike", &["${aws:username}@*", "${aws:Absent}", "x", "${*}"]);
    let expected = [Some("joe@*".to_owned()), None, Some("x".to_owned()), Some("*".to_owned())];
    assert_eq!(text.resolved_values(&context), Some(expected.to_vec()));
    let arn = condition("ArnLike", &["arn:aws:iam::*:user/${aws:username}", "arn:aws:s3"]);
    let expected = [Some("arn:aws:iam::*:user/joe".to_owned()), Some("arn:aws:s3".to_owned())];
    assert_eq!(arn.resolved_values(&context), Some(expected.to_vec()));
}

#[test]
fn in_version_2008_a_variable_is_text() {
    let operator = Operator::parse("StringEquals").unwrap();
    let values = vec!["${aws:username}".to_owned()];
    let condition = Condition::new(operator, "k".to_owned(), values, String::new(), false).unwrap();
    assert_eq!(condition.evaluate_value(&one("${aws:username}"), &Context::new()), True);
}
