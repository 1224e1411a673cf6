//! Bytes of any form on their way to a sink: where they may be cut, how they are halved, and what lines become among them.

use crate::Form;
use crate::binary::{forward, otlp, vector};

impl Form {
    /// How many leading bytes make up whole frames (lines) of at most so many bytes; at least one frame.
    pub fn head(self, bytes: &[u8], max_bytes: usize) -> usize {
        match self {
            Self::Ndjson => {
                let head = bytes.get(..max_bytes).unwrap_or(bytes);
                let end = memchr::memrchr(b'\n', head).or_else(|| memchr::memchr(b'\n', bytes));
                if head.len() == bytes.len() { bytes.len() } else { end.map_or(bytes.len(), |end| end + 1) }
            }
            Self::Otlp => otlp::head(bytes, max_bytes),
            Self::Vector => vector::head(bytes, max_bytes),
            Self::Forward => forward::head(bytes, max_bytes),
        }
    }

    /// Two halves with about as many events each; nothing where there is but one event. For what a receiver refuses.
    pub fn halve(self, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::Ndjson => {
                let lines = memchr::memchr_iter(b'\n', bytes.strip_suffix(b"\n").unwrap_or(bytes)).count();
                let middle = memchr::memchr_iter(b'\n', bytes).nth(lines.checked_sub(1)? / 2)? + 1;
                let (left, right) = bytes.split_at_checked(middle)?;
                Some((left.to_vec(), right.to_vec()))
            }
            Self::Otlp => otlp::halve(bytes),
            Self::Vector => vector::halve(bytes),
            Self::Forward => forward::halve(bytes),
        }
    }

    /// Appends JSON objects, a line each (alerts), as events of this form.
    pub fn lines(self, lines: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Ndjson => out.extend_from_slice(lines),
            Self::Otlp => otlp::from_lines(lines, out),
            Self::Vector => vector::from_lines(lines, out),
            Self::Forward => forward::from_lines(lines, out),
        }
    }
}
