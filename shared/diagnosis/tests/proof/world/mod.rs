//! Small worlds and refusals that bear on each other: every value comes from pools that overlap, so that policies match, miss by
//! little, and deny.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sesame_diagnosis::denial::{ApiGeneration, Caller, Content, Denial, Incident, Parameter};
use sesame_diagnosis::finding::{Gap, GapReason, Provenance};
use sesame_diagnosis::world::{
    Account, Entity, Group, Identity, InlinePolicy, ManagedPolicy, Node, NodeKind, Organization, OrganizationPolicy,
    RawDocument, Readable, Role, SesRegion, User, World,
};
use sesame_diagnosis::{fold, message};
use sesame_policy::Arn;
use sesame_policy::json::Json;

pub const ACCOUNT: &str = "111122223333";
pub const OWNER: &str = "444455556666";
pub const SENDS: [&str; 7] = [
    "ses:SendEmail",
    "ses:SendRawEmail",
    "ses:SendTemplatedEmail",
    "ses:SendBulkEmail",
    "ses:SendBulkTemplatedEmail",
    "ses:SendCustomVerificationEmail",
    "ses:SendBounce",
];
pub const ADDRESSES: [&str; 4] = ["a@example.com", "b@example.com", "A@example.com", "c@other.example"];
pub const RECIPIENTS: [&str; 4] = ["x@example.com", "y@example.com", "z@rival.example", "odd*name@example.com"];
pub const NETWORKS: [&str; 3] = ["198.51.100.7", "203.0.113.9", "2001:db8::7"];

/// Choices one after the other; when they run out, always the first. Shorter tapes are simpler worlds.
#[derive(Debug)]
pub struct Tape<'t> {
    rest: std::slice::Iter<'t, u16>,
}

impl<'t> Tape<'t> {
    pub fn new(choices: &'t [u16]) -> Tape<'t> {
        Tape { rest: choices.iter() }
    }
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.rest.next().copied().unwrap_or(0)) % limit
    }
    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == chances - 1
    }
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

pub fn identity_arn(account: &str, name: &str) -> String {
    format!("arn:aws:ses:us-east-1:{account}:identity/{name}")
}

fn one_or_more(tape: &mut Tape, pool: &[&str]) -> Value {
    let mut values = vec![tape.pick(pool)];
    if tape.one_in(3) {
        let other = tape.pick(pool);
        if !values.contains(&other) {
            values.push(other);
        }
    }
    if values.len() == 1 && !tape.one_in(3) { json!(values[0]) } else { json!(values) }
}

fn condition(tape: &mut Tape, block: &mut Map<String, Value>) {
    let if_exists =
        |tape: &mut Tape, name: &str| if tape.one_in(5) { format!("{name}IfExists") } else { name.to_owned() };
    let (operator, key, values) = match tape.below(11) {
        0 | 1 => {
            let name = tape.pick(&[
                "StringEquals",
                "StringLike",
                "StringNotEquals",
                "StringNotLike",
                "StringEqualsIgnoreCase",
            ]);
            (
                if_exists(tape, name),
                "ses:FromAddress",
                one_or_more(tape, &["a@example.com", "b@example.com", "*@example.com", "c@other.example"]),
            )
        }
        2 | 3 => {
            let set = tape.pick(&["ForAllValues:", "ForAnyValue:", ""]);
            let name = tape.pick(&["StringEquals", "StringLike", "StringNotLike"]);
            (
                format!("{set}{name}"),
                "ses:Recipients",
                one_or_more(tape, &["x@example.com", "*@example.com", "*@rival.example"]),
            )
        }
        4 => {
            let name = tape.pick(&["IpAddress", "NotIpAddress"]);
            (
                if_exists(tape, name),
                "aws:SourceIp",
                one_or_more(tape, &["203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"]),
            )
        }
        5 => {
            let name = tape.pick(&["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"]);
            (
                name.to_owned(),
                "aws:PrincipalArn",
                one_or_more(
                    tape,
                    &[
                        "arn:aws:iam::111122223333:role/svc/app",
                        "arn:aws:iam::111122223333:user/mailer",
                        "arn:aws:iam::*:role/other",
                    ],
                ),
            )
        }
        6 => ("Bool".to_owned(), "aws:SecureTransport", json!(tape.pick(&["true", "false"]))),
        7 => {
            let name = tape.pick(&["DateLessThan", "DateGreaterThan"]);
            (name.to_owned(), "aws:CurrentTime", json!(tape.pick(&["2027-01-01T00:00:00Z", "2025-01-01T12:00Z"])))
        }
        8 => {
            let name = tape.pick(&["StringEquals", "StringNotEquals"]);
            (if_exists(tape, name), "aws:PrincipalTag/team", one_or_more(tape, &["mail", "web"]))
        }
        9 => (
            "Null".to_owned(),
            tape.pick(&["ses:FeedbackAddress", "ses:Recipients", "aws:SourceVpce"]),
            json!(tape.pick(&["true", "false"])),
        ),
        _ => {
            let name = tape.pick(&["StringEquals", "StringNotEquals"]);
            (if_exists(tape, name), "ses:FromDisplayName", one_or_more(tape, &["Example", "Boss"]))
        }
    };
    let keys = block.entry(operator).or_insert_with(|| json!({}));
    keys.as_object_mut().unwrap().insert(key.to_owned(), values);
}

fn statement(tape: &mut Tape, principal: Option<Value>, resource: Option<&str>) -> Value {
    let mut fields = Map::new();
    if tape.one_in(3) {
        fields.insert("Sid".to_owned(), json!(format!("S{}", tape.below(90))));
    }
    fields.insert("Effect".to_owned(), json!(if tape.one_in(4) { "Deny" } else { "Allow" }));
    if let Some(principal) = principal {
        fields.insert("Principal".to_owned(), principal);
    }
    let actions = [
        "ses:SendEmail",
        "ses:SendRawEmail",
        "ses:Send*",
        "ses:*",
        "*",
        "ses:SendBulkEmail",
        "ses:SendBulkTemplatedEmail",
        "s3:GetObject",
        "ses:SendEmai?",
    ];
    let element = if tape.one_in(10) { "NotAction" } else { "Action" };
    fields.insert(element.to_owned(), one_or_more(tape, &actions));
    match resource {
        Some(arn) => {
            fields.insert("Resource".to_owned(), json!(arn));
        }
        None => {
            let resources = [
                "*",
                "arn:aws:ses:us-east-1:111122223333:identity/example.com",
                "arn:aws:ses:us-east-1:111122223333:identity/a@example.com",
                "arn:aws:ses:*:*:identity/*",
                "arn:aws:ses:us-east-1:111122223333:configuration-set/tracking",
                "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
                "arn:aws:ses:us-east-1:444455556666:identity/brand.example",
                "arn:aws:ses:us-east-1:111122223333:*",
            ];
            let element = if tape.one_in(10) { "NotResource" } else { "Resource" };
            fields.insert(element.to_owned(), one_or_more(tape, &resources));
        }
    }
    let conditions = tape.pick(&[0, 0, 1, 1, 2]);
    let mut block = Map::new();
    for _ in 0..conditions {
        condition(tape, &mut block);
    }
    if !block.is_empty() {
        fields.insert("Condition".to_owned(), Value::Object(block));
    }
    Value::Object(fields)
}

fn document(tape: &mut Tape) -> Value {
    let count = 1 + tape.below(3);
    let mut statements: Vec<Value> = (0..count).map(|_| statement(tape, None, None)).collect();
    let list = if count == 1 && tape.one_in(2) { statements.remove(0) } else { Value::Array(statements) };
    json!({ "Version": "2012-10-17", "Statement": list })
}

fn raw(document: &Value) -> RawDocument {
    RawDocument { json: Ok(Json::from_value(document)), source: "generated".to_owned() }
}

fn inline(tape: &mut Tape) -> Vec<InlinePolicy> {
    let count = tape.below(3);
    let policy = |index: usize, tape: &mut Tape| InlinePolicy {
        name: format!("Inline{index}"),
        document: Readable::Known(raw(&document(tape))),
    };
    (0..count).map(|index| policy(index, tape)).collect()
}

fn policy_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{name}")
}

fn entity(tape: &mut Tape, kind: &str, path: &str, name: &str) -> Entity {
    let attached = ["Shared", "Guard"].iter().filter(|_| tape.one_in(3)).map(|name| policy_arn(name)).collect();
    Entity {
        arn: format!("arn:aws:iam::{ACCOUNT}:{kind}{path}{name}"),
        name: name.to_owned(),
        path: path.to_owned(),
        unique_id: Some(format!("AXXA{}", name.to_ascii_uppercase())),
        inline: inline(tape),
        attached,
        boundary: tape.one_in(3).then(|| policy_arn("Limit")),
        tags: if tape.one_in(2) {
            vec![("team".to_owned(), tape.pick(&["mail", "web"]).to_owned())]
        } else {
            Vec::new()
        },
        gap: None,
    }
}

fn gap(layer: &str) -> Gap {
    Gap {
        layer: layer.to_owned(),
        source: "generated".to_owned(),
        reason: GapReason::AccessDenied,
        summary: "access denied".to_owned(),
    }
}

fn scps(tape: &mut Tape, at: usize) -> Readable<Vec<OrganizationPolicy>> {
    if tape.one_in(12) {
        return Readable::Gap(gap("service-control-policy"));
    }
    let policy = |name: &str, document: &Value| OrganizationPolicy {
        id: format!("p-{name}"),
        name: name.to_owned(),
        arn: Some(format!("arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/p-{name}")),
        document: raw(document),
    };
    let mut list = Vec::new();
    if !tape.one_in(6) {
        let full =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        let arn = Some("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess".to_owned());
        list.push(OrganizationPolicy { arn, ..policy("FullAWSAccess", &full) });
    }
    if tape.one_in(3) {
        list.push(policy(&format!("scp{at}"), &document(tape)));
    }
    Readable::Known(list)
}

fn organization(tape: &mut Tape) -> Readable<Option<Organization>> {
    match tape.below(6) {
        0..=2 => Readable::Known(None),
        3 => Readable::Gap(gap("service-control-policy")),
        _ => {
            let node = |kind: NodeKind, id: &str, policies| Node {
                kind,
                id: id.to_owned(),
                name: None,
                service_control_policies: policies,
                resource_control_policies: Readable::Known(Vec::new()),
            };
            let root = scps(tape, 0);
            let mut path = vec![node(NodeKind::Root, "r-root", root.clone())];
            if tape.one_in(2) {
                // Now and then the same policies as at the root.
                let policies = if tape.one_in(3) { root } else { scps(tape, 1) };
                path.push(node(NodeKind::Ou, "ou-prod", policies));
            }
            path.push(node(NodeKind::Account, ACCOUNT, scps(tape, 2)));
            Readable::Known(Some(Organization {
                id: Some("o-abc123".to_owned()),
                management_account: Some("999999999999".to_owned()),
                paths: BTreeMap::from([(ACCOUNT.to_owned(), path)]),
            }))
        }
    }
}

fn sending_policies(tape: &mut Tape, arn: &str) -> Vec<(String, RawDocument)> {
    let principals = [
        json!("*"),
        json!({ "AWS": ACCOUNT }),
        json!({ "AWS": "arn:aws:iam::111122223333:role/svc/app" }),
        json!({ "AWS": "arn:aws:iam::111122223333:user/mailer" }),
        json!({ "AWS": "arn:aws:sts::111122223333:assumed-role/app/session" }),
        json!({ "Service": "cognito-idp.amazonaws.com" }),
    ];
    let count = tape.pick(&[0, 0, 1, 2]);
    let one = |index: usize, tape: &mut Tape| {
        let principal = principals[tape.below(principals.len())].clone();
        let statement = statement(tape, Some(principal), Some(arn));
        (format!("Policy{index}"), raw(&json!({ "Version": "2012-10-17", "Statement": [statement] })))
    };
    (0..count).map(|index| one(index, tape)).collect()
}

fn ses(tape: &mut Tape, account: &str, names: &[&str]) -> Readable<SesRegion> {
    if tape.one_in(15) {
        return Readable::Gap(gap("sending-authorization-policy"));
    }
    let identity = |name: &str, tape: &mut Tape| Identity {
        verified: Some(true),
        configuration_set: tape.one_in(4).then(|| "tracking".to_owned()),
        policies: Readable::Known(sending_policies(tape, &identity_arn(account, name))),
    };
    let identities = names.iter().map(|name| ((*name).to_owned(), identity(name, tape))).collect();
    Readable::Known(SesRegion { identities, complete: true, ..SesRegion::default() })
}

fn account(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        users: Vec::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        managed_policies: BTreeMap::new(),
        iam_gap: None,
        others_gap: None,
        ses: BTreeMap::new(),
        history: Vec::new(),
    }
}

pub fn world(tape: &mut Tape) -> World {
    let mut own = account(ACCOUNT);
    own.roles = vec![Role { entity: entity(tape, "role", "/svc/", "app") }];
    let groups = if tape.one_in(3) { vec!["senders".to_owned()] } else { Vec::new() };
    own.users = vec![User { entity: entity(tape, "user", "/", "mailer"), groups }];
    own.groups = vec![Group {
        arn: format!("arn:aws:iam::{ACCOUNT}:group/senders"),
        name: "senders".to_owned(),
        inline: inline(tape),
        attached: Vec::new(),
    }];
    for name in ["Shared", "Guard", "Limit"] {
        let arn = policy_arn(name);
        if !tape.one_in(12) {
            let policy = ManagedPolicy {
                arn: arn.clone(),
                name: name.to_owned(),
                document: raw(&document(tape)),
                updated: None,
            };
            own.managed_policies.insert(arn, Readable::Known(policy));
        }
    }
    own.ses.insert("us-east-1".to_owned(), ses(tape, ACCOUNT, &["example.com", "a@example.com"]));
    let mut owner = account(OWNER);
    owner.ses.insert("us-east-1".to_owned(), ses(tape, OWNER, &["brand.example"]));
    // Others of the account, to see what a remedy opens for them.
    own.roles.push(Role { entity: entity(tape, "role", "/", "other") });
    own.users.push(User { entity: entity(tape, "user", "/", "second"), groups: Vec::new() });
    World {
        organization: organization(tape),
        accounts: BTreeMap::from([(ACCOUNT.to_owned(), own), (OWNER.to_owned(), owner)]),
    }
}

fn maybe<T>(tape: &mut Tape, value: impl FnOnce(&mut Tape) -> T) -> Parameter<T> {
    match tape.below(4) {
        0 | 1 => Parameter::Given(value(tape)),
        2 => Parameter::NotGiven,
        _ => Parameter::Unknown,
    }
}

/// A caller by number: the refused ones and the bystanders.
pub fn caller(index: usize) -> Caller {
    let arn = |text: &str| Arn::parse(text).unwrap();
    let role = |path: &str, name: &str| Caller::Role {
        account: ACCOUNT.to_owned(),
        name: name.to_owned(),
        role_arn: Some(arn(&format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"))),
        session_arn: Some(arn(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session"))),
    };
    match index {
        0 => role("/svc/", "app"),
        1 => Caller::User { arn: arn(&format!("arn:aws:iam::{ACCOUNT}:user/mailer")) },
        2 => role("/", "other"),
        _ => Caller::User { arn: arn(&format!("arn:aws:iam::{ACCOUNT}:user/second")) },
    }
}

pub fn send(tape: &mut Tape, denial: &mut Denial) {
    let send = &mut denial.send;
    send.from_address =
        if tape.one_in(5) { Parameter::Unknown } else { Parameter::Given(tape.pick(&ADDRESSES).to_owned()) };
    send.from_display_name = maybe(tape, |tape| tape.pick(&["Example", "Boss"]).to_owned());
    send.feedback_address = maybe(tape, |_| "bounce@example.com".to_owned());
    send.recipients = if tape.one_in(3) {
        Parameter::Unknown
    } else {
        let mut list = vec![tape.pick(&RECIPIENTS).to_owned()];
        if tape.one_in(3) {
            list.push(tape.pick(&RECIPIENTS).to_owned());
        }
        Parameter::Given(list)
    };
    send.configuration_set = maybe(tape, |_| "tracking".to_owned());
    denial.source_ip = (!tape.one_in(8)).then(|| tape.pick(&NETWORKS).to_owned());
    denial.secure_transport = if tape.one_in(6) { None } else { Some(!tape.one_in(6)) };
}

/// A refused send; `who` as for [`caller`].
pub fn denial(tape: &mut Tape, who: usize) -> Denial {
    let mut denial = Denial::new(if tape.one_in(8) { Provenance::Log } else { Provenance::Cloudtrail });
    let caller = caller(who);
    let action = tape.pick(&["ses:SendEmail", "ses:SendRawEmail", "ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]);
    let resource = match tape.below(6) {
        0..=2 => identity_arn(ACCOUNT, "example.com"),
        3 => identity_arn(ACCOUNT, "a@example.com"),
        4 => format!("arn:aws:ses:us-east-1:{ACCOUNT}:configuration-set/tracking"),
        _ => identity_arn(OWNER, "brand.example"),
    };
    let who = match &caller {
        Caller::Role { session_arn: Some(arn), .. } | Caller::User { arn } => arn.to_string(),
        _ => panic!("callers are roles and users"),
    };
    let reason = match tape.below(12) {
        0 => " with an explicit deny in an identity-based policy",
        1 => " with an explicit deny in a service control policy",
        2 => " because no permissions boundary allows the action",
        3 => " because no session policy allows the action",
        _ => "",
    };
    // Most often SES gives no reason.
    let text = format!("User: {who} is not authorized to perform: {action} on resource: {resource}{reason}");
    denial.message = message::parse(&text);
    denial.caller = caller;
    denial.recipient_account = Some(ACCOUNT.to_owned());
    denial.region = Some("us-east-1".to_owned());
    denial.time = Some("2026-03-01T03:00:00Z".parse().unwrap());
    denial.access_key_id = Some(if who.contains("assumed-role") { "ASIAEXAMPLE" } else { "AKIAEXAMPLE" }.to_owned());
    denial.user_agent = Some("Boto3/1.34".to_owned());
    denial.mfa_authenticated = Some(false);
    denial.send.generation = Some(ApiGeneration::V2);
    if action.contains("Bulk") {
        denial.api = Some("SendBulkEmail".to_owned());
        denial.send.content = Some(Content::Bulk);
    } else {
        denial.api = Some("SendEmail".to_owned());
        denial.send.content = Some(if action == "ses:SendRawEmail" { Content::Raw } else { Content::Simple });
    }
    if resource.contains(OWNER) {
        denial.send.identity_arn = Parameter::Given(resource);
    } else {
        denial.send.identity_arn = Parameter::NotGiven;
    }
    send(tape, &mut denial);
    denial
}

/// Up to three refusals of one fingerprint, folded.
pub fn incident(tape: &mut Tape) -> Incident {
    let who = usize::from(tape.one_in(3));
    let mut first = denial(tape, who);
    first.event_id = Some("event-0".to_owned());
    let mut all = vec![first.clone()];
    for index in 0..tape.pick(&[0, 0, 1, 2]) {
        let mut next = first.clone();
        send(tape, &mut next);
        next.event_id = Some(format!("event-{}", index + 1));
        next.time = Some(format!("2026-03-01T02:0{index}:00Z").parse().unwrap());
        all.push(next);
    }
    let incidents = fold::fold(all);
    assert_eq!(incidents.len(), 1, "one fingerprint");
    incidents.into_iter().next().unwrap()
}

/// Every document of a world that could be read.
pub fn documents(world: &World) -> Vec<Value> {
    let mut list: Vec<&RawDocument> = Vec::new();
    for account in world.accounts.values() {
        let users = account.users.iter().map(|user| &user.entity);
        let entities = users.chain(account.roles.iter().map(|role| &role.entity));
        let inline = entities.map(|entity| &entity.inline).chain(account.groups.iter().map(|group| &group.inline));
        list.extend(inline.flatten().filter_map(|policy| policy.document.known()));
        list.extend(account.managed_policies.values().filter_map(Readable::known).map(|policy| &policy.document));
        let regions = account.ses.values().filter_map(Readable::known);
        let policies = regions.flat_map(|region| region.identities.values()).filter_map(|it| it.policies.known());
        list.extend(policies.flatten().map(|(_, document)| document));
    }
    let organization = world.organization.known().and_then(Option::as_ref);
    for node in organization.into_iter().flat_map(|organization| organization.paths.values()).flatten() {
        list.extend(node.service_control_policies.known().into_iter().flatten().map(|policy| &policy.document));
    }
    list.into_iter().map(|document| document.json.as_ref().unwrap().to_value()).collect()
}
