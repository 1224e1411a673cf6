//! Events out as they came, annotated: an envelope with nothing to change is one stretch, any other is put together again.

use std::ops::Range;

use eyas_event::{Events, Frame};

use super::pieces::{Part, Pieces};
use super::value::{JsonWriter, put_attribute};
use super::{CHILD, member, record};
use crate::binary::proto::{Field, Fields, Wire, field, put_bytes, put_head};
use crate::encode::{Annotator, Output, Said, Touched};
use crate::json::walk::Namesake;

/// Writes the events of a batch as they came, annotated.
pub(crate) fn encode(annotator: &mut Annotator, events: &Events, mut touched: Touched<'_>) -> Output {
    let mut output = Output::new(events);
    let mut frames = events.frames.iter().peekable();
    let rows = events.len() as u32;
    let mut row = 0;
    loop {
        if let Some(frame) = frames.next_if(|frame| frame.rows.0 <= row) {
            if frame.whole && touched.next(row, frame.rows.1) == frame.rows.1 {
                output.share(frame.range.0 as usize..frame.range.1 as usize);
            } else {
                rebuild(annotator, &mut output, events, frame, &mut touched);
            }
            row = frame.rows.1;
        } else if row < rows {
            // What is no log has no envelope, and nothing can be said in it.
            let said = touched.at(row);
            said.lines.iter().for_each(|line| output.own(line.1));
            if !said.skipped {
                output.share(events.span(row as usize));
            }
            row += 1;
        } else {
            break;
        }
    }
    touched.lines.iter().for_each(|line| output.own(line.1));
    output.finish()
}

/// Appends an envelope without what was skipped or was no event, with what is said in its records; in two around lines that stand between.
fn rebuild(annotator: &mut Annotator, output: &mut Output, events: &Events, frame: &Frame, touched: &mut Touched<'_>) {
    let bytes = events.buffer.bytes();
    let Some(message) = field(bytes, frame.range.0 as usize, frame.range.1 as usize) else { return };
    let (mut row, end) = frame.rows;
    let mut next = touched.next(row, end);
    let mut sink = |part: Part<'_>| match part {
        Part::Came(range) if range.is_empty() => {}
        Part::Came(range) => output.share(range),
        Part::Own(bytes) => output.own(bytes),
    };
    Pieces::rebuild(bytes, message, &mut sink, |pieces, record, sink| {
        if row == end || events.span(row as usize) != (record.value..record.end) {
            return;
        }
        if row == next {
            let said = touched.at(row);
            next = touched.next(row + 1, end);
            if !said.lines.is_empty() {
                pieces.close(sink);
                said.lines.iter().for_each(|line| sink(Part::Own(line.1)));
            }
            if !said.skipped {
                annotate(annotator, pieces, bytes, record, &said);
            }
        } else {
            pieces.keep(record.start..record.end);
        }
        row += 1;
    });
}

/// Appends a record with what is said of it.
fn annotate(annotator: &mut Annotator, pieces: &mut Pieces, bytes: &[u8], record: Field, said: &Said<'_>) {
    let mut changes: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let came = said.namesakes.last().and_then(|(_, namesake)| Some((range(namesake.value), incoming(bytes, namesake)?)));
    let ours = came.filter(|(_, json)| annotator.is_ours(json));
    let came = ours.as_ref().map(|(_, json)| &**json);
    let attribute = said.is_something().then(|| {
        let (json, mut attribute) = (annotator.json(said, came), Vec::new());
        put_attribute(record::ATTRIBUTES, annotator.key(), &json, &mut attribute);
        attribute
    });
    match (ours, attribute) {
        (Some((place, _)), Some(attribute)) => changes.push((place, attribute)),
        (Some(_), None) => {}
        (None, attribute) => {
            changes.extend(said.namesakes.iter().map(|(_, namesake)| renamed(bytes, namesake, &annotator.renamed())));
            changes.extend(attribute.map(|attribute| (record.end..record.end, attribute)));
        }
    }
    if changes.is_empty() {
        return pieces.keep(record.start..record.end);
    }
    let length = changes.iter().fold(record.end - record.value, |length, (gone, new)| length - gone.len() + new.len());
    pieces.write(|own| put_head(CHILD, length, own));
    let mut at = record.value;
    for (gone, new) in changes {
        pieces.keep(at..gone.start);
        pieces.write(|own| own.extend_from_slice(&new));
        at = gone.end;
    }
    pieces.keep(at..record.end);
}

fn range((start, end): (u32, u32)) -> Range<usize> {
    start as usize..end as usize
}

/// The value of an attribute of our name, as JSON.
fn incoming(bytes: &[u8], namesake: &Namesake) -> Option<Vec<u8>> {
    let attribute = field(bytes, namesake.value.0 as usize, namesake.value.1 as usize)?;
    let value = Fields::new(bytes, attribute.value, attribute.end).filter(|field| field.is(member::VALUE)).last()?;
    let mut json = Vec::new();
    JsonWriter { bytes, out: &mut json }.any(value.value, value.end, 1);
    Some(json)
}

/// Where an attribute of our name stands, and the same one under another.
fn renamed(bytes: &[u8], namesake: &Namesake, name: &str) -> (Range<usize>, Vec<u8>) {
    let place = range(namesake.value);
    let mut inside = Vec::new();
    let mut out = Vec::new();
    if let Some(attribute) = field(bytes, place.start, place.end) {
        for field in Fields::new(bytes, attribute.value, attribute.end) {
            if (field.number, field.wire) == (member::KEY, Wire::Bytes) {
                put_bytes(member::KEY, name.as_bytes(), &mut inside);
            } else {
                inside.extend_from_slice(bytes.get(field.start..field.end).unwrap_or_default());
            }
        }
        put_bytes(record::ATTRIBUTES, &inside, &mut out);
    }
    (place, out)
}
