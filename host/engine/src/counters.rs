//! What is counted while running. Written a batch at a time, read by anyone at any time.

mod invalid;
mod own;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use eyas_codec::{DeadReason, DeadSpan};
use eyas_event::Timestamp;
use eyas_state::{Checkpoint, StateError};

use crate::clock::NEVER;
pub use invalid::InvalidCells;
pub use own::OwnFigures;

/// The stages that an event passes through, for the stage table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes to columns.
    Decode,
    /// Watermarks of the rows.
    Clock,
    /// The detectors.
    Detect,
    /// Results put together.
    Merge,
    /// Columns and bytes to output.
    Encode,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Decode, Self::Clock, Self::Detect, Self::Merge, Self::Encode];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Clock => "watermarks",
            Self::Detect => "detect",
            Self::Merge => "merge",
            Self::Encode => "encode",
        }
    }
}

/// The figures of one run.
#[derive(Debug, Default)]
pub struct Counters {
    /// Nanoseconds of shard threads in each stage, in the order of [`Stage::ALL`].
    pub stage_nanos: [AtomicU64; 5],
    /// By source, in the order of the topology.
    pub sources: Vec<SourceCounters>,
    /// By detector, in the order of the topology.
    pub detectors: Vec<DetectorCounters>,
    /// Of the checkpoints.
    pub checkpoints: CheckpointCounters,
}

/// The figures of one source.
#[derive(Debug, Default)]
pub struct SourceCounters {
    /// Events that went in, without dead letters.
    pub events: AtomicU64,
    /// Bytes that went in.
    pub bytes: AtomicU64,
    /// Batches.
    pub batches: AtomicU64,
    /// Events that were late for some detector.
    pub late: AtomicU64,
    /// Events without a usable time.
    pub untimed: AtomicU64,
    /// What could not be an event, in the order of [`DeadReason::NAMES`].
    pub dead_letters: [AtomicU64; DeadReason::NAMES.len()],
    /// Requests that were forgotten before their time, since there were too many: if one came again it would count twice.
    pub forgotten: AtomicU64,
    /// The newest event time, or its ingest time where that is older.
    pub newest: Latest,
}

/// The figures of one detector, over all shards.
#[derive(Debug, Default)]
pub struct DetectorCounters {
    /// Rows that met its conditions.
    pub rows: AtomicU64,
    /// Alerts of any state.
    pub alerts: AtomicU64,
    /// Rows that it could not use.
    pub row_errors: AtomicU64,
    /// Traps, deadlines, caps, refused results.
    pub faults: AtomicU64,
    /// Faults after which it went on.
    pub recoveries: AtomicU64,
    /// Instances that had grown too much and were made anew.
    pub recycled: AtomicU64,
    /// Rows that it did not see because it fails over them.
    pub skipped: AtomicU64,
    /// Those of them whose events became dead letters.
    pub dead_letters: AtomicU64,
    /// Rows that passed it while it was in quarantine.
    pub unwatched: AtomicU64,
    /// 1 while it is in quarantine.
    pub quarantined: AtomicU64,
    /// Nanoseconds of shard threads in its calls.
    pub nanos: AtomicU64,
    /// Its watermark.
    pub watermark: Latest,
    /// What it counts itself.
    pub own: OwnFigures,
    reason: Mutex<Option<Arc<str>>>,
}

/// The figures of checkpoints.
#[derive(Debug, Default)]
pub struct CheckpointCounters {
    /// Those that were committed in this run.
    pub committed: AtomicU64,
    /// Those that could not be.
    pub failed: AtomicU64,
    /// When the last one was taken that stands, whichever run it is of.
    pub taken: Latest,
    /// The first record of the input log that it knows nothing of.
    pub next: AtomicU64,
    failing: Mutex<Option<String>>,
}

/// A time that only goes forward.
#[derive(Debug)]
pub struct Latest(AtomicI64);

impl Default for Latest {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl Latest {
    /// The time; nothing before there is one.
    pub fn get(&self) -> Option<Timestamp> {
        Some(self.0.load(Relaxed)).filter(|time| *time != NEVER)
    }

    /// It has come to be this late, or was so already.
    pub(crate) fn reach(&self, time: Timestamp) {
        self.0.fetch_max(time, Relaxed);
    }
}

impl Counters {
    /// All zero, for so many sources and detectors.
    pub fn new(sources: usize, detectors: usize, shards: usize) -> Self {
        let detector = |_| DetectorCounters { own: OwnFigures::new(shards), ..DetectorCounters::default() };
        Self {
            sources: (0..sources).map(|_| SourceCounters::default()).collect(),
            detectors: (0..detectors).map(detector).collect(),
            ..Self::default()
        }
    }

    /// One figure of all sources together.
    pub fn of_sources(&self, figure: impl Fn(&SourceCounters) -> &AtomicU64) -> u64 {
        self.sources.iter().map(|source| figure(source).load(Relaxed)).sum()
    }

    /// One figure of all detectors together.
    pub fn of_detectors(&self, figure: impl Fn(&DetectorCounters) -> &AtomicU64) -> u64 {
        self.detectors.iter().map(|detector| figure(detector).load(Relaxed)).sum()
    }

    /// What could not be an event, of all sources together.
    pub fn dead_letters(&self) -> u64 {
        self.sources.iter().flat_map(|source| &source.dead_letters).map(|count| count.load(Relaxed)).sum()
    }

    /// Adds the time since `started` to a stage.
    pub(crate) fn spend(&self, stage: Stage, started: Instant) {
        if let Some(sum) = self.stage_nanos.get(stage as usize) {
            sum.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
        }
    }
}

impl SourceCounters {
    /// Counts what could not be an event.
    pub(crate) fn bury(&self, dead: &[DeadSpan]) {
        for span in dead {
            if let Some(count) = self.dead_letters.get(span.reason.index()) {
                count.fetch_add(1, Relaxed);
            }
        }
    }
}

impl DetectorCounters {
    /// Why it is in quarantine, or was put there last; nothing where that was in an earlier run.
    pub fn reason(&self) -> Option<Arc<str>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_reason(&self, reason: &str) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.into());
    }
}

impl CheckpointCounters {
    /// Why the last one could not be committed; nothing while all is well.
    pub fn failing(&self) -> Option<String> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This one stands.
    pub(crate) fn stands(&self, checkpoint: &Checkpoint) {
        self.taken.reach(checkpoint.taken);
        self.next.store(checkpoint.next, Relaxed);
    }

    /// One has been tried.
    pub(crate) fn tried(&self, outcome: Result<&Checkpoint, &StateError>) {
        let count = if outcome.is_ok() { &self.committed } else { &self.failed };
        count.fetch_add(1, Relaxed);
        outcome.into_iter().for_each(|checkpoint| self.stands(checkpoint));
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err().map(ToString::to_string);
    }
}
