//! What goes out, in pieces: stretches of the bytes that came in, and bytes of our own between them.

use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;

use eyas_event::{Buffer, Events};

/// Shorter stretches are copied: a piece of a vectored write costs about as much.
const WORTH_A_PIECE: usize = 2048;

/// Whole lines, ready to be written.
#[derive(Clone, Debug)]
pub struct Output {
    shared: Arc<Buffer>,
    own: Vec<u8>,
    pieces: Vec<Piece>,
    /// The stretch of `shared` that may still grow.
    open: Range<usize>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Piece {
    Shared(Range<usize>),
    Own(Range<usize>),
}

impl Output {
    pub(crate) fn new(events: &Events) -> Self {
        Self { shared: Arc::clone(&events.buffer), own: Vec::new(), pieces: Vec::new(), open: 0..0, len: 0 }
    }

    /// Appends events as they came, each with a newline. One that begins right behind the newline of the one before needs no look at the
    /// bytes: between two lines that are one byte apart there is a newline.
    pub(crate) fn untouched(&mut self, events: &Events, rows: Range<usize>) {
        let spans = events.spans.get(rows).unwrap_or_default();
        let mut next = spans.iter().skip(1);
        for &(start, end) in spans {
            let (start, end) = (start as usize, end as usize);
            let follows = next.next().is_some_and(|&(following, _)| following as usize == end + 1);
            if follows || self.shared.bytes().get(end) == Some(&b'\n') {
                self.share(start..end + 1);
            } else {
                self.share(start..end);
                self.own(b"\n");
            }
        }
    }

    /// Appends a stretch of the bytes that came in.
    #[inline]
    pub(crate) fn share(&mut self, range: Range<usize>) {
        if self.open.end != range.start || self.open.is_empty() {
            self.close();
            self.open.start = range.start;
        }
        self.open.end = range.end;
    }

    /// Appends other bytes.
    pub(crate) fn own(&mut self, bytes: &[u8]) {
        self.write(|own| own.extend_from_slice(bytes));
    }

    /// Appends what is written to the end of our own bytes.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.close();
        let start = self.own.len();
        write(&mut self.own);
        self.owned(start);
    }

    /// Makes a piece of our own bytes from `start` on.
    fn owned(&mut self, start: usize) {
        self.len += self.own.len() - start;
        match self.pieces.last_mut() {
            Some(Piece::Own(range)) if range.end == start => range.end = self.own.len(),
            _ => self.pieces.push(Piece::Own(start..self.own.len())),
        }
    }

    /// Makes a piece of the open stretch, or copies it where it is short.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if open.len() >= WORTH_A_PIECE {
            self.len += open.len();
            self.pieces.push(Piece::Shared(open));
        } else if !open.is_empty() {
            let start = self.own.len();
            self.own.extend_from_slice(self.shared.bytes().get(open).unwrap_or_default());
            self.owned(start);
        }
    }

    /// Lines that are no events: alerts, dead letters.
    pub fn of_lines(lines: Vec<u8>) -> Self {
        let len = lines.len();
        Self { shared: Arc::default(), own: lines, pieces: vec![Piece::Own(0..len)], open: 0..0, len }
    }

    pub(crate) fn finish(mut self) -> Self {
        self.close();
        self
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, in order.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| match piece {
            Piece::Shared(range) => self.shared.bytes().get(range.clone()).unwrap_or_default(),
            Piece::Own(range) => self.own.get(range.clone()).unwrap_or_default(),
        })
    }

    /// Writes all bytes, several pieces a call.
    pub fn write_to(&self, sink: &mut impl Write) -> io::Result<()> {
        const AT_ONCE: usize = 64;
        let mut pieces = self.slices().map(IoSlice::new).peekable();
        let mut waiting = Vec::with_capacity(AT_ONCE);
        while pieces.peek().is_some() {
            waiting.clear();
            waiting.extend(pieces.by_ref().take(AT_ONCE));
            let mut left = waiting.as_mut_slice();
            while !left.is_empty() {
                match sink.write_vectored(left) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut left, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}
