//! Where Forward's stream form may be cut, how it is halved, and what lines become in it.

use eyas_event::{NANOS_PER_SECOND, Timestamp};
use serde_json::Value as Json;

use super::encode::put_value;
use super::{Message, message};
use crate::forward::msgpack::{put_array, put_int, skip};
use crate::forward::put_message;

/// The tag of lines that become events: alerts.
const LINES_TAG: &str = "eyas.alerts";

/// The messages, each with where it ends and how many entries it has.
fn each(bytes: &[u8]) -> impl Iterator<Item = (Message, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let message = message(bytes, at)?;
        at = message.entries.end;
        let entries = bytes.get(message.entries.clone()).unwrap_or_default();
        let mut count = 0;
        let mut entry = 0;
        while let Some(end) = skip(entries, entry) {
            (entry, count) = (end, count + 1);
        }
        Some((message, count))
    })
}

/// How many leading bytes are whole messages with at most so many events, at least one message.
pub(crate) fn cut(bytes: &[u8], max_events: usize) -> usize {
    let (mut cut, mut events) = (0, 0);
    for (message, count) in each(bytes) {
        events += count;
        if cut > 0 && events > max_events {
            return cut;
        }
        cut = message.entries.end;
        if events >= max_events {
            return cut;
        }
    }
    bytes.len()
}

/// How many leading bytes are whole messages of at most so many bytes, at least one message.
pub(crate) fn head(bytes: &[u8], max_bytes: usize) -> usize {
    let mut head = 0;
    while let Some(message) = message(bytes, head) {
        if head > 0 && message.entries.end > max_bytes {
            return head;
        }
        head = message.entries.end;
    }
    bytes.len()
}

/// Two halves by number of events, each in messages of its own; nothing where there is but one event.
pub(crate) fn halve(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let messages: Vec<_> = each(bytes).collect();
    let events: usize = messages.iter().map(|(_, count)| count).sum();
    if events < 2 {
        return None;
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut wanted = events / 2;
    for (message, count) in messages {
        let tag = String::from_utf8_lossy(bytes.get(message.tag.0..message.tag.1)?);
        let entries = bytes.get(message.entries)?;
        let mut middle = 0;
        for _ in 0..wanted.min(count) {
            middle = skip(entries, middle)?;
        }
        let middle = if wanted >= count { entries.len() } else { middle };
        wanted = wanted.saturating_sub(count);
        let (first, second) = entries.split_at_checked(middle)?;
        for (half, entries) in [(&mut left, first), (&mut right, second)] {
            if !entries.is_empty() {
                put_message(&tag, entries, half);
            }
        }
    }
    Some((left, right))
}

/// Appends JSON objects, a line each, as entries of a message: their time is the object's `time`, or none that anybody took. What is no
/// object becomes the message of a record.
pub(crate) fn from_lines(lines: &[u8], out: &mut Vec<u8>) {
    let mut entries = Vec::new();
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let object = serde_json::from_slice(line).ok().filter(Json::is_object);
        let object = object.unwrap_or_else(|| serde_json::json!({ "message": String::from_utf8_lossy(line) }));
        put_array(2, &mut entries);
        put_time(object.get("time").and_then(Json::as_str).and_then(crate::time::instant).unwrap_or_default(), &mut entries);
        put_value(&object, &mut entries);
    }
    if !entries.is_empty() {
        put_message(LINES_TAG, &entries, out);
    }
}

/// Appends a time as an EventTime, or as whole seconds where that has no room for it.
fn put_time(time: Timestamp, out: &mut Vec<u8>) {
    let (seconds, nanos) = (time.div_euclid(NANOS_PER_SECOND), time.rem_euclid(NANOS_PER_SECOND));
    match u32::try_from(seconds) {
        // The two latest are marks.
        Ok(seconds) if seconds < u32::MAX - 1 => {
            out.extend_from_slice(&[0xd7, 0x00]);
            out.extend_from_slice(&seconds.to_be_bytes());
            out.extend_from_slice(&(nanos as u32).to_be_bytes());
        }
        _ => put_int(seconds, out),
    }
}
