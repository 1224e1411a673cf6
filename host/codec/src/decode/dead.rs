//! What cannot be an event, and why.

use std::ops::Range;

use eyas_event::Position;

use crate::{BadTime, Fault, FaultKind, MAX_DEPTH};

/// A stretch of a slice that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadSpan {
    /// Where it stands in the slice's buffer (not in that of the events, which may be converted), without framing.
    pub range: Range<usize>,
    /// What is wrong with it.
    pub reason: DeadReason,
    /// Its position in the partition.
    pub position: Position,
    /// The event of the batch that it stands before; the number of events where it stands behind the last.
    pub before_row: u32,
}

/// Why something is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadReason {
    /// Not one JSON object.
    #[error("{}", fault(.0))]
    Json(Fault),
    /// Longer than the source allows.
    #[error("longer than the {limit} bytes that an event may have (max_event_bytes)")]
    TooLong {
        /// `max_event_bytes`.
        limit: usize,
    },
    /// A CSV record that does not fit its columns.
    #[error("{found} fields where {expected} are expected")]
    Fields {
        /// How many columns there are.
        expected: usize,
        /// How many fields the record has.
        found: usize,
    },
    /// A CSV record that is no text.
    #[error("not UTF-8, at byte {at}")]
    Utf8 {
        /// The first byte that belongs to no character, counted from the record's start.
        at: usize,
    },
    /// A CSV record whose quote is never closed.
    #[error("a quoted field that does not end")]
    OpenQuote,
    /// CSV before anything named its columns.
    #[error("csv without the names of its columns")]
    NoHeader,
    /// Not what the encoding says that an event is.
    #[error("not an event: {what}, at byte {at}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where, counted from its start.
        at: usize,
    },
    /// No usable event time, where that makes it a dead letter.
    #[error("{0}")]
    Untimed(BadTime),
}

impl DeadReason {
    /// Names of the reasons, to count them by.
    pub const NAMES: [&'static str; 8] =
        ["json", "too_long", "csv_fields", "csv_not_utf8", "csv_open_quote", "csv_no_header", "untimed", "malformed"];

    /// Its place among the names.
    pub fn index(&self) -> usize {
        match self {
            Self::Json(_) => 0,
            Self::TooLong { .. } => 1,
            Self::Fields { .. } => 2,
            Self::Utf8 { .. } => 3,
            Self::OpenQuote => 4,
            Self::NoHeader => 5,
            Self::Untimed(_) => 6,
            Self::Malformed { .. } => 7,
        }
    }
}

fn fault(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::TooDeep => format!("{fault}: lists and objects may be {MAX_DEPTH} deep"),
        _ => fault.to_string(),
    }
}
