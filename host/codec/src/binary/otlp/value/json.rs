//! Values as JSON, and JSON as values.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::{ITEMS, MEMBERS, any, member, record};
use super::{hex, nanos};
use crate::MAX_DEPTH;
use crate::binary::proto::{Field, Fields, Wire, put_bytes, put_key, put_message, put_varint};
use crate::json::write;

/// Appends values as JSON. Where something is not what protobuf wants, what can be read is written.
pub(crate) struct JsonWriter<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) out: &'a mut Vec<u8>,
}

impl JsonWriter<'_> {
    /// An object of the attributes that the message from `at` to `end` has as its fields `number`. It has `depth` around it, itself counted.
    pub(crate) fn attributes(&mut self, at: usize, end: usize, number: u32, depth: usize) {
        let bytes = self.bytes;
        let mut before = b'{';
        for field in Fields::new(bytes, at, end).filter(|field| field.is(number)) {
            self.out.push(before);
            before = b',';
            let (mut key, mut value) = (&[][..], field.end..field.end);
            for field in Fields::new(bytes, field.value, field.end) {
                match (field.number, field.wire) {
                    (member::KEY, Wire::Bytes) => key = field.bytes(bytes),
                    (member::VALUE, Wire::Bytes) => value = field.value..field.end,
                    _ => {}
                }
            }
            self.text(key);
            self.out.push(b':');
            self.any(value.start, value.end, depth);
        }
        self.out.extend_from_slice(if before == b'{' { b"{}" } else { b"}" });
    }

    /// An `AnyValue`, inside `depth` objects and lists.
    pub(crate) fn any(&mut self, at: usize, end: usize, depth: usize) {
        let known = |field: &Field| {
            let wire = match field.number {
                any::TEXT | any::LIST | any::KVLIST | any::BYTES => Wire::Bytes,
                any::TRUTH | any::INTEGER => Wire::Varint,
                any::DOUBLE => Wire::Fixed64,
                _ => return false,
            };
            field.wire == wire
        };
        let field = Fields::new(self.bytes, at, end).filter(known).last();
        let Some(field) = field.filter(|field| depth < MAX_DEPTH || !matches!(field.number, any::LIST | any::KVLIST)) else {
            return self.out.extend_from_slice(b"null");
        };
        match field.number {
            any::TEXT => self.text(field.bytes(self.bytes)),
            any::TRUTH => write::display(field.number_in(self.bytes) != 0, self.out),
            any::LIST => self.list(field, depth + 1),
            any::KVLIST => self.attributes(field.value, field.end, MEMBERS, depth + 1),
            _ => self.own(field),
        }
    }

    fn list(&mut self, field: Field, depth: usize) {
        self.out.push(b'[');
        let mut first = true;
        for item in Fields::new(self.bytes, field.value, field.end).filter(|field| field.is(ITEMS)) {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.any(item.value, item.end, depth);
        }
        self.out.push(b']');
    }

    /// A field whose number and wire type alone say what it is.
    pub(crate) fn own(&mut self, field: Field) {
        let (value, number) = (field.bytes(self.bytes), field.number_in(self.bytes));
        match (field.number, field.wire) {
            (record::TIME | record::OBSERVED_TIME, Wire::Fixed64) => match nanos(number) {
                Some(time) => write::time(time, self.out),
                None => write::display(number, self.out),
            },
            (record::SEVERITY_NUMBER, Wire::Varint) => write::display(number as i32, self.out),
            (any::INTEGER, Wire::Varint) => write::display(number as i64, self.out),
            (record::DROPPED, Wire::Varint) | (record::FLAGS, Wire::Fixed32) => write::display(number as u32, self.out),
            (any::DOUBLE, Wire::Fixed64) => write::float(f64::from_bits(number), self.out),
            (record::TRACE_ID | record::SPAN_ID, Wire::Bytes) => self.quoted(|out| hex(value, out)),
            (any::BYTES, Wire::Bytes) => self.quoted(|out| out.extend_from_slice(STANDARD.encode(value).as_bytes())),
            (_, Wire::Bytes) => self.text(value),
            _ => self.out.extend_from_slice(b"null"),
        }
    }

    /// A string; of what is not UTF-8 the wrong bytes are replaced.
    pub(crate) fn text(&mut self, text: &[u8]) {
        write::text(text, self.out);
    }

    fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }
}

/// Appends an attribute as field `number`: its value is what the JSON says.
pub(crate) fn put_attribute(number: u32, key: &str, json: &[u8], out: &mut Vec<u8>) {
    put_message(number, out, |out| {
        put_bytes(member::KEY, key.as_bytes(), out);
        put_message(member::VALUE, out, |out| put_json(json, out));
    });
}

/// Appends the inside of an `AnyValue` that says what the JSON says; what is no JSON is a text.
pub(crate) fn put_json(json: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut from = serde_json::Deserializer::from_slice(json);
    if AnyValue(out).deserialize(&mut from).and_then(|()| from.end()).is_err() {
        out.truncate(start);
        put_bytes(any::TEXT, String::from_utf8_lossy(json).as_bytes(), out);
    }
}

/// Writes the inside of an `AnyValue` while the JSON is read.
struct AnyValue<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        put_key(any::TRUTH, Wire::Varint, self.0);
        self.0.push(u8::from(truth));
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        put_key(any::INTEGER, Wire::Varint, self.0);
        put_varint(number as u64, self.0);
        Ok(())
    }

    /// What no `int64` holds is a double.
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => self.visit_f64(number as f64),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        put_key(any::DOUBLE, Wire::Fixed64, self.0);
        self.0.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        put_bytes(any::TEXT, text.as_bytes(), self.0);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        put_message(any::LIST, self.0, |out| {
            loop {
                let mut item = Ok(None);
                let start = out.len();
                put_message(ITEMS, out, |out| item = list.next_element_seed(AnyValue(out)));
                if item?.is_none() {
                    out.truncate(start);
                    return Ok(());
                }
            }
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        put_message(any::KVLIST, self.0, |out| {
            while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
                put_message(MEMBERS, out, |out| {
                    put_bytes(member::KEY, key.as_bytes(), out);
                    put_message(member::VALUE, out, |out| map.next_value_seed(AnyValue(out)))
                })?;
            }
            Ok(())
        })
    }
}
