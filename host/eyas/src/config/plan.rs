//! The validated configuration: no value in it is unchecked, and components are known by number.

use std::path::PathBuf;
use std::time::Duration;

use eyas_codec::Decoding;
use eyas_engine::{Component, Feed, Input};

use super::document::Place;
use super::tree::{Node, Text};

/// All that a run needs to know.
#[derive(Debug)]
pub struct Plan {
    /// What concerns the whole.
    pub top: Top,
    /// Sources, in the order of the file.
    pub sources: Vec<SourcePlan>,
    /// Detectors, each after its inputs.
    pub detectors: Vec<DetectorPlan>,
    /// Sinks, in the order of the file; the last one may be ours, for dead letters that nobody takes.
    pub sinks: Vec<SinkPlan>,
    /// Where dead letters go that no sink of the configuration takes.
    pub dead_letters: DeadLetters,
}

/// What concerns the whole.
#[derive(Clone, Debug)]
pub struct Top {
    /// How many threads detect.
    pub shards: usize,
    /// Of key hashes and sketches.
    pub seed: u64,
    /// The name under which annotations are spliced in.
    pub annotation_key: String,
    /// Where compiled plugins are kept: the user's cache folder where none is given.
    pub cache_dir: Option<PathBuf>,
    /// How long a drain may take.
    pub drain: Duration,
    /// The most events a batch holds.
    pub batch_events: usize,
    /// The most bytes a batch holds.
    pub batch_bytes: usize,
    /// How long what was read of a live source waits for more before it goes on.
    pub batch_age: Duration,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// The place of its name.
    pub place: Place,
    /// What it reads.
    pub kind: SourceKind,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// How far its watermark stays behind its newest event, in nanoseconds.
    pub max_lateness: i64,
    /// How many batches may be inside; by default as many as keep the shards busy.
    pub credit_batches: Option<usize>,
    /// How many bytes may be inside.
    pub credit_bytes: usize,
}

/// What a source reads.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// Standard input.
    Stdin,
    /// Files.
    File {
        /// Patterns of paths to read, with their places.
        include: Vec<(Text, Place)>,
        /// Patterns of paths not to read.
        exclude: Vec<Text>,
    },
}

/// A detector.
#[derive(Clone, Debug)]
pub struct DetectorPlan {
    /// Its name.
    pub name: String,
    /// The place of its name.
    pub place: Place,
    /// Which plugin.
    pub plugin: Text,
    /// The place of that.
    pub plugin_place: Place,
    /// The plugin's configuration; none: its defaults.
    pub config: Option<Node>,
    /// Cap on its memory.
    pub memory_bytes: Option<usize>,
    /// Longest call.
    pub deadline: Option<Duration>,
    /// Where its events come from.
    pub inputs: Vec<Input>,
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// Its name.
    pub name: String,
    /// The place of its name; none for the one that is ours.
    pub place: Option<Place>,
    /// Where it writes.
    pub kind: SinkKind,
    /// What is written.
    pub feeds: Vec<Feed>,
}

/// Where a sink writes.
#[derive(Clone, Debug)]
pub enum SinkKind {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appends to a file.
    File(Text),
    /// Nowhere.
    Blackhole,
}

/// Where dead letters go that no sink of the configuration takes.
#[derive(Clone, Debug)]
pub enum DeadLetters {
    /// All have a taker.
    Taken,
    /// To a file.
    File(Text),
    /// To standard error.
    Stderr,
}

impl Plan {
    /// The name of where events come from.
    pub fn input_name(&self, input: Input) -> &str {
        match input {
            Input::Source(number) => self.sources.get(number).map_or("", |source| &source.name),
            Input::Detector(number) => self.detectors.get(number).map_or("", |detector| &detector.name),
        }
    }

    /// The name of a component.
    pub fn component_name(&self, component: Component) -> &str {
        match component {
            Component::Source(number) => self.input_name(Input::Source(number)),
            Component::Detector(number) => self.input_name(Input::Detector(number)),
            Component::Sink(number) => self.sinks.get(number).map_or("", |sink| &sink.name),
        }
    }

    /// What a feed is called in a configuration.
    pub fn feed_name(&self, feed: Feed) -> String {
        match feed {
            Feed::Events(input) => self.input_name(input).to_owned(),
            Feed::Alerts(detector) => format!("{}.alerts", self.input_name(Input::Detector(detector))),
            Feed::DeadLetters(component) => format!("{}.dead_letters", self.component_name(component)),
        }
    }
}
