//! `sesame demo`: the whole loop, embedded, from the alert to the closing message.

mod pages;
mod sample;
mod stage;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollster::block_on;
use sesame_diagnosis::finding::{Finding, Remedy};
use sesame_diagnosis::{fold, input};
use sesame_remediation::Event;
use sesame_remediation::decision::{Approver, Channel, Origin, Verdict};
use sesame_remediation::receipt::Verification;
use sesame_responder::again;
use sesame_responder::apply::apply;
use sesame_responder::decide::{Request, decide};
use sesame_responder::diagnose::diagnose;
use sesame_responder::memory::FixedClock;
use sesame_responder::notify::publish_due;
use sesame_responder::place::{Order, put_in_place};
use sesame_responder::ports::{Clock as _, FindingStore as _, Notice};
use sesame_responder::record::{Alert, Record};
use sesame_responder::walls::NoControls;
use sesame_responder::{Settings, Shared};
use sesame_snapshot::embedded::{FindingFolder, Outbox, SnapshotFolder, local_key};

use crate::arguments::Demo;
use crate::failure::Failure;
use crate::mail::mail;
use sample::{ByOthers, SCENES, SNAPSHOT, Scene};
use stage::Stage;

/// The file that says that a folder is the demo's own, to be made anew.
const MARKER: &str = ".sesame-demo";
/// The demo's clock: a few minutes after the last refusal.
const NOW: &str = "2026-11-23T03:05:00Z";

/// Plays every scene, and leaves what came of it in a folder.
pub fn run(arguments: &Demo) -> Result<ExitCode, Failure> {
    let out = &arguments.out;
    prepare(out)?;
    let mut stage = Stage::new(SCENES.len());
    stage.introduction(out);
    let now: Timestamp = NOW.parse().map_err(Failure::input)?;
    let mut played = Vec::with_capacity(SCENES.len());
    for (index, scene) in SCENES.iter().enumerate() {
        // A minute passes between two scenes.
        let clock = FixedClock::new(now + jiff::SignedDuration::from_mins(index as i64));
        played.push((scene.title, play(scene, index, out, &clock, &mut stage)?));
    }
    let page = pages::write(out, &played, now)?;
    stage.end(&page, out)?;
    Ok(ExitCode::SUCCESS)
}

/// One refused send, from its alert to its end.
fn play(scene: &Scene, index: usize, out: &Path, clock: &FixedClock, stage: &mut Stage) -> Result<Record, Failure> {
    let folder = SnapshotFolder(out.join("snapshot"));
    let store = FindingFolder::open(&out.join("findings"))?;
    let outbox_folder = out.join("outbox");
    let outbox = Outbox::open(&outbox_folder, |notice: Notice<'_>| {
        let mail = mail(notice, clock.now());
        format!("Subject: {}\n\n{}", mail.subject, mail.body)
    })?;
    let key = local_key(&out.join("key"))?;
    let settings = Settings::embedded();
    let shared = Shared { store: &store, publisher: &outbox, clock, settings: &settings };

    let denials = input::read(scene.event.as_bytes(), scene.title).denials;
    let incidents = fold::fold(denials.clone());
    let diagnosed = block_on(diagnose(denials, &folder, shared)).pop();
    let diagnosed = diagnosed.ok_or_else(|| Failure::input(format!("{}: expected a refused send", scene.title)))?;
    let record = diagnosed.result.map_err(Failure::snapshot)?;
    stage.scene(index, scene.title, &record);
    stage.alert(&record, clock.now());

    let options = settings.options(clock.now());
    let record = match scene.by_others {
        ByOthers::Nothing => {
            let verdict = stage.ask(&record.finding)?;
            let request = Request {
                finding: record.finding.id.clone(),
                generation: record.finding.generation,
                link: None,
                verdict,
                remedies: Vec::new(),
                approver: Approver { channel: Channel::Local, id: Some("you".to_owned()) },
                until: None,
                reason: None,
                origin: Origin::default(),
            };
            let decided = block_on(decide(request, &key, shared)).map_err(Failure::input)?;
            match verdict {
                Verdict::Approve => block_on(apply(&decided.finding.id, &folder, &folder, &key, &NoControls, shared))
                    .map_err(Failure::snapshot)?,
                _ => decided,
            }
        }
        ByOthers::Done => {
            stage.for_others(&record.finding);
            let plan = &record.finding.plan;
            let order = Order { finding: &record.finding, remedies: plan, force_advice: true, options: &options };
            let receipt = block_on(put_in_place(order, &folder, &folder)).map_err(Failure::snapshot)?;
            let mut record = Record { receipt: Some(receipt), alert: Alert::Due, ..record };
            let note = "its owner changed the policy, and the same send is allowed now".to_owned();
            record.advance(Event::Supersede, clock.now(), Some(note)).map_err(Failure::snapshot)?;
            block_on(store.save(&mut record)).map_err(Failure::snapshot)?;
            block_on(publish_due(record, shared)).map_err(Failure::snapshot)?
        }
        ByOthers::Shown => {
            record.finding.planned().for_each(|remedy: &Remedy| stage.by_hand(remedy));
            return Ok(record);
        }
    };
    if let Some(receipt) = &record.receipt {
        let by = if scene.by_others == ByOthers::Done { " by its owner" } else { "" };
        stage.written(receipt, by);
        // Not the receipt's word for it: the same events once more, against the files as they are now.
        let world = sesame_snapshot::load(&folder.0)?;
        let mut checked = Verification::default();
        for incident in &incidents {
            checked = again::evaluate(incident, &world, true)?;
        }
        stage.checked(&checked);
        if checked.allowed_after != Some(true) {
            return Err(Failure::snapshot(format!("{}: expected the send to be allowed now", scene.title)));
        }
    }
    stage.closing(&record, clock.now());
    Ok(record)
}

/// The finding's plan in one sentence each.
fn grants(finding: &Finding) -> Vec<String> {
    sesame_render::grant::sentences(finding)
}

/// A folder of our own, with a fresh copy of the snapshot in it.
fn prepare(out: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::snapshot(format!("{}: could not be written: {error}", out.display()));
    if out.exists() {
        let empty = fs::read_dir(out).map_err(failed)?.next().is_none();
        if !empty && !out.join(MARKER).exists() {
            let found = out.display();
            return Err(Failure::usage(format!(
                "--out: expected an empty folder or one of an earlier demo, found `{found}`"
            )));
        }
        fs::remove_dir_all(out).map_err(failed)?;
    }
    for (file, text) in SNAPSHOT {
        let path = out.join("snapshot").join(file);
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        fs::write(&path, text).map_err(failed)?;
    }
    fs::write(out.join(MARKER), "Made by `sesame demo`, which makes this folder anew.\n").map_err(failed)
}
