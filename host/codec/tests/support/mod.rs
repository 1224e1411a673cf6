//! What the tests of this crate share.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests; each uses a part of it")]

pub mod binary;

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
        turn_end: None,
        request: None,
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

/// Security events of about 370 bytes, in the shape of a usual log: mostly one set of keys in one order.
pub fn events(count: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let cities = [
        ("US", "Ashburn", 39.04, -77.49),
        ("DE", "Berlin", 52.52, 13.4),
        ("BR", "São Paulo", -23.55, -46.63),
        ("IN", "Pune", 18.52, 73.85),
    ];
    let mut lines = String::new();
    for i in 0..count {
        let second = i / 5000;
        let (country, city, latitude, longitude) = cities[random.below(4)];
        let source = format!("10.{}.{}.{}", random.below(32), random.below(256), 1 + random.below(254));
        let server = random.below(500);
        let kind = random.below(100);
        let authentication = (62..90).contains(&kind);
        let event_type = if kind < 62 {
            "network_connection"
        } else if authentication {
            "authentication"
        } else {
            "dns_query"
        };
        let failure = authentication && random.below(100) < 7;
        let quoted = |text: &str, there: bool| {
            if there { format!("\"{text}\"") } else { "null".to_owned() }
        };
        let user = quoted(&format!("user{:05}", random.below(5000)), kind >= 62);
        let bytes = if kind < 62 { (40 + random.below(100_000)).to_string() } else { "null".to_owned() };
        lines += &format!(
            "{{\"timestamp\":\"2026-03-02 08:{:02}:{:02}\",\"event_id\":\"{:016x}\",\"event_type\":\"{event_type}\",\"source_ip\":\"{source}\",\
             \"destination_ip\":\"172.16.{}.{}\",\"username\":{user},\"result\":\"{}\",\"protocol\":\"{}\",\"port\":{},\"severity\":\"info\",\
             \"failure_reason\":{},\"bytes_transferred\":{bytes},\"geo_location\":{{\"country\":\"{country}\",\"city\":\"{city}\",\
             \"latitude\":{latitude},\"longitude\":{longitude}}}}}\n",
            second / 60 % 60,
            second % 60,
            random.next(),
            server / 250,
            server % 250 + 1,
            if failure { "failure" } else { "success" },
            ["TCP", "TCP", "UDP", "ICMP"][random.below(4)],
            [443, 80, 53, 22, 3306][random.below(5)],
            quoted("invalid_password", failure),
        );
    }
    lines.into_bytes()
}

/// A small random number generator (xorshift), so that every run is the same.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 11) % bound as u64) as usize
    }
}
