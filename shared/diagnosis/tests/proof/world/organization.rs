//! Organizations, with policies at every level.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sesame_diagnosis::world::{Node, NodeKind, Organization, OrganizationPolicy, Readable};

use super::statement::{document, statement};
use super::{ACCOUNT, OWNER, Tape, gap, raw};

fn policy(name: &str, document: &Value) -> OrganizationPolicy {
    OrganizationPolicy {
        id: format!("p-{name}"),
        name: name.to_owned(),
        arn: Some(format!("arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/p-{name}")),
        document: raw(document),
    }
}

fn scps(tape: &mut Tape, at: usize) -> Readable<Vec<OrganizationPolicy>> {
    if tape.one_in(12) {
        return Readable::Gap(gap("service-control-policy"));
    }
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

pub fn organization(tape: &mut Tape) -> Readable<Option<Organization>> {
    match tape.below(6) {
        0..=2 => Readable::Known(None),
        3 => Readable::Gap(gap("service-control-policy")),
        _ => {
            // SES is none of the services that resource control policies cover: whatever they say, nothing turns on it.
            let resource_control = match tape.one_in(4) {
                true => vec![policy(
                    "rcp",
                    &json!({ "Version": "2012-10-17", "Statement": statement(tape, Some(json!("*")), None) }),
                )],
                false => Vec::new(),
            };
            let node = |kind: NodeKind, id: &str, policies| Node {
                kind,
                id: id.to_owned(),
                name: None,
                service_control_policies: policies,
                resource_control_policies: Readable::Known(resource_control.clone()),
            };
            let root = scps(tape, 0);
            let mut path = vec![node(NodeKind::Root, "r-root", root.clone())];
            if tape.one_in(2) {
                // Now and then the same policies as at the root.
                let policies = if tape.one_in(3) { root } else { scps(tape, 1) };
                path.push(node(NodeKind::Ou, "ou-prod", policies));
            }
            // The other account stands below the same root, by itself.
            let mut beside = vec![path[0].clone()];
            if tape.one_in(2) {
                let unit = path.get(1).filter(|_| tape.one_in(2)).cloned();
                beside.push(unit.unwrap_or_else(|| node(NodeKind::Ou, "ou-test", scps(tape, 3))));
            }
            path.push(node(NodeKind::Account, ACCOUNT, scps(tape, 2)));
            beside.push(node(NodeKind::Account, OWNER, scps(tape, 4)));
            Readable::Known(Some(Organization {
                id: Some("o-abc123".to_owned()),
                management_account: Some("999999999999".to_owned()),
                paths: BTreeMap::from([(ACCOUNT.to_owned(), path), (OWNER.to_owned(), beside)]),
            }))
        }
    }
}
