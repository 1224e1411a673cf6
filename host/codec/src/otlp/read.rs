//! OTLP/JSON in: as the JSON is read, the protobuf is written.

use std::borrow::Cow;
use std::fmt;

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::schema::{Kind, Member, Message};
use crate::Malformed;
use crate::binary::proto::{Wire, put_bytes, put_key, put_message, put_varint};

/// The protobuf of a message that is given as JSON. Members that it does not know are left out, as null is; JSON may be nested 128 deep.
pub(super) fn message(message: &'static Message, json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(json.len());
    let mut from = serde_json::Deserializer::from_slice(json);
    let read = Object(message, &mut out).deserialize(&mut from).and_then(|()| from.end());
    read.map(|()| out).map_err(|error| {
        let what = match error.classify() {
            Category::Data => "a value of another type than OTLP/JSON has there",
            Category::Eof => "JSON that ends early",
            Category::Syntax | Category::Io => "no JSON",
        };
        let at = if error.is_eof() { json.len() } else { place(json, error.line(), error.column()) };
        Malformed::new(what, at)
    })
}

/// The byte at a line and column, both counted from 1.
fn place(json: &[u8], line: usize, column: usize) -> usize {
    let before = json.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum::<usize>();
    (before + column.saturating_sub(1)).min(json.len())
}

/// The inside of a message.
struct Object<'a>(&'static Message, &'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match self.0.0.iter().find(|member| member.name == name) {
                Some(member) => map.next_value_seed(Value { member, out: self.1, place: Place::Member })?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

/// The value of a member.
struct Value<'a> {
    member: &'static Member,
    out: &'a mut Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    /// In a list.
    Item,
    /// In a list of numbers, which share one key.
    Packed,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Value<'_> {
    /// Whether one value may stand here: not where there must be a list of them.
    fn check<E: Error>(&self) -> Result<(), E> {
        if self.member.repeated && self.place == Place::Member { Err(E::custom("a list is expected")) } else { Ok(()) }
    }

    fn varint<E: Error>(mut self, number: u64) -> Result<(), E> {
        if number != 0 || self.member.explicit {
            self.key(Wire::Varint);
            put_varint(number, self.out);
        }
        Ok(())
    }

    fn fixed<E: Error>(mut self, wire: Wire, bytes: &[u8]) -> Result<(), E> {
        if self.member.explicit || bytes.iter().any(|&byte| byte != 0) {
            self.key(wire);
            self.out.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        if self.member.explicit || !bytes.is_empty() {
            put_bytes(self.member.number, bytes, self.out);
        }
        Ok(())
    }

    fn key(&mut self, wire: Wire) {
        if self.place != Place::Packed {
            put_key(self.member.number, wire, self.out);
        }
    }

    fn integer<E: Error>(self, number: i128) -> Result<(), E> {
        self.check()?;
        let range = |_| E::custom("a number out of range");
        match self.member.kind {
            Kind::Int64 => self.varint(i64::try_from(number).map_err(range)? as u64),
            Kind::Uint64 => self.varint(u64::try_from(number).map_err(range)?),
            Kind::Int32 => self.varint(i64::from(i32::try_from(number).map_err(range)?) as u64),
            Kind::Uint32 => self.varint(u64::from(u32::try_from(number).map_err(range)?)),
            Kind::Sint32 => {
                let number = i32::try_from(number).map_err(range)?;
                self.varint(u64::from((number << 1 ^ number >> 31) as u32))
            }
            Kind::Fixed64 => self.fixed(Wire::Fixed64, &u64::try_from(number).map_err(range)?.to_le_bytes()),
            Kind::Sfixed64 => self.fixed(Wire::Fixed64, &i64::try_from(number).map_err(range)?.to_le_bytes()),
            Kind::Fixed32 => self.fixed(Wire::Fixed32, &u32::try_from(number).map_err(range)?.to_le_bytes()),
            Kind::Double => self.fixed(Wire::Fixed64, &(number as f64).to_le_bytes()),
            _ => Err(E::custom("not a number")),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {}", self.member.name)
    }

    /// Null is as if it were not there.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.place == Place::Member { Ok(()) } else { Err(E::custom("null in a list")) }
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.check()?;
        if matches!(self.member.kind, Kind::Bool) { self.varint(u64::from(truth)) } else { Err(E::custom("not a truth value")) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.integer(i128::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.integer(i128::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.check()?;
        match self.member.kind {
            Kind::Double => self.fixed(Wire::Fixed64, &number.to_le_bytes()),
            _ if number.fract() == 0.0 && number.abs() < 2f64.powi(64) => self.integer(number as i128),
            _ => Err(E::custom("not a whole number")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.check()?;
        match self.member.kind {
            Kind::Text => self.bytes(text.as_bytes()),
            Kind::Bytes => match base64(text) {
                Some(bytes) => self.bytes(&bytes),
                None => Err(E::custom("not base64")),
            },
            Kind::Id => match unhex(text.as_bytes()) {
                Some(bytes) => self.bytes(&bytes),
                None => Err(E::custom("not hexadecimal")),
            },
            Kind::Double => {
                let number = match text {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    text => text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| E::custom("not a number"))?,
                };
                self.fixed(Wire::Fixed64, &number.to_le_bytes())
            }
            Kind::Bool | Kind::Message(_) => Err(E::custom("a text")),
            _ => self.integer(text.parse().map_err(|_| E::custom("not a number"))?),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.check()?;
        let Kind::Message(message) = self.member.kind else { return Err(Error::custom("an object")) };
        put_message(self.member.number, self.out, |out| Object(message, out).visit_map(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let member = self.member;
        if !member.repeated || self.place != Place::Member {
            return Err(Error::custom("a list"));
        }
        if matches!(member.kind, Kind::Text | Kind::Message(_)) {
            while list.next_element_seed(Value { member, out: self.out, place: Place::Item })?.is_some() {}
            return Ok(());
        }
        let start = self.out.len();
        let mut any = false;
        put_message(member.number, self.out, |out| {
            while list.next_element_seed(Value { member, out, place: Place::Packed })?.is_some() {
                any = true;
            }
            Ok(())
        })?;
        if !any {
            self.out.truncate(start);
        }
        Ok(())
    }
}

/// Bytes in base64, of either alphabet, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
    PLAIN.decode(text).or_else(|_| URL.decode(text)).ok()
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8)).collect();
    if rest.is_empty() { bytes } else { None }
}
