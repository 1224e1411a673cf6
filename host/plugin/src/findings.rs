//! What a detector gave in one call, checked.

use eyas_event::{Alert, Annotation};

/// The results of one call. Rows are rows of the part. To be used again: each call clears it first and keeps its memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// In the order given; of several for one row and name the last counts.
    pub annotations: Vec<Annotation>,
    /// Rows whose events go no further, as given: a row may stand twice.
    pub drops: Vec<u32>,
    /// In the order given.
    pub alerts: Vec<Alert>,
    /// Rows that the detector cannot use, and why, as given: a row may stand twice.
    pub row_errors: Vec<(u32, String)>,
    /// What to add to the detector's own counters; each name once.
    pub counts: Vec<(String, u64)>,
    /// Measures of this instance, each name once: the last value given.
    pub gauges: Vec<(String, i64)>,
    /// The row that the guest was about to work on. Kept when the call faults: the poison event is at it or after it.
    pub progress: Option<u32>,
}

impl Findings {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.forget_results();
        self.progress = None;
    }

    /// Forgets all that counts only if the call returned.
    pub(crate) fn forget_results(&mut self) {
        self.annotations.clear();
        self.drops.clear();
        self.alerts.clear();
        self.row_errors.clear();
        self.counts.clear();
        self.gauges.clear();
    }
}

/// What a guest asked for, in one call, of the events behind the rows: without it the call cannot be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What names them.
    pub references: bool,
    /// Their bytes.
    pub events: bool,
}
