//! The messages of the protocol, version 1: for each field its name in JSON, its number, and how it is written.

use super::Signal;

/// A message: its fields.
pub(super) struct Message(pub(super) &'static [Member]);

/// A field of a message.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
    /// What is 0 or empty is something else than what is not there.
    pub(super) explicit: bool,
    /// Written in JSON even where it says nothing: some readers miss it otherwise.
    pub(super) always: bool,
}

impl Member {
    const fn always(mut self) -> Self {
        self.always = true;
        self
    }
}

/// What a field holds, and how.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// In JSON as base64.
    Bytes,
    /// In JSON as hexadecimal digits.
    Id,
    Bool,
    Int64,
    Uint64,
    /// An enumeration, too.
    Int32,
    Uint32,
    Sint32,
    Fixed64,
    Sfixed64,
    Fixed32,
    Double,
    Message(&'static Message),
}

use Kind::{Bool, Bytes, Double, Fixed32, Fixed64, Id, Int32, Int64, Sfixed64, Sint32, Text, Uint32, Uint64};

const fn one(name: &'static str, number: u32, kind: Kind) -> Member {
    Member { name, number, kind, repeated: false, explicit: matches!(kind, Kind::Message(_)), always: false }
}

const fn maybe(name: &'static str, number: u32, kind: Kind) -> Member {
    Member { name, number, kind, repeated: false, explicit: true, always: false }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Member {
    Member { name, number, kind, repeated: true, explicit: true, always: false }
}

const fn message(message: &'static Message) -> Kind {
    Kind::Message(message)
}

/// The request of a signal.
pub(super) fn request(signal: Signal) -> &'static Message {
    static LOGS: Message = Message(&[many("resourceLogs", 1, message(&RESOURCE_LOGS)).always()]);
    static METRICS: Message = Message(&[many("resourceMetrics", 1, message(&RESOURCE_METRICS)).always()]);
    static TRACES: Message = Message(&[many("resourceSpans", 1, message(&RESOURCE_SPANS)).always()]);
    match signal {
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
        Signal::Traces => &TRACES,
    }
}

/// The stream form, as if it were a message.
pub(super) static STREAM: Message = Message(&[
    many("resourceLogs", 1, message(&RESOURCE_LOGS)),
    many("resourceMetrics", 2, message(&RESOURCE_METRICS)),
    many("resourceSpans", 3, message(&RESOURCE_SPANS)),
]);

static ANY_VALUE: Message = Message(&[
    maybe("stringValue", 1, Text),
    maybe("boolValue", 2, Bool),
    maybe("intValue", 3, Int64),
    maybe("doubleValue", 4, Double),
    maybe("arrayValue", 5, message(&ARRAY_VALUE)),
    maybe("kvlistValue", 6, message(&KVLIST_VALUE)),
    maybe("bytesValue", 7, Bytes),
]);

static ARRAY_VALUE: Message = Message(&[many("values", 1, message(&ANY_VALUE)).always()]);

static KVLIST_VALUE: Message = Message(&[many("values", 1, message(&KEY_VALUE)).always()]);

static KEY_VALUE: Message = Message(&[one("key", 1, Text).always(), one("value", 2, message(&ANY_VALUE))]);

static RESOURCE: Message = Message(&[
    many("attributes", 1, message(&KEY_VALUE)),
    one("droppedAttributesCount", 2, Uint32),
    many("entityRefs", 3, message(&ENTITY_REF)),
]);

static ENTITY_REF: Message =
    Message(&[one("schemaUrl", 1, Text), one("type", 2, Text), many("idKeys", 3, Text), many("descriptionKeys", 4, Text)]);

static SCOPE: Message = Message(&[
    one("name", 1, Text),
    one("version", 2, Text),
    many("attributes", 3, message(&KEY_VALUE)),
    one("droppedAttributesCount", 4, Uint32),
]);

static RESOURCE_LOGS: Message =
    Message(&[one("resource", 1, message(&RESOURCE)), many("scopeLogs", 2, message(&SCOPE_LOGS)), one("schemaUrl", 3, Text)]);

static SCOPE_LOGS: Message =
    Message(&[one("scope", 1, message(&SCOPE)), many("logRecords", 2, message(&LOG_RECORD)), one("schemaUrl", 3, Text)]);

static LOG_RECORD: Message = Message(&[
    one("timeUnixNano", 1, Fixed64),
    one("observedTimeUnixNano", 11, Fixed64),
    one("severityNumber", 2, Int32),
    one("severityText", 3, Text),
    one("body", 5, message(&ANY_VALUE)),
    many("attributes", 6, message(&KEY_VALUE)),
    one("droppedAttributesCount", 7, Uint32),
    one("flags", 8, Fixed32),
    one("traceId", 9, Id),
    one("spanId", 10, Id),
    one("eventName", 12, Text),
]);

static RESOURCE_METRICS: Message =
    Message(&[one("resource", 1, message(&RESOURCE)), many("scopeMetrics", 2, message(&SCOPE_METRICS)), one("schemaUrl", 3, Text)]);

static SCOPE_METRICS: Message =
    Message(&[one("scope", 1, message(&SCOPE)), many("metrics", 2, message(&METRIC)), one("schemaUrl", 3, Text)]);

static METRIC: Message = Message(&[
    one("name", 1, Text),
    one("description", 2, Text),
    one("unit", 3, Text),
    one("gauge", 5, message(&GAUGE)),
    one("sum", 7, message(&SUM)),
    one("histogram", 9, message(&HISTOGRAM)),
    one("exponentialHistogram", 10, message(&EXPONENTIAL_HISTOGRAM)),
    one("summary", 11, message(&SUMMARY)),
    many("metadata", 12, message(&KEY_VALUE)),
]);

static GAUGE: Message = Message(&[many("dataPoints", 1, message(&NUMBER_POINT))]);

static SUM: Message =
    Message(&[many("dataPoints", 1, message(&NUMBER_POINT)), one("aggregationTemporality", 2, Int32), one("isMonotonic", 3, Bool)]);

static HISTOGRAM: Message = Message(&[many("dataPoints", 1, message(&HISTOGRAM_POINT)), one("aggregationTemporality", 2, Int32)]);

static EXPONENTIAL_HISTOGRAM: Message =
    Message(&[many("dataPoints", 1, message(&EXPONENTIAL_POINT)), one("aggregationTemporality", 2, Int32)]);

static SUMMARY: Message = Message(&[many("dataPoints", 1, message(&SUMMARY_POINT))]);

static NUMBER_POINT: Message = Message(&[
    many("attributes", 7, message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    maybe("asDouble", 4, Double),
    maybe("asInt", 6, Sfixed64),
    many("exemplars", 5, message(&EXEMPLAR)),
    one("flags", 8, Uint32),
]);

static HISTOGRAM_POINT: Message = Message(&[
    many("attributes", 9, message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    maybe("sum", 5, Double),
    many("bucketCounts", 6, Fixed64),
    many("explicitBounds", 7, Double),
    many("exemplars", 8, message(&EXEMPLAR)),
    one("flags", 10, Uint32),
    maybe("min", 11, Double),
    maybe("max", 12, Double),
]);

static EXPONENTIAL_POINT: Message = Message(&[
    many("attributes", 1, message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    maybe("sum", 5, Double),
    one("scale", 6, Sint32),
    one("zeroCount", 7, Fixed64),
    one("positive", 8, message(&BUCKETS)),
    one("negative", 9, message(&BUCKETS)),
    one("flags", 10, Uint32),
    many("exemplars", 11, message(&EXEMPLAR)),
    maybe("min", 12, Double),
    maybe("max", 13, Double),
    one("zeroThreshold", 14, Double),
]);

static BUCKETS: Message = Message(&[one("offset", 1, Sint32), many("bucketCounts", 2, Uint64)]);

static SUMMARY_POINT: Message = Message(&[
    many("attributes", 7, message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    one("sum", 5, Double),
    many("quantileValues", 6, message(&QUANTILE)),
    one("flags", 8, Uint32),
]);

static QUANTILE: Message = Message(&[one("quantile", 1, Double), one("value", 2, Double)]);

static EXEMPLAR: Message = Message(&[
    many("filteredAttributes", 7, message(&KEY_VALUE)),
    one("timeUnixNano", 2, Fixed64),
    maybe("asDouble", 3, Double),
    maybe("asInt", 6, Sfixed64),
    one("spanId", 4, Id),
    one("traceId", 5, Id),
]);

static RESOURCE_SPANS: Message =
    Message(&[one("resource", 1, message(&RESOURCE)), many("scopeSpans", 2, message(&SCOPE_SPANS)), one("schemaUrl", 3, Text)]);

static SCOPE_SPANS: Message = Message(&[one("scope", 1, message(&SCOPE)), many("spans", 2, message(&SPAN)), one("schemaUrl", 3, Text)]);

static SPAN: Message = Message(&[
    one("traceId", 1, Id),
    one("spanId", 2, Id),
    one("traceState", 3, Text),
    one("parentSpanId", 4, Id),
    one("flags", 16, Fixed32),
    one("name", 5, Text),
    one("kind", 6, Int32),
    one("startTimeUnixNano", 7, Fixed64),
    one("endTimeUnixNano", 8, Fixed64),
    many("attributes", 9, message(&KEY_VALUE)),
    one("droppedAttributesCount", 10, Uint32),
    many("events", 11, message(&EVENT)),
    one("droppedEventsCount", 12, Uint32),
    many("links", 13, message(&LINK)),
    one("droppedLinksCount", 14, Uint32),
    one("status", 15, message(&STATUS)),
]);

static EVENT: Message = Message(&[
    one("timeUnixNano", 1, Fixed64),
    one("name", 2, Text),
    many("attributes", 3, message(&KEY_VALUE)),
    one("droppedAttributesCount", 4, Uint32),
]);

static LINK: Message = Message(&[
    one("traceId", 1, Id),
    one("spanId", 2, Id),
    one("traceState", 3, Text),
    many("attributes", 4, message(&KEY_VALUE)),
    one("droppedAttributesCount", 5, Uint32),
    one("flags", 6, Fixed32),
]);

static STATUS: Message = Message(&[one("message", 2, Text), one("code", 3, Int32)]);
