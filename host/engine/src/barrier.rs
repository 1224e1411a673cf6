//! A checkpoint in the making: what the shards and the sinks say as it passes them.

use std::sync::{Mutex, PoisonError};

use eyas_state::SinkState;

/// Passes through everything in input order, behind all that the checkpoint is to know.
#[derive(Debug, Default)]
pub(crate) struct Barrier {
    sinks: Mutex<Vec<(usize, SinkState)>>,
}

impl Barrier {
    /// Where a sink stands.
    pub(crate) fn put(&self, sink: usize, state: SinkState) {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push((sink, state));
    }

    /// What the sinks said, in the order of the topology.
    pub(crate) fn take(&self) -> Vec<SinkState> {
        let mut sinks = std::mem::take(&mut *self.sinks.lock().unwrap_or_else(PoisonError::into_inner));
        sinks.sort_by_key(|(sink, _)| *sink);
        sinks.into_iter().map(|(_, state)| state).collect()
    }
}
