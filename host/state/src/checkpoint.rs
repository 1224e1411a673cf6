//! What a checkpoint says, beside the entries of the detectors.

use std::path::PathBuf;
use std::sync::Arc;

use eyas_event::{Entries, Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::FileId;

/// All that was known once everything in the input log before a number had gone through, and every sink had taken it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// The number of the first record of the input log that it knows nothing of.
    pub next: u64,
    /// Whether the input had come to its end; the state is that before the flush.
    pub finished: bool,
    /// How many flushes there were so far (SEMANTICS 10.5).
    pub flushes: u32,
    /// The seed of key hashes and sketches.
    pub seed: u64,
    /// When it was taken; for people.
    pub taken: Timestamp,
    /// The names of the sources, by number: partitions and evidence in state name them by it.
    pub sources: Vec<String>,
    /// All partitions that there were.
    pub partitions: Vec<PartitionState>,
    /// The watermarks of groups of sources.
    pub groups: Vec<GroupState>,
    /// The detectors.
    pub detectors: Vec<DetectorState>,
    /// The sinks that have something to remember.
    pub sinks: Vec<SinkState>,
    /// By source, in order: requests that had come. They may be many: the store keeps them apart.
    #[serde(skip)]
    pub requests: Vec<SourceRequests>,
}

/// Requests of a source, by which one that comes again is known: a log, of which a later entry replaces an earlier one of the same
/// request. It is kept in chunks, the oldest first, so that a checkpoint writes only what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRequests {
    /// The source.
    pub source: u16,
    /// Number of the first chunk. A chunk keeps its number, and does nothing but grow.
    pub first: u64,
    /// The chunks; all but the last have [`SourceRequests::CHUNK`] entries, and none is empty.
    pub chunks: Vec<Arc<[RequestState]>>,
}

impl SourceRequests {
    /// How many entries a chunk has: so many that it is just within 128 KiB.
    pub const CHUNK: usize = 4000;
}

/// How much of a request had been taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestState {
    /// Names it.
    pub id: u128,
    /// When it came.
    pub time: Timestamp,
    /// How many of its leading bytes, or [`RequestState::WHOLE`].
    pub bytes: u64,
}

impl RequestState {
    /// All of it.
    pub const WHOLE: u64 = u64::MAX;
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionState {
    /// Its source.
    pub source: u16,
    /// Its number there.
    pub number: u32,
    /// Its name, for people and for evidence.
    pub name: String,
    /// The file that it is, if it is one.
    pub file: Option<FileId>,
    /// Position of its next byte.
    pub position: Position,
    /// Of a file that is merged: where the stretch ends whose turn it is.
    pub turn_end: Option<Position>,
    /// Its watermark; nothing if it has none yet.
    pub watermark: Option<Timestamp>,
    /// Whether it holds back others.
    pub standing: Standing,
}

/// Whether a partition holds back others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It does.
    Active,
    /// It has been silent for too long.
    Idle,
    /// It has ended.
    Closed,
}

/// The watermark of those detectors that the same sources reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupState {
    /// The numbers of the sources.
    pub sources: Vec<u16>,
    /// The watermark.
    pub watermark: Timestamp,
}

/// A detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorState {
    /// Its configured name.
    pub name: String,
    /// Its plugin's name.
    pub plugin: String,
    /// Its plugin's version.
    pub version: String,
    /// The version of its state.
    pub state_version: u32,
    /// The configuration that the entries were made with, as JSON.
    pub config: String,
    /// Since when it has been in quarantine, by its watermark.
    pub quarantined: Option<Timestamp>,
    /// How often it has been put there.
    pub quarantines: u32,
    /// Stretches of event time, both ends included, of which it did not see everything.
    pub unseen: Vec<(Timestamp, Timestamp)>,
}

/// A sink, as it was when it had taken all that the checkpoint knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinkState {
    /// Its configured name.
    pub name: String,
    /// Files that it wrote to, with their lengths.
    pub files: Vec<SinkFile>,
    /// How often it has rotated.
    pub rotations: u64,
    /// Alerts that it had not taken yet, as lines, the oldest first. They may be many: the store keeps them apart.
    #[serde(skip)]
    pub pending: Vec<String>,
    /// Its dead letters that whoever takes them does not have in its own state of this checkpoint, as lines: few, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead_letters: Vec<String>,
}

/// A file that a sink wrote to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkFile {
    /// Where it is.
    #[serde(with = "crate::path")]
    pub path: PathBuf,
    /// How long it was.
    pub length: u64,
}

/// What a checkpoint changes of the entries of one detector on one shard.
#[derive(Clone, Debug)]
pub struct Change {
    /// The detector's configured name.
    pub detector: String,
    /// The shard.
    pub shard: u16,
    /// Whether these are all entries that the detector has on this shard; else they are those that changed.
    pub full: bool,
    /// The entries, the oldest first: a later one of the same key replaces an earlier one.
    pub chunks: Vec<Entries>,
}
