//! Callers, and the principals that policies name.

use serde_json::{Value, json};

use crate::random::Random;

pub(crate) const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";

const CALLERS: &[(usize, &str)] = &[
    (6, "arn:aws:iam::111122223333:user/mailer"),
    (2, "arn:aws:iam::111122223333:user/team/mailer"),
    (5, "arn:aws:iam::111122223333:role/app/sender"),
    (5, "arn:aws:sts::111122223333:assumed-role/sender/s1"),
    (3, "arn:aws:sts::111122223333:federated-user/jo"),
    (2, "arn:aws:iam::111122223333:root"),
    (2, "arn:aws:iam::111122223333:role/aws-service-role/ses.amazonaws.com/linked"),
    (3, "arn:aws:iam::444455556666:user/mailer"),
    (3, "arn:aws:iam::444455556666:role/sender"),
    (3, "arn:aws:sts::444455556666:assumed-role/sender/s1"),
    (1, "arn:aws:sts::444455556666:federated-user/jo"),
    (1, "arn:aws:iam::444455556666:root"),
    (2, "service:ses.amazonaws.com"),
    (2, "anonymous"),
];

pub(crate) fn caller(random: &mut Random) -> &'static str {
    random.weighted(CALLERS, "anonymous")
}

/// Everything that a policy could name to mean this caller, and names close to it.
fn names(caller: &str) -> Vec<String> {
    let account = caller.split(':').nth(4).unwrap_or(OWNER);
    let other = if account == OWNER { OTHER } else { OWNER };
    let iam = format!("arn:aws:iam::{account}:");
    let sts = format!("arn:aws:sts::{account}:");
    let mut names = vec![
        account.to_owned(),
        format!("{iam}root"),
        other.to_owned(),
        "*".to_owned(),
        format!("{iam}user/mailer"),
        format!("{iam}user/team/mailer"),
        format!("{iam}role/app/sender"),
        format!("{iam}role/other"),
        format!("{sts}assumed-role/sender/s1"),
        format!("{sts}assumed-role/sender/s2"),
        format!("{sts}federated-user/jo"),
        format!("{sts}federated-user/al"),
        "AIDAEXAMPLEUSERID".to_owned(),
        format!("{iam}user/*"),
        format!("arn:aws:iam::{other}:user/mailer"),
    ];
    if caller.starts_with("arn:") {
        names.extend([caller.to_owned(), caller.to_owned(), caller.to_owned()]);
    }
    names
}

/// A `Principal` element.
pub(crate) fn principal(random: &mut Random, caller: &str) -> Value {
    if random.chance(18) {
        return json!("*");
    }
    if caller.starts_with("service:") && random.chance(70) {
        return json!({"Service": random.pick(&["ses.amazonaws.com", "sns.amazonaws.com"])});
    }
    let mut listed = vec![name(random, caller)];
    while random.chance(30) {
        listed.push(name(random, caller));
    }
    let mut element = match listed.as_slice() {
        [only] if random.chance(60) => json!({"AWS": only}),
        _ => json!({"AWS": listed}),
    };
    if let Some(fields) = element.as_object_mut()
        && random.chance(10)
    {
        fields.insert("Service".to_owned(), json!(["ses.amazonaws.com"]));
    }
    element
}

/// A `NotPrincipal` element: often one that names every identity of the caller.
pub(crate) fn not_principal(random: &mut Random, caller: &str) -> Value {
    if caller.starts_with("service:") {
        return json!({"Service": random.pick(&["ses.amazonaws.com", "sns.amazonaws.com"])});
    }
    if random.chance(5) {
        return if random.chance(50) { json!("*") } else { json!({"AWS": "*"}) };
    }
    let account = caller.split(':').nth(4).unwrap_or(OWNER);
    let mut listed = vec![
        format!("arn:aws:iam::{account}:root"),
        caller.to_owned(),
        format!("arn:aws:iam::{account}:role/sender"),
        format!("arn:aws:sts::{account}:assumed-role/sender/s1"),
    ];
    listed.retain(|name| name.starts_with("arn:"));
    if random.chance(40) {
        let drop = random.below(listed.len());
        listed.remove(drop);
    }
    if random.chance(20) {
        listed.push(name(random, caller));
    }
    json!({"AWS": listed})
}

fn name(random: &mut Random, caller: &str) -> String {
    let names = names(caller);
    names.get(random.below(names.len())).cloned().unwrap_or_default()
}
