//! One record, one line of JSON.

use std::ops::Range;
use std::sync::Arc;

use eyas_event::{Buffer, Slice};

use super::State;
use crate::decode::DeadReason;
use crate::json::write::escaped;
use crate::{Decoding, Encoding};

/// Converts the slices of a source; knows the columns of the partition it saw last.
#[derive(Debug)]
pub(crate) struct Converter {
    delimiter: u8,
    /// The configuration names the columns, not the header.
    named: bool,
    header: Option<Arc<[u8]>>,
    /// For each column what stands before its value in the line: `{"name":"`, `","name":"`, …
    heads: Vec<Vec<u8>>,
    memory: Vec<u8>,
    records: Vec<Range<usize>>,
    field: Vec<u8>,
}

/// The lines of a slice.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    pub(crate) buffer: Buffer,
    /// Where in the slice's buffer each line comes from.
    pub(crate) records: Vec<Range<usize>>,
    /// What is no record: before which line, where in the slice's buffer, why.
    pub(crate) dead: Vec<(usize, Range<usize>, DeadReason)>,
}

impl Converter {
    pub(crate) fn new(decoding: &Decoding) -> Self {
        let (delimiter, columns) = match &decoding.encoding {
            Encoding::Csv { delimiter, columns, .. } => (*delimiter, columns.as_slice()),
            _ => (b',', &[][..]),
        };
        let heads = heads(columns.iter().map(String::as_bytes));
        let named = !columns.is_empty();
        Self { delimiter, named, header: None, heads, memory: Vec::new(), records: Vec::new(), field: Vec::new() }
    }

    /// Takes the columns' names from the partition's header line, if that is what names them.
    fn learn(&mut self, header: Option<&Arc<[u8]>>) {
        if self.named || self.header.as_ref() == header {
            return;
        }
        self.header = header.cloned();
        let line = unframed(header.map_or(&[][..], |header| header));
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let mut names = Vec::new();
        if !line.is_empty() {
            fields(line, self.delimiter, &mut self.field, |name| names.push(name.to_vec()));
        }
        self.heads = heads(names.iter().map(Vec::as_slice));
    }

    /// Converts the records in a range of the slice's buffer.
    pub(crate) fn convert(&mut self, slice: &Slice, range: Range<usize>) -> Converted {
        self.learn(slice.header.as_ref());
        let bytes = slice.buffer.bytes().get(range.clone()).unwrap_or_default();
        let mut lines = std::mem::take(&mut self.memory);
        let mut converted = Converted { records: std::mem::take(&mut self.records), ..Converted::default() };
        converted.records.clear();
        let mut start = 0;
        super::ends(bytes, self.delimiter, &mut State::default(), |end| {
            let record = unframed(bytes.get(start..end).unwrap_or_default());
            if !record.is_empty() {
                let place = range.start + start..range.start + start + record.len();
                match self.record(record, &mut lines) {
                    Ok(()) => converted.records.push(place),
                    Err(reason) => converted.dead.push((converted.records.len(), place, reason)),
                }
            }
            start = end;
            true
        });
        if start < bytes.len() {
            // A slice ends in a newline, so the record that it ends in is inside quotes.
            let end = range.start + start + unframed(bytes.get(start..).unwrap_or_default()).len();
            converted.dead.push((converted.records.len(), range.start + start..end, DeadReason::OpenQuote));
        }
        converted.buffer = Buffer::new(lines);
        converted
    }

    /// Appends the line of one record; nothing where it is none.
    fn record(&mut self, record: &[u8], lines: &mut Vec<u8>) -> Result<(), DeadReason> {
        if self.heads.is_empty() {
            return Err(DeadReason::NoHeader);
        }
        if let Err(error) = simdutf8::compat::from_utf8(record) {
            return Err(DeadReason::Utf8 { at: error.valid_up_to() });
        }
        let before = lines.len();
        let (expected, mut found) = (self.heads.len(), 0);
        fields(record, self.delimiter, &mut self.field, |field| {
            if let Some(head) = self.heads.get(found) {
                lines.extend_from_slice(head);
                escaped(field, lines);
            }
            found += 1;
        });
        if found != expected {
            lines.truncate(before);
            return Err(DeadReason::Fields { expected, found });
        }
        lines.extend_from_slice(b"\"}\n");
        Ok(())
    }

    /// Gives the lines, and keeps the rest for the next slice.
    pub(crate) fn lines_of(&mut self, converted: Converted) -> Buffer {
        self.records = converted.records;
        converted.buffer
    }

    /// Takes memory back.
    pub(crate) fn recycle(&mut self, buffer: Buffer) {
        self.memory = buffer.recycle();
    }
}

fn heads<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let head = |(i, name): (usize, &[u8])| {
        let mut head = if i == 0 { b"{\"".to_vec() } else { b"\",\"".to_vec() };
        escaped(String::from_utf8_lossy(name).as_bytes(), &mut head);
        head.extend_from_slice(b"\":\"");
        head
    };
    names.enumerate().map(head).collect()
}

/// A record without its end of line.
fn unframed(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// Calls back with the fields of a record, their quotes taken away.
fn fields(record: &[u8], delimiter: u8, field: &mut Vec<u8>, mut next: impl FnMut(&[u8])) {
    let mut state = State::default();
    field.clear();
    for &byte in record {
        let before = state;
        state = state.after(byte, delimiter);
        match (before, state) {
            // A quote that opens or closes is no part of the field.
            (State::FieldStart, State::Quoted) | (State::Quoted, State::QuoteInQuoted) => {}
            (_, State::FieldStart) => {
                next(field);
                field.clear();
            }
            _ => field.push(byte),
        }
    }
    next(field);
}
