//! OpenTelemetry logs in protobuf: each log record is an event, each `ResourceLogs` a frame around events.
//!
//! Of a slot that is no plain text, truth or null, the bytes are the protobuf field as it stands, tag and all: its number and its wire type
//! tell the fields of a `LogRecord` that can be asked for (numbers, times and ids) from those of an `AnyValue` (3 to 7). An object is a
//! kvlist (6), or a message whose attributes are asked for as a whole: a `LogRecord` (2) or a `Resource` (1).
//!
//! A text that is not UTF-8 makes no event malformed, whatever protobuf says: then what is asked for would decide what passes, or all
//! texts had to be read. It passes as it is, and who asks for it gets it with the wrong bytes replaced, as it would stand in JSON.

mod alerts;
mod encode;
mod lines;
mod names;
mod pieces;
mod sizes;
mod value;
mod walk;

pub(crate) use alerts::from_lines;
pub(crate) use encode::encode;
pub(crate) use lines::Lines;
pub(crate) use pieces::{Part, Pieces};
pub(crate) use sizes::{cut, halve, head};
pub(crate) use value::{figure, hex, json, text, time};
pub(crate) use walk::{Walk, check};

/// What a `ResourceLogs` has its scopes in, and a `ScopeLogs` its records; so it is with metrics and spans.
pub(crate) const CHILD: u32 = 2;

/// What a `ResourceLogs` has its resource in, and a `ScopeLogs` its scope.
pub(crate) const OWNER: u32 = 1;

/// Fields of a `LogRecord`.
mod record {
    pub(super) const TIME: u32 = 1;
    pub(super) const SEVERITY_NUMBER: u32 = 2;
    pub(super) const SEVERITY_TEXT: u32 = 3;
    pub(super) const BODY: u32 = 5;
    pub(super) const ATTRIBUTES: u32 = 6;
    pub(super) const DROPPED: u32 = 7;
    pub(super) const FLAGS: u32 = 8;
    pub(super) const TRACE_ID: u32 = 9;
    pub(super) const SPAN_ID: u32 = 10;
    pub(super) const OBSERVED_TIME: u32 = 11;
    pub(super) const EVENT_NAME: u32 = 12;
}

/// Fields of an `AnyValue`.
mod any {
    pub(super) const TEXT: u32 = 1;
    pub(super) const TRUTH: u32 = 2;
    pub(super) const INTEGER: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;
    pub(super) const LIST: u32 = 5;
    pub(super) const KVLIST: u32 = 6;
    pub(super) const BYTES: u32 = 7;
}

/// The members of a kvlist, and the items of a list.
const MEMBERS: u32 = 1;
const ITEMS: u32 = 1;

/// The attributes of a `Resource`.
const RESOURCE_ATTRIBUTES: u32 = 1;

/// Fields of an `InstrumentationScope`.
mod scope {
    pub(super) const NAME: u32 = 1;
    pub(super) const VERSION: u32 = 2;
    pub(super) const ATTRIBUTES: u32 = 3;
}

/// Fields of a `KeyValue`.
mod member {
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}
