//! What is known of the faults of detectors, over all shards.

use eyas_event::Timestamp;
use eyas_state::Journal;

use crate::{Recovery, Topology};

/// How a detector stands, for a checkpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Since when it has been in quarantine, by its watermark.
    pub(crate) quarantined: Option<Timestamp>,
    /// How often it has been put there.
    pub(crate) quarantines: u32,
    /// Stretches of event time of which it did not see everything.
    pub(crate) unseen: Vec<(Timestamp, Timestamp)>,
}

/// Shared by all shards.
#[derive(Debug, Default)]
pub(crate) struct Faults;

impl Faults {
    /// `recovery`: what an earlier run knew.
    pub(crate) fn new(_topology: &Topology, _shards: usize, _journal: Option<Journal>, _recovery: Option<&Recovery>) -> Self {
        Self
    }

    /// Whom to ask for a quarantine.
    pub(crate) fn on_quarantine(&self, _ask: Box<dyn Fn(usize, &str) + Send + Sync>) {}

    /// How a detector stood when all items before this number of the input order had gone through.
    pub(crate) fn standing(&self, _detector: usize, _number: u64) -> Standing {
        Standing::default()
    }
}
