//! The validated configuration: no value in it is unchecked, and components are known by number.

mod network;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use eyas_codec::{Decoding, Form};
use eyas_connect::Acknowledge;
use eyas_engine::{Component, Feed, Input, OnFault};
use eyas_state::Sync;

use super::document::Place;
use super::tree::{Node, Text};

pub use network::{
    Auth, Batching, ClientPlan, ClientTls, DoorPlan, Endpoint, FileAt, Identity, ListenPlan, RequestPlan, SendPlan, ServerTls, TagPlan,
};

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
    /// How many bytes of alerts may wait for each alert sink.
    pub outbox_bytes: usize,
    /// What survives the program; nothing: nothing does.
    pub state: Option<StatePlan>,
    /// Where health, metrics and figures are served.
    pub admin: Option<SocketAddr>,
}

/// What survives the program.
#[derive(Clone, Debug)]
pub struct StatePlan {
    /// The folder that holds it.
    pub dir: PathBuf,
    /// When what was written is made safe against a power cut.
    pub sync: Sync,
    /// How long after a checkpoint the next one is taken.
    pub checkpoint: Duration,
    /// Whether the part of the input log that no restart needs any more is kept, for replay.
    pub keep_log: bool,
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
    /// A partition of a live source that is silent for so many nanoseconds holds back no other; nothing: it always does.
    pub idle: Option<i64>,
    /// Whether the watermark goes on by the clock where all is silent.
    pub clock_on_idle: bool,
    /// Of a live source, where there is a state folder: whether its bytes are kept until a checkpoint covers them.
    pub journal: bool,
    /// When whoever sends is told that it is safe.
    pub acknowledge: Acknowledge,
}

impl SourcePlan {
    /// Whether what it reads may go on for ever. Of standard input only the run knows: a regular file there ends.
    pub fn may_be_live(&self) -> bool {
        !matches!(self.kind, SourceKind::File { follow: false, .. })
    }
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
        /// Whether they are followed as they grow, and through their rotation.
        follow: bool,
    },
    /// What is sent to it over the network.
    Network(Box<ListenPlan>),
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
    /// What becomes of an event over which it fails.
    pub on_fault: OnFault,
    /// How often it may be recovered within a minute before it is put in quarantine.
    pub max_faults: u32,
    /// Whether it begins anew where it refuses the state that there is.
    pub reset_state: bool,
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

impl SinkPlan {
    /// Whether what it takes waits in an outbox, and holds back no event until that is full. What another sink refuses never waits; what a
    /// person or a pipe reads comes as it is found.
    pub fn has_outbox(&self) -> bool {
        let refused = self.feeds.iter().any(|feed| matches!(feed, Feed::DeadLetters(Component::Sink(_))));
        let alerts_alone = self.feeds.iter().all(|feed| matches!(feed, Feed::Alerts(_)));
        refused || alerts_alone && matches!(self.kind, SinkKind::File { .. } | SinkKind::Network(_))
    }

    /// In which form the engine gives it what it takes: through an outbox go lines of JSON.
    pub fn form(&self) -> Form {
        if self.has_outbox() { Form::Ndjson } else { self.kind.form() }
    }

    /// Whether it drops what it has no room for.
    pub fn drops(&self) -> bool {
        matches!(&self.kind, SinkKind::Network(plan) if plan.drop_newest)
    }
}

/// Where a sink writes.
#[derive(Clone, Debug)]
pub enum SinkKind {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appends to a file.
    File {
        /// Its path, in which strftime's conversions stand for the date.
        path: Text,
        /// How large it may become before it is renamed and another is begun.
        rotate_bytes: Option<u64>,
    },
    /// Sends over the network.
    Network(Box<SendPlan>),
    /// Nowhere.
    Blackhole,
}

impl SinkKind {
    /// In which form it takes events.
    pub fn form(&self) -> Form {
        match self {
            Self::Network(plan) => plan.client.form(),
            Self::Stdout | Self::Stderr | Self::File { .. } | Self::Blackhole => Form::Ndjson,
        }
    }

    /// The name of the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::File { .. } => "file",
            Self::Network(plan) => plan.client.name(),
            Self::Blackhole => "blackhole",
        }
    }

    /// Whether the other side may refuse an event for good.
    pub fn may_refuse(&self) -> bool {
        matches!(self, Self::Network(_))
    }
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

    /// Whether events of a source are among these.
    pub fn reaches(&self, source: usize, input: Input) -> bool {
        match input {
            Input::Source(number) => number == source,
            Input::Detector(number) => {
                self.detectors.get(number).is_some_and(|detector| detector.inputs.iter().any(|input| self.reaches(source, *input)))
            }
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
