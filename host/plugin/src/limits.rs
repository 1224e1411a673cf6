//! How much an instance may take and give. Over a limit is a fault, never a cut.

use std::time::Duration;

/// The limits of one instance. Those of results are for one call of `process`, `advance` or `flush`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memory of the instance.
    pub memory_bytes: usize,
    /// Real time that one call of `process` may take. A call is stopped within 20 ms after it.
    pub deadline: Duration,
    /// Real time for each of the calls that may have to visit all state: `configure`, `advance`, `flush`, `snapshot`, `restore`.
    pub state_deadline: Duration,
    /// Alerts a call.
    pub alerts: usize,
    /// Annotations a call.
    pub annotations: usize,
    /// Row errors a call.
    pub row_errors: usize,
    /// Memory that all results of a call may take together.
    pub result_bytes: usize,
    /// One text: a title, a key, a value, a message.
    pub text_bytes: usize,
    /// One name: a rule, a fact, an annotation, a counter.
    pub name_bytes: usize,
    /// Counters and gauges by name, of each.
    pub measures: usize,
    /// Entities, facts, techniques and evidence of one alert, of each.
    pub alert_items: usize,
    /// Columns, and conditions, of each.
    pub fields: usize,
    /// All entries of one snapshot together.
    pub snapshot_bytes: usize,
    /// What a guest may hand over in one call of a host function.
    pub hostcall_bytes: usize,
    /// The same for the chunks of a snapshot, where one large entry makes a large chunk.
    pub chunk_bytes: usize,
    /// Lines that a guest may log at once; after these one each tenth of a second.
    pub log_lines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            deadline: Duration::from_secs(1),
            state_deadline: Duration::from_secs(10),
            alerts: 1 << 18,
            annotations: 1 << 20,
            row_errors: 1 << 20,
            result_bytes: 256 << 20,
            text_bytes: 64 << 10,
            name_bytes: 256,
            measures: 64,
            alert_items: 256,
            fields: 256,
            snapshot_bytes: 512 << 20,
            hostcall_bytes: 4 << 20,
            chunk_bytes: 64 << 20,
            log_lines: 50,
        }
    }
}
