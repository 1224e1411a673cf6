//! How a run stands, by component: `/status` shows it, `/metrics` exports it, `eyas top` reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a run stands. Counts are of this run; what comes again from the input log after a restart is counted again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Whether it takes events in.
    pub state: State,
    /// How long it has been running.
    pub uptime_seconds: f64,
    /// How much memory it holds, where the operating system says so.
    pub memory_bytes: Option<u64>,
    /// What is wrong, and what to do about it.
    pub problems: Vec<Problem>,
    /// The sources.
    pub sources: Vec<SourceStatus>,
    /// The detectors.
    pub detectors: Vec<DetectorStatus>,
    /// The sinks.
    pub sinks: Vec<SinkStatus>,
    /// The input log, where there is one.
    pub journal: Option<JournalStatus>,
    /// The checkpoints, where there is a state folder.
    pub checkpoint: Option<CheckpointStatus>,
    /// By stage: seconds of all shard threads in it.
    pub stage_seconds: BTreeMap<String, f64>,
}

/// Whether events are taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The state is being restored, or the sources are being opened.
    #[default]
    Starting,
    /// What stands in the input log behind the checkpoint comes again.
    Replaying,
    /// They are.
    Ready,
    /// The input has ended, or the end was asked for: what is inside runs out.
    Stopping,
}

impl State {
    /// Its name, and what that means for whoever waits.
    pub fn explained(self) -> (&'static str, &'static str) {
        match self {
            Self::Starting => ("starting", "state is being restored and sources are being opened"),
            Self::Replaying => ("replaying", "what stands in the input log behind the checkpoint comes again"),
            Self::Ready => ("ready", "events are taken in"),
            Self::Stopping => ("stopping", "what is inside runs out"),
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What it is about, such as `detector brute_force`.
    pub component: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// A source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// Events that came in, without dead letters.
    pub events: u64,
    /// Bytes that came in, unpacked.
    pub bytes: u64,
    /// Batches that they were cut into.
    pub batches: u64,
    /// Events that were late for some detector.
    pub late: u64,
    /// Events without a usable time.
    pub untimed: u64,
    /// Requests that were forgotten before their time.
    pub forgotten: u64,
    /// What could not be an event, by reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// The newest event time so far, RFC 3339.
    pub newest_event: Option<String>,
    /// How far that is behind the clock.
    pub newest_event_age_seconds: Option<f64>,
    /// How much of it is inside.
    pub credit: CreditStatus,
    /// Of one that listens.
    pub net: Option<NetSourceStatus>,
}

/// How much of a source is inside: taken in, and not yet taken by all sinks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreditStatus {
    /// Batches inside.
    pub batches: u64,
    /// How many may be.
    pub max_batches: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many may be.
    pub max_bytes: u64,
    /// For how long at the least nothing has been taken in because all of it is in use.
    pub stuck_seconds: Option<f64>,
}

/// What a source that listens adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetSourceStatus {
    /// Requests by the class of their answer.
    pub requests: BTreeMap<String, u64>,
    /// Bytes of them, as they came.
    pub bytes: u64,
    /// Requests that were taken in and are not answered yet.
    pub unacknowledged: u64,
    /// Requests that had been taken before, and were not taken in again.
    pub repeated: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were one too many.
    pub refused_connections: u64,
    /// Connections whose TLS handshake failed.
    pub failed_handshakes: u64,
}

/// A detector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetectorStatus {
    /// Its name.
    pub name: String,
    /// Whether it is in quarantine: events pass it unwatched.
    pub quarantined: bool,
    /// Why, or why it was last.
    pub quarantine_reason: Option<String>,
    /// Rows that met its conditions.
    pub rows: u64,
    /// Alerts, each revision of its own.
    pub alerts: u64,
    /// Rows that it could not use.
    pub row_errors: u64,
    /// Traps, deadlines, caps, refused results.
    pub faults: u64,
    /// Faults after which it went on.
    pub recoveries: u64,
    /// Rows that it did not see because it fails over them.
    pub skipped: u64,
    /// Those of them whose events became dead letters.
    pub dead_letters: u64,
    /// Rows that passed it while it was in quarantine.
    pub unwatched: u64,
    /// Instances that had grown too much and were made anew.
    pub recycled: u64,
    /// Keys that it holds state of, if it says so.
    pub keys: Option<u64>,
    /// Keys that it had to forget before their time.
    pub evictions: u64,
    /// What else it counts itself.
    pub counts: BTreeMap<String, u64>,
    /// What else it measures itself.
    pub gauges: BTreeMap<String, i64>,
    /// Seconds of all shard threads in its calls.
    pub busy_seconds: f64,
    /// Its watermark, RFC 3339.
    pub watermark: Option<String>,
    /// How far that is behind the clock.
    pub watermark_lag_seconds: Option<f64>,
}

/// A sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Bytes that were written, or sent and taken.
    pub bytes: u64,
    /// Why it takes nothing at the moment.
    pub failing: Option<String>,
    /// What waits for it, where it takes alerts alone.
    pub outbox: Option<OutboxStatus>,
    /// Of one that sends.
    pub net: Option<NetSinkStatus>,
}

/// Alerts that wait for their sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutboxStatus {
    /// How many.
    pub alerts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many there may be, before events are held back.
    pub max_bytes: u64,
}

/// What a sink that sends adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetSinkStatus {
    /// Requests that had an answer: those that were taken, and the others by the receiver's code.
    pub requests: BTreeMap<String, u64>,
    /// Requests that had none.
    pub unanswered: u64,
    /// Requests that were made again.
    pub retries: u64,
    /// Requests that are under way.
    pub under_way: u64,
    /// How many there may be at the moment.
    pub max_under_way: u64,
    /// Events that were refused for good.
    pub dead_letters: u64,
    /// Events that came while there was no room, and were dropped.
    pub dropped_events: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

/// The input log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalStatus {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files.
    pub segments: u64,
    /// When the oldest events were read that no checkpoint covers, RFC 3339.
    pub oldest: Option<String>,
    /// How long ago that was.
    pub oldest_age_seconds: Option<f64>,
    /// Whether the disk is full, and everything waits for room.
    pub full: bool,
}

/// The checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointStatus {
    /// When the last one was taken, RFC 3339.
    pub taken: Option<String>,
    /// How long ago that was.
    pub age_seconds: Option<f64>,
    /// The first record of the input log that it knows nothing of.
    pub next_record: u64,
    /// Those that were committed in this run.
    pub committed: u64,
    /// Those that could not be.
    pub failed: u64,
    /// Why the last one could not be.
    pub failing: Option<String>,
}
