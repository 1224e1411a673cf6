//! What a sink on the network counts. Read by anyone at any time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Failure, FailureKind};

/// So many codes are counted each by its name; a receiver that makes up more is not to fill our memory.
const CODES: usize = 64;
/// How those beyond are counted.
const OTHER: &str = "other";

/// The figures of a sink on the network.
#[derive(Debug, Default)]
pub struct NetSinkFigures {
    /// Requests that were taken.
    pub taken: AtomicU64,
    /// Requests that were not answered: no connection, cut off, too late.
    pub unanswered: AtomicU64,
    /// Requests that were sent again.
    pub retries: AtomicU64,
    /// Bytes that were taken, before they were compressed.
    pub bytes: AtomicU64,
    /// Requests that are under way.
    pub under_way: AtomicU64,
    /// How many there may be at the moment.
    pub limit: AtomicU64,
    /// Bytes that wait until another may be sent.
    pub waiting_bytes: AtomicU64,
    /// Events that were refused for good, and became dead letters.
    pub dead_letters: AtomicU64,
    /// Bytes that wait or are under way in a sink that drops, with what they cost beside.
    pub held_bytes: AtomicU64,
    /// Bytes that came while there was no room, and were dropped.
    pub dropped_bytes: AtomicU64,
    /// The events that they were.
    pub dropped_events: AtomicU64,
    /// Refused requests, by the receiver's code.
    refused: Mutex<BTreeMap<String, u64>>,
    /// Why nothing is taken at the moment.
    failing: Mutex<Option<String>>,
}

impl NetSinkFigures {
    /// Requests that were refused, by the receiver's code, such as `503`.
    pub fn refused(&self) -> BTreeMap<String, u64> {
        lock(&self.refused).clone()
    }

    /// Why nothing is taken at the moment; nothing while all is well.
    pub fn failing(&self) -> Option<String> {
        lock(&self.failing).clone()
    }

    pub(super) fn set_failing(&self, why: Option<String>) {
        *lock(&self.failing) = why;
    }

    /// So many came, and there was no room.
    pub(super) fn dropped(&self, events: u64, bytes: u64) {
        self.dropped_events.fetch_add(events, Relaxed);
        self.dropped_bytes.fetch_add(bytes, Relaxed);
    }

    /// A request was not taken.
    pub(super) fn failed(&self, failure: &Failure) {
        let FailureKind::Refused { code, .. } = &failure.kind else {
            self.unanswered.fetch_add(1, Relaxed);
            return;
        };
        let mut refused = lock(&self.refused);
        let code = if refused.len() < CODES || refused.contains_key(code) { code } else { OTHER };
        *refused.entry(code.to_owned()).or_default() += 1;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
