//! Framing: where events end, before anything is known of what is in them. For sources, which cut bytes into slices, and for batching.

use crate::Encoding;
use crate::binary::{forward, otlp, vector};
use crate::csv;

/// Finds whole events in bytes that come piece by piece.
#[derive(Clone, Debug)]
pub struct Framing {
    delimiter: Option<u8>,
    /// How far the bytes are looked at, what state that left, and the end of the last whole event before.
    seen: usize,
    state: csv::State,
    whole: usize,
}

impl Framing {
    /// Nothing seen yet.
    pub fn new(encoding: &Encoding) -> Self {
        let delimiter = if let Encoding::Csv { delimiter, .. } = encoding { Some(*delimiter) } else { None };
        Self { delimiter, seen: 0, state: csv::State::default(), whole: 0 }
    }

    /// How many of the leading bytes are whole events with their ends of line. `bytes` are those of the call before, less what was
    /// [`taken`](Self::taken) since, with more behind; what was seen before is not looked at again.
    pub fn whole(&mut self, bytes: &[u8]) -> usize {
        let fresh = bytes.get(self.seen..).unwrap_or_default();
        match self.delimiter {
            None => self.whole = memchr::memrchr(b'\n', fresh).map_or(self.whole, |newline| self.seen + newline + 1),
            Some(delimiter) => {
                csv::ends(fresh, delimiter, &mut self.state, |end| {
                    self.whole = self.seen + end;
                    true
                });
            }
        }
        self.seen = bytes.len();
        self.whole
    }

    /// The first so many bytes are gone.
    pub fn taken(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_sub(bytes);
        self.whole = self.whole.saturating_sub(bytes);
    }
}

/// How many leading bytes hold at most `max_events` events. `bytes` are whole events; a last one without an end of line counts, too.
pub fn cut(encoding: &Encoding, bytes: &[u8], max_events: usize) -> usize {
    // Newlines are counted in windows, which is much cheaper than to find each.
    const WINDOW: usize = 1 << 16;
    let mut left = max_events;
    if left == 0 {
        return 0;
    }
    match encoding {
        Encoding::Ndjson => {
            for (i, window) in bytes.chunks(WINDOW).enumerate() {
                let mut newlines = memchr::memchr_iter(b'\n', window);
                let count = newlines.clone().count();
                if count >= left {
                    return newlines.nth(left - 1).map_or(bytes.len(), |newline| i * WINDOW + newline + 1);
                }
                left -= count;
            }
            bytes.len()
        }
        Encoding::Csv { delimiter, .. } => {
            let mut cut = bytes.len();
            csv::ends(bytes, *delimiter, &mut csv::State::default(), |end| {
                left -= 1;
                if left == 0 {
                    cut = end;
                }
                left > 0
            });
            cut
        }
        Encoding::Otlp => otlp::cut(bytes, max_events),
        Encoding::Vector => vector::cut(bytes, max_events),
        Encoding::Forward => forward::cut(bytes, max_events),
    }
}

/// The length of the first record with its end of line, once it is whole: the header line of CSV.
pub fn first_record(encoding: &Encoding, bytes: &[u8]) -> Option<usize> {
    match encoding {
        // Binary encodings come from requests, which are never cut before they are whole.
        Encoding::Ndjson | Encoding::Otlp | Encoding::Vector | Encoding::Forward => memchr::memchr(b'\n', bytes).map(|newline| newline + 1),
        Encoding::Csv { delimiter, .. } => {
            let mut first = None;
            csv::ends(bytes, *delimiter, &mut csv::State::default(), |end| {
                first = Some(end);
                false
            });
            first
        }
    }
}
