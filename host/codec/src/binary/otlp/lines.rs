//! Events as JSON objects: the record's fields under the names that paths have, and what its envelope says of it.

use std::ops::Range;

use eyas_event::Events;

use super::value::JsonWriter;
use super::{CHILD, OWNER, RESOURCE_ATTRIBUTES, record, scope};
use crate::binary::proto::{Field, Fields, Wire, field};
use crate::json::write;

/// Writes events as JSON objects, row by row. What an envelope says of its records is written once, and copied.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The envelope at hand: its number, and where it stands.
    frame: Option<(usize, Field)>,
    /// Where the scope at hand has its fields.
    scope: Range<usize>,
    /// The members of the event that come from the resource, and where those of the scope begin.
    outside: Vec<u8>,
    of_scope: usize,
}

impl Lines {
    /// Appends the JSON form of an event. Rows are asked for in order.
    pub(crate) fn event(&mut self, events: &Events, row: usize, out: &mut Vec<u8>) {
        let (bytes, span) = (events.buffer.bytes(), events.span(row));
        if !self.enter(events, row, span.start) {
            return crate::otlp::write_frames(bytes.get(span).unwrap_or_default(), out);
        }
        open_record(bytes, span, out);
        // Members of the envelope begin with a comma.
        let outside = if out.ends_with(b"{") { self.outside.get(1..) } else { Some(&*self.outside) };
        out.extend_from_slice(outside.unwrap_or_default());
        out.push(b'}');
    }

    /// Finds envelope and scope of a row; gives whether there are any.
    fn enter(&mut self, events: &Events, row: usize, at: usize) -> bool {
        let bytes = events.buffer.bytes();
        let behind = self.frame.is_some_and(|(number, _)| events.frames.get(number).is_some_and(|frame| frame.rows.1 as usize <= row));
        if self.frame.is_none() || behind {
            let from = self.frame.map_or(0, |(number, _)| number);
            let rest = events.frames.get(from..).unwrap_or_default();
            let ahead = rest.iter().take_while(|frame| frame.rows.1 as usize <= row).count();
            let Some(frame) = rest.get(ahead).filter(|frame| frame.rows.0 as usize <= row) else { return false };
            let Some(message) = field(bytes, frame.range.0 as usize, frame.range.1 as usize) else { return false };
            self.frame = Some((from + ahead, message));
            self.resource(bytes, message);
        }
        let Some((_, message)) = self.frame.filter(|(_, message)| message.start <= at && at <= message.end) else { return false };
        if at < self.scope.start || at > self.scope.end {
            let ahead = self.scope.end.max(message.value);
            let mut scopes = Fields::new(bytes, ahead, message.end).filter(|field| field.is(CHILD));
            let Some(scope) = scopes.find(|scope| scope.value <= at && at <= scope.end) else { return false };
            self.scope(bytes, scope);
        }
        true
    }

    fn resource(&mut self, bytes: &[u8], message: Field) {
        self.outside.clear();
        self.scope = 0..0;
        if let Some(owner) = owner(bytes, message).filter(|&owner| last(bytes, owner, RESOURCE_ATTRIBUTES, Wire::Bytes).is_some()) {
            self.outside.extend_from_slice(b",\"resource\":");
            JsonWriter { bytes, out: &mut self.outside }.attributes(owner.value, owner.end, RESOURCE_ATTRIBUTES, 2);
        }
        self.of_scope = self.outside.len();
    }

    fn scope(&mut self, bytes: &[u8], message: Field) {
        self.scope = message.value..message.end;
        self.outside.truncate(self.of_scope);
        let Some(owner) = owner(bytes, message) else { return };
        let out = &mut self.outside;
        out.extend_from_slice(b",\"scope\":");
        let start = out.len();
        for (number, name) in [(scope::NAME, "name"), (scope::VERSION, "version")] {
            if let Some(field) = last(bytes, owner, number, Wire::Bytes).filter(|field| field.value < field.end) {
                member(name, start, out);
                JsonWriter { bytes, out }.text(field.bytes(bytes));
            }
        }
        if last(bytes, owner, scope::ATTRIBUTES, Wire::Bytes).is_some() {
            member("attributes", start, out);
            JsonWriter { bytes, out }.attributes(owner.value, owner.end, scope::ATTRIBUTES, 3);
        }
        if out.len() == start {
            return out.truncate(self.of_scope);
        }
        out.push(b'}');
    }
}

/// Appends a member's name, behind a brace or a comma; the object starts at `start`.
fn member(name: &str, start: usize, out: &mut Vec<u8>) {
    out.push(if out.len() == start { b'{' } else { b',' });
    write::string(name, out);
    out.push(b':');
}

/// The resource or scope of an envelope, if it says anything.
fn owner(bytes: &[u8], message: Field) -> Option<Field> {
    last(bytes, message, OWNER, Wire::Bytes).filter(|owner| owner.value < owner.end)
}

/// The last of the fields of a message that have a number.
fn last(bytes: &[u8], message: Field, number: u32, wire: Wire) -> Option<Field> {
    Fields::new(bytes, message.value, message.end).filter(|field| field.number == number && field.wire == wire).last()
}

/// Appends the object of a record, without its last brace.
fn open_record(bytes: &[u8], span: Range<usize>, out: &mut Vec<u8>) {
    let mut own: [Option<Field>; 13] = [None; 13];
    let said = |field: &Field| match field.wire {
        Wire::Bytes => matches!(field.number, record::BODY | record::ATTRIBUTES) || field.value < field.end,
        _ => field.number_in(bytes) != 0,
    };
    for field in Fields::new(bytes, span.start, span.end).filter(|field| known(field.number) == Some(field.wire)) {
        if let Some(own) = own.get_mut(field.number as usize) {
            *own = Some(field).filter(said);
        }
    }
    let [_, time, severity, severity_text, _, body, attributes, dropped, flags, trace_id, span_id, observed, event_name] = own;
    let start = out.len();
    let values =
        [("time", time.or(observed)), ("observed_time", observed), ("severity_number", severity), ("severity_text", severity_text)];
    let more =
        [("dropped_attributes_count", dropped), ("flags", flags), ("trace_id", trace_id), ("span_id", span_id), ("event_name", event_name)];
    let plain = |values: &[(&str, Option<Field>)], out: &mut Vec<u8>| {
        for (name, field) in values.iter().filter_map(|&(name, field)| Some((name, field?))) {
            member(name, start, out);
            JsonWriter { bytes, out }.own(field);
        }
    };
    plain(&values, out);
    if let Some(body) = body {
        member("body", start, out);
        JsonWriter { bytes, out }.any(body.value, body.end, 1);
    }
    if attributes.is_some() {
        member("attributes", start, out);
        JsonWriter { bytes, out }.attributes(span.start, span.end, record::ATTRIBUTES, 2);
    }
    plain(&more, out);
    if out.len() == start {
        out.push(b'{');
    }
}

/// How a field of a record is written.
fn known(number: u32) -> Option<Wire> {
    Some(match number {
        record::TIME | record::OBSERVED_TIME => Wire::Fixed64,
        record::SEVERITY_NUMBER | record::DROPPED => Wire::Varint,
        record::FLAGS => Wire::Fixed32,
        record::SEVERITY_TEXT | record::BODY | record::ATTRIBUTES | record::TRACE_ID | record::SPAN_ID | record::EVENT_NAME => Wire::Bytes,
        _ => return None,
    })
}
