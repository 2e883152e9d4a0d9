//! Random cases that are likely to hit: few keys, few values, patterns that fit them.

use std::sync::Arc;

use sesame_policy::document::{PolicyDocument, PolicyGrammar};
use sesame_policy::evaluation::{Assumed, Completion};
use sesame_policy::{Arn, Context, ContextValue, LayerKind, Policy, PolicySet, Principal, Request};

/// Choices made by numbers that proptest shrinks.
pub struct Choices {
    numbers: Vec<u32>,
    at: usize,
}

impl Choices {
    pub fn new(numbers: Vec<u32>) -> Choices {
        Choices { numbers, at: 0 }
    }
    pub fn below(&mut self, limit: usize) -> usize {
        let number = self.numbers.get(self.at % self.numbers.len().max(1)).copied().unwrap_or(0);
        // The numbers start again, changed, when they are used up.
        let round = u32::try_from(self.at / self.numbers.len().max(1)).unwrap();
        self.at += 1;
        (number.wrapping_add(round.wrapping_mul(0x9e37_79b9)) >> 3) as usize % limit
    }
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

const PRINCIPALS: &[&str] = &[
    "arn:aws:iam::111122223333:user/mailer",
    "arn:aws:iam::111122223333:user/mailer",
    "arn:aws:iam::111122223333:role/team/app",
    "arn:aws:sts::111122223333:assumed-role/app/one",
    "arn:aws:sts::111122223333:federated-user/bob",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/app",
    "service:ses.amazonaws.com",
    "anonymous",
    "arn:aws:iam::999988887777:user/mailer",
    "arn:aws:iam::999988887777:role/app",
];
const PRINCIPAL_ELEMENTS: &[&str] = &[
    r#""Principal":"*""#,
    r#""Principal":{"AWS":"*"}"#,
    r#""Principal":{"AWS":"111122223333"}"#,
    r#""Principal":{"AWS":"arn:aws:iam::999988887777:root"}"#,
    r#""Principal":{"AWS":["arn:aws:iam::111122223333:user/mailer","arn:aws:iam::999988887777:user/mailer"]}"#,
    r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/team/app"}"#,
    r#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/app/one"}"#,
    r#""Principal":{"AWS":["arn:aws:sts::111122223333:assumed-role/app/two","arn:aws:iam::111122223333:role/team/app"]}"#,
    r#""Principal":{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}"#,
    r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/issuer"}"#,
    r#""Principal":{"Service":"ses.amazonaws.com"}"#,
    r#""NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/mailer"]}"#,
    r#""NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/team/app","arn:aws:sts::111122223333:assumed-role/app/one"]}"#,
    r#""NotPrincipal":{"AWS":["111122223333"]}"#,
    r#""NotPrincipal":{"Service":"ses.amazonaws.com"}"#,
    r#""NotPrincipal":{"AWS":"*"}"#,
];
const ACTIONS: &[&str] = &[
    r#""Action":"*""#,
    r#""Action":"ses:*""#,
    r#""Action":["ses:Send*","s3:GetObject"]"#,
    r#""Action":"SES:sendemail""#,
    r#""NotAction":"ses:Get*""#,
    r#""Action":"s3:*""#,
];
pub const RESOURCE: &str = "arn:aws:ses:us-east-1:111122223333:identity/example.com";
const RESOURCES: &[&str] = &[
    r#""Resource":"*""#,
    r#""Resource":"*""#,
    r#""Resource":"arn:aws:ses:us-east-1:111122223333:identity/example.com""#,
    r#""Resource":"arn:aws:ses:*:*:identity/*.com""#,
    r#""Resource":"arn:aws:ses:*:*:identity/${aws:PrincipalTag/team}""#,
    r#""Resource":"arn:aws:ses:*:*:identity/*${ses:FromAddress}*""#,
    r#""NotResource":"arn:aws:ses:*:*:identity/${aws:PrincipalTag/team, 'example.com'}""#,
    r#""NotResource":"arn:aws:s3:::*""#,
];

/// A key with values that it may have and operators with values that fit.
struct Key {
    name: &'static str,
    values: &'static [&'static str],
    conditions: &'static [(&'static str, &'static str)],
}

const KEYS: &[Key] = &[
    Key {
        name: "ses:FromAddress",
        values: &[
            "a@example.com",
            "b@example.com",
            "a@example.org",
            "example",
            "example.com",
            "",
            "A@example.com",
            "team@example.com",
            "É@example.com",
            "zz",
        ],
        conditions: &[
            ("StringLike", r#""*@example.com""#),
            ("StringLike", r#"["a@*","b?example.*"]"#),
            ("StringNotLike", r#""*@example.com""#),
            ("StringEquals", r#""a@example.com""#),
            ("StringEqualsIfExists", r#""${aws:PrincipalTag/team}@example.com""#),
            ("StringNotEqualsIgnoreCase", r#""a@EXAMPLE.com""#),
            ("StringEqualsIgnoreCase", r#"["é@example.COM","TEAM@example.com"]"#),
            ("StringLike", r#""${aws:PrincipalTag/team}*""#),
            ("ForAnyValue:StringEquals", r#""example""#),
            ("Null", r#""true""#),
            ("Null", r#""false""#),
        ],
    },
    Key {
        name: "ses:Recipients",
        values: &["x@partner.com", "y@example.com", "z@other", "a@example.com", ""],
        conditions: &[
            ("ForAllValues:StringLike", r#"["*@partner.com","*@example.com"]"#),
            ("ForAnyValue:StringLike", r#""*@partner.com""#),
            ("ForAllValues:StringNotLike", r#""*@other""#),
            ("ForAnyValue:StringNotEqualsIfExists", r#""x@partner.com""#),
            ("StringLike", r#""*""#),
            ("StringNotLikeIfExists", r#""*@partner.com""#),
            ("Null", r#""false""#),
            ("ForAnyValue:StringEquals", r#""${ses:FromAddress}""#),
        ],
    },
    Key {
        name: "aws:SourceIp",
        values: &["10.0.0.1", "10.1.2.3", "192.0.2.7", "2001:db8::1", "255.255.255.255", "10.255.255.255"],
        conditions: &[
            ("IpAddress", r#""10.0.0.0/8""#),
            ("NotIpAddress", r#"["10.0.0.0/16","2001:db8::/32"]"#),
            ("NotIpAddressIfExists", r#""192.0.2.7""#),
            ("StringEquals", r#""10.0.0.1""#),
            ("Null", r#""true""#),
        ],
    },
    Key {
        name: "aws:CurrentTime",
        values: &["2026-01-01T00:00:00Z", "2026-06-15T12:30Z", "2027-01-01", "1999", "2026-01-01T00:00:00.5Z"],
        conditions: &[
            ("DateLessThan", r#""2026-06-01T00:00:00Z""#),
            ("DateGreaterThanEquals", r#""2026-01-01""#),
            ("DateNotEquals", r#""2026-01-01""#),
            ("DateEqualsIfExists", r#"1767225600"#),
        ],
    },
    Key {
        name: "aws:PrincipalTag/team",
        values: &["example.com", "a", "b", "12", "x.com", "true", "a@example.org", "-1.5", "10.0", "2020"],
        conditions: &[
            ("StringEquals", r#"["a","12"]"#),
            ("StringNotLike", r#""*.com""#),
            ("NumericLessThan", r#"["10"]"#),
            ("NumericNotEquals", "12"),
            ("NumericGreaterThanEqualsIfExists", "-1.5"),
            ("Bool", "true"),
            ("StringEqualsIgnoreCase", r#""EXAMPLE.com""#),
        ],
    },
    Key {
        name: "aws:SecureTransport",
        values: &["true", "false"],
        conditions: &[
            ("Bool", r#""true""#),
            ("Bool", "false"),
            ("BoolIfExists", r#""TRUE""#),
            ("StringNotEquals", r#""false""#),
        ],
    },
    Key {
        name: "aws:MultiFactorAuthAge",
        values: &["0", "5", "3600", "3600.5", "99999", "5.0"],
        conditions: &[
            ("NumericLessThan", "3600"),
            ("NumericGreaterThan", "5"),
            ("NumericEquals", r#"["5","7"]"#),
            ("StringEquals", r#""5""#),
        ],
    },
    Key {
        name: "aws:SourceArn",
        values: &["arn:aws:ses:us-east-1:111122223333:x/y", "arn:aws:s3:::bucket", "none", "arn:aws:ses:eu-west-1:1:z"],
        conditions: &[
            ("ArnLike", r#""arn:aws:ses:*:111122223333:*""#),
            ("ArnNotEquals", r#"["arn:aws:s3:::bucket","arn:aws:ses:us-east-?:*"]"#),
            ("ArnLikeIfExists", r#""arn:*:ses""#),
        ],
    },
];

fn condition(choices: &mut Choices) -> String {
    let count = choices.pick(&[0, 1, 1, 1, 2, 3]);
    if count == 0 {
        return String::new();
    }
    let mut operators: Vec<(&str, Vec<String>)> = Vec::new();
    for _ in 0..count {
        let key = &KEYS[choices.below(KEYS.len())];
        let (operator, values) = choices.pick(key.conditions);
        let field = format!("\"{}\":{values}", key.name);
        match operators.iter_mut().find(|(known, _)| *known == operator) {
            Some((_, fields)) if fields.iter().any(|known| known.starts_with(&format!("\"{}\"", key.name))) => {}
            Some((_, fields)) => fields.push(field),
            None => operators.push((operator, vec![field])),
        }
    }
    let blocks: Vec<String> =
        operators.iter().map(|(operator, fields)| format!("\"{operator}\":{{{}}}", fields.join(","))).collect();
    format!(",\"Condition\":{{{}}}", blocks.join(","))
}

pub fn statement(choices: &mut Choices, effect: &str, principals: bool) -> String {
    let principal = if principals { format!(",{}", choices.pick(PRINCIPAL_ELEMENTS)) } else { String::new() };
    format!(
        "{{\"Effect\":\"{effect}\"{principal},{},{}{}}}",
        choices.pick(ACTIONS),
        choices.pick(RESOURCES),
        condition(choices)
    )
}

pub fn document(statements: &[String], version: &str, grammar: PolicyGrammar) -> Arc<PolicyDocument> {
    let text = format!("{{\"Version\":\"{version}\",\"Statement\":[{}]}}", statements.join(","));
    Arc::new(PolicyDocument::parse_str(&text, grammar).unwrap_or_else(|error| panic!("{error}: {text}")))
}

fn policy(choices: &mut Choices, grammar: PolicyGrammar, unreadable: usize) -> Policy {
    if choices.one_in(unreadable) {
        return Policy::unreadable(None);
    }
    let statements: Vec<String> = (0..choices.pick(&[1, 1, 2, 3]))
        .map(|_| {
            let effect = choices.pick(&["Allow", "Allow", "Allow", "Deny"]);
            statement(choices, effect, grammar != PolicyGrammar::Identity)
        })
        .collect();
    let version = if choices.one_in(12) { "2008-10-17" } else { "2012-10-17" };
    Policy { name: None, document: Some(document(&statements, version, grammar)) }
}

fn list(choices: &mut Choices, grammar: PolicyGrammar) -> Vec<Policy> {
    (0..choices.pick(&[1, 1, 2])).map(|_| policy(choices, grammar, 14)).collect()
}

pub fn policies(choices: &mut Choices) -> PolicySet {
    let maybe = |choices: &mut Choices, grammar, rarely: usize| choices.one_in(rarely).then(|| list(choices, grammar));
    let levels = |choices: &mut Choices, grammar, rarely: usize| {
        choices.one_in(rarely).then(|| (0..choices.pick(&[1, 2])).map(|_| list(choices, grammar)).collect())
    };
    PolicySet {
        identity: if choices.one_in(8) { Vec::new() } else { list(choices, PolicyGrammar::Identity) },
        boundary: maybe(choices, PolicyGrammar::Identity, 5),
        session: maybe(choices, PolicyGrammar::Identity, 5),
        service_control: levels(choices, PolicyGrammar::Identity, 5),
        resource_control: levels(choices, PolicyGrammar::ResourceControl, 9),
        resource: if choices.one_in(2) { Vec::new() } else { list(choices, PolicyGrammar::Resource) },
        vpc_endpoint: maybe(choices, PolicyGrammar::ResourceControl, 9),
    }
}

/// A known value for a key, or its absence.
pub fn value(choices: &mut Choices, key: &str) -> ContextValue {
    let key = KEYS.iter().find(|known| known.name.eq_ignore_ascii_case(key)).unwrap();
    if choices.one_in(5) {
        return ContextValue::Absent;
    }
    if key.name == "ses:Recipients" {
        let count = choices.below(4);
        return ContextValue::Many((0..count).map(|_| choices.pick(key.values).to_owned()).collect());
    }
    ContextValue::One(choices.pick(key.values).to_owned())
}

pub fn request(choices: &mut Choices, unknown: usize) -> Request {
    let mut context = Context::new();
    for key in KEYS {
        let value = if choices.one_in(unknown) {
            ContextValue::Unknown("for the test".to_owned())
        } else {
            value(choices, key.name)
        };
        context.set(key.name, value);
    }
    Request {
        principal: Principal::parse(choices.pick(PRINCIPALS)).unwrap(),
        action: "ses:SendEmail".to_owned(),
        resource: Arn::parse(RESOURCE).unwrap(),
        resource_account: None,
        context,
    }
}

/// One completion of everything unknown, at random.
pub fn complete(choices: &mut Choices, policies: &PolicySet, request: &Request) -> (PolicySet, Request) {
    let mut completed = request.clone();
    for (key, known) in request.context.iter() {
        if matches!(known, ContextValue::Unknown(_)) {
            completed.context.set(key, value(choices, key));
        }
    }
    match &mut completed.principal {
        Principal::Role { session: session @ None, .. } => {
            *session = Some(choices.pick(&["one", "two", "three"]).to_owned())
        }
        Principal::FederatedUser { issuer: issuer @ None, .. } => {
            let issuers = [
                "arn:aws:iam::111122223333:user/issuer",
                "arn:aws:iam::111122223333:user/other",
                "arn:aws:iam::111122223333:root",
            ];
            *issuer = Some(Arn::parse(choices.pick(&issuers)).unwrap());
        }
        _ => {}
    }
    let assumed = [
        Assumed::Allow,
        Assumed::AllowDirectly,
        Assumed::AllowEntity,
        Assumed::AllowNothing,
        Assumed::Deny,
        Assumed::NotThere,
    ];
    let mut fill = |layer: LayerKind, _level: Option<usize>| {
        choices.pick(&assumed[..if layer == LayerKind::ServiceControl { 5 } else { 6 }])
    };
    (fill_policies(policies, &completed.principal, &mut fill), completed)
}

/// The policies as a completion would have them.
pub fn fill(policies: &PolicySet, completion: &Completion, principal: &Principal) -> PolicySet {
    let principal = completion.principal.as_ref().unwrap_or(principal);
    fill_policies(policies, principal, &mut |layer, level| {
        let found = completion.unreadable.iter().find(|(own, at, _)| *own == layer && *at == level);
        match found {
            None => Assumed::AllowNothing,
            // Only a policy for everyone is for nobody in particular.
            Some((_, _, Assumed::Allow)) if *principal == Principal::Anonymous => Assumed::AllowDirectly,
            Some((_, _, assumed)) => *assumed,
        }
    })
}

fn fill_policies(
    policies: &PolicySet,
    principal: &Principal,
    assumed: &mut dyn FnMut(LayerKind, Option<usize>) -> Assumed,
) -> PolicySet {
    let mut filled = policies.clone();
    let mut fill = |list: &mut Vec<Policy>, layer: LayerKind, level: Option<usize>| {
        if list.iter().any(|policy| policy.document.is_none()) {
            let what = assumed(layer, level);
            let all = list.iter().all(|policy| policy.document.is_none());
            list.retain(|policy| policy.document.is_some());
            // A policy of a layer in which others are known can be missing, but the layer can't.
            if what != Assumed::NotThere || (!all && level.is_some()) {
                list.push(Policy { name: None, document: Some(stand_in(layer, what, principal)) });
            }
        }
    };
    fill(&mut filled.identity, LayerKind::Identity, None);
    fill(&mut filled.resource, LayerKind::Resource, None);
    let flat = [
        (&mut filled.boundary, LayerKind::Boundary),
        (&mut filled.session, LayerKind::Session),
        (&mut filled.vpc_endpoint, LayerKind::VpcEndpoint),
    ];
    for (list, layer) in flat {
        if let Some(own) = list {
            fill(own, layer, None);
        }
    }
    for (levels, layer) in [
        (&mut filled.service_control, LayerKind::ServiceControl),
        (&mut filled.resource_control, LayerKind::ResourceControl),
    ] {
        for (index, level) in levels.iter_mut().flatten().enumerate() {
            fill(level, layer, Some(index));
        }
        // A level that is not there at all.
        if let Some(own) = levels {
            own.retain(|level| !level.is_empty());
        }
    }
    filled
}

fn stand_in(layer: LayerKind, assumed: Assumed, principal: &Principal) -> Arc<PolicyDocument> {
    let grammar = match layer {
        LayerKind::Resource => PolicyGrammar::Resource,
        LayerKind::ResourceControl | LayerKind::VpcEndpoint => PolicyGrammar::ResourceControl,
        _ => PolicyGrammar::Identity,
    };
    let statement = |effect: &str, principal: &str| match grammar {
        PolicyGrammar::Identity => format!("{{\"Effect\":\"{effect}\",\"Action\":\"*\",\"Resource\":\"*\"}}"),
        _ => format!("{{\"Effect\":\"{effect}\",\"Principal\":{principal},\"Action\":\"*\",\"Resource\":\"*\"}}"),
    };
    let everyone = "\"*\"";
    // An allow that lifts nothing names accounts; services and anonymous callers have none.
    let accounts = r#"{"AWS":["111122223333","999988887777"],"Service":"ses.amazonaws.com"}"#;
    let statements = match assumed {
        Assumed::Deny => vec![statement("Deny", everyone)],
        Assumed::Allow if layer == LayerKind::Resource => vec![statement("Allow", accounts)],
        Assumed::AllowEntity if layer == LayerKind::Resource => vec![statement("Allow", &entity(principal))],
        Assumed::Allow | Assumed::AllowDirectly | Assumed::AllowEntity => vec![statement("Allow", everyone)],
        Assumed::AllowNothing | Assumed::NotThere => Vec::new(),
    };
    document(&statements, "2012-10-17", grammar)
}

/// A `Principal` of the user, the role, or the user behind a federated session.
fn entity(principal: &Principal) -> String {
    let arn = match principal {
        Principal::Role { account, name, .. } => format!("arn:aws:iam::{account}:role/{name}"),
        Principal::FederatedUser { issuer: Some(issuer), .. } => issuer.to_string(),
        Principal::Service(name) => return format!("{{\"Service\":\"{name}\"}}"),
        Principal::Anonymous => return "\"*\"".to_owned(),
        other => other.to_string(),
    };
    format!("{{\"AWS\":\"{arn}\"}}")
}

/// The policies of a layer as text, for the message of a failed test.
pub fn show(policies: &PolicySet) -> String {
    let mut lines = Vec::new();
    let mut add = |layer: &str, list: &[Policy]| {
        for policy in list {
            lines.push(format!(
                "{layer}: {}",
                policy.document.as_ref().map_or("unreadable".to_owned(), |document| document.raw.to_string())
            ));
        }
    };
    add("identity", &policies.identity);
    add("resource", &policies.resource);
    for (layer, list) in
        [("boundary", &policies.boundary), ("session", &policies.session), ("vpc endpoint", &policies.vpc_endpoint)]
    {
        add(layer, list.as_deref().unwrap_or_default());
    }
    for (layer, levels) in [("scp", &policies.service_control), ("rcp", &policies.resource_control)] {
        for level in levels.iter().flatten() {
            add(layer, level);
        }
    }
    lines.join("\n")
}
