//! Forward's events out: messages as they came, and those in which there is something to say with as much of it as can be as it came.
//!
//! Of an annotated entry only the record's head, the member that is added and the keys that are renamed are written anew, and of its message
//! the head of the entries.

use std::ops::Range;

use eyas_event::{Events, Frame};
use serde_json::Value as Json;

use super::entry::{beside, parts};
use super::value::{json, members, put_members};
use super::{message, stream};
use crate::binary::parsed;
use crate::dialect::Dialect;
use crate::encode::{Annotator, Output, Said, Touched};
use crate::forward::msgpack::{
    Shape, head, put_array, put_bin_head, put_bool, put_float, put_int, put_map, put_map_like, put_nil, put_str, put_uint,
};
use crate::json::scan::Padded;
use crate::json::walk::{MAX_DEPTH, Namesake};
use crate::json::{Kind, Slot, write};

/// Writes the events of a batch as they came, annotated.
pub(crate) fn encode(annotator: &mut Annotator, events: &Events, mut touched: Touched<'_>) -> Output {
    let mut output = Output::new(events);
    for frame in &events.frames {
        let (first, behind) = frame.rows;
        if frame.whole && touched.next(first, behind) == behind {
            output.share(frame.range.0 as usize..frame.range.1 as usize);
        } else {
            rebuild(annotator, &mut output, events, frame, &mut touched);
        }
    }
    let last = touched.at(events.len() as u32);
    last.lines.iter().for_each(|line| output.write(|own| stream::from_lines(line.1, own)));
    output.finish()
}

/// Writes a message anew; lines before one of its rows are messages of their own and part it in two.
fn rebuild(annotator: &mut Annotator, output: &mut Output, events: &Events, frame: &Frame, touched: &mut Touched<'_>) {
    let bytes = events.buffer.bytes();
    let Some(message) = message(bytes, frame.range.0 as usize) else { return };
    let mut building = Building { tag: message.tag, ..Building::default() };
    let (mut row, behind) = frame.rows;
    while row < behind {
        let next = touched.next(row, behind);
        for &(start, end) in events.spans.get(row as usize..next as usize).unwrap_or_default() {
            building.share(start as usize..end as usize);
        }
        if next == behind {
            break;
        }
        let said = touched.at(next);
        if !said.lines.is_empty() {
            building.flush(output, bytes);
            said.lines.iter().for_each(|line| output.write(|own| stream::from_lines(line.1, own)));
        }
        if !said.skipped {
            event(annotator, &mut building, bytes, events.span(next as usize), &said);
        }
        row = next + 1;
    }
    building.flush(output, bytes);
}

/// A message in the making: pieces of the buffer, and bytes of our own.
#[derive(Default)]
struct Building {
    /// The tag's text.
    tag: (usize, usize),
    pieces: Vec<Piece>,
    own: Vec<u8>,
    length: usize,
}

enum Piece {
    Shared(Range<usize>),
    Own(Range<usize>),
}

impl Building {
    fn share(&mut self, range: Range<usize>) {
        self.length += range.len();
        match self.pieces.last_mut() {
            Some(Piece::Shared(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Shared(range)),
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.own.len();
        write(&mut self.own);
        self.length += self.own.len() - start;
        match self.pieces.last_mut() {
            Some(Piece::Own(last)) if last.end == start => last.end = self.own.len(),
            _ => self.pieces.push(Piece::Own(start..self.own.len())),
        }
    }

    /// Writes the message, if there are entries in it; then it is empty again.
    fn flush(&mut self, output: &mut Output, bytes: &[u8]) {
        if self.pieces.is_empty() {
            return;
        }
        output.write(|own| {
            put_array(2, own);
            put_str(&String::from_utf8_lossy(bytes.get(self.tag.0..self.tag.1).unwrap_or_default()), own);
            put_bin_head(self.length, own);
        });
        for piece in self.pieces.drain(..) {
            match piece {
                Piece::Shared(range) => output.share(range),
                Piece::Own(range) => output.own(self.own.get(range).unwrap_or_default()),
            }
        }
        self.own.clear();
        self.length = 0;
    }
}

/// Appends one entry. What is said is of its row. In what is no log nothing can be said.
fn event(annotator: &mut Annotator, building: &mut Building, bytes: &[u8], span: Range<usize>, said: &Said<'_>) {
    let inside = bytes.get(..span.end).unwrap_or_default();
    let parts = parts(inside, span.start).ok().filter(|parts| !parts.is_mark(inside));
    let record_at = parts.map_or(span.end, |parts| parts.record);
    let Some(record) = head(inside, record_at).filter(|head| head.shape == Shape::Map) else { return building.share(span) };
    let value = |namesake: &Namesake| namesake.key.1 as usize..namesake.value.1 as usize;
    if let Some((_, namesake)) = said.namesakes.last() {
        let mut came = Vec::new();
        json(inside.get(value(namesake)).unwrap_or_default(), &mut came);
        if annotator.is_ours(&came) {
            if !said.is_something() {
                return building.share(span);
            }
            let value = value(namesake);
            building.share(span.start..value.start);
            building.write(|own| put_value(&parsed(&annotator.json(said, Some(&came))), own));
            return building.share(value.end..span.end);
        }
    }
    if said.namesakes.is_empty() && !said.is_something() {
        return building.share(span);
    }
    let renamed = annotator.renamed();
    building.write(|own| {
        let mut at = span.start;
        let mut up_to = |own: &mut Vec<u8>, place: usize, next: usize| {
            own.extend_from_slice(bytes.get(at..place).unwrap_or_default());
            at = next;
        };
        if said.is_something() {
            up_to(own, record_at, record.at);
            put_map_like(inside.get(record_at).copied().unwrap_or_default(), record.len + 1, own);
        }
        for (_, namesake) in said.namesakes {
            up_to(own, namesake.value.0 as usize, namesake.key.1 as usize);
            put_str(&renamed, own);
        }
        up_to(own, span.end, span.end);
        if said.is_something() {
            put_str(annotator.key(), own);
            put_value(&parsed(&annotator.json(said, None)), own);
        }
    });
}

/// Appends a value that is this JSON.
pub(super) fn put_value(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => put_nil(out),
        Json::Bool(truth) => put_bool(*truth, out),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => put_uint(number, out),
            (_, Some(number)) => put_int(number, out),
            _ => put_float(number.as_f64().unwrap_or_default(), out),
        },
        Json::String(text) => put_str(text, out),
        Json::Array(items) => {
            put_array(items.len(), out);
            items.iter().for_each(|item| put_value(item, out));
        }
        Json::Object(members) => {
            put_map(members.len(), out);
            for (key, item) in members {
                put_str(key, out);
                put_value(item, out);
            }
        }
    }
}

/// Appends the JSON form of an event: its record, with what stands beside it before, where the record has no member of that name.
pub(crate) fn event_json(events: &Events, row: usize, out: &mut Vec<u8>) {
    let (before, span) = (out.len(), events.span(row));
    let bytes = events.buffer.bytes().get(..span.end).unwrap_or_default();
    out.push(b'{');
    if put_event(events, bytes, row, span.start, out).is_none() {
        out.truncate(before + 1);
    }
    out.push(b'}');
}

/// Whether a value is not there, or an object without members: what Fluent Bit's metadata mostly are.
fn is_nothing(bytes: &[u8], value: Slot) -> bool {
    let empty = || head(bytes, value.place().0).is_some_and(|map| map.len == 0);
    value.kind() == Kind::Absent || value.kind() == Kind::Object && empty()
}

fn put_event(events: &Events, bytes: &[u8], row: usize, at: usize, out: &mut Vec<u8>) -> Option<()> {
    let parts = parts(bytes, at).ok()?;
    let frame = events.frames.get(events.frames.partition_point(|frame| frame.rows.1 as usize <= row))?;
    let tag = message(events.buffer.bytes(), frame.range.0 as usize)?.tag;
    let own = members(bytes, parts.record).map(|(key, _)| key).filter(|key| key.starts_with(b"@")).collect::<Vec<_>>();
    let mut any = false;
    for (name, value) in beside(Padded::new(events.buffer.padded()), at, &parts, tag) {
        if is_nothing(bytes, value) || own.contains(&name) {
            continue;
        }
        if std::mem::replace(&mut any, true) {
            out.push(b',');
        }
        write::text(name, out);
        out.push(b':');
        Dialect::Forward.json(value.kind(), value.bytes(bytes), out);
    }
    let record = head(bytes, parts.record).filter(|head| head.shape == Shape::Map)?;
    put_members(bytes, record, MAX_DEPTH, any, out).map(drop)
}
