//! IAM and SES are eventually consistent: what was written is seen a while later, by each reading for itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod desk;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use desk::{Desk, NO_ALLOW, denials};
use jiff::SignedDuration;
use pollster::block_on;
use serde_json::Value;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::Target;
use sesame_diagnosis::world::World;
use sesame_remediation::State;
use sesame_remediation::decision::Verdict;
use sesame_remediation::receipt::Written;
use sesame_responder::apply::{ApplyError, work};
use sesame_responder::ports::{PolicyWriter, PortError, Trace, WorldSource};
use sesame_responder::record::Record;
use sesame_responder::walls::APPROVAL_HOLDS;

/// Shows a change only after so many waits; both what is read by name and what is collected for an evaluation.
struct Slow<'d> {
    desk: &'d Desk,
    /// The world as it is still seen.
    seen: Mutex<World>,
    /// How many waits a change takes.
    takes: u32,
    waited: AtomicU32,
    /// How many waits there are at most.
    patience: u32,
    written: AtomicU32,
}

impl Slow<'_> {
    fn new(desk: &Desk, takes: u32, patience: u32) -> Slow<'_> {
        Slow {
            desk,
            seen: Mutex::new(desk.world.now()),
            takes,
            waited: AtomicU32::new(0),
            patience,
            written: AtomicU32::new(0),
        }
    }

    fn work(&self, record: &Record) -> Result<Record, ApplyError> {
        block_on(work(&record.finding.id, self, self, &self.desk.key, &self.desk.controls, self.desk.shared()))
    }

    /// What is seen now, as a world of its own.
    fn shown(&self) -> sesame_responder::memory::MemoryWorld {
        sesame_responder::memory::MemoryWorld::new(self.seen.lock().unwrap().clone())
    }

    fn changed(&self) {
        self.waited.store(0, Ordering::Relaxed);
        if self.takes == 0 {
            *self.seen.lock().unwrap() = self.desk.world.now();
        }
    }
}

impl WorldSource for Slow<'_> {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        self.shown().world(incident).await
    }
}

impl PolicyWriter for Slow<'_> {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        self.shown().read(target).await
    }
    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        self.written.fetch_add(1, Ordering::Relaxed);
        let trace = self.desk.world.write(target, document).await;
        self.changed();
        trace
    }
    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        self.desk.world.put_back(written).await?;
        self.changed();
        Ok(())
    }
    async fn settle(&self, attempt: u32) -> bool {
        if self.waited.fetch_add(1, Ordering::Relaxed) + 1 >= self.takes {
            *self.seen.lock().unwrap() = self.desk.world.now();
        }
        attempt < self.patience
    }
}

#[test]
fn what_is_seen_late_is_waited_for_and_written_once() {
    for takes in 0..4 {
        let desk = Desk::new();
        let record = desk.approved();
        let slow = Slow::new(&desk, takes, 5);
        let applied = slow.work(&record).unwrap();
        assert_eq!(applied.state, State::Applied, "{takes}");
        assert_eq!(slow.written.load(Ordering::Relaxed), 1, "{takes}");

        let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
        assert_eq!(slow.work(&undoing).unwrap().state, State::RolledBack, "{takes}");
        assert_eq!(desk.world.now(), Desk::new().world.now(), "{takes}");
    }
}

#[test]
fn what_is_never_seen_is_taken_back_although_it_cannot_be_seen() {
    let desk = Desk::new();
    let before = desk.world.now();
    let record = desk.approved();
    let ended = Slow::new(&desk, 100, 3).work(&record).unwrap();
    assert_eq!(ended.state, State::Failed { restored: true });
    assert!(ended.receipt.unwrap().note.unwrap().contains("reads back as something else than was written"));
    assert_eq!(desk.world.now(), before, "it would have come to be seen later");
}

#[test]
fn an_undo_that_is_not_seen_yet_is_not_called_done() {
    let desk = Desk::new();
    let applied = desk.work(&desk.approved()).unwrap();
    let undoing = desk.decide(&applied, Verdict::RollBack).unwrap();
    let slow = Slow::new(&desk, 100, 2);
    let error = slow.work(&undoing).unwrap_err();
    assert!(matches!(&error, ApplyError::Port(error) if error.retry), "{error}");
    assert_eq!(desk.record(&undoing.finding.id).state, State::RollingBack);
    // It comes again, and by then it is seen.
    assert_eq!(desk.work(&undoing).unwrap().state, State::RolledBack);
}

#[test]
fn a_write_that_was_throttled_is_taken_up_again_and_one_that_was_refused_is_not() {
    for (retry, state) in [(true, State::Applying), (false, State::Failed { restored: true })] {
        let desk = Desk::new();
        let record = desk.approved();
        let failing = Failing { desk: &desk, retry };
        let result =
            block_on(work(&record.finding.id, &desk.world, &failing, &desk.key, &desk.controls, desk.shared()));
        assert_eq!(result.is_err(), retry);
        assert_eq!(desk.record(&record.finding.id).state, state);
        assert_eq!(desk.ours(&record), None);
        if retry {
            assert_eq!(desk.work(&record).unwrap().state, State::Applied);
            assert_eq!(desk.controls.counted(), 1, "it is the same application");
        }
    }
}

/// Refuses to write.
struct Failing<'d> {
    desk: &'d Desk,
    retry: bool,
}

impl PolicyWriter for Failing<'_> {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        self.desk.world.read(target).await
    }
    async fn write(&self, _target: &Target, _document: Option<&Value>) -> Result<Trace, PortError> {
        Err(PortError { message: "iam:PutRolePolicy gave an error".to_owned(), retry: self.retry })
    }
    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        self.desk.world.put_back(written).await
    }
}

#[test]
fn an_approval_that_waited_too_long_is_asked_for_again() {
    let desk = Desk::new();
    let open = desk.take_in(denials(NO_ALLOW));
    let approved = desk.decide(&open, Verdict::Approve).unwrap();
    let before = desk.world.now();
    let late = SignedDuration::from_secs(1);
    desk.clock.set(desk::time(desk::NOW) + APPROVAL_HOLDS + late);
    let ended = desk.work(&approved).unwrap();
    assert_eq!(ended.state, State::Failed { restored: true });
    assert!(ended.receipt.unwrap().note.unwrap().contains("decide again"));
    assert_eq!(desk.world.now(), before);
}
