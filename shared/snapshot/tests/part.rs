//! A snapshot that is written in parts, is cut off, and goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod common;

use common::{ACCOUNT, Folder, sample};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Identity, Readable, SesRegion};
use sesame_snapshot::part::{Part, keep_ses, kept_ses, write_iam, write_organization, write_ses};
use sesame_snapshot::{load, write};

const REGION: &str = "eu-west-1";
const SES: Part<'_> = Part::Ses { account: ACCOUNT, region: REGION };

fn gap() -> Gap {
    Gap {
        layer: "sending-authorization-policy".to_owned(),
        source: "ses:GetEmailIdentity other.example".to_owned(),
        reason: GapReason::Throttled,
        summary: "no".to_owned(),
    }
}

fn identity(policies: Readable<Vec<(String, sesame_diagnosis::world::RawDocument)>>) -> Identity {
    Identity { verified: Some(true), configuration_set: None, policies }
}

/// A Region with one identity that was read and one that was not.
fn region() -> SesRegion {
    let identities = [
        ("example.com".to_owned(), identity(Readable::Known(Vec::new()))),
        ("other.example".to_owned(), identity(Readable::Gap(gap()))),
    ];
    SesRegion { identities: identities.into(), complete: true, ..SesRegion::default() }
}

#[test]
fn a_part_is_whole_when_nothing_of_it_is_missing() {
    let (from, folder) = (sample(), Folder::new());
    let world = load(from.path()).unwrap();
    let iam = Part::Iam { account: ACCOUNT };
    assert!(!iam.is_whole(folder.path()));
    assert_eq!(write_iam(&world.accounts[ACCOUNT], folder.path()).unwrap(), []);
    assert!(iam.is_whole(folder.path()));
    assert!(!folder.path().join(format!("accounts/{ACCOUNT}/iam.json.new")).exists());
}

#[test]
fn what_could_not_be_read_leaves_no_file_and_no_whole_part() {
    let folder = Folder::new();
    assert_eq!(write_organization(&Readable::Gap(gap()), folder.path()).unwrap(), [gap()]);
    assert!(!Part::Organization.file(folder.path()).exists());
    assert_eq!(write_ses(REGION, &Readable::Gap(gap()), ACCOUNT, folder.path()).unwrap(), [gap()]);
    assert!(!SES.file(folder.path()).exists());
}

#[test]
fn a_region_with_a_gap_is_there_and_asks_only_for_what_is_missing() {
    let folder = Folder::new();
    assert_eq!(write_ses(REGION, &Readable::Known(region()), ACCOUNT, folder.path()).unwrap(), [gap()]);
    assert!(SES.file(folder.path()).exists() && !SES.is_whole(folder.path()));
    let kept = kept_ses(REGION, ACCOUNT, folder.path());
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["example.com"]);

    let mut whole = region();
    whole.identities.get_mut("other.example").unwrap().policies = Readable::Known(Vec::new());
    assert_eq!(write_ses(REGION, &Readable::Known(whole), ACCOUNT, folder.path()).unwrap(), []);
    assert!(SES.is_whole(folder.path()));
    assert!(kept_ses(REGION, ACCOUNT, folder.path()).is_empty());
}

#[test]
fn a_cut_reading_is_no_part_of_the_snapshot_and_is_gone_on_with() {
    let (from, folder) = (sample(), Folder::new());
    write(&load(from.path()).unwrap(), folder.path()).unwrap();
    std::fs::remove_file(SES.file(folder.path())).unwrap();
    keep_ses(REGION, &region(), ACCOUNT, folder.path()).unwrap();
    assert!(!SES.is_whole(folder.path()));
    assert!(!load(folder.path()).unwrap().accounts[ACCOUNT].ses.contains_key(REGION));
    assert_eq!(kept_ses(REGION, ACCOUNT, folder.path()).len(), 1);
    SES.forget_partial(folder.path()).unwrap();
    assert!(kept_ses(REGION, ACCOUNT, folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn folders_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let out = folder.path().join("new/snapshot");
    write_organization(&Readable::Known(None), &out).unwrap();
    for path in [out.as_path(), out.parent().unwrap()] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
    }
}
