//! What the tests of this crate share.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests; each uses a part of it")]

use std::sync::Arc;

use eyas_codec::{Decoded, Decoder, Decoding, Output, Plan, Sharding, TimeSpec};
use eyas_event::{Buffer, Condition, Field, FieldType, Keying, Partition, Slice, Subscription, Test};

pub const SHARDS: Sharding = Sharding { shards: 2, seed: 7 };

/// A slice of its own, at position 0.
pub fn slice(bytes: impl Into<Vec<u8>>) -> Slice {
    let bytes = bytes.into();
    Slice {
        partition: Partition { source: 0, number: 0 },
        position: 0,
        ingest_time: 1_800_000_000_000_000_000,
        range: 0..bytes.len(),
        buffer: Arc::new(Buffer::new(bytes)),
        header: None,
        oversize: false,
    }
}

pub fn field(path: &str, kind: FieldType) -> Field {
    Field { path: path.into(), kind }
}

pub fn is_text(path: &str, text: &str) -> Condition {
    Condition { path: path.into(), test: Test::Text(vec![text.into()]), negate: false }
}

/// All rows, wherever they are decoded, with these columns.
pub fn all(fields: &[(&str, FieldType)]) -> Subscription {
    let fields = fields.iter().map(|&(path, kind)| field(path, kind)).collect();
    Subscription { fields, keying: Keying::Stateless, timeless: true, ..Subscription::default() }
}

pub fn decoder(decoding: &Decoding, subscriptions: &[Subscription]) -> Decoder {
    Decoder::new(Arc::new(Plan::new(decoding, subscriptions, SHARDS).unwrap()))
}

pub fn decode(decoding: &Decoding, subscriptions: &[Subscription], bytes: impl Into<Vec<u8>>) -> Decoded {
    decoder(decoding, subscriptions).decode(&slice(bytes), 0)
}

pub fn time(field: &str, format: &str) -> Option<TimeSpec> {
    Some(TimeSpec::new(field, &[format.into()], "UTC").unwrap())
}

pub fn bytes(output: &Output) -> Vec<u8> {
    output.slices().flatten().copied().collect()
}

/// What the two detectors of the project ask for.
pub fn detectors() -> [Subscription; 2] {
    let brute_force = Subscription {
        fields: vec![field("source_ip", FieldType::Ip), field("destination_ip", FieldType::Ip)],
        conditions: vec![is_text("event_type", "authentication"), is_text("result", "failure")],
        keying: Keying::Keyed(vec![0, 1]),
        ..Subscription::default()
    };
    let ddos = Subscription {
        fields: vec![field("destination_ip", FieldType::Ip), field("source_ip", FieldType::Ip)],
        conditions: vec![is_text("event_type", "network_connection")],
        keying: Keying::Keyed(vec![0]),
        ..Subscription::default()
    };
    [brute_force, ddos]
}
