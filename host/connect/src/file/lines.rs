//! The slices of one partition: whole events out of whatever reads bring.

use std::io;
use std::sync::Arc;

use eyas_codec::{Encoding, first_record};
use eyas_engine::{Admission, Closed};
use eyas_event::{Buffer, PADDING, Partition, Position, Slice};

use super::input::Unpacked;
use crate::cut::{Cut, Cutter};

/// What one read brought.
#[derive(Debug)]
pub struct Chunk {
    /// The bytes.
    pub buffer: Arc<Buffer>,
    /// Position of the first one.
    pub position: Position,
    /// Whether they are a piece of an event that is too long, and no whole events.
    pub oversize: bool,
}

impl Chunk {
    /// The whole of it as a slice.
    pub fn slice(&self, partition: Partition, header: Option<&Arc<[u8]>>) -> Slice {
        Slice {
            partition,
            position: self.position,
            ingest_time: crate::ingest_time(),
            buffer: Arc::clone(&self.buffer),
            range: 0..self.buffer.len(),
            header: header.cloned(),
            oversize: self.oversize,
            turn_end: None,
            request: None,
        }
    }
}

/// Admits a chunk in slices that are no larger than batches may be; of an event that is too long, than an event may be.
pub fn admit_chunk(admission: &Admission, mut slice: Slice, encoding: &Encoding, longest: usize, batch: usize) -> Result<(), Closed> {
    let most = if slice.oversize { longest } else { batch };
    if slice.range.len() <= most {
        return admission.admit(slice);
    }
    let mut cutter = Cutter::new(encoding.clone(), usize::MAX);
    let end = slice.range.end;
    while slice.range.start < end {
        slice.range.end = end;
        let whole = match cutter.cut(slice.bytes(), most, true) {
            Cut::Events(length) if !slice.oversize => length,
            _ => most,
        };
        slice.range.end = end.min(slice.range.start + whole.max(1));
        let length = slice.range.len() as u64;
        admission.admit(slice.clone())?;
        slice.range.start = slice.range.end;
        slice.position += length;
    }
    Ok(())
}

/// Reads a partition, chunk by chunk.
pub struct Lines {
    input: Unpacked,
    cutter: Cutter,
    encoding: Encoding,
    longest: usize,
    /// Read, but not given yet.
    carry: Vec<u8>,
    /// Of the first byte of `carry`.
    position: Position,
    ended: bool,
    failed: Option<io::Error>,
}

impl Lines {
    /// Reads from a position on.
    pub fn new(input: Unpacked, position: Position, encoding: &Encoding, max_event_bytes: usize) -> Self {
        let cutter = Cutter::new(encoding.clone(), max_event_bytes);
        let (encoding, longest) = (encoding.clone(), max_event_bytes);
        Self { input, cutter, encoding, longest, carry: Vec::new(), position, ended: false, failed: None }
    }

    /// What comes first goes on with an event that was too long.
    pub fn go_on_inside(&mut self) {
        self.cutter.go_on_inside();
    }

    /// Takes the first record off, which is the header of a CSV file. Errors where it is longer than an event may be.
    pub fn header(&mut self) -> io::Result<Arc<[u8]>> {
        let mut bytes = Vec::new();
        let mut wanted = self.longest.min(64 << 10);
        let length = loop {
            self.fill(&mut bytes, wanted);
            match first_record(&self.encoding, &bytes) {
                Some(length) => break length,
                None if self.ended => break bytes.len(),
                None if bytes.len() > self.longest => return Err(io::Error::new(io::ErrorKind::InvalidData, "the header is too long")),
                None => wanted = bytes.len() * 2,
            }
        };
        self.carry = bytes.split_off(length);
        self.position += length as u64;
        Ok(bytes.into())
    }

    /// The next chunk: whole events of at most `size` bytes, unless one alone is longer. `None` at the end. After an error, what was
    /// read before it has been given.
    pub fn next(&mut self, size: usize) -> io::Result<Option<Chunk>> {
        let mut bytes = Vec::with_capacity(size.max(self.carry.len()) + PADDING + 1);
        bytes.append(&mut self.carry);
        let mut wanted = size;
        let (length, oversize) = loop {
            self.fill(&mut bytes, wanted);
            if bytes.is_empty() {
                return self.failed.take().map_or(Ok(None), Err);
            }
            match self.cutter.cut(&bytes, size, self.ended) {
                Cut::Events(length) => break (length, false),
                Cut::Piece(length) => break (length, true),
                Cut::More(more) => wanted = more,
            }
        };
        self.carry.extend_from_slice(bytes.get(length..).unwrap_or_default());
        bytes.truncate(length);
        let position = self.position;
        self.position += length as u64;
        if self.ended && self.carry.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        Ok(Some(Chunk { buffer: Arc::new(Buffer::new(bytes)), position, oversize }))
    }

    /// Reads until there are so many bytes, or no more.
    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) {
        let missing = wanted.saturating_sub(bytes.len());
        if missing == 0 || self.ended {
            return;
        }
        let before = bytes.len();
        if let Err(error) = self.input.fill(bytes, missing as u64) {
            self.failed = Some(error);
            self.ended = true;
        }
        self.ended |= bytes.len() - before < missing;
    }
}
