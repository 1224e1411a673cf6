//! Fluent Forward, against another reading of MessagePack.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod entries;
mod fuzz;
mod generated;
mod messages;
mod properties;
mod real;
#[path = "../support/mod.rs"]
mod support;

use eyas_codec::forward::frame;
use eyas_codec::{Decoding, Encoding};
use rmpv::Value;
use serde_json::{Value as Json, json};
use support::binary::{Tree, decoding};

impl Tree for Value {
    fn members(&self) -> Option<Vec<(String, Self)>> {
        let key = |key: &Value| match key {
            Value::String(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
            Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => other.json().to_string(),
        };
        self.as_map().map(|members| members.iter().map(|(name, value)| (key(name), value.clone())).collect())
    }

    fn json(&self) -> Json {
        match self {
            Value::Nil => Json::Null,
            Value::Boolean(truth) => json!(truth),
            Value::Integer(number) => number.as_i64().map_or_else(|| json!(number.as_u64()), |number| json!(number)),
            Value::F32(number) => json!(f64::from(*number)),
            Value::F64(number) => json!(number),
            Value::String(text) => json!(String::from_utf8_lossy(text.as_bytes())),
            Value::Binary(bytes) => json!(String::from_utf8_lossy(bytes)),
            Value::Array(items) => items.iter().map(Tree::json).collect(),
            Value::Map(_) => {
                self.members().unwrap().into_iter().map(|(key, value)| (key, value.json())).collect::<serde_json::Map<_, _>>().into()
            }
            Value::Ext(0, data) if data.len() == 8 => {
                let part = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
                json!(time_of(i64::from(part(0)), part(4) as i32))
            }
            Value::Ext(_, data) => {
                use base64::Engine;
                json!(base64::engine::general_purpose::STANDARD.encode(data))
            }
        }
    }
}

/// A time as text; nanoseconds may be more than a second has.
fn time_of(seconds: i64, nanos: i32) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)).unwrap().to_string()
}

fn pack(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, value).unwrap();
    out
}

fn unpack(bytes: &[u8]) -> Vec<Value> {
    let (mut rest, mut values) = (bytes, Vec::new());
    while !rest.is_empty() {
        values.push(rmpv::decode::read_value(&mut rest).unwrap());
    }
    values
}

fn forward() -> Decoding {
    decoding(Encoding::Forward)
}

fn event_time(seconds: u32, nanos: u32) -> Value {
    Value::Ext(0, [seconds.to_be_bytes(), nanos.to_be_bytes()].concat())
}

/// The tag and the entries of each message of a stream form.
fn read(stream: &[u8]) -> Vec<(String, Vec<Value>)> {
    let read = |message: Value| {
        let Value::Array(parts) = message else { panic!("no list") };
        let [Value::String(tag), Value::Binary(entries)] = parts.as_slice() else { panic!("{parts:?}") };
        (tag.as_str().unwrap().to_owned(), unpack(entries))
    };
    unpack(stream).into_iter().map(read).collect()
}

fn is_text(key: &Value, text: &str) -> bool {
    matches!(key, Value::String(key) if key.as_bytes() == text.as_bytes()) || matches!(key, Value::Binary(key) if key == text.as_bytes())
}

fn one(time: Value, record: &[(&str, Value)]) -> Vec<u8> {
    let record = record.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    let mut stream = Vec::new();
    frame("t", &pack(&Value::Array(vec![time, Value::Map(record)])), &mut stream).unwrap();
    stream
}
