//! The ports in memory: for tests, and for trying things out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Target, TargetKind};
use sesame_diagnosis::world::{InlinePolicy, RawDocument, Readable, World};
use sesame_policy::json::Json;
use sesame_remediation::State;
use sesame_remediation::receipt::Written;
use sesame_render::Phase;

use crate::list::{Filter, Page, Summary};
use crate::ports::{Clock, FindingStore, Notice, PolicyWriter, PortError, Publisher, SaveError, Trace, WorldSource};
use crate::record::{Alert, Record};

/// What a panic in another test thread left behind is still good to read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Findings in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<BTreeMap<String, Record>>,
}

impl FindingStore for MemoryStore {
    async fn load(&self, finding: &str) -> Result<Option<Record>, PortError> {
        Ok(lock(&self.records).get(finding).cloned())
    }

    async fn save(&self, record: &mut Record) -> Result<(), SaveError> {
        let mut records = lock(&self.records);
        let id = record.finding.id.clone();
        if records.get(&id).map_or(0, |stored| stored.version) != record.version {
            return Err(SaveError::Conflict(id));
        }
        record.version += 1;
        records.insert(id, record.clone());
        Ok(())
    }

    async fn unfinished(&self) -> Result<Vec<String>, PortError> {
        let records = lock(&self.records);
        Ok(records.values().filter(|record| is_unfinished(record)).map(|record| record.finding.id.clone()).collect())
    }

    async fn list(&self, filter: &Filter) -> Result<Page, PortError> {
        Ok(Page::cut(lock(&self.records).values().map(Summary::of), filter))
    }
}

/// Whether the sweep has something to do with a record.
pub fn is_unfinished(record: &Record) -> bool {
    record.alert != Alert::Sent || matches!(record.state, State::Approved | State::Applying | State::RollingBack)
}

/// Keeps what was published.
#[derive(Debug, Default)]
pub struct MemoryPublisher {
    published: Mutex<Vec<(Phase, Record)>>,
}

impl MemoryPublisher {
    /// What was published, the first first.
    pub fn published(&self) -> Vec<(Phase, Record)> {
        lock(&self.published).clone()
    }
}

impl Publisher for MemoryPublisher {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        lock(&self.published).push((notice.phase, notice.record.clone()));
        Ok(())
    }
}

/// A world in memory: read by diagnoses, written by applications.
#[derive(Debug)]
pub struct MemoryWorld {
    world: Mutex<World>,
}

impl MemoryWorld {
    /// A world to start with.
    pub fn new(world: World) -> MemoryWorld {
        MemoryWorld { world: Mutex::new(world) }
    }

    /// The world as it is now.
    pub fn now(&self) -> World {
        lock(&self.world).clone()
    }

    /// Changes the world behind everybody's back.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut lock(&self.world));
    }
}

impl WorldSource for MemoryWorld {
    async fn world(&self, _incident: &Incident) -> Result<World, PortError> {
        Ok(self.now())
    }
}

/// The policies of a target's principal or identity, by name.
enum Policies<'w> {
    Inline(&'w mut Vec<InlinePolicy>),
    Identity(&'w mut Vec<(String, RawDocument)>),
}

fn policies<'w>(world: &'w mut World, target: &Target) -> Result<Policies<'w>, PortError> {
    let absent = || PortError::lasting(format!("there is no {:?} to write", target.kind));
    let account = target.account.as_ref().and_then(|id| world.accounts.get_mut(id)).ok_or_else(absent)?;
    let arn = target.principal.as_deref().unwrap_or_default();
    let inline = match target.kind {
        TargetKind::UserInline => {
            account.users.iter_mut().map(|user| &mut user.entity).find(|entity| entity.arn == arn)
        }
        TargetKind::RoleInline => {
            account.roles.iter_mut().map(|role| &mut role.entity).find(|entity| entity.arn == arn)
        }
        TargetKind::SendingAuthorization => {
            let region = target.region.as_ref().and_then(|region| account.ses.get_mut(region));
            let Some(Readable::Known(region)) = region else { return Err(absent()) };
            let identity = target.identity.as_ref().and_then(|name| region.identities.get_mut(name));
            let Some(Readable::Known(policies)) = identity.map(|identity| &mut identity.policies) else {
                return Err(absent());
            };
            return Ok(Policies::Identity(policies));
        }
        _ => None,
    };
    Ok(Policies::Inline(&mut inline.ok_or_else(absent)?.inline))
}

impl PolicyWriter for MemoryWorld {
    async fn read(&self, target: &Target) -> Result<Option<Value>, PortError> {
        let mut world = lock(&self.world);
        let name = target.policy.as_deref().unwrap_or_default();
        let document = match policies(&mut world, target)? {
            Policies::Inline(list) => {
                list.iter().find(|policy| policy.name == name).and_then(|policy| policy.document.known().cloned())
            }
            Policies::Identity(list) => {
                list.iter().find(|(other, _)| other == name).map(|(_, document)| document.clone())
            }
        };
        match document.map(|document| document.json) {
            None => Ok(None),
            Some(Ok(json)) => Ok(Some(json.to_value())),
            Some(Err(error)) => Err(PortError::lasting(error)),
        }
    }

    async fn write(&self, target: &Target, document: Option<&Value>) -> Result<Trace, PortError> {
        let mut world = lock(&self.world);
        let name = target.policy.clone().unwrap_or_default();
        let document = document
            .map(|document| RawDocument { json: Ok(Json::from_value(document)), source: format!("memory, `{name}`") });
        match policies(&mut world, target)? {
            Policies::Inline(list) => {
                list.retain(|policy| policy.name != name);
                list.extend(document.map(|document| InlinePolicy { name, document: Readable::Known(document) }));
            }
            Policies::Identity(list) => {
                list.retain(|(other, _)| *other != name);
                list.extend(document.map(|document| (name, document)));
            }
        }
        Ok(Trace::default())
    }

    async fn put_back(&self, written: &Written) -> Result<(), PortError> {
        self.write(&written.target, written.before.as_ref()).await.map(|_| ())
    }
}

/// A clock that moves only when told.
#[derive(Debug)]
pub struct FixedClock {
    now: Mutex<Timestamp>,
}

impl FixedClock {
    /// A clock that shows this time.
    pub fn new(now: Timestamp) -> FixedClock {
        FixedClock { now: Mutex::new(now) }
    }

    /// Moves it.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }
}
