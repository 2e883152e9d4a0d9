//! The sample: an organization with five accounts, and the sends that were refused in it.

/// The files of the snapshot.
pub const SNAPSHOT: [(&str, &str); 11] = [
    ("organization.json", include_str!("../../demo/snapshot/organization.json")),
    ("accounts/111122223333/iam.json", include_str!("../../demo/snapshot/accounts/111122223333/iam.json")),
    ("accounts/111122223333/history.json", include_str!("../../demo/snapshot/accounts/111122223333/history.json")),
    (
        "accounts/111122223333/ses/eu-west-1.json",
        include_str!("../../demo/snapshot/accounts/111122223333/ses/eu-west-1.json"),
    ),
    ("accounts/222233334444/iam.json", include_str!("../../demo/snapshot/accounts/222233334444/iam.json")),
    (
        "accounts/222233334444/ses/eu-west-1.json",
        include_str!("../../demo/snapshot/accounts/222233334444/ses/eu-west-1.json"),
    ),
    ("accounts/333344445555/iam.json", include_str!("../../demo/snapshot/accounts/333344445555/iam.json")),
    (
        "accounts/333344445555/ses/eu-west-1.json",
        include_str!("../../demo/snapshot/accounts/333344445555/ses/eu-west-1.json"),
    ),
    ("accounts/444455556666/iam.json", include_str!("../../demo/snapshot/accounts/444455556666/iam.json")),
    (
        "accounts/444455556666/ses/eu-west-1.json",
        include_str!("../../demo/snapshot/accounts/444455556666/ses/eu-west-1.json"),
    ),
    ("accounts/999988887777/iam.json", include_str!("../../demo/snapshot/accounts/999988887777/iam.json")),
];

/// A refused send.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// What it shows.
    pub title: &'static str,
    /// What arrives, in one of the forms in which denials come.
    pub event: &'static str,
    /// What becomes of the remedy that Sesame does not apply by itself.
    pub by_others: ByOthers,
}

/// What the owner of a guardrail does in the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByOthers {
    /// There is nothing for others to do.
    Nothing,
    /// The owner follows the advice; the demo plays the owner.
    Done,
    /// It stays advice: the document and the commands are shown.
    Shown,
}

/// Every refused send, in order.
pub const SCENES: [Scene; 11] = [
    scene("No policy allows it at all", include_str!("../../demo/events/01-no-allow.json")),
    scene("The policy names other From addresses", include_str!("../../demo/events/02-from-address.json")),
    scene(
        "The identity's default configuration set is a second resource",
        include_str!("../../demo/events/03-default-configuration-set.json"),
    ),
    scene("A bulk send needs two actions", include_str!("../../demo/events/04-bulk.json")),
    scene("SMTP is authorized as a raw send", include_str!("../../demo/events/05-smtp.json")),
    scene("The policy names another Region", include_str!("../../demo/events/06-region.json")),
    scene("The template is a resource too", include_str!("../../demo/events/07-template.json")),
    scene("Two dozen refusals are one finding", include_str!("../../demo/events/08-storm.json")),
    Scene {
        title: "The permissions boundary lacks it",
        event: include_str!("../../demo/events/09-boundary.json"),
        by_others: ByOthers::Done,
    },
    Scene {
        title: "The identity's own policy denies it",
        event: include_str!("../../demo/events/10-deny-on-identity.json"),
        by_others: ByOthers::Done,
    },
    Scene {
        title: "The organization denies it",
        event: include_str!("../../demo/events/11-organization.json"),
        by_others: ByOthers::Shown,
    },
];

const fn scene(title: &'static str, event: &'static str) -> Scene {
    Scene { title, event, by_others: ByOthers::Nothing }
}
