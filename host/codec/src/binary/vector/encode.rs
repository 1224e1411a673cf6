//! Vector's events out: as they came, with what there is to say as one more member of the log's object.
//!
//! Of an annotated event only the lengths around its object, the member that is added and the keys that are renamed are written anew. A log
//! whose value is no object is annotated in its metadata, which is one.

use std::ops::Range;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use eyas_event::Events;

use super::stream::{from_lines, put_member, put_value};
use super::value::{ENTRIES, MAP, MESSAGE, json, kind, member, object};
use super::wrapped;
use crate::binary::parsed;
use crate::binary::proto::{Field, Fields, Wire, bytes_len, field, put_bytes, put_head};
use crate::encode::{Annotator, Output, Said, Touched};
use crate::json::walk::MAX_DEPTH;
use crate::json::write;

/// The fields of a log, and of its metadata.
pub(super) const VALUE: u32 = 2;
const OLD_METADATA: u32 = 3;
const METADATA: u32 = 4;
const METADATA_VALUE: u32 = 1;

/// Writes the events of a batch as they came, annotated.
pub(crate) fn encode(annotator: &mut Annotator, events: &Events, mut touched: Touched<'_>) -> Output {
    let mut output = Output::new(events);
    let rows = events.len() as u32;
    let mut row = 0;
    while row <= rows {
        let next = touched.next(row, rows);
        for &(start, end) in events.spans.get(row as usize..next as usize).unwrap_or_default() {
            output.share(start as usize..end as usize);
        }
        let said = touched.at(next);
        said.lines.iter().for_each(|line| output.write(|own| from_lines(line.1, own)));
        if !said.skipped && next < rows {
            event(annotator, &mut output, events, next as usize, &said);
        }
        row = next + 1;
    }
    output.finish()
}

/// The object of a log that takes an annotation.
pub(super) struct Target {
    /// The messages around it, from the event inwards; without the event's own field.
    levels: Vec<Field>,
    /// Between these places its members stand.
    pub(super) object: (usize, usize),
    /// Where another is to stand.
    at: usize,
    /// What is to be around that member where there is no object yet: fields, from the outside.
    around: &'static [u32],
}

/// Where a log's annotation goes: into its value, or its metadata where that is no object; nowhere where that is none either.
pub(super) fn target(bytes: &[u8], log: Field) -> Option<Target> {
    let (mut value, mut old_metadata, mut metadata, mut last_member) = (None, None, None, log.value);
    for field in Fields::new(bytes, log.value, log.end).filter(|field| field.wire == Wire::Bytes) {
        match field.number {
            ENTRIES => last_member = field.end,
            VALUE => value = Some(field),
            OLD_METADATA => old_metadata = Some(field),
            METADATA => metadata = Some(field),
            _ => {}
        }
    }
    let Some(value) = value else {
        return Some(Target { levels: vec![log], object: (log.value, log.end), at: last_member, around: &[] });
    };
    if let Some(map) = map(bytes, value) {
        return Some(inside(vec![log, value, map]));
    }
    match (metadata, old_metadata) {
        (Some(metadata), _) => {
            let value = Fields::new(bytes, metadata.value, metadata.end).filter(|field| field.is(METADATA_VALUE)).last();
            match value {
                Some(value) => Some(inside(vec![log, metadata, value, map(bytes, value)?])),
                None => Some(Target { around: &[METADATA_VALUE, MAP], ..nothing_in(vec![log, metadata]) }),
            }
        }
        (None, Some(metadata)) => Some(inside(vec![log, metadata, map(bytes, metadata)?])),
        (None, None) => Some(Target { around: &[METADATA, METADATA_VALUE, MAP], ..nothing_in(vec![log]) }),
    }
}

/// The object at the end of these levels.
fn inside(levels: Vec<Field>) -> Target {
    let object = levels.last().map_or((0, 0), |map| (map.value, map.end));
    Target { levels, object, at: object.1, around: &[] }
}

/// An object that is not there yet.
fn nothing_in(levels: Vec<Field>) -> Target {
    let target = inside(levels);
    Target { object: (target.at, target.at), ..target }
}

/// The object that a value is.
fn map(bytes: &[u8], value: Field) -> Option<Field> {
    kind(bytes, (value.value, value.end)).ok().flatten().filter(|kind| kind.is(MAP))
}

/// What is to stand in the place of some bytes.
type Edit = (Range<usize>, Vec<u8>);

/// Appends one event. What is said is of its row. Beside what is no log nothing can be said.
fn event(annotator: &mut Annotator, output: &mut Output, events: &Events, row: usize, said: &Said<'_>) {
    let (span, bytes) = (events.span(row), events.buffer.bytes());
    let outer = field(bytes, span.start, span.end);
    let log = outer.and_then(|outer| wrapped(bytes, outer).ok().flatten()).filter(|event| event.is(1));
    let target = log.and_then(|log| target(bytes, log));
    let (Some(outer), Some(target)) = (outer, target) else { return output.share(span) };
    let edits = edits(annotator, bytes, &target, said);
    if edits.is_empty() {
        return output.share(span);
    }
    output.write(|own| splice(bytes, outer, &target.levels, &edits, own));
}

/// What is to be changed in the target's object, in the order of its bytes.
fn edits(annotator: &mut Annotator, bytes: &[u8], target: &Target, said: &Said<'_>) -> Vec<Edit> {
    let member_at = |(start, end): (u32, u32)| member(bytes, start as usize, end as usize).ok().and_then(|(member, _)| member);
    if let Some((_, namesake)) = said.namesakes.last()
        && let Some(member) = member_at(namesake.value)
    {
        let mut came = Vec::new();
        json(member.value_bytes(bytes), &mut came);
        if annotator.is_ours(&came) {
            let ours = said.is_something().then(|| annotation(annotator, said, Some(&came)));
            return ours.into_iter().map(|ours| (member.start..member.end, ours)).collect();
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    for member in said.namesakes.iter().filter_map(|(_, namesake)| member_at(namesake.value)) {
        let mut renamed = Vec::new();
        put_member(annotator.renamed().as_bytes(), &mut renamed, |out| out.extend_from_slice(member.value_bytes(bytes)));
        edits.push((member.start..member.end, renamed));
    }
    if said.is_something() {
        let mut member = annotation(annotator, said, None);
        for &number in target.around.iter().rev() {
            let mut around = Vec::new();
            put_bytes(number, &member, &mut around);
            member = around;
        }
        edits.push((target.at..target.at, member));
    }
    edits
}

/// The member that says it.
fn annotation(annotator: &mut Annotator, said: &Said<'_>, came: Option<&[u8]>) -> Vec<u8> {
    let json = parsed(&annotator.json(said, came));
    let mut member = Vec::new();
    put_member(annotator.key().as_bytes(), &mut member, |out| put_value(&json, out));
    member
}

/// Appends a message with edits in the innermost of the messages in it, so that all lengths are right.
fn splice(bytes: &[u8], outer: Field, levels: &[Field], edits: &[Edit], out: &mut Vec<u8>) {
    let mut grown: i64 = edits.iter().map(|(range, new)| new.len() as i64 - range.len() as i64).sum();
    let mut heads = Vec::with_capacity(levels.len() + 1);
    for level in levels.iter().rev().chain([&outer]) {
        let length = ((level.end - level.value) as i64 + grown) as usize;
        heads.push((level, length));
        grown = bytes_len(level.number, length) as i64 - (level.end - level.start) as i64;
    }
    let mut at = outer.start;
    let mut up_to = |out: &mut Vec<u8>, place: usize, next: usize| {
        out.extend_from_slice(bytes.get(at..place).unwrap_or_default());
        at = next;
    };
    for (level, length) in heads.into_iter().rev() {
        up_to(out, level.start, level.value);
        put_head(level.number, length, out);
    }
    for (range, new) in edits {
        up_to(out, range.start, range.end);
        out.extend_from_slice(new);
    }
    up_to(out, outer.end, outer.end);
}

/// Appends the JSON form of an event: its object, or one with its value as the `message`.
pub(crate) fn event_json(events: &Events, row: usize, out: &mut Vec<u8>) {
    let (span, bytes) = (events.span(row), events.buffer.bytes());
    let outer = field(bytes, span.start, span.end);
    let log = outer.and_then(|outer| wrapped(bytes, outer).ok().flatten()).filter(|event| event.is(1));
    let Some(log) = log else { return opaque_json(bytes.get(span).unwrap_or_default(), out) };
    let Some(value) = Fields::new(bytes, log.value, log.end).find(|field| field.is(VALUE)) else {
        return object(bytes, (log.value, log.end), MAX_DEPTH, out);
    };
    match map(bytes, value) {
        Some(map) => object(bytes, (map.value, map.end), MAX_DEPTH, out),
        None => {
            out.push(b'{');
            write::text(MESSAGE, out);
            out.push(b':');
            json(value.bytes(bytes), out);
            out.push(b'}');
        }
    }
}

/// Appends what is no log as JSON: its bytes, which are a `PushEventsRequest`.
fn opaque_json(event: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"opaque\":\"");
    write::display(Base64Display::new(event, &STANDARD), out);
    out.extend_from_slice(b"\"}");
}
