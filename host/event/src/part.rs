//! A part: the rows of one batch that one instance of a detector gets to see.

use std::ops::Range;
use std::sync::Arc;

use crate::{Bits, Buffer, Column, Partition, Position, Strings, Timestamp};

/// What names an event for good: its partition and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The partition.
    pub partition: Partition,
    /// Position of the event's line.
    pub position: Position,
}

impl Reference {
    /// As guests hold it: 14 bytes, opaque to them.
    pub fn to_bytes(self) -> [u8; 14] {
        let mut bytes = [0; 14];
        let fields = self.partition.source.to_le_bytes().into_iter();
        let fields = fields.chain(self.partition.number.to_le_bytes()).chain(self.position.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads what [`Reference::to_bytes`] gave; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (source, rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let position = rest.try_into().ok()?;
        let partition = Partition { source: u16::from_le_bytes(*source), number: u32::from_le_bytes(*number) };
        Some(Self { partition, position: u64::from_le_bytes(position) })
    }
}

/// One event of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its bytes, as they came, without framing.
    pub bytes: &'a [u8],
    /// What names it.
    pub reference: Reference,
}

/// The events of one batch: original bytes and spans.
#[derive(Clone, Debug)]
pub struct Events {
    /// Where all of them come from.
    pub partition: Partition,
    /// Position of byte 0 of `buffer`.
    pub base: Position,
    /// The bytes.
    pub buffer: Arc<Buffer>,
    /// Start and end of each event in `buffer`, without framing; in input order, never overlapping.
    pub spans: Vec<(u32, u32)>,
    /// Position of each event, where it is not `base` plus its start (encodings that are converted on the way in).
    pub positions: Option<Vec<Position>>,
    /// Of encodings that wrap several events in one envelope, the envelopes, in the order of the buffer.
    pub frames: Vec<Frame>,
}

/// An envelope around events: with OTLP a `ResourceLogs`, with Forward a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Start and end in the buffer, header and all.
    pub range: (u32, u32),
    /// The first of its rows, and the one behind its last.
    pub rows: (u32, u32),
    /// Whether all that is in it are these rows; else something of it was no event.
    pub whole: bool,
}

impl Events {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Where an event stands in the buffer; empty where there is no such row.
    pub fn span(&self, row: usize) -> Range<usize> {
        self.spans.get(row).map_or(0..0, |&(from, to)| from as usize..to as usize)
    }

    /// An event; without bytes where there is no such row.
    pub fn get(&self, row: usize) -> Event<'_> {
        let span = self.span(row);
        let position = match &self.positions {
            Some(positions) => positions.get(row).copied().unwrap_or_default(),
            None => self.base + span.start as u64,
        };
        let bytes = self.buffer.bytes().get(span).unwrap_or_default();
        Event { bytes, reference: Reference { partition: self.partition, position } }
    }
}

/// The rows of one batch that reach one instance, with the columns that it asked for. Rows are in input order.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Row of the batch, for each row of the part.
    pub rows: Vec<u32>,
    /// Event times. Of no meaning for timeless detectors.
    pub times: Arc<Vec<Timestamp>>,
    /// The watermark of each row (SEMANTICS 2.3), filled in once those of all batches before are known.
    pub watermarks: Arc<Vec<Timestamp>>,
    /// Routing keys; without rows for detectors that are not keyed.
    pub keys: Strings,
    /// Seeded hashes of the routing keys; empty for detectors that are not keyed.
    pub hashes: Arc<Vec<u64>>,
    /// Which rows are late; empty: none is.
    pub late: Bits,
    /// The columns, as numbered in the subscription.
    pub columns: Vec<Column>,
    /// The events of the whole batch, for what is asked by row.
    pub events: Option<Arc<Events>>,
}

impl Part {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event behind a row of the part.
    pub fn event(&self, row: usize) -> Option<Event<'_>> {
        let batch_row = *self.rows.get(row)?;
        Some(self.events.as_ref()?.get(batch_row as usize))
    }
}
