//! Small worlds and refusals that bear on each other: every value comes from pools that overlap, so that policies match, miss by
//! little, and deny.

mod organization;
mod refusal;
mod ses;
mod statement;

use std::collections::BTreeMap;

use serde_json::Value;
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{
    Account, Entity, Group, InlinePolicy, ManagedPolicy, RawDocument, Readable, Role, User, World,
};
use sesame_policy::json::Json;

pub use refusal::{caller, denial, incident};
use statement::document;

pub const ACCOUNT: &str = "111122223333";
pub const OWNER: &str = "444455556666";
/// A policy that nobody but AWS can edit.
pub const AWS_MANAGED: &str = "arn:aws:iam::aws:policy/AmazonSESTeam";
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
/// Identities of the own account.
pub const NAMES: [&str; 3] = ["example.com", "a@example.com", "rival.example"];
/// Identities of the other account.
pub const OWNERS: [&str; 2] = ["brand.example", "news@brand.example"];
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

fn raw(document: &Value) -> RawDocument {
    RawDocument { json: Ok(Json::from_value(document)), source: "generated".to_owned() }
}

fn inline(tape: &mut Tape) -> Vec<InlinePolicy> {
    let count = tape.below(3);
    let policy = |index: usize, tape: &mut Tape| InlinePolicy {
        name: format!("Inline{index}"),
        document: if tape.one_in(16) {
            Readable::Gap(gap("identity-policy"))
        } else {
            Readable::Known(raw(&document(tape)))
        },
    };
    (0..count).map(|index| policy(index, tape)).collect()
}

/// Managed policies of the account, and one of AWS's own. In the order of their ARNs.
fn attached(tape: &mut Tape) -> Vec<String> {
    let own = ["Guard", "Shared"].map(policy_arn);
    let mut list: Vec<String> = own.into_iter().filter(|_| tape.one_in(3)).collect();
    list.extend(tape.one_in(8).then(|| AWS_MANAGED.to_owned()));
    list
}

fn policy_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{name}")
}

fn entity(tape: &mut Tape, kind: &str, path: &str, name: &str) -> Entity {
    Entity {
        arn: format!("arn:aws:iam::{ACCOUNT}:{kind}{path}{name}"),
        name: name.to_owned(),
        path: path.to_owned(),
        unique_id: Some(format!("AXXA{}", name.to_ascii_uppercase())),
        inline: inline(tape),
        attached: attached(tape),
        boundary: match tape.below(9) {
            0..=5 => None,
            6 | 7 => Some(policy_arn("Limit")),
            _ => Some(AWS_MANAGED.to_owned()),
        },
        tags: if tape.one_in(2) {
            vec![("team".to_owned(), tape.pick(&["mail", "web"]).to_owned())]
        } else {
            Vec::new()
        },
        gap: tape.one_in(24).then(|| gap("identity-policy")),
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
        attached: attached(tape),
    }];
    for arn in ["Shared", "Guard", "Limit"].map(policy_arn).into_iter().chain([AWS_MANAGED.to_owned()]) {
        if !tape.one_in(12) {
            let policy = ManagedPolicy {
                arn: arn.clone(),
                name: arn.rsplit('/').next().unwrap().to_owned(),
                document: raw(&document(tape)),
                updated: None,
            };
            own.managed_policies.insert(arn, Readable::Known(policy));
        }
    }
    own.ses.insert("us-east-1".to_owned(), ses::ses(tape, ACCOUNT, &NAMES));
    let mut owner = account(OWNER);
    owner.ses.insert("us-east-1".to_owned(), ses::ses(tape, OWNER, &OWNERS));
    // Others of the account, to see what a remedy opens for them.
    own.roles.push(Role { entity: entity(tape, "role", "/", "other") });
    own.users.push(User { entity: entity(tape, "user", "/", "second"), groups: vec!["senders".to_owned()] });
    World {
        organization: organization::organization(tape),
        accounts: BTreeMap::from([(ACCOUNT.to_owned(), own), (OWNER.to_owned(), owner)]),
    }
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
