//! How a source's bytes are to be read: plain values that the configuration fills in.

use crate::TimeSpec;

/// How events are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// Comma-separated values (RFC 4180, any delimiter). A record becomes a JSON object: keys are the columns' names, all values are
    /// strings. Types come from the subscriptions alone: what is asked for as a number is read as one. An empty field is null.
    Csv {
        /// Between two fields; not a quote, not a line's end.
        delimiter: u8,
        /// The first record of a partition names the columns; the source hands it on as [`Slice::header`](eyas_event::Slice::header).
        header: bool,
        /// Names of the columns; where given, they count and not those of the header.
        columns: Vec<String>,
    },
    /// OpenTelemetry's protocol in protobuf. The bytes of a partition are `ResourceLogs`, `ResourceMetrics` and `ResourceSpans` one after
    /// the other, as the fields 1, 2 and 3 of a message that has no end; each log record is an event.
    Otlp,
    /// Vector's own protocol in protobuf. The bytes of a partition are `EventWrapper`s one after the other, each as the field 1 of a message
    /// that has no end: a `PushEventsRequest` is just that.
    Vector,
    /// Fluent Forward in MessagePack. The bytes of a partition are messages `[tag, entries]` with the entries as one binary (PackedForward),
    /// whatever mode they came in; each entry is an event.
    Forward,
}

impl Encoding {
    /// What its events are where nothing is converted.
    pub fn form(&self) -> Form {
        match self {
            Self::Ndjson | Self::Csv { .. } => Form::Ndjson,
            Self::Otlp => Form::Otlp,
            Self::Vector => Form::Vector,
            Self::Forward => Form::Forward,
        }
    }
}

/// What a sink takes: events of any encoding as JSON lines, or those of one encoding as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// As [`Encoding::Otlp`].
    Otlp,
    /// As [`Encoding::Vector`].
    Vector,
    /// As [`Encoding::Forward`].
    Forward,
}

/// What becomes of an untimed event (SEMANTICS 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBad {
    /// It passes on; no detector that uses time sees it.
    #[default]
    Pass,
    /// It is a dead letter.
    DeadLetter,
    /// Its time is when it was read.
    IngestTime,
}

/// How one source is decoded.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// How events are written.
    pub encoding: Encoding,
    /// Names that detectors ask for, with the path in the event that each stands for. Other names are paths themselves.
    pub fields: Vec<(String, String)>,
    /// Where the event time is. `None`: all events are untimed, and `on_bad` is not asked.
    pub time: Option<TimeSpec>,
    /// What becomes of untimed events.
    pub on_bad: OnBad,
    /// Events further ahead of their ingest time than so many nanoseconds are untimed.
    pub max_future: Option<i64>,
    /// The key under which annotations are written.
    pub annotation_key: String,
    /// What comes in under that key is ours and is joined; else it is renamed on the way out.
    pub trust_annotations: bool,
    /// Longer lines are dead letters. At most [`Decoding::LONGEST_EVENT`].
    pub max_event_bytes: usize,
}

impl Decoding {
    /// The largest `max_event_bytes` there is, and what larger ones are taken for.
    pub const LONGEST_EVENT: usize = crate::json::LONGEST;
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            encoding: Encoding::Ndjson,
            fields: Vec::new(),
            time: None,
            on_bad: OnBad::Pass,
            max_future: Some(3600 * eyas_event::NANOS_PER_SECOND),
            annotation_key: "eyas".to_owned(),
            trust_annotations: false,
            max_event_bytes: 1 << 20,
        }
    }
}

/// How rows find their shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharding {
    /// How many shards there are; at least 1, at most 256.
    pub shards: usize,
    /// Of the routing keys' hash.
    pub seed: u64,
}

impl Sharding {
    /// The shard that owns a key group: the groups are dealt out in stretches.
    #[inline]
    pub fn owner(&self, group: u8) -> usize {
        usize::from(group) * self.shards / 256
    }
}
