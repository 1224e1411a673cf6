//! Encodings that are no text: each is walked field by field, without a tree, and spliced.
//!
//! A walk gives one event after the other and leaves in its slots where the asked-for values stand, as the walk over lines does. Of slots,
//! [`Kind::Text`](crate::json::Kind) holds the bytes of a valid text, `True`, `False` and `Null` hold nothing that matters, and `List`, `Object`
//! and `Binary` hold a value as the encoding writes it, for its functions `figure`, `time`, `text` and `json` to read.

mod exact;
pub(crate) mod forward;
mod malformed;
pub(crate) mod otlp;
pub mod proto;
pub(crate) mod vector;

pub use malformed::Malformed;

use std::ops::Range;

use eyas_event::Frame;

use crate::decode::Line;
use crate::json::Slot;
use crate::json::scan::{Native, Padded, Scan};
use crate::json::walk::Namesake;
use crate::{Encoding, Plan};

/// Reads the events of a slice, one by one.
#[derive(Debug)]
pub(crate) enum Walk {
    Otlp(otlp::Walk),
    Vector(vector::Walk),
    Forward(forward::Walk),
}

impl Walk {
    /// Nothing for encodings that are texts.
    pub(crate) fn new(plan: &Plan) -> Option<Self> {
        match plan.decoding.encoding {
            Encoding::Ndjson | Encoding::Csv { .. } => None,
            Encoding::Otlp => Some(Self::Otlp(otlp::Walk::new(plan))),
            Encoding::Vector => Some(Self::Vector(vector::Walk::new(plan))),
            Encoding::Forward => Some(Self::Forward(forward::Walk::new(plan))),
        }
    }

    /// The next event at or behind the start of the range. A slice begins with a range that is all of it; the ranges after that begin where
    /// the line before said that the next one starts. What the source let in is whole on the outside; inside, anything may be wrong.
    #[inline]
    pub(crate) fn next(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
        match self {
            Self::Otlp(walk) => walk.next(plan, bytes, range),
            Self::Vector(walk) => walk.next(plan, bytes, range),
            Self::Forward(walk) => walk.next(plan, bytes, range),
        }
    }

    /// Where the asked-for values of the event read last stand.
    pub(crate) fn slots(&self) -> &[Slot] {
        match self {
            Self::Otlp(walk) => walk.slots(),
            Self::Vector(walk) => walk.slots(),
            Self::Forward(walk) => walk.slots(),
        }
    }

    /// Where the event read last bears the annotation key: the bytes of the key's text, and those of the whole member.
    pub(crate) fn namesakes(&self) -> &[Namesake] {
        match self {
            Self::Otlp(walk) => walk.namesakes(),
            Self::Vector(walk) => walk.namesakes(),
            Self::Forward(walk) => walk.namesakes(),
        }
    }

    /// The envelopes of the slice that has been read, which is then forgotten.
    pub(crate) fn take_frames(&mut self) -> Vec<Frame> {
        match self {
            Self::Otlp(walk) => walk.take_frames(),
            Self::Vector(_) => Vec::new(),
            Self::Forward(walk) => walk.take_frames(),
        }
    }
}

/// Whether what stands between these places is UTF-8.
#[inline(always)]
pub(crate) fn is_text(bytes: Padded<'_>, at: usize, end: usize) -> bool {
    // Where nothing but plain letters stands, which is mostly so, one look tells.
    Native::special(bytes, at) >= end || simdutf8::basic::from_utf8(bytes.get(at..end).unwrap_or_default()).is_ok()
}

/// JSON as a tree. What is too deep for one, or has a number that no type holds, is kept as its text.
pub(crate) fn parsed(json: &[u8]) -> serde_json::Value {
    serde_json::from_slice(json).unwrap_or_else(|_| String::from_utf8_lossy(json).into())
}
