//! Requests at random.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

pub use crate::support::Random;

pub fn pick<T: Clone>(random: &mut Random, list: &[T]) -> T {
    list[random.below(list.len())].clone()
}

pub fn text(random: &mut Random) -> String {
    match random.below(6) {
        0 => String::new(),
        1 => "São \"Paulo\" 日本\n\u{1}".to_owned(),
        2 => "x".repeat(random.below(400)),
        _ => format!("10.0.{}.{}", random.below(256), random.below(256)),
    }
}

pub fn key(random: &mut Random) -> String {
    match random.below(12) {
        0 => text(random),
        1 => "eyas".to_owned(),
        _ => pick(random, &["a", "b", "c", "a.b", "b.c", "a.b.c", "http.method", "source_ip"]).to_owned(),
    }
}

pub fn value(random: &mut Random, depth: usize) -> AnyValue {
    let value = match random.below(if depth > 4 { 6 } else { 9 }) {
        0 => Value::StringValue(text(random)),
        1 => Value::BoolValue(random.below(2) == 0),
        2 => Value::IntValue(pick(random, &[0, 1, -1, i64::MIN, i64::MAX, 1 << 40])),
        3 => Value::DoubleValue(pick(random, &[0.0, -1.5, 1e300, 0.1, 7.0])),
        4 => Value::BytesValue(text(random).into_bytes()),
        5 => return AnyValue { value: None },
        6 => Value::ArrayValue(ArrayValue { values: (0..random.below(4)).map(|_| value(random, depth + 1)).collect() }),
        _ => Value::KvlistValue(KeyValueList { values: attributes(random, depth + 1) }),
    };
    AnyValue { value: Some(value) }
}

pub fn attributes(random: &mut Random, depth: usize) -> Vec<KeyValue> {
    let one = |random: &mut Random| KeyValue { key: key(random), value: (random.below(20) > 0).then(|| value(random, depth)) };
    (0..random.below(6)).map(|_| one(random)).collect()
}

pub fn record(random: &mut Random) -> LogRecord {
    let time = |random: &mut Random| pick(random, &[0, 1_700_000_000_123_456_789, 1, u64::MAX, 1_600_000_000_000_000_000]);
    LogRecord {
        time_unix_nano: time(random),
        observed_time_unix_nano: time(random),
        severity_number: pick(random, &[0, 9, 17, -3]),
        severity_text: pick(random, &["", "INFO", "é"]).to_owned(),
        body: (random.below(4) > 0).then(|| value(random, 0)),
        attributes: attributes(random, 0),
        dropped_attributes_count: pick(random, &[0, 1, u32::MAX]),
        flags: pick(random, &[0, 1, 256]),
        trace_id: pick(random, &[Vec::new(), vec![0xab; 16]]),
        span_id: pick(random, &[Vec::new(), (1..=8).collect()]),
        event_name: pick(random, &["", "login"]).to_owned(),
    }
}

pub fn resource(random: &mut Random) -> Resource {
    Resource { attributes: attributes(random, 2), dropped_attributes_count: random.below(3) as u32, entity_refs: Vec::new() }
}

pub fn scope(random: &mut Random) -> InstrumentationScope {
    InstrumentationScope {
        name: text(random),
        version: pick(random, &["", "1.2.3"]).to_owned(),
        attributes: attributes(random, 2),
        dropped_attributes_count: random.below(3) as u32,
    }
}

/// Appends a field that is a message, a text or bytes.
pub fn put(number: u32, value: &[u8], out: &mut Vec<u8>) {
    eyas_codec::proto::put_bytes(number, value, out);
}

/// The fields of a message in any order, with one that nobody knows now and then.
fn shuffled(random: &mut Random, mut fields: Vec<(u32, Vec<u8>)>) -> Vec<u8> {
    if random.below(3) == 0 {
        fields.push((100 + random.below(3000) as u32, text(random).into_bytes()));
    }
    if random.below(3) == 0 {
        for i in (1..fields.len()).rev() {
            fields.swap(i, random.below(i + 1));
        }
    }
    let mut out = Vec::new();
    fields.iter().for_each(|(number, value)| put(*number, value, &mut out));
    out
}

/// The inside of a `ResourceLogs`.
pub fn resource_logs(random: &mut Random, records: usize) -> Vec<u8> {
    let mut fields = Vec::new();
    if random.below(8) > 0 {
        fields.push((1, resource(random).encode_to_vec()));
    }
    for _ in 0..random.below(4) {
        let mut inside = Vec::new();
        if random.below(4) > 0 {
            inside.push((1, scope(random).encode_to_vec()));
        }
        for _ in 0..random.below(records) {
            let mut bytes = record(random).encode_to_vec();
            if random.below(5) == 0 {
                put(99, b"unknown", &mut bytes);
            }
            inside.push((2, bytes));
        }
        if random.below(2) == 0 {
            inside.push((3, b"https://scope".to_vec()));
        }
        fields.push((2, shuffled(random, inside)));
    }
    if random.below(2) == 0 {
        fields.push((3, b"https://resource".to_vec()));
    }
    shuffled(random, fields)
}

/// The stream form, with metrics and spans in it.
pub fn stream(random: &mut Random, frames: usize, records: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..random.below(frames) {
        let number = pick(random, &[1, 1, 1, 1, 2, 3]);
        let frame = resource_logs(random, records);
        put(number, &frame, &mut out);
    }
    out
}
