//! A stack in memory, with its walls up: an approval that waits for its application, and ports that can be cut off.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use pollster::block_on;
use serde_json::Value;
use sesame_diagnosis::denial::{Denial, Incident};
use sesame_diagnosis::finding::Target;
use sesame_diagnosis::input;
use sesame_diagnosis::world::World;
use sesame_remediation::decision::{Approver, Channel, Verdict};
use sesame_remediation::link::Link;
use sesame_remediation::mac::{LocalKey, Mac, MacError};
use sesame_remediation::receipt::Written;
use sesame_responder::apply::{ApplyError, work};
use sesame_responder::decide::{DecideError, Request, decide};
use sesame_responder::diagnose::diagnose;
use sesame_responder::list::{Filter, Page};
use sesame_responder::memory::{FixedClock, MemoryPublisher, MemoryStore, MemoryWorld};
use sesame_responder::ports::{
    FindingStore, Notice, PolicyWriter, PortError, Publisher, SaveError, Trace, WorldSource,
};
use sesame_responder::record::Record;
use sesame_responder::settings::{Approval, ApprovalsNeeded};
use sesame_responder::walls::{Controls, Listed, Walls};
use sesame_responder::{Settings, Shared};

pub const NO_ALLOW: &str = include_str!("../../../../cli/demo/events/01-no-allow.json");
pub const ACCOUNT: &str = "111122223333";
/// The role that `NO_ALLOW` was refused for.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/app/orders";
pub const NOW: &str = "2026-11-23T03:00:00Z";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn denials(event: &str) -> Vec<Denial> {
    let input = input::read(event.as_bytes(), "event");
    assert_eq!(input.errors, []);
    input.denials
}

/// Everything that an application needs.
pub struct Desk {
    pub world: MemoryWorld,
    pub store: MemoryStore,
    pub publisher: MemoryPublisher,
    pub clock: FixedClock,
    pub key: LocalKey,
    pub controls: MemoryControls,
    pub settings: Settings,
}

impl Desk {
    /// A stack that may write to the one role, five times a day.
    pub fn new() -> Desk {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/demo/snapshot");
        Desk {
            world: MemoryWorld::new(sesame_snapshot::load(&folder).unwrap()),
            store: MemoryStore::default(),
            publisher: MemoryPublisher::default(),
            clock: FixedClock::new(time(NOW)),
            key: LocalKey::new("decisions", &[7; 32]).unwrap(),
            controls: MemoryControls::default(),
            settings: Settings {
                stack: "prod".to_owned(),
                own_account: Some(ACCOUNT.to_owned()),
                own_roles: vec![format!("arn:aws:iam::{ACCOUNT}:role/prod-ApplyRole-1A2B")],
                approval: Approval { by_link: true, any_provenance: false, needed: ApprovalsNeeded::One },
                walls: Walls {
                    principals: Listed::Only(vec![ROLE.to_owned()]),
                    identities: Listed::Only(Vec::new()),
                    required_boundary: None,
                    grants_a_day: Some(5),
                },
                ..Settings::embedded()
            },
        }
    }

    pub fn shared(&self) -> Shared<'_, MemoryStore, MemoryPublisher, FixedClock> {
        Shared { store: &self.store, publisher: &self.publisher, clock: &self.clock, settings: &self.settings }
    }

    pub fn take_in(&self, denials: Vec<Denial>) -> Record {
        let mut all = block_on(diagnose(denials, &self.world, self.shared()));
        assert_eq!(all.len(), 1);
        all.remove(0).result.unwrap()
    }

    pub fn decide(&self, record: &Record, verdict: Verdict) -> Result<Record, DecideError> {
        block_on(decide(request(record, verdict), &self.key, self.shared()))
    }

    /// The refusal of `NO_ALLOW`, approved.
    pub fn approved(&self) -> Record {
        let open = self.take_in(denials(NO_ALLOW));
        self.decide(&open, Verdict::Approve).unwrap()
    }

    pub fn work(&self, record: &Record) -> Result<Record, ApplyError> {
        let id = &record.finding.id;
        block_on(work(id, &self.world, &self.world, &self.key, &self.controls, self.shared()))
    }

    pub fn record(&self, id: &str) -> Record {
        block_on(self.store.load(id)).unwrap().unwrap()
    }

    /// What somebody with a hand on the table does.
    pub fn overwrite(&self, mut record: Record) {
        record.version = block_on(self.store.load(&record.finding.id)).unwrap().map_or(0, |stored| stored.version);
        block_on(self.store.save(&mut record)).unwrap();
    }

    /// Our own document of a record's first remedy, as it stands.
    pub fn ours(&self, record: &Record) -> Option<Value> {
        block_on(self.world.read(&record.finding.remedies[0].target)).unwrap()
    }
}

pub fn request(record: &Record, verdict: Verdict) -> Request {
    Request {
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        verdict,
        remedies: Vec::new(),
        approver: Approver { channel: Channel::Cli, id: Some(format!("arn:aws:iam::{ACCOUNT}:user/admin")) },
        until: None,
        reason: None,
        link: None,
        origin: sesame_remediation::decision::Origin::default(),
    }
}

/// The link that the last message about a record brought.
pub fn link(record: &Record) -> Link {
    Link {
        stack: "prod".to_owned(),
        stage: "$default".to_owned(),
        finding: record.finding.id.clone(),
        generation: record.finding.generation,
        series: record.link_series,
        expires: time(NOW) + SignedDuration::from_hours(7 * 24),
    }
}

/// The switch and the count, in memory.
#[derive(Debug, Default)]
pub struct MemoryControls {
    pub off: AtomicBool,
    pub fails: AtomicBool,
    begun: Mutex<BTreeMap<String, Timestamp>>,
}

impl MemoryControls {
    pub fn counted(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

impl Controls for MemoryControls {
    async fn is_on(&self) -> Result<bool, PortError> {
        match self.fails.load(Ordering::Relaxed) {
            true => Err(PortError::lasting("dynamodb:GetItem gave AccessDeniedException")),
            false => Ok(!self.off.load(Ordering::Relaxed)),
        }
    }

    async fn count(&self, application: &str, now: Timestamp, most: u32) -> Result<bool, PortError> {
        let mut begun = self.begun.lock().unwrap();
        if begun.contains_key(application) {
            return Ok(true);
        }
        begun.retain(|_, time| *time > now - SignedDuration::from_hours(24));
        if begun.len() >= most as usize {
            return Ok(false);
        }
        begun.insert(application.to_owned(), now);
        Ok(true)
    }
}

/// Stands before every port of a run: counts calls, lets others have a turn before each, and cuts the run off at one of them.
#[derive(Default)]
pub struct Gate {
    calls: AtomicUsize,
    cut: Option<Cut>,
    pub log: Mutex<Vec<&'static str>>,
}

/// Where a run is cut off, as by a machine that goes away.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// Just before this call.
    Before(usize),
    /// Just after it: it had its effect, and nobody heard of it.
    After(usize),
}

impl Gate {
    pub fn cut(cut: Cut) -> Gate {
        Gate { cut: Some(cut), ..Gate::default() }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn pass<T>(&self, name: &'static str, call: impl Future<Output = T>) -> T {
        turn().await;
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.log.lock().unwrap().push(name);
        if matches!(self.cut, Some(Cut::Before(at)) if at == number) {
            std::future::pending::<()>().await;
        }
        let result = call.await;
        if matches!(self.cut, Some(Cut::After(at)) if at == number) {
            std::future::pending::<()>().await;
        }
        result
    }
}

/// Gives way once.
async fn turn() {
    let mut gave_way = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut gave_way, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Every port of a desk, behind a gate.
pub struct Gated<'d> {
    pub desk: &'d Desk,
    pub gate: &'d Gate,
    /// Comes into being together with the first document that is written.
    pub meanwhile: Option<&'d Value>,
}

impl<'d> Gated<'d> {
    pub fn new(desk: &'d Desk, gate: &'d Gate) -> Gated<'d> {
        Gated { desk, gate, meanwhile: None }
    }

    pub async fn work(&self, finding: &str) -> Result<Record, ApplyError> {
        let shared = Shared { store: self, publisher: self, clock: &self.desk.clock, settings: &self.desk.settings };
        work(finding, self, self, self, self, shared).await
    }
}

impl FindingStore for Gated<'_> {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        self.gate.pass("load", self.desk.store.load(finding)).await
    }
    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        self.gate.pass("save", self.desk.store.save(record)).await
    }
    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        self.desk.store.unfinished().await
    }
    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        self.desk.store.list(filter).await
    }
}

impl Publisher for Gated<'_> {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        self.gate.pass("publish", self.desk.publisher.publish(notice)).await
    }
}

impl WorldSource for Gated<'_> {
    async fn world(&self, incident: &Incident) -> Result<World, PortError> {
        self.gate.pass("world", self.desk.world.world(incident)).await
    }
}

impl PolicyWriter for Gated<'_> {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        self.gate.pass("read", self.desk.world.read(target)).await
    }
    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        let write = async {
            if let Some(meanwhile) = self.meanwhile {
                let other = Target { policy: Some("lockdown".to_owned()), ..target.clone() };
                self.desk.world.write(&other, Some(meanwhile)).await?;
            }
            self.desk.world.write(target, document).await
        };
        self.gate.pass("write", write).await
    }
    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        self.gate.pass("put back", self.desk.world.put_back(written)).await
    }
}

impl Mac for Gated<'_> {
    fn key_id(&self) -> &str {
        self.desk.key.key_id()
    }
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, MacError> {
        self.gate.pass("sign", self.desk.key.sign(message)).await
    }
    async fn verify(&self, message: &[u8], mac: &[u8]) -> Result<bool, MacError> {
        self.gate.pass("verify", self.desk.key.verify(message, mac)).await
    }
}

impl Controls for Gated<'_> {
    async fn is_on(&self) -> Result<bool, PortError> {
        self.gate.pass("switch", self.desk.controls.is_on()).await
    }
    async fn count(&self, application: &str, now: Timestamp, most: u32) -> Result<bool, PortError> {
        self.gate.pass("count", self.desk.controls.count(application, now, most)).await
    }
}

/// Runs until it ends or stands still: `None` when it was cut off, and what was left of it is gone.
pub fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // A future that only gives way ends long before.
    for _ in 0..10_000 {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return Some(result);
        }
    }
    None
}

/// Runs several at a time, one step of one after the other, in an order that `seed` draws.
pub fn run_interleaved<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>, mut seed: u64) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    while results.iter().any(Option::is_none) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = usize::try_from(seed >> 33).unwrap() % futures.len();
        if results[chosen].is_none()
            && let Poll::Ready(result) = futures[chosen].as_mut().poll(&mut context)
        {
            results[chosen] = Some(result);
        }
    }
    results.into_iter().map(Option::unwrap).collect()
}
