//! What a detector may ask of the host and give to it during a call, and a host for tests that writes down what it is given.

use crate::{Alert, Value};

/// The other side of a call. In WebAssembly it is Eyas; natively it is whatever drives the [`crate::Instance`].
pub trait Host {
    /// Puts `name: value` beside the row's event.
    fn annotate(&mut self, row: u32, name: &str, value: &Value);
    /// The row's event goes no further.
    fn drop_event(&mut self, row: u32);
    /// Gives an alert.
    fn report(&mut self, alert: Alert);
    /// The id that an alert of this rule and deduplication key has.
    fn alert_id(&mut self, rule: &str, dedup_key: &str) -> String;
    /// The row cannot be used.
    fn row_error(&mut self, row: u32, message: &str);
    /// Adds to one of the detector's own counters.
    fn count(&mut self, name: &str, n: u64);
    /// Sets one of the detector's own measures.
    fn gauge(&mut self, name: &str, value: i64);
    /// About to work on this row.
    fn progress(&mut self, row: u32);
    /// What names the row's event as evidence.
    fn reference(&mut self, row: u32) -> Vec<u8>;
    /// The whole event, as it came.
    fn event(&mut self, row: u32) -> Vec<u8>;
}

/// Writes down what a detector gives. Rows are counted over all batches, so that results do not depend on their borders: set
/// [`Recorder::first_row`] to the number of the batch's first row before each.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// The number of the batch's first row among all rows.
    pub first_row: u32,
    /// The alerts, rows counted over all batches.
    pub alerts: Vec<Alert>,
    /// Annotations: row, name, value.
    pub annotations: Vec<(u32, String, Value)>,
    /// Rows whose events were dropped.
    pub dropped: Vec<u32>,
    /// Rows that could not be used, and why.
    pub errors: Vec<(u32, String)>,
    /// The detector's counters.
    pub counters: std::collections::BTreeMap<String, u64>,
    /// The detector's measures.
    pub gauges: std::collections::BTreeMap<String, i64>,
}

impl Host for Recorder {
    fn annotate(&mut self, row: u32, name: &str, value: &Value) {
        self.annotations.push((self.first_row + row, name.to_owned(), value.clone()));
    }
    fn drop_event(&mut self, row: u32) {
        self.dropped.push(self.first_row + row);
    }
    fn report(&mut self, mut alert: Alert) {
        if let crate::Place::Row(row) = &mut alert.place {
            *row += self.first_row;
        }
        self.alerts.push(alert);
    }
    fn alert_id(&mut self, rule: &str, dedup_key: &str) -> String {
        format!("{rule}:{dedup_key}")
    }
    fn row_error(&mut self, row: u32, message: &str) {
        self.errors.push((self.first_row + row, message.to_owned()));
    }
    fn count(&mut self, name: &str, n: u64) {
        *self.counters.entry(name.to_owned()).or_default() += n;
    }
    fn gauge(&mut self, name: &str, value: i64) {
        self.gauges.insert(name.to_owned(), value);
    }
    fn progress(&mut self, _row: u32) {}
    fn reference(&mut self, row: u32) -> Vec<u8> {
        (self.first_row + row).to_le_bytes().to_vec()
    }
    fn event(&mut self, _row: u32) -> Vec<u8> {
        Vec::new()
    }
}
