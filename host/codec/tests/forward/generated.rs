//! Random events, in messages.

use eyas_codec::forward::frame;
use proptest::prelude::*;
use rmpv::Value;

use super::support::binary::Tree;
use super::{event_time, pack, time_of};

/// Lengths are written in the shortest way, except of maps here and there: Fluent Bit uses the longest head for all of them.
pub fn pack_wide(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Map(members) => {
            out.push(0xdf);
            out.extend_from_slice(&(members.len() as u32).to_be_bytes());
            for (key, value) in members {
                pack_wide(key, out);
                pack_wide(value, out);
            }
        }
        other => rmpv::encode::write_value(out, other).unwrap(),
    }
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-40i64..40).prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<i16>().prop_map(|number| Value::from(f32::from(number) / 8.0)),
        "[a-zé\"\\\\ {}]{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Binary),
        (any::<u32>(), 0u32..1_000_000_000).prop_map(|(seconds, nanos)| event_time(seconds, nanos)),
        (1i8..9, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, data)| Value::Ext(kind, data)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec((key("[ab]|a\\.b|é"), inner), 0..4).prop_map(Value::Map)
        ]
    })
}

pub fn key(names: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => names.prop_map(Value::from),
        1 => names.prop_map(|name| Value::Binary(name.into_bytes())),
        1 => (0i64..3).prop_map(Value::from),
    ]
}

#[derive(Clone, Debug)]
pub struct Event {
    pub time: Value,
    pub metadata: Option<Value>,
    pub record: Vec<(Value, Value)>,
    /// Its maps have the longest heads.
    pub wide: bool,
}

impl Event {
    pub fn tree(&self) -> Value {
        let time = match &self.metadata {
            Some(metadata) => Value::Array(vec![self.time.clone(), metadata.clone()]),
            None => self.time.clone(),
        };
        Value::Array(vec![time, Value::Map(self.record.clone())])
    }

    fn pack(&self, out: &mut Vec<u8>) {
        if self.wide {
            let Value::Array(parts) = self.tree() else { unreachable!() };
            out.push(0x92);
            out.extend_from_slice(&pack(&parts[0]));
            pack_wide(&parts[1], out);
        } else {
            out.extend_from_slice(&pack(&self.tree()));
        }
    }

    /// All that has a path.
    pub fn root(&self, tag: &str) -> Vec<(String, Value)> {
        let time = match &self.time {
            Value::Integer(seconds) => Value::from(time_of(seconds.as_i64().unwrap(), 0)),
            Value::F64(seconds) => Value::from(time_of_eighths(*seconds)),
            other => other.clone(),
        };
        let mut root = vec![("@timestamp".to_owned(), time), ("@tag".to_owned(), Value::from(tag))];
        root.extend(self.metadata.clone().map(|metadata| ("@metadata".to_owned(), metadata)));
        root.extend(Value::Map(self.record.clone()).members().unwrap());
        root
    }
}

pub fn time_of_eighths(seconds: f64) -> String {
    jiff::Timestamp::from_nanosecond((seconds * 8.0) as i128 * 125_000_000).unwrap().to_string()
}

pub fn event() -> impl Strategy<Value = Event> {
    let time = prop_oneof![
        4 => (0u32..2_000_000_000, 0u32..1_000_000_000).prop_map(|(seconds, nanos)| event_time(seconds, nanos)),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        1 => Just(Value::Nil),
    ];
    let metadata = prop::option::of(prop::collection::vec((key("[ab]"), value()), 0..2).prop_map(Value::Map));
    let record = prop::collection::vec((key("[abc]|a\\.b|eyas|@tag|@metadata|@metadata\\.a"), value()), 0..18);
    (time, metadata, record, any::<bool>()).prop_map(|(time, metadata, record, wide)| Event { time, metadata, record, wide })
}

/// Messages of the stream form, and the events in each.
pub fn stream_of(messages: &[(String, Vec<Event>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (tag, events) in messages {
        let mut entries = Vec::new();
        events.iter().for_each(|event| event.pack(&mut entries));
        assert_eq!(frame(tag, &entries, &mut stream).unwrap(), events.len());
    }
    stream
}

pub fn all_messages() -> impl Strategy<Value = Vec<(String, Vec<Event>)>> {
    prop::collection::vec(("[a-c.é]{0,3}", prop::collection::vec(event(), 1..5)), 0..4)
}
