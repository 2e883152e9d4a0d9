//! One account, read with credentials of its own.

use super::cache::Cache;
use crate::Clients;

/// Reads one account; everything that was read is kept.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) clients: Clients,
    /// Twelve digits.
    pub(super) account: String,
    /// In how many calls the account's other principals may be listed.
    pub(super) candidate_calls: usize,
    pub(super) cache: Cache,
}

impl Reader {
    /// Reads the account of the clients' credentials.
    pub(crate) fn new(clients: Clients, account: impl Into<String>, candidate_calls: usize) -> Reader {
        Reader { clients, account: account.into(), candidate_calls, cache: Cache::default() }
    }
}
