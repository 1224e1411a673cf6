//! Slices: what one read of a partition brought, with what must be known of it.

use std::ops::Range;
use std::sync::Arc;

use crate::{Buffer, Timestamp};

/// Names a partition: its source and its number in that source, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Place of the source in the topology.
    pub source: u16,
    /// Number of the partition within the source, in the order in which they were opened.
    pub number: u32,
}

/// Byte offset of an event in its partition, counted before framing and after decompression.
pub type Position = u64;

/// What a slice is of a request, which may come again: whoever sent it has not heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Names it: one that comes again has the same.
    pub id: u128,
    /// Where in the request's bytes the slice begins.
    pub offset: u64,
    /// Whether the request ends with the slice.
    pub last: bool,
}

/// Whole lines (or whole requests) of one partition, in one piece.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Where it comes from.
    pub partition: Partition,
    /// Position of the first byte of `range`.
    pub position: Position,
    /// When it was read.
    pub ingest_time: Timestamp,
    /// The bytes; shared, since one read may be cut into several batches.
    pub buffer: Arc<Buffer>,
    /// The part of `buffer` that this slice is. Ends behind a newline.
    pub range: Range<usize>,
    /// What the encoding must know beside the bytes: for CSV the header line of the partition.
    pub header: Option<Arc<[u8]>>,
    /// Not lines, but a piece of one line that is longer than an event may be: all of it is one dead letter.
    pub oversize: bool,
    /// Of files that are merged: where the stretch ends whose turn it is (SEMANTICS 1).
    pub turn_end: Option<Position>,
    /// What it is of a request, where requests are known when they come again.
    pub request: Option<Request>,
}

impl Slice {
    /// The bytes of the slice.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes().get(self.range.clone()).unwrap_or_default()
    }
}
