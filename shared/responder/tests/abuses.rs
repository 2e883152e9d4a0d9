//! What somebody might try who wants Sesame to grant more than was approved. Each is tried against the code, with IAM out of
//! the way; `docs/walls.md` lists them with the wall that refused each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod desk;

use std::sync::atomic::Ordering;

use desk::{ACCOUNT, Desk, NO_ALLOW, ROLE, denials, request, time};
use jiff::SignedDuration;
use pollster::block_on;
use serde_json::{Value, json};
use sesame_diagnosis::document::digest;
use sesame_diagnosis::finding::{Applicability, Operation, Provenance, Remedy, Target, TargetKind};
use sesame_remediation::State;
use sesame_remediation::decision::{Approver, Channel, DecidedRemedy, SignedDecision, Verdict};
use sesame_remediation::mac::LocalKey;
use sesame_remediation::scope;
use sesame_responder::decide::{Request, decide};
use sesame_responder::ports::PolicyWriter;
use sesame_responder::record::Record;
use sesame_responder::walls::Listed;

/// Who has which key and which access, in this test: somebody with a hand on the table and no key, or somebody who got hold
/// of the decisions' key as well and signs whatever they like.
struct Abuse {
    /// As in the table of `docs/walls.md`.
    name: &'static str,
    /// The wall, as there.
    wall: &'static str,
    /// What the finding's history or the refusal must say.
    says: &'static str,
    /// Does it; gives what came of it in words.
    attempt: fn(&mut Desk) -> String,
}

fn abuse(name: &'static str, wall: &'static str, says: &'static str, attempt: fn(&mut Desk) -> String) -> Abuse {
    Abuse { name, wall, says, attempt }
}

/// The record as somebody with a hand on the table has altered it after its approval.
fn altered(desk: &mut Desk, alter: fn(&mut Record)) -> String {
    let mut record = desk.approved();
    alter(&mut record);
    worked(desk, record)
}

/// The same by somebody who has the decisions' key too: only the guard and the stack's walls are left.
fn altered_and_signed(desk: &mut Desk, alter: fn(&mut Record)) -> String {
    let mut record = desk.approved();
    alter(&mut record);
    sign_again(desk, &mut record);
    worked(desk, record)
}

fn sign_again(desk: &Desk, record: &mut Record) {
    for remedy in &mut record.finding.remedies {
        remedy.before_digest = remedy.before.as_ref().map(digest);
        remedy.after_digest = remedy.after.as_ref().map(digest);
    }
    let mut decision = record.decision.clone().unwrap().decision;
    decision.finding.clone_from(&record.finding.id);
    decision.remedies = vec![DecidedRemedy::from(&record.finding.remedies[0])];
    decision.scope = scope::of_remedies(&record.finding, &[record.finding.remedies[0].id.as_str()]);
    record.decision = Some(block_on(decision.sign(&desk.key)).unwrap());
}

fn worked(desk: &Desk, record: Record) -> String {
    desk.overwrite(record.clone());
    let ended = desk.work(&record).unwrap();
    assert_ne!(ended.state, State::Applied);
    ended.receipt.map_or_else(|| ended.state.to_string(), |receipt| receipt.note.unwrap_or_default())
}

fn remedy(record: &mut Record) -> &mut Remedy {
    &mut record.finding.remedies[0]
}

fn statement(record: &mut Record) -> &mut Value {
    &mut remedy(record).after.as_mut().unwrap()["Statement"][0]
}

fn target(record: &mut Record) -> &mut Target {
    &mut remedy(record).target
}

/// Makes the finding one of another principal, all through.
fn of_principal(record: &mut Record, arn: &str) {
    record.finding.principal.arn = Some(arn.to_owned());
    target(record).principal = Some(arn.to_owned());
}

/// Makes the remedy a policy of the identity, as the guard would have it.
fn on_identity(record: &mut Record) {
    let principal = record.finding.principal.arn.clone();
    let resource = record.finding.requests[0].resource.clone();
    *target(record) = Target {
        kind: TargetKind::SendingAuthorization,
        account: Some(ACCOUNT.to_owned()),
        principal: None,
        policy: Some(format!("sesame-{}", record.finding.id)),
        identity: Some(resource.rsplit_once(":identity/").unwrap().1.to_owned()),
        region: Some("eu-west-1".to_owned()),
        node: None,
    };
    statement(record)["Principal"] = json!({ "AWS": principal });
}

fn decided_by(desk: &Desk, approver: Approver) -> String {
    let open = desk.take_in(denials(NO_ALLOW));
    let own = Request { approver, ..request(&open, Verdict::Approve) };
    block_on(decide(own, &desk.key, desk.shared())).unwrap_err().to_string()
}

/// A signed decision by this approver, past the function that would have refused it.
fn signed_as(desk: &Desk, approver: Approver) -> String {
    let mut record = desk.approved();
    let decision = sesame_remediation::decision::Decision { approver, ..record.decision.clone().unwrap().decision };
    record.decision = Some(block_on(decision.sign(&desk.key)).unwrap());
    worked(desk, record)
}

fn by_principal(arn: &str) -> Approver {
    Approver { channel: Channel::Cli, id: Some(arn.to_owned()) }
}

fn abuses() -> Vec<Abuse> {
    vec![
        // A hand on the table, and no key.
        abuse("an item that says approved, without a decision", "signature", "not that of the decision", |desk| {
            let mut record = desk.approved();
            record.decision = None;
            worked(desk, record)
        }),
        abuse("a decision signed with the key of the links", "signature", "not that of the decision", |desk| {
            let mut record = desk.approved();
            let links = LocalKey::new("decisions", &[8; 32]).unwrap();
            let decision = record.decision.clone().unwrap().decision;
            record.decision = Some(block_on(decision.sign(&links)).unwrap());
            worked(desk, record)
        }),
        abuse("a decision whose approver was altered", "signature", "not that of the decision", |desk| {
            altered(desk, |record| record.decision.as_mut().unwrap().decision.approver.id = Some("root".to_owned()))
        }),
        abuse("a remedy swapped for another one of the finding", "scope", "is not what was approved", |desk| {
            altered(desk, |record| {
                let other = Remedy { id: "r1".to_owned(), ..record.finding.remedies[1].clone() };
                record.finding.remedies[0] = other;
            })
        }),
        abuse("a document altered together with its digest", "scope", "is not what was approved", |desk| {
            altered(desk, |record| {
                statement(record)["Action"] = json!("iam:*");
                let after = digest(remedy(record).after.as_ref().unwrap());
                remedy(record).after_digest = Some(after);
            })
        }),
        abuse("a document altered, its digest left", "scope", "not what was decided about", |desk| {
            altered(desk, |record| statement(record)["Resource"] = json!("*"))
        }),
        abuse("the approved document put on another principal", "scope", "not what was decided about", |desk| {
            desk.settings.walls.principals = Listed::Any;
            altered(desk, |record| of_principal(record, "arn:aws:iam::111122223333:role/newsletter"))
        }),
        abuse(
            "the approved document put into another policy of the same role",
            "scope",
            "not what was decided about",
            |desk| altered(desk, |record| target(record).policy = Some("OrdersTable".to_owned())),
        ),
        abuse("the condition dropped from an approved document", "scope", "not what was decided about", |desk| {
            let mut record = desk.approved();
            statement(&mut record)["Condition"] = json!({ "StringEquals": { "ses:FromAddress": "a@shop.example" } });
            sign_again(desk, &mut record);
            statement(&mut record).as_object_mut().unwrap().remove("Condition");
            worked(desk, record)
        }),
        abuse("the expiry dropped from an approved document", "scope", "not what was decided about", |desk| {
            let mut record = desk.approved();
            let until = json!({ "DateLessThan": { "aws:CurrentTime": "2026-11-24T00:00:00Z" } });
            statement(&mut record)["Condition"] = until;
            sign_again(desk, &mut record);
            statement(&mut record).as_object_mut().unwrap().remove("Condition");
            worked(desk, record)
        }),
        abuse("a decision of an older generation", "generation", "generation 1", |desk| {
            altered(desk, |record| record.finding.generation = 2)
        }),
        abuse("a decision used on another finding", "generation", "is about `prod`", |desk| {
            altered(desk, |record| record.finding.id = "f-0000000000000000".to_owned())
        }),
        abuse("a decision of another stack", "generation", "is about `test`", |desk| {
            let mut record = desk.approved();
            let mut decision = record.decision.clone().unwrap().decision;
            decision.stack = "test".to_owned();
            record.decision = Some(block_on(decision.sign(&desk.key)).unwrap());
            worked(desk, record)
        }),
        abuse("a rejection passed off as an approval", "generation", "expected `approve`", |desk| {
            let mut record = desk.approved();
            let open = desk.record(&record.finding.id);
            let mut decision = open.decision.unwrap().decision;
            decision.verdict = Verdict::Reject;
            record.decision = Some(block_on(decision.sign(&desk.key)).unwrap());
            worked(desk, record)
        }),
        abuse("an approval of yesterday put back after its grant was rolled back", "age", "decide again", |desk| {
            let record = desk.approved();
            let applied = desk.work(&record).unwrap();
            let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
            desk.work(&undoing).unwrap();
            desk.clock.set(time(desk::NOW) + SignedDuration::from_hours(24));
            worked(desk, record)
        }),
        // With the decisions' key as well.
        abuse("a statement that allows iam:*", "content", "content guard at /after/Statement/0/Action", |desk| {
            altered_and_signed(desk, |record| statement(record)["Action"] = json!("iam:*"))
        }),
        abuse("a wildcard in the action", "content", "content guard at /after/Statement/0/Action", |desk| {
            altered_and_signed(desk, |record| statement(record)["Action"] = json!("ses:Send*"))
        }),
        abuse("a wildcard in the resource", "content", "content guard at /after/Statement/0/Resource", |desk| {
            altered_and_signed(desk, |record| {
                statement(record)["Resource"] = json!("arn:aws:ses:eu-west-1:111122223333:identity/*")
            })
        }),
        abuse("NotAction in place of Action", "content", "content guard at /after/Statement/0/NotAction", |desk| {
            altered_and_signed(desk, |record| {
                statement(record).as_object_mut().unwrap().remove("Action");
                statement(record)["NotAction"] = json!("s3:*");
            })
        }),
        abuse("a second statement beside the approved one", "content", "content guard at /after/Statement/1", |desk| {
            altered_and_signed(desk, |record| {
                let more = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" });
                remedy(record).after.as_mut().unwrap()["Statement"].as_array_mut().unwrap().push(more);
            })
        }),
        abuse(
            "a grant on an identity for everybody",
            "content",
            "content guard at /after/Statement/0/Principal",
            |desk| {
                desk.settings.walls.identities = Listed::Any;
                altered_and_signed(desk, |record| {
                    on_identity(record);
                    statement(record)["Principal"] = json!("*");
                })
            },
        ),
        abuse("a customer-managed policy as the target", "content", "content guard at /target/kind", |desk| {
            altered_and_signed(desk, |record| target(record).kind = TargetKind::CustomerManaged)
        }),
        abuse("a group as the target", "content", "content guard at /target/kind", |desk| {
            altered_and_signed(desk, |record| target(record).kind = TargetKind::GroupInline)
        }),
        abuse("a permissions boundary as the target", "content", "content guard at /target/kind", |desk| {
            altered_and_signed(desk, |record| target(record).kind = TargetKind::Boundary)
        }),
        abuse("a policy detached", "content", "content guard at /operation", |desk| {
            altered_and_signed(desk, |record| remedy(record).operation = Operation::Detach)
        }),
        abuse("what is advice only", "content", "content guard at /applicability", |desk| {
            altered_and_signed(desk, |record| remedy(record).applicability = Applicability::AdviceOnly)
        }),
        abuse("a role of Identity Center", "content", "expected a role that its account may change", |desk| {
            desk.settings.walls.principals = Listed::Any;
            let arn = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1";
            desk.settings.own_roles.clear();
            let mut record = desk.approved();
            of_principal(&mut record, arn);
            sign_again(desk, &mut record);
            worked(desk, record)
        }),
        abuse("a service-linked role", "content", "expected a role that its account may change", |desk| {
            desk.settings.walls.principals = Listed::Any;
            altered_and_signed(desk, |record| {
                of_principal(
                    record,
                    "arn:aws:iam::111122223333:role/aws-service-role/ses.amazonaws.com/AWSServiceRole",
                );
            })
        }),
        abuse("a name that is not ours", "name", "expected the policy name", |desk| {
            altered_and_signed(desk, |record| target(record).policy = Some("OrdersTable".to_owned()))
        }),
        abuse("the name of another finding's policy", "name", "expected the policy name", |desk| {
            altered_and_signed(desk, |record| target(record).policy = Some("sesame-f-0000000000000000".to_owned()))
        }),
        abuse("a document to be put back later that grants all", "before", "content guard", |desk| {
            altered_and_signed(desk, |record| {
                let admin = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
                remedy(record).before = Some(admin);
            })
        }),
        abuse("the stack's own role", "own roles", "never changes its own rights", |desk| {
            desk.settings.walls.principals = Listed::Any;
            let own = desk.settings.own_roles[0].clone();
            let mut record = desk.approved();
            of_principal(&mut record, &own);
            sign_again(desk, &mut record);
            worked(desk, record)
        }),
        abuse("a principal that is not listed", "principals", "RemediablePrincipals", |desk| {
            altered_and_signed(desk, |record| of_principal(record, "arn:aws:iam::111122223333:role/newsletter"))
        }),
        abuse("an identity that is not listed", "identities", "RemediableIdentities", |desk| {
            altered_and_signed(desk, on_identity)
        }),
        abuse("a principal of another account", "account", "no apply role", |desk| {
            desk.settings.walls.principals = Listed::Any;
            altered_and_signed(desk, |record| {
                of_principal(record, "arn:aws:iam::444455556666:role/app");
                target(record).account = Some("444455556666".to_owned());
                record.finding.principal.account = Some("444455556666".to_owned());
            })
        }),
        abuse("a role without the required boundary", "boundary", "expected the permissions boundary", |desk| {
            desk.settings.walls.required_boundary = Some("arn:aws:iam::111122223333:policy/SendOnly".to_owned());
            let record = desk.approved();
            worked(desk, record)
        }),
        abuse("a refusal that is known from a log line only", "provenance", "a log line", |desk| {
            altered_and_signed(desk, |record| record.finding.provenance = Provenance::Log)
        }),
        abuse("a refusal provoked through a direct invocation", "provenance", "a direct invocation", |desk| {
            altered_and_signed(desk, |record| record.finding.provenance = Provenance::Invoke)
        }),
        abuse("the refused role approving for itself", "own grant", "cannot approve its own grant", |desk| {
            decided_by(desk, by_principal(ROLE))
        }),
        abuse("a session of the refused role approving for it", "own grant", "cannot approve its own grant", |desk| {
            signed_as(desk, by_principal("arn:aws:sts::111122223333:assumed-role/orders/somebody"))
        }),
        abuse("what needs review approved by the holder of a link", "review", "a link cannot tell who", |desk| {
            let mut record = desk.approved();
            remedy(&mut record).applicability = Applicability::NeedsReview;
            let decision = record.decision.as_mut().unwrap();
            decision.decision.approver = Approver { channel: Channel::Link, id: None };
            sign_again(desk, &mut record);
            worked(desk, record)
        }),
        abuse("an application while the switch is off", "switch", "switch for applications is off", |desk| {
            desk.controls.off.store(true, Ordering::Relaxed);
            let record = desk.approved();
            worked(desk, record)
        }),
        abuse("the switch made unreadable", "switch", "counts as off", |desk| {
            desk.controls.fails.store(true, Ordering::Relaxed);
            let record = desk.approved();
            worked(desk, record)
        }),
        abuse("one more application than a day allows", "grants a day", "began within 24 hours", |desk| {
            desk.settings.walls.grants_a_day = Some(1);
            let first = desk.approved();
            assert_eq!(desk.work(&first).unwrap().state, State::Applied);
            let before = desk.world.now();
            let open = desk.take_in(denials(&NO_ALLOW.replace("eu-west-1", "us-east-1")));
            let second = desk.decide(&open, Verdict::Approve).unwrap();
            let said = worked(desk, second);
            assert_eq!(desk.world.now(), before);
            block_on(desk.world.write(&first.finding.remedies[0].target, None)).unwrap();
            said
        }),
        abuse("a document that somebody put there after the approval", "digest", "superseded", |desk| {
            let mut record = desk.approved();
            let theirs = json!({ "Version": "2012-10-17", "Statement": [] });
            block_on(desk.world.write(target(&mut record), Some(&theirs))).unwrap();
            let said = worked(desk, record.clone());
            assert_eq!(desk.ours(&record), Some(theirs), "and it stays");
            block_on(desk.world.write(target(&mut record), None)).unwrap();
            said
        }),
        abuse(
            "a receipt that would put back a document that grants all",
            "scope",
            "not the one that was decided about",
            |desk| {
                rolled_back(desk, |record| {
                    let admin = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
                    record.receipt.as_mut().unwrap().written[0].before = Some(admin);
                })
            },
        ),
        abuse(
            "a receipt that would delete a policy of others",
            "scope",
            "not the one that was decided about",
            |desk| {
                rolled_back(desk, |record| {
                    record.receipt.as_mut().unwrap().written[0].target.policy = Some("OrdersTable".to_owned());
                })
            },
        ),
    ]
}

/// Applied, then asked to be rolled back, and the receipt altered in between; what was applied is taken away by hand, so that
/// the world must be as it was.
fn rolled_back(desk: &Desk, alter: fn(&mut Record)) -> String {
    let record = desk.approved();
    let applied = desk.work(&record).unwrap();
    let mut undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
    alter(&mut undoing);
    desk.overwrite(undoing.clone());
    let ended = desk.work(&undoing).unwrap();
    assert_eq!(ended.state, State::Applied, "it stands as it stood");
    block_on(desk.world.write(&record.finding.remedies[0].target, None)).unwrap();
    ended.history.last().unwrap().note.clone().unwrap()
}

#[test]
fn every_abuse_is_refused_and_nothing_is_written() {
    let all = abuses();
    assert!(all.len() >= 25);
    for Abuse { name, says, attempt, .. } in all {
        let mut desk = Desk::new();
        let before = desk.world.now();
        let said = attempt(&mut desk);
        assert!(said.contains(says), "{name}: {said}");
        assert_eq!(desk.world.now(), before, "{name}");
    }
}

#[test]
fn what_is_abused_here_is_applied_when_nobody_abuses_it() {
    let desk = Desk::new();
    let record = desk.approved();
    assert_eq!(desk.work(&record).unwrap().state, State::Applied);
    let mut desk = Desk::new();
    let mut record = desk.approved();
    sign_again(&desk, &mut record);
    desk.overwrite(record.clone());
    assert_eq!(desk.work(&record).unwrap().state, State::Applied, "what the abuses start from is whole");
    desk.settings.walls.identities = Listed::Any;
}

/// A run that was cut off left a document; whoever alters the record meanwhile does not get it turned into another one.
#[test]
fn cleaning_up_after_a_cut_off_run_acts_on_nothing_that_was_altered() {
    let desk = Desk::new();
    let mut record = desk.approved();
    let others = Target { policy: Some("OrdersTable".to_owned()), ..remedy(&mut record).target.clone() };
    let theirs = block_on(desk.world.read(&others)).unwrap();
    let before = desk.world.now();
    record.advance(sesame_remediation::Event::Start, time(desk::NOW), None).unwrap();
    let admin =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let first = remedy(&mut record);
    (first.target, first.after, first.before) = (others, theirs, Some(admin));
    desk.overwrite(record.clone());
    let ended = desk.work(&record).unwrap();
    assert_eq!(
        ended.state,
        State::Failed { restored: false },
        "what an altered record left behind is for people to look at"
    );
    assert_eq!(desk.world.now(), before);
}

#[test]
fn a_document_that_was_changed_since_is_reported_and_not_deleted() {
    let desk = Desk::new();
    let mut record = desk.approved();
    let applied = desk.work(&record).unwrap();
    let theirs = json!({ "Version": "2012-10-17", "Statement": [] });
    block_on(desk.world.write(target(&mut record), Some(&theirs))).unwrap();
    let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
    let ended = desk.work(&undoing).unwrap();
    assert_eq!(ended.state, State::Applied);
    assert!(ended.history.last().unwrap().note.as_ref().unwrap().contains("was changed since it was written"));
    assert_eq!(desk.ours(&record), Some(theirs));
}

#[test]
fn the_page_of_walls_lists_what_is_tried_here() {
    let page = include_str!("../../../docs/walls.md");
    let rows: Vec<(String, String)> = page
        .lines()
        .skip_while(|line| *line != "<!-- abuses -->")
        .take_while(|line| *line != "<!-- escalations -->")
        .filter(|line| line.starts_with("| ") && !line.starts_with("| abuse") && !line.starts_with("| ---"))
        .map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let tried: Vec<(String, String)> =
        abuses().iter().map(|abuse| (abuse.name.to_owned(), abuse.wall.to_owned())).collect();
    assert_eq!(rows, tried, "docs/walls.md and this file must list the same, in the same order");
}

#[test]
fn a_signed_decision_is_all_that_a_record_needs_to_hold() {
    // What the abuses alter is what a record is made of.
    let desk = Desk::new();
    let record = desk.approved();
    let SignedDecision { decision, .. } = record.decision.unwrap();
    assert_eq!(decision.scope, scope::of_remedies(&record.finding, &["r1"]));
}
