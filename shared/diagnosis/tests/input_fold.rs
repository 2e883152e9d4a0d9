//! Folding: what makes one incident, what is counted, what is kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use sesame_diagnosis::denial::{Caller, Denial, Incident, OtherRefusal, Parameter, Refusal};
use sesame_diagnosis::finding::Provenance;
use sesame_diagnosis::fold::{fold, id};
use sesame_diagnosis::input::{self, from_message};
use sesame_diagnosis::message;
use sesame_policy::Arn;

const DOMAIN: &str = "arn:aws:ses:us-east-1:111122223333:identity/example.com";

fn role(path: Option<&str>, session: &str) -> Caller {
    Caller::Role {
        account: "111122223333".to_owned(),
        name: "app-role".to_owned(),
        role_arn: path.map(|path| Arn::parse(&format!("arn:aws:iam::111122223333:role{path}app-role")).unwrap()),
        session_arn: Some(Arn::parse(&format!("arn:aws:sts::111122223333:assumed-role/app-role/{session}")).unwrap()),
    }
}

/// A refusal at a second of the first of January.
fn denial(event: &str, second: i64) -> Denial {
    let text = format!(
        "User `arn:aws:sts::111122223333:assumed-role/app-role/mailer' is not authorized to perform `ses:SendEmail' on resource `{DOMAIN}'"
    );
    Denial {
        event_id: Some(event.to_owned()),
        time: Some(jiff::Timestamp::from_second(1_767_225_600 + second).unwrap()),
        region: Some("us-east-1".to_owned()),
        api: Some("SendEmail".to_owned()),
        caller: role(Some("/svc/"), "mailer"),
        recipient_account: Some("111122223333".to_owned()),
        source_ip: Some("192.0.2.10".to_owned()),
        access_key_id: Some("ASIAEXAMPLE00001234".to_owned()),
        message: message::parse(&text),
        ..Denial::new(Provenance::Cloudtrail)
    }
}

fn only(incidents: Vec<Incident>) -> Incident {
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    incidents.into_iter().next().unwrap()
}

#[test]
fn repetitions_are_one_incident() {
    let incident = only(fold(vec![denial("b", 20), denial("a", 10), denial("c", 15), denial("a", 10)]));
    assert_eq!(incident.count, 3);
    assert_eq!(incident.latest.event_id.as_deref(), Some("b"));
    assert_eq!(incident.first_seen.unwrap().to_string(), "2026-01-01T00:00:10Z");
    assert_eq!(incident.last_seen.unwrap().to_string(), "2026-01-01T00:00:20Z");
    assert_eq!(incident.distinct.len(), 1);
    assert_eq!(incident.distinct[0].1, 3);
    assert_eq!(incident.sources.len(), 1);
    let source = &incident.sources[0];
    assert_eq!((source.count, source.key_id_suffix.as_deref()), (3, Some("1234")));
    assert_eq!(source.first_seen.as_deref(), Some("2026-01-01T00:00:10Z"));
}

#[test]
fn sessions_and_paths_of_one_role_are_one_principal() {
    let known = denial("a", 1);
    for caller in [role(Some("/svc/"), "worker"), role(None, "mailer"), role(Some("/"), "x")] {
        assert_eq!(id(&Denial { caller, ..denial("b", 2) }), id(&known));
    }
}

#[test]
fn the_id_is_the_same_tomorrow() {
    // Ids are stored and stand in links.
    assert_eq!(id(&denial("a", 1)), "f-d77fdcdf46bfa124");
}

#[test]
fn each_part_of_the_fingerprint_makes_another_incident() {
    let other_text = |from: &str, to: &str| {
        let text = denial("a", 1).message.text.unwrap().replace(from, to);
        Denial { message: message::parse(&text), ..denial("a", 1) }
    };
    let denials = [
        denial("a", 1),
        Denial {
            caller: Caller::Root { arn: Arn::parse("arn:aws:iam::111122223333:root").unwrap() },
            ..denial("a", 1)
        },
        Denial { region: Some("eu-west-1".to_owned()), ..denial("a", 1) },
        Denial { refusal: Refusal::Other(OtherRefusal::Unverified), ..denial("a", 1) },
        other_text("SendEmail", "SendRawEmail"),
        other_text("identity/example.com", "configuration-set/x"),
        Denial {
            message: message::parse(&format!(
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform: ses:SendEmail on resource: {DOMAIN} with an explicit deny in a service control policy"
            )),
            ..denial("a", 1)
        },
        Denial {
            message: message::parse(&format!(
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform: ses:SendEmail on resource: {DOMAIN} because no service control policy allows the ses:SendEmail action"
            )),
            ..denial("a", 1)
        },
    ];
    let mut ids: Vec<String> = denials.iter().map(id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), denials.len(), "{ids:?}");
}

#[test]
fn without_a_message_the_record_tells_action_and_resource() {
    let silent = Denial { message: message::parse(""), ..denial("a", 1) };
    let listed = Denial { resources: vec![DOMAIN.to_owned()], ..silent.clone() };
    assert_eq!(id(&listed), id(&denial("b", 2)), "the record's first resource stands in");
    let mut by_arn = silent.clone();
    by_arn.send.identity_arn = Parameter::Given(DOMAIN.to_owned());
    assert_eq!(id(&by_arn), id(&listed), "so does the identity's ARN among the parameters");
    let mut by_address = silent.clone();
    by_address.send.from_address = Parameter::Given("orders@example.com".to_owned());
    assert_ne!(id(&by_address), id(&silent), "and the From address");
}

#[test]
fn copies_for_several_accounts_count_once_and_the_callers_copy_is_kept() {
    let shared = Some("shared".to_owned());
    let own = Denial { shared_event_id: shared.clone(), ..denial("own", 5) };
    let owners = Denial {
        shared_event_id: shared,
        recipient_account: Some("444455556666".to_owned()),
        caller: Caller::Account { account: "111122223333".to_owned(), principal_id: None },
        ..denial("owners", 6)
    };
    let incident = only(fold(vec![owners, own]));
    assert_eq!((incident.count, incident.latest.event_id.as_deref()), (1, Some("own")));
}

#[test]
fn what_a_log_line_says_does_not_add_to_what_cloudtrail_recorded() {
    let logged = |event: &str, second| {
        let mut logged = Denial { provenance: Provenance::Log, ..denial(event, second) };
        logged.send.from_address = Parameter::Given("forged@example.com".to_owned());
        logged
    };
    let incident = only(fold(vec![denial("a", 10), logged("b", 90), logged("a", 95)]));
    assert_eq!(incident.latest.provenance, Provenance::Cloudtrail);
    assert_eq!((incident.count, incident.distinct.len()), (1, 1));
    assert_eq!(incident.last_seen.unwrap().to_string(), "2026-01-01T00:00:10Z");
    let incident = only(fold(vec![logged("b", 90), logged("c", 95)]));
    assert_eq!((incident.latest.provenance, incident.count), (Provenance::Log, 2));
}

#[test]
fn the_latest_twenty_contexts_and_five_sources_are_kept() {
    let denials: Vec<Denial> = (0..30)
        .map(|index| {
            let mut denial = denial(&format!("e{index:02}"), index);
            denial.send.recipients = Parameter::Given(vec![format!("r{index:02}@example.com")]);
            denial.access_key_id = Some(format!("ASIAEXAMPLE0000{index:04}"));
            denial
        })
        .chain([{
            let mut again = denial("again", -1);
            again.send.recipients = Parameter::Given(vec!["r00@example.com".to_owned()]);
            again
        }])
        .collect();
    let incident = only(fold(denials));
    assert_eq!((incident.count, incident.distinct.len(), incident.cut), (31, 20, 10));
    let shown: Vec<&str> = incident.distinct.iter().map(|(denial, _)| denial.event_id.as_deref().unwrap()).collect();
    assert_eq!((shown[0], shown[19]), ("e29", "e10"));
    assert_eq!(incident.distinct[0].0, incident.latest);
    let keys: Vec<&str> = incident.sources.iter().map(|source| source.key_id_suffix.as_deref().unwrap()).collect();
    assert_eq!(keys, ["0029", "0028", "0027", "0026", "0025"]);
}

#[test]
fn every_part_of_a_context_makes_another_one() {
    let parameter = |change: fn(&mut Denial)| {
        let mut changed = denial("changed", 2);
        change(&mut changed);
        only(fold(vec![denial("a", 1), changed])).distinct.len()
    };
    let changes: [fn(&mut Denial); 10] = [
        |d| d.send.from_address = Parameter::Given("a@example.com".to_owned()),
        |d| d.send.from_address = Parameter::NotGiven,
        |d| d.send.from_display_name = Parameter::NotGiven,
        |d| d.send.feedback_address = Parameter::NotGiven,
        |d| d.send.recipients = Parameter::Given(vec!["a@example.com".to_owned()]),
        |d| d.send.configuration_set = Parameter::NotGiven,
        |d| d.send.template = Parameter::NotGiven,
        |d| d.source_ip = Some("192.0.2.11".to_owned()),
        |d| d.user_agent = Some("agent".to_owned()),
        |d| d.vpc_endpoint_id = Some("vpce-1".to_owned()),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert_eq!(parameter(change), 2, "change {index}");
    }
    assert_eq!(parameter(|d| d.access_key_id = None), 1, "the key is of the source, not of the request");
}

#[test]
fn incidents_are_ordered_by_their_first_denial() {
    let in_region =
        |region: &str, event: &str, second| Denial { region: Some(region.to_owned()), ..denial(event, second) };
    let untimed = Denial { time: None, ..in_region("eu-west-3", "d", 0) };
    let incidents = fold(vec![
        untimed,
        in_region("eu-west-1", "a", 50),
        in_region("eu-west-2", "b", 20),
        in_region("eu-west-1", "c", 10),
    ]);
    let regions: Vec<&str> = incidents.iter().map(|incident| incident.latest.region.as_deref().unwrap()).collect();
    assert_eq!(regions, ["eu-west-1", "eu-west-2", "eu-west-3"]);
}

#[test]
fn texts_without_an_id_each_count() {
    let text = denial("a", 1).message.text.unwrap();
    let incident = only(fold(vec![from_message(&text, None, None), from_message(&text, None, None)]));
    assert_eq!((incident.count, incident.first_seen, incident.sources.len()), (2, None, 0));
    assert_eq!(incident.id, id(&denial("a", 1)), "the text alone makes the fingerprint that the record makes");
}

#[test]
fn the_records_of_a_log_file_fold_by_what_was_refused() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events/forms/sqs-batch.json");
    let read = input::read(&std::fs::read(path).unwrap(), "sqs-batch.json");
    let incident = only(fold(read.denials));
    assert_eq!((incident.count, incident.sources.len(), incident.distinct.len()), (2, 2, 2));
}

/// Denials out of few values each, so that they collide.
fn some_denial() -> impl Strategy<Value = Denial> {
    let ids = (prop::option::of(0..6_u8), prop::option::weighted(0.2, 0..3_u8));
    let who = (0..3_u8, 0..3_u8, prop::option::of(0..2_u8));
    let what = (0..3_u8, 0..2_u8, prop::option::of(0..4_i64), 0..4_u8);
    (ids, who, what).prop_map(|((event, shared), (session, recipient, region), (from, agent, time, provenance))| {
        let mut some = denial("", time.unwrap_or_default());
        some.event_id = event.map(|event| format!("e{event}"));
        some.shared_event_id = shared.map(|shared| format!("s{shared}"));
        some.time = time.and(some.time);
        some.caller = role((session == 0).then_some("/svc/"), &format!("session{session}"));
        some.recipient_account = ["111122223333", "444455556666"].get(usize::from(recipient)).map(ToString::to_string);
        some.region = region.map(|region| format!("region-{region}"));
        some.send.from_address = match from {
            0 => Parameter::Unknown,
            1 => Parameter::NotGiven,
            _ => Parameter::Given("a@example.com".to_owned()),
        };
        some.user_agent = (agent == 0).then(|| "agent".to_owned());
        some.provenance = [Provenance::Text, Provenance::Log, Provenance::Cloudtrail, Provenance::Cloudtrail]
            [usize::from(provenance)];
        some
    })
}

proptest! {
    #![proptest_config(sesame_testkit::laws::config(256))]

    #[test]
    fn the_order_of_the_input_is_of_no_matter(
        (denials, shuffled) in prop::collection::vec(some_denial(), 0..24)
            .prop_flat_map(|denials| (Just(denials.clone()), Just(denials).prop_shuffle()))
    ) {
        prop_assert_eq!(fold(denials), fold(shuffled));
    }

    #[test]
    fn whatever_comes_again_with_its_id_changes_nothing(denials in prop::collection::vec(some_denial(), 0..24)) {
        let once: Vec<Denial> = denials.into_iter().filter(|denial| denial.event_id.is_some()).collect();
        let twice = [once.clone(), once.clone()].concat();
        prop_assert_eq!(fold(once), fold(twice));
    }

    #[test]
    fn counts_add_up(denials in prop::collection::vec(some_denial(), 0..24)) {
        let most = denials.len() as u64;
        let incidents = fold(denials);
        let total: u64 = incidents.iter().map(|incident| incident.count).sum();
        prop_assert!(total <= most);
        for incident in incidents {
            let shown: u64 = incident.distinct.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(shown, incident.count);
            prop_assert_eq!(incident.cut, 0);
            prop_assert_eq!(&incident.distinct[0].0, &incident.latest);
            prop_assert_eq!(&incident.id, &id(&incident.latest));
            prop_assert!(incident.first_seen <= incident.last_seen);
        }
    }
}
