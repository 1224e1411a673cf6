//! Alerts as log records.

use super::value::{put_attribute, put_json};
use super::{CHILD, MEMBERS, OWNER, RESOURCE_ATTRIBUTES, any, member, record, scope};
use crate::binary::proto::{Field, Fields, Wire, put_bytes, put_key, put_message, put_varint};

/// Appends JSON objects, a line each, as events: all members are attributes, and what a record has a field for is in that, too.
pub(crate) fn from_lines(lines: &[u8], out: &mut Vec<u8>) {
    let lines = || lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    if lines().next().is_none() {
        return;
    }
    put_message(1, out, |out| {
        put_message(OWNER, out, |out| put_attribute(RESOURCE_ATTRIBUTES, "service.name", b"\"eyas\"", out));
        put_message(CHILD, out, |out| {
            put_message(OWNER, out, |out| put_bytes(scope::NAME, b"eyas", out));
            lines().for_each(|line| put_message(CHILD, out, |out| put_record(line, out)));
        });
    });
}

/// Appends the inside of a record.
fn put_record(line: &[u8], out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    put_json(line, &mut bytes);
    let Some(object) = Fields::new(&bytes, 0, bytes.len()).find(|field| field.is(any::KVLIST)) else {
        return put_bytes(record::BODY, &bytes, out);
    };
    let members = || Fields::new(&bytes, object.value, object.end).filter(|field| field.is(MEMBERS));
    let value = |name: &str, number: u32| {
        let inside = |message: Field, number| Fields::new(&bytes, message.value, message.end).find(|field| field.number == number);
        let named = |field: &Field| inside(*field, member::KEY).is_some_and(|key| key.bytes(&bytes) == name.as_bytes());
        inside(inside(members().find(named)?, member::VALUE)?, number)
    };
    let text = |name| value(name, any::TEXT).map(|field| field.bytes(&bytes));
    if let Some(time) = text("time").and_then(nanos) {
        put_key(record::TIME, Wire::Fixed64, out);
        out.extend_from_slice(&time.to_le_bytes());
    }
    if let Some(severity) = value("severity", any::INTEGER) {
        let (number, name) = severity_of(severity.number_in(&bytes));
        put_key(record::SEVERITY_NUMBER, Wire::Varint, out);
        put_varint(number, out);
        put_bytes(record::SEVERITY_TEXT, name.as_bytes(), out);
    }
    if let Some(body) = text("title").filter(|title| !title.is_empty()).or_else(|| text("rule")) {
        put_message(record::BODY, out, |out| put_bytes(any::TEXT, body, out));
    }
    members().for_each(|attribute| put_bytes(record::ATTRIBUTES, attribute.bytes(&bytes), out));
}

/// What a time in RFC 3339 is in nanoseconds since the epoch.
fn nanos(time: &[u8]) -> Option<u64> {
    let time: jiff::Timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// An alert's severity, 0 to 100, on OpenTelemetry's scale from INFO (9) to FATAL4 (24), with the name of the number.
fn severity_of(severity: u64) -> (u64, &'static str) {
    const NAMES: [&str; 16] = [
        "INFO", "INFO2", "INFO3", "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2",
        "FATAL3", "FATAL4",
    ];
    let step = severity.min(100) * 15 / 100;
    (9 + step, NAMES.get(step as usize).copied().unwrap_or_default())
}
