//! What is connected to what: the validated form of a configuration, by number instead of by name.

use eyas_codec::{Decoding, Form};
use eyas_plugin::{Limits, Plugin};

/// A source, as far as the engine must know it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its configured name.
    pub name: String,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// How far a partition's watermark stays behind its newest event, in nanoseconds.
    pub max_lateness: i64,
    /// How many batches of it may be inside at once; at least 1.
    pub credit_batches: usize,
    /// How many bytes of it may be inside at once. A batch that is larger alone is let in alone.
    pub credit_bytes: usize,
    /// What the input log keeps of it, where there is one.
    pub logging: Logging,
    /// A partition that is silent for so many nanoseconds holds back no other; `None`: it always does.
    pub idle: Option<i64>,
    /// Whether the watermark goes on by the clock where all is silent.
    pub clock_on_idle: bool,
    /// For how many nanoseconds a request of it is known when it comes again; 0: it never is.
    pub dedupe: i64,
}

/// What the input log keeps of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logging {
    /// Nothing: what was inside when the program ended is lost.
    Nothing,
    /// Where its slices stand: they can be read again.
    #[default]
    Positions,
    /// Its bytes, too.
    Bytes,
}

/// What becomes of an event over which a detector fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// It passes on, tagged.
    #[default]
    Pass,
    /// It is a dead letter of the detector.
    DeadLetter,
    /// The run ends.
    Stop,
}

/// A detector.
#[derive(Clone)]
pub struct Detector {
    /// Its configured name.
    pub name: String,
    /// The compiled plugin.
    pub plugin: Plugin,
    /// Its configuration, as JSON.
    pub config: String,
    /// What it may use.
    pub limits: Limits,
    /// What becomes of an event over which it fails.
    pub on_fault: OnFault,
    /// How often it may be recovered within a minute before it is put in quarantine.
    pub max_faults: u32,
    /// Whether it begins anew where it refuses the state that there is.
    pub reset_state: bool,
    /// Where its events come from.
    pub inputs: Vec<Input>,
}

/// A sink, as far as the engine must know it.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its configured name.
    pub name: String,
    /// What is written to it.
    pub inputs: Vec<Feed>,
    /// In which form. All sources whose events reach it have their encoding in this form, unless it is NDJSON.
    pub form: Form,
}

/// Where events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A source, by its place in the topology.
    Source(usize),
    /// The events as after a detector, by its place in the topology.
    Detector(usize),
}

/// A component that may have dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    /// A source.
    Source(usize),
    /// A detector.
    Detector(usize),
    /// A sink.
    Sink(usize),
}

/// What a sink takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// Events.
    Events(Input),
    /// The alerts of a detector.
    Alerts(usize),
    /// The dead letters of a component.
    DeadLetters(Component),
}

/// All components. Events form a tree: from one source, each component is reached by one path at the most. A detector's inputs stand
/// before it in the list.
#[derive(Clone, Default)]
pub struct Topology {
    /// The sources.
    pub sources: Vec<Source>,
    /// The detectors, each after its inputs.
    pub detectors: Vec<Detector>,
    /// The sinks.
    pub sinks: Vec<Sink>,
}

/// What concerns the engine as a whole.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many threads decode, detect and encode; at least 1.
    pub shards: usize,
    /// Seed of key hashes and sketches: belongs to the state.
    pub seed: u64,
    /// Seed of hash tables: another one at each start.
    pub table_seed: u64,
    /// The most events a batch holds; at least 1.
    pub batch_events: usize,
}
