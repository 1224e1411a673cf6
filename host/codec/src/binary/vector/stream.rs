//! Where Vector's stream form may be cut, how it is halved, and what lines become in it.

use eyas_event::{NANOS_PER_SECOND, Timestamp};
use serde_json::{Map, Value as Json};

use super::encode::VALUE;
use super::value::{BOOLEAN, ENTRIES, FLOAT, INTEGER, LIST, MAP, MESSAGE, NULL, TEXT, TIME};
use crate::binary::proto::{Fields, Wire, put_bytes, put_key, put_message, put_varint};

/// How many leading bytes are at most so many events, at least one.
pub(crate) fn cut(bytes: &[u8], max_events: usize) -> usize {
    Fields::new(bytes, 0, bytes.len()).take(max_events.max(1)).last().map_or(bytes.len(), |event| event.end)
}

/// How many leading bytes are whole events of at most so many bytes, at least one event.
pub(crate) fn head(bytes: &[u8], max_bytes: usize) -> usize {
    let mut events = Fields::new(bytes, 0, bytes.len()).map(|event| event.end);
    let Some(mut head) = events.next() else { return bytes.len() };
    events.take_while(|&end| end <= max_bytes).for_each(|end| head = end);
    head
}

/// Two halves by number of events; nothing where there is but one event.
pub(crate) fn halve(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let events = Fields::new(bytes, 0, bytes.len()).count();
    if events < 2 {
        return None;
    }
    let (left, right) = bytes.split_at_checked(cut(bytes, events / 2))?;
    Some((left.to_vec(), right.to_vec()))
}

/// Appends JSON objects, a line each, as events: logs whose `timestamp` is the object's `time`, if it has one. What is no object becomes the
/// message of a log.
pub(crate) fn from_lines(lines: &[u8], out: &mut Vec<u8>) {
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let object = match serde_json::from_slice(line) {
            Ok(Json::Object(object)) => object,
            _ => Map::from_iter([(String::from_utf8_lossy(MESSAGE).into_owned(), Json::from(String::from_utf8_lossy(line)))]),
        };
        let time = object.get("time").and_then(Json::as_str).and_then(crate::time::instant);
        put_log(out, |members| {
            put_members(&object, members);
            if let Some(time) = time.filter(|_| !object.contains_key("timestamp")) {
                put_member(b"timestamp", members, |out| put_time(time, out));
            }
        });
    }
}

/// Appends an event that is a log with these members.
fn put_log(out: &mut Vec<u8>, members: impl FnOnce(&mut Vec<u8>)) {
    put_message(1, out, |wrapper| {
        put_message(1, wrapper, |log| put_message(VALUE, log, |value| put_message(MAP, value, members)));
    });
}

/// Appends what a value that is a time holds.
fn put_time(time: Timestamp, out: &mut Vec<u8>) {
    put_message(TIME, out, |out| {
        put_key(1, Wire::Varint, out);
        put_varint(time.div_euclid(NANOS_PER_SECOND) as u64, out);
        put_key(2, Wire::Varint, out);
        put_varint(time.rem_euclid(NANOS_PER_SECOND) as u64, out);
    });
}

/// Appends a member of an object.
pub(super) fn put_member(key: &[u8], out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    put_message(ENTRIES, out, |out| {
        put_bytes(1, key, out);
        put_message(2, out, value);
    });
}

/// Appends what a value that is this JSON holds.
pub(super) fn put_value(json: &Json, out: &mut Vec<u8>) {
    let whole = |number: u32, value: u64, out: &mut Vec<u8>| {
        put_key(number, Wire::Varint, out);
        put_varint(value, out);
    };
    match json {
        Json::Null => whole(NULL, 0, out),
        Json::Bool(truth) => whole(BOOLEAN, u64::from(*truth), out),
        Json::Number(number) => match number.as_i64() {
            Some(number) => whole(INTEGER, number as u64, out),
            None => {
                put_key(FLOAT, Wire::Fixed64, out);
                out.extend_from_slice(&number.as_f64().unwrap_or_default().to_le_bytes());
            }
        },
        Json::String(text) => put_bytes(TEXT, text.as_bytes(), out),
        Json::Array(items) => {
            put_message(LIST, out, |out| items.iter().for_each(|item| put_message(ENTRIES, out, |out| put_value(item, out))));
        }
        Json::Object(members) => put_message(MAP, out, |out| put_members(members, out)),
    }
}

/// Appends the members of an object.
pub(super) fn put_members(members: &Map<String, Json>, out: &mut Vec<u8>) {
    members.iter().for_each(|(key, item)| put_member(key.as_bytes(), out, |out| put_value(item, out)));
}
