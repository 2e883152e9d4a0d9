//! What is on offer: the plan as it stands, or the same with an end.

use jiff::Timestamp;
use sesame_diagnosis::finding::{Applicability, Finding, Outcome, Provenance, Remedy};
use sesame_remediation::State;
use sesame_remediation::decision::DecidedRemedy;
use sesame_render::escape;
use sesame_render::page::{Choice, Decision};

use super::{Site, WebApproval};
use crate::Settings;
use crate::record::Record;
use crate::settings::ApprovalsNeeded;
use crate::walls;

/// How long a mute may last, in days.
pub(super) const MUTE_DAYS: [u32; 3] = [1, 7, 30];

/// What this visitor may decide now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub decisions: Vec<Decision>,
    pub choices: Vec<Choice>,
    /// Why something is not on offer, and what to do instead.
    pub note: Option<String>,
}

/// What may be decided about a record by the page. Deciding checks all of it again.
pub(super) fn offer<L>(record: &Record, site: &Site<L>, settings: &Settings, now: Timestamp) -> Offer {
    let undoable = matches!(record.state, State::Applied | State::Failed { restored: false });
    if site.is_local() && undoable {
        return Offer { decisions: vec![Decision::RollBack], ..Offer::default() };
    }
    if record.state != State::Open || site.approval != WebApproval::Approve {
        return Offer::default();
    }
    match obstacle(record, site.is_local(), settings, now) {
        Some(note) => {
            Offer { decisions: vec![Decision::Reject, Decision::Mute], choices: Vec::new(), note: Some(note) }
        }
        None => Offer {
            decisions: vec![Decision::Approve, Decision::Reject, Decision::Mute],
            choices: choices(&record.finding, now),
            note: (!site.is_local())
                .then(|| "Whoever holds the link of this message can decide: do not pass it on.".to_owned()),
        },
    }
}

/// Why the plan cannot be approved here.
fn obstacle(record: &Record, local: bool, settings: &Settings, now: Timestamp) -> Option<String> {
    let finding = &record.finding;
    let id = escape::id(&finding.id);
    let ours: Vec<&Remedy> = applicable(finding).collect();
    if finding.outcome == Outcome::NotAuthorization {
        return Some(
            "No policy refused this send, so there is nothing to approve; the hints say what to change.".to_owned(),
        );
    }
    if finding.plan.is_empty() {
        return Some("There is no plan to approve.".to_owned());
    }
    if ours.is_empty() || choices(finding, now).is_empty() {
        return Some("There is nothing that Sesame may apply: what would help is for its owner to do, and the commands above do it.".to_owned());
    }
    if !settings.apply {
        return Some("This stack only suggests, and applies nothing; the commands above do it by hand.".to_owned());
    }
    let placed = |remedy: &&Remedy| walls::check_place(settings, finding, &remedy.id, &remedy.target).err();
    if let Some(breach) = ours.iter().find_map(placed) {
        return Some(format!("This stack may not write that: {breach}. The commands above do it by hand."));
    }
    if finding.provenance != Provenance::Cloudtrail && !settings.approval.any_provenance {
        return Some(
            "Only what CloudTrail recorded can lead to an application; the commands above do it by hand.".to_owned(),
        );
    }
    if !local && ours.iter().any(|remedy| remedy.applicability == Applicability::NeedsReview) {
        return Some(format!(
            "It needs a review by someone who is known by name, which a link cannot tell. To approve it: `sesame approve {id}`."
        ));
    }
    if !local && settings.approval.needed == ApprovalsNeeded::Two {
        return Some(format!(
            "Two people must approve it, each known by name, which a link cannot tell. To approve it: `sesame approve {id}`."
        ));
    }
    None
}

fn applicable(finding: &Finding) -> impl Iterator<Item = &Remedy> {
    finding.planned().filter(|remedy| remedy.applicability != Applicability::AdviceOnly)
}

/// The sets of remedies that may be approved: the plan, and the plan with each end that all of its parts have.
pub(super) fn choices(finding: &Finding, now: Timestamp) -> Vec<Choice> {
    let plan: Vec<&Remedy> = applicable(finding).collect();
    let Some(first) = plan.first() else { return Vec::new() };
    let to_come = |end: &str| end.parse::<Timestamp>().is_ok_and(|end| end > now);
    let mut ends: Vec<&str> = bridges(finding, first).filter_map(|bridge| bridge.expires.as_deref()).collect();
    ends.retain(|end| to_come(end));
    ends.sort_unstable();
    let with_end = |end: &str| {
        let bridge = |remedy: &&Remedy| bridges(finding, remedy).find(|bridge| bridge.expires.as_deref() == Some(end));
        plan.iter().map(bridge).collect::<Option<Vec<&Remedy>>>()
    };
    let bridged: Vec<Vec<&Remedy>> = ends.into_iter().filter_map(with_end).collect();
    // A plan that ends by itself has ended at some time.
    let plan = plan.iter().all(|remedy| remedy.expires.as_deref().is_none_or(to_come)).then_some(plan);
    plan.into_iter().chain(bridged).map(|remedies| choice(&remedies)).collect()
}

fn bridges<'f>(finding: &'f Finding, remedy: &Remedy) -> impl Iterator<Item = &'f Remedy> {
    let id = remedy.id.clone();
    finding.remedies.iter().filter(move |bridge| {
        bridge.alternative_to.as_deref() == Some(id.as_str())
            && bridge.expires.is_some()
            && bridge.applicability != Applicability::AdviceOnly
    })
}

/// What is shown, down to the digests, is what comes back.
fn choice(remedies: &[&Remedy]) -> Choice {
    let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "-".to_owned());
    let one =
        |remedy: &&Remedy| format!("{} {} {}", remedy.id, digest(&remedy.before_digest), digest(&remedy.after_digest));
    Choice {
        value: remedies.iter().map(one).collect::<Vec<_>>().join(","),
        remedies: remedies.iter().map(|remedy| remedy.id.clone()).collect(),
    }
}

/// The remedies of a choice that came back, if it is one that is still on offer.
pub(super) fn chosen(value: &str, finding: &Finding, now: Timestamp) -> Option<Vec<DecidedRemedy>> {
    let choice = choices(finding, now).into_iter().find(|choice| choice.value == value)?;
    choice.remedies.iter().map(|id| finding.remedy(id).map(DecidedRemedy::from)).collect()
}
