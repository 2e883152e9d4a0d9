//! SES in one Region: identities and who may send as them.

use serde_json::json;
use sesame_diagnosis::world::{Identity, RawDocument, Readable, SesAccount, SesRegion};

use super::statement::statement;
use super::{ACCOUNT, Tape, gap, identity_arn, raw};

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
        let mut statement = statement(tape, Some(principal), Some(arn));
        // Whoever is named in it is left out of a Deny.
        if statement["Effect"] == "Deny" && statement["Principal"].is_object() && tape.one_in(2) {
            let fields = statement.as_object_mut().unwrap();
            let named = fields.remove("Principal").unwrap();
            fields.insert("NotPrincipal".to_owned(), named);
        }
        (format!("Policy{index}"), raw(&json!({ "Version": "2012-10-17", "Statement": [statement] })))
    };
    (0..count).map(|index| one(index, tape)).collect()
}

pub fn ses(tape: &mut Tape, account: &str, names: &[&str]) -> Readable<SesRegion> {
    if tape.one_in(15) {
        return Readable::Gap(gap("sending-authorization-policy"));
    }
    let identity = |name: &str, tape: &mut Tape| Identity {
        verified: Some(true),
        configuration_set: tape.one_in(4).then(|| "tracking".to_owned()),
        policies: if tape.one_in(24) {
            Readable::Gap(gap("sending-authorization-policy"))
        } else {
            Readable::Known(sending_policies(tape, &identity_arn(account, name)))
        },
    };
    // One that was not read, where not all were.
    let complete = !tape.one_in(8);
    let unread = names[tape.below(names.len())];
    let listed = names.iter().filter(|name| complete || **name != unread);
    let identities = listed.map(|name| ((*name).to_owned(), identity(name, tape))).collect();
    let sandbox = SesAccount { production_access: Some(false), ..SesAccount::default() };
    let account = tape.one_in(8).then_some(sandbox);
    Readable::Known(SesRegion { account, identities, complete, ..SesRegion::default() })
}
