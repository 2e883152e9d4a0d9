//! World to folder and back, and the ports over folders.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use std::path::Path;

use common::{ACCOUNT, Folder, sample};
use pollster::block_on;
use sesame_diagnosis::finding::{Finding, Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};
use sesame_remediation::mac::{LocalKey, Mac};
use sesame_remediation::{Event, State};
use sesame_render::Phase;
use sesame_responder::ports::{FindingStore, Notice, Publisher, SaveError};
use sesame_responder::record::{Alert, Record};
use sesame_snapshot::embedded::{FindingFolder, Outbox, local_key};
use sesame_snapshot::{load, write};

/// A world as text, without the places where its documents were read.
fn shown(world: &World) -> String {
    let text = format!("{world:#?}");
    let lines =
        text.lines().filter(|line| !line.trim_start().starts_with("source: ") && !line.contains("organization.json"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_world_is_the_same_after_it_was_written_and_read() {
    let (folder, copy) = (sample(), Folder::new());
    let world = load(folder.path()).unwrap();
    let gaps = write(&world, copy.path()).unwrap();
    // The sample's accounts have no list of RCPs; that is what was not read.
    assert!(gaps.iter().all(|gap| gap.layer == "resource-control-policy"), "{gaps:?}");
    assert_eq!(shown(&load(copy.path()).unwrap()), shown(&world));
}

#[test]
fn written_files_are_their_owners_only() {
    let (folder, copy) = (sample(), Folder::new());
    write(&load(folder.path()).unwrap(), copy.path()).unwrap();
    assert_private(&copy.path().join("organization.json"));
    assert_private(&copy.path().join(format!("accounts/{ACCOUNT}/iam.json")));
    assert_private(&copy.path().join(format!("accounts/{ACCOUNT}/ses/eu-west-1.json")));
}

#[cfg(unix)]
fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
}

#[cfg(not(unix))]
fn assert_private(path: &Path) {
    assert!(path.exists());
}

#[test]
fn what_could_not_be_read_never_passes_for_what_is_not_there() {
    let gap = |layer: &str| Gap {
        layer: layer.to_owned(),
        source: "iam:GetRolePolicy".to_owned(),
        reason: GapReason::AccessDenied,
        summary: "no".to_owned(),
    };
    let (folder, copy) = (sample(), Folder::new());
    let mut world = load(folder.path()).unwrap();
    let account = world.accounts.get_mut(ACCOUNT).unwrap();
    account.users[0].entity.inline[0].document = Readable::Gap(gap("identity-policy"));
    account.roles[0].entity.gap = Some(gap("identity-policy"));
    let base = "arn:aws:iam::111122223333:policy/Base";
    account.managed_policies.insert(base.to_owned(), Readable::Gap(gap("identity-policy")));
    let Readable::Known(region) = account.ses.get_mut("eu-west-1").unwrap() else { panic!() };
    region.identities.get_mut("example.com").unwrap().policies = Readable::Gap(gap("sending-authorization-policy"));
    world.organization = Readable::Gap(gap("service-control-policy"));

    let gaps = write(&world, copy.path()).unwrap();
    assert_eq!(gaps.len(), 5);
    let read = load(copy.path()).unwrap();
    let account = &read.accounts[ACCOUNT];
    assert!(account.users[0].entity.inline[0].document.known().unwrap().json.is_err());
    assert!(account.roles[0].entity.inline[0].document.known().unwrap().json.is_err());
    assert!(account.managed_policies[base].gap().is_some());
    let identity = &account.ses["eu-west-1"].known().unwrap().identities["example.com"];
    assert!(identity.policies.known().unwrap()[0].1.json.is_err());
    assert!(read.organization.gap().is_some());
}

fn finding(id: &str) -> Finding {
    let mut finding: Finding = serde_json::from_str(include_str!("fixtures/finding.json")).unwrap();
    finding.id = id.to_owned();
    finding
}

fn record(id: &str) -> Record {
    Record::new(finding(id), "2026-11-23T10:00:00Z".parse().unwrap())
}

#[test]
fn a_record_is_kept_as_it_is_and_written_once_a_version() {
    let folder = Folder::new();
    let store = FindingFolder::open(&folder.path().join("findings")).unwrap();
    assert_eq!(block_on(store.load("f-1")).unwrap(), None);
    let mut record = record("f-1");
    block_on(store.save(&mut record)).unwrap();
    assert_eq!(record.version, 1);
    assert_eq!(block_on(store.load("f-1")).unwrap().as_ref(), Some(&record));
    assert_private(&folder.path().join("findings/f-1.json"));

    let mut stale = Record { version: 0, ..record.clone() };
    assert_eq!(block_on(store.save(&mut stale)), Err(SaveError::Conflict("f-1".to_owned())));
    record.advance(Event::Approve, record.since, None).unwrap();
    block_on(store.save(&mut record)).unwrap();
    assert_eq!(block_on(store.load("f-1")).unwrap().unwrap().state, State::Approved);
}

#[test]
fn of_many_writers_at_once_one_wins_each_version() {
    let folder = Folder::new();
    let path = folder.path().join("findings");
    let store = FindingFolder::open(&path).unwrap();
    block_on(store.save(&mut record("f-1"))).unwrap();
    let one = |_| {
        let store = store.clone();
        std::thread::spawn(move || {
            let mut won = 0;
            while won < 20 {
                let mut record = block_on(store.load("f-1")).unwrap().unwrap();
                record.link_series += 1;
                won += u32::from(block_on(store.save(&mut record)).is_ok());
            }
        })
    };
    let threads: Vec<_> = (0..4).map(one).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let last = block_on(store.load("f-1")).unwrap().unwrap();
    assert_eq!((last.link_series, last.version), (80, 81));
}

#[test]
fn what_is_unfinished_is_found() {
    let folder = Folder::new();
    let store = FindingFolder::open(folder.path()).unwrap();
    block_on(store.save(&mut record("f-due"))).unwrap();
    block_on(store.save(&mut Record { alert: Alert::Sent, ..record("f-told") })).unwrap();
    block_on(store.save(&mut Record { alert: Alert::Sent, state: State::Applying, ..record("f-cut") })).unwrap();
    assert_eq!(block_on(store.unfinished()).unwrap(), ["f-cut", "f-due"]);
}

#[test]
fn an_id_leads_to_no_other_file() {
    let folder = Folder::new();
    folder.write("outside.json", "{}");
    let store = FindingFolder::open(&folder.path().join("findings")).unwrap();
    for id in ["../outside", "", "a/b", "f-1.json", "/etc/passwd", "."] {
        assert_eq!(block_on(store.load(id)).unwrap_err().message, format!("expected a finding's id, found `{id}`"));
    }
}

#[test]
fn notices_queue_up_in_the_outbox() {
    let folder = Folder::new();
    let path = folder.path().join("outbox");
    let record = record("f-1");
    for phase in [Phase::Finding, Phase::Applied] {
        // Opened anew each time, as by runs of a command.
        let outbox =
            Outbox::open(&path, |notice: Notice<'_>| format!("{} {}", notice.phase, notice.finding().id)).unwrap();
        block_on(outbox.publish(Notice { phase, record: &record })).unwrap();
    }
    assert_eq!(folder.read("outbox/0001-finding-f-1.txt"), "finding f-1");
    assert_eq!(folder.read("outbox/0002-applied-f-1.txt"), "applied f-1");
}

#[test]
fn a_key_is_made_once_and_kept_private() {
    let folder = Folder::new();
    let path = folder.path().join("key");
    let sign = |key: &LocalKey| block_on(key.sign(b"message")).unwrap();
    let made = sign(&local_key(&path).unwrap());
    assert_private(&path);
    assert_eq!(sign(&local_key(&path).unwrap()), made);
    std::fs::remove_file(&path).unwrap();
    assert_ne!(sign(&local_key(&path).unwrap()), made, "another file is another key");
    std::fs::write(&path, b"too short").unwrap();
    assert!(local_key(&path).unwrap_err().to_string().ends_with("expected at least 32 bytes, found 9"));
}
