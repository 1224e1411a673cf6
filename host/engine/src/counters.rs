//! What is counted while running. Written a batch at a time, read by anyone at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use eyas_codec::Invalid;

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
    /// Events that went in, without dead letters.
    pub events: AtomicU64,
    /// Bytes that went in.
    pub bytes: AtomicU64,
    /// Events that were late for some detector.
    pub late: AtomicU64,
    /// Events without a usable time.
    pub untimed: AtomicU64,
    /// What could not be an event.
    pub dead_letters: AtomicU64,
    /// Batches.
    pub batches: AtomicU64,
    /// Nanoseconds of shard threads in each stage, in the order of [`Stage::ALL`].
    pub stage_nanos: [AtomicU64; 5],
    /// By detector, in the order of the topology.
    pub detectors: Vec<DetectorCounters>,
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
    /// 1 while it is in quarantine.
    pub quarantined: AtomicU64,
    /// Nanoseconds of shard threads in its calls.
    pub nanos: AtomicU64,
}

/// Cells of one column without a value, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvalidCells {
    /// No such field.
    pub absent: u64,
    /// Null.
    pub null: u64,
    /// Of another type.
    pub other_type: u64,
    /// Of the type, but out of its range.
    pub out_of_range: u64,
}

impl InvalidCells {
    /// Adds the figures of one batch to the sums, column by column.
    pub(crate) fn add_all(sums: &mut Vec<Self>, batch: &[Invalid]) {
        sums.resize(sums.len().max(batch.len()), Self::default());
        for (sum, cells) in sums.iter_mut().zip(batch) {
            *sum = sum.plus(Self {
                absent: cells.absent.into(),
                null: cells.null.into(),
                other_type: cells.other_type.into(),
                out_of_range: cells.out_of_range.into(),
            });
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            absent: self.absent + other.absent,
            null: self.null + other.null,
            other_type: self.other_type + other.other_type,
            out_of_range: self.out_of_range + other.out_of_range,
        }
    }
}

impl Counters {
    /// All zero, for a number of detectors.
    pub fn new(detectors: usize) -> Self {
        Self { detectors: (0..detectors).map(|_| DetectorCounters::default()).collect(), ..Self::default() }
    }

    /// Alerts of all detectors.
    pub fn alerts(&self) -> u64 {
        self.detectors.iter().map(|detector| detector.alerts.load(Relaxed)).sum()
    }

    /// Faults of all detectors.
    pub fn faults(&self) -> u64 {
        self.detectors.iter().map(|detector| detector.faults.load(Relaxed)).sum()
    }

    /// Adds the time since `started` to a stage.
    pub(crate) fn spend(&self, stage: Stage, started: Instant) {
        if let Some(sum) = self.stage_nanos.get(stage as usize) {
            sum.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
        }
    }
}
