//! A checkpoint in the making: what the clocks, the shards and the sinks say as it passes them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use eyas_event::{Entries, Timestamp};
use eyas_state::{GroupState, SinkState, SourceRequests};

use crate::clock::PartitionClock;

/// The entries of one detector on one shard.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) detector: usize,
    pub(crate) shard: usize,
    /// Whether they are all that there are there.
    pub(crate) full: bool,
    pub(crate) chunks: Vec<Entries>,
}

/// What has been said so far.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Its place in the input log.
    pub(crate) logged: Option<u64>,
    /// Its place in the input order of this run.
    pub(crate) number: u64,
    /// By source, number and clock.
    pub(crate) partitions: Vec<(u16, u32, PartitionClock)>,
    pub(crate) groups: Vec<GroupState>,
    /// Requests that came before it.
    pub(crate) requests: Vec<SourceRequests>,
    pub(crate) taken: Vec<Taken>,
    sinks: Vec<(usize, SinkState)>,
}

/// Passes through everything in input order, behind all that the checkpoint is to know.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    /// Whether the detectors are to give all their entries, not only what has changed.
    pub(crate) full: bool,
    /// When it was begun, for people.
    pub(crate) time: Timestamp,
    said: Mutex<Said>,
}

impl Barrier {
    pub(crate) fn new(full: bool, time: Timestamp) -> Self {
        Self { full, time, said: Mutex::default() }
    }

    /// It has got its place in the input log, behind these requests.
    pub(crate) fn begin(&self, logged: Option<u64>, requests: Vec<SourceRequests>) {
        let mut said = self.said();
        (said.logged, said.requests) = (logged, requests);
    }

    /// Where a sink stands.
    pub(crate) fn put(&self, sink: usize, state: SinkState) {
        self.said().sinks.push((sink, state));
    }

    /// What has been said so far.
    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    /// What the sinks said, in the order of the topology.
    pub(crate) fn sinks(&mut self) -> Vec<SinkState> {
        self.sinks.sort_by_key(|(sink, _)| *sink);
        std::mem::take(&mut self.sinks).into_iter().map(|(_, state)| state).collect()
    }
}
