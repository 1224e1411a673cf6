//! Dead letters as lines of JSON (SEMANTICS 8).

use eyas_event::{Position, Timestamp};

use crate::json::write;

/// What could not be an event, or was refused.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetter<'a> {
    /// The source it came from, if that is known.
    pub source: Option<&'a str>,
    /// Its position in the partition, if that is known.
    pub position: Option<Position>,
    /// When it was read, if that is known.
    pub ingest_time: Option<Timestamp>,
    /// Who could not use it: the name of a source, detector or sink.
    pub component: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Its bytes: as they came, or as a sink would have got them.
    pub event: &'a [u8],
}

impl DeadLetter<'_> {
    /// Appends the line, with its newline. What is not known is left out. An event that is no UTF-8 is written as base64.
    pub fn append(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(source) = self.source {
            out.extend_from_slice(b"\"source\":");
            write::string(source, out);
            out.push(b',');
        }
        if let Some(position) = self.position {
            write::display(format_args!("\"position\":{position},"), out);
        }
        if let Some(time) = self.ingest_time {
            out.extend_from_slice(b"\"ingest_time\":");
            write::time(time, out);
            out.push(b',');
        }
        out.extend_from_slice(b"\"component\":");
        write::string(self.component, out);
        out.extend_from_slice(b",\"reason\":");
        write::string(self.reason, out);
        match std::str::from_utf8(self.event) {
            Ok(text) => {
                out.extend_from_slice(b",\"encoding\":\"utf8\",\"event\":");
                write::string(text, out);
            }
            Err(_) => {
                out.extend_from_slice(b",\"encoding\":\"base64\",\"event\":\"");
                base64(self.event, out);
                out.push(b'"');
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends bytes as base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or_default();
            out.push(if place > group.len() { b'=' } else { digit });
        }
    }
}
