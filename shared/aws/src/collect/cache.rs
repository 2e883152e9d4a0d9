//! What was read already, for the life of one invocation.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use sesame_diagnosis::finding::Gap;
use sesame_diagnosis::world::{
    Account, Identity, ManagedPolicy, Organization, OrganizationPolicy, Readable, SesAccount,
};

use crate::failure::Failure;

/// Answers by what was asked. Failures are kept too: the same call would fail again.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The part of an account that belongs to a principal.
    pub principals: Memo<Account>,
    /// Everything that IAM has, by account.
    pub others: Memo<Account>,
    /// By ARN.
    pub managed_policies: Memo<Readable<ManagedPolicy>>,
    /// By Region and name; `None`: there is no such identity.
    pub identities: Memo<Result<Option<Identity>, Failure>>,
    /// By Region.
    pub sending: Memo<Option<SesAccount>>,
    /// Whether an account is known to be in no organization, by account.
    pub alone: Memo<bool>,
    /// By account.
    pub organizations: Memo<Readable<Option<Organization>>>,
    /// By policy id.
    pub organization_policies: Memo<Result<OrganizationPolicy, Gap>>,
}

/// Answers to one kind of question. Two that ask at the same moment may both go out; that costs a call and nothing else.
#[derive(Debug)]
pub(super) struct Memo<V>(Mutex<BTreeMap<String, V>>);

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Memo(Mutex::new(BTreeMap::new()))
    }
}

impl<V: Clone> Memo<V> {
    pub(super) async fn get_or(&self, key: String, read: impl Future<Output = V>) -> V {
        if let Some(known) = self.map().get(&key) {
            return known.clone();
        }
        let value = read.await;
        self.map().insert(key, value.clone());
        value
    }

    fn map(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
