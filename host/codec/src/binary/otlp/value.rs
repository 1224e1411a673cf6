//! Values: read where they stand, and what each is worth.

mod json;
mod read;

pub(super) use json::{JsonWriter, put_attribute, put_json};
pub(super) use read::Reader;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eyas_event::Timestamp;

use super::{any, record};
use crate::binary::proto::{Field, Wire, field};
use crate::dialect::Figure;
use crate::json::{Kind, write};

/// The field that a slot's bytes are.
fn of(value: &[u8]) -> Option<Field> {
    field(value, 0, value.len())
}

/// The number that a value is, if it is one: times and ids are none.
pub(crate) fn figure(value: &[u8]) -> Option<Figure<'static>> {
    let field = of(value)?;
    let number = field.number_in(value);
    Some(match (field.number, field.wire) {
        (record::SEVERITY_NUMBER, Wire::Varint) => Figure::Whole(i128::from(number as i32)),
        (any::INTEGER, Wire::Varint) => Figure::Whole(i128::from(number as i64)),
        (record::DROPPED, Wire::Varint) => Figure::Whole(i128::from(number as u32)),
        (record::FLAGS, Wire::Fixed32) => Figure::Whole(i128::from(number)),
        (any::DOUBLE, Wire::Fixed64) => Figure::Float(f64::from_bits(number)),
        _ => return None,
    })
}

/// The time of a field of a record, where a [`Timestamp`] holds it.
fn nanos(number: u64) -> Option<Timestamp> {
    Timestamp::try_from(number).ok()
}

/// The time that a value is; inside nothing where no [`Timestamp`] holds it.
pub(crate) fn time(value: &[u8]) -> Option<Option<Timestamp>> {
    let field = of(value)?;
    let is_time = matches!((field.number, field.wire), (record::TIME | record::OBSERVED_TIME, Wire::Fixed64));
    is_time.then(|| nanos(field.number_in(value)))
}

/// Appends the text that stands for a value in JSON, if it is one.
pub(crate) fn text(value: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(field) = of(value) else { return false };
    match (field.number, field.wire) {
        (record::TIME | record::OBSERVED_TIME, Wire::Fixed64) => match time(value).flatten() {
            Some(time) => write::display(crate::time::rfc3339(time), out),
            None => return false,
        },
        (record::TRACE_ID | record::SPAN_ID, Wire::Bytes) => hex(field.bytes(value), out),
        (any::BYTES, Wire::Bytes) => out.extend_from_slice(STANDARD.encode(field.bytes(value)).as_bytes()),
        (any::LIST | any::KVLIST, _) => return false,
        (_, Wire::Bytes) => out.extend_from_slice(String::from_utf8_lossy(field.bytes(value)).as_bytes()),
        _ => return false,
    }
    true
}

/// Appends a value as JSON.
pub(crate) fn json(kind: Kind, value: &[u8], out: &mut Vec<u8>) {
    let Some(field) = of(value) else { return out.extend_from_slice(b"null") };
    let mut writer = JsonWriter { bytes: value, out };
    match (kind, field.number, field.wire) {
        (Kind::Object, super::CHILD, Wire::Bytes) => writer.attributes(field.value, field.end, record::ATTRIBUTES, 2),
        (Kind::Object, super::OWNER, Wire::Bytes) => writer.attributes(field.value, field.end, super::RESOURCE_ATTRIBUTES, 2),
        (Kind::List | Kind::Object, ..) => writer.any(0, value.len(), 2),
        _ => writer.own(field),
    }
}

/// Appends bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |number: u8| number + if number < 10 { b'0' } else { b'a' - 10 };
    out.extend(bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]));
}
