//! Vector's events, against a strict reading of its protocol.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod events;
mod fuzz;
mod properties;
mod real;
#[path = "../support/mod.rs"]
mod support;

use eyas_codec::{Decoding, Encoding};
use prost::Message;
use serde_json::{Value as Json, json};
use support::binary::{Tree, decoding};

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    events: Vec<Wrapper>,
}

#[derive(Clone, PartialEq, Message)]
struct Wrapper {
    #[prost(oneof = "Event", tags = "1, 2, 3")]
    event: Option<Event>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Event {
    #[prost(message, tag = "1")]
    Log(Log),
    #[prost(message, tag = "2")]
    Metric(Metric),
    #[prost(message, tag = "3")]
    Trace(Log),
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    /// A map on paper, the same on the wire; so its order is kept.
    #[prost(message, repeated, tag = "1")]
    fields: Vec<Entry>,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
    #[prost(message, optional, tag = "3")]
    metadata: Option<Value>,
    #[prost(message, optional, tag = "4")]
    metadata_full: Option<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(double, tag = "5")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    value: Option<Value>,
    #[prost(string, optional, tag = "3")]
    source_id: Option<String>,
    #[prost(string, optional, tag = "4")]
    source_type: Option<String>,
    #[prost(message, optional, tag = "5")]
    upstream_id: Option<OutputId>,
    #[prost(bytes, tag = "7")]
    source_event_id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct OutputId {
    #[prost(string, tag = "1")]
    component: String,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Map {
    #[prost(message, repeated, tag = "1")]
    fields: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 4, 5, 6, 7, 8, 9")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(bytes, tag = "1")]
    Bytes(Vec<u8>),
    #[prost(message, tag = "2")]
    Time(Time),
    #[prost(int64, tag = "4")]
    Integer(i64),
    #[prost(double, tag = "5")]
    Float(f64),
    #[prost(bool, tag = "6")]
    Boolean(bool),
    #[prost(message, tag = "7")]
    Map(Map),
    #[prost(message, tag = "8")]
    List(List),
    #[prost(int32, tag = "9")]
    Null(i32),
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

fn text(text: &str) -> Value {
    Kind::Bytes(text.as_bytes().to_vec()).into()
}

fn map(members: &[(&str, Value)]) -> Value {
    Kind::Map(Map { fields: entries(members) }).into()
}

fn entries(members: &[(&str, Value)]) -> Vec<Entry> {
    members.iter().map(|(key, value)| Entry { key: (*key).to_owned(), value: Some(value.clone()) }).collect()
}

fn members(entries: &[Entry]) -> Vec<(String, Value)> {
    entries.iter().map(|entry| (entry.key.clone(), entry.value.clone().unwrap_or_default())).collect()
}

impl Tree for Value {
    fn members(&self) -> Option<Vec<(String, Self)>> {
        if let Some(Kind::Map(map)) = &self.kind { Some(members(&map.fields)) } else { None }
    }

    fn json(&self) -> Json {
        match self.kind.as_ref() {
            Some(Kind::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
            Some(Kind::Time(time)) => {
                json!(jiff::Timestamp::new(time.seconds, time.nanos).map_or(Json::Null, |time| json!(time.to_string())))
            }
            Some(Kind::Integer(number)) => json!(number),
            Some(Kind::Float(number)) => json!(number),
            Some(Kind::Boolean(truth)) => json!(truth),
            Some(Kind::Map(map)) => object(&map.fields),
            Some(Kind::List(list)) => list.items.iter().map(Tree::json).collect(),
            Some(Kind::Null(_)) | None => Json::Null,
        }
    }
}

fn object(fields: &[Entry]) -> Json {
    members(fields).iter().map(|(key, value)| (key.clone(), value.json())).collect::<serde_json::Map<_, _>>().into()
}

impl Log {
    /// The members that the log has as an object.
    fn root(&self) -> Vec<(String, Value)> {
        match &self.value {
            None => members(&self.fields),
            Some(value) => value.members().unwrap_or_else(|| vec![("message".to_owned(), value.clone())]),
        }
    }

    /// The members of the object that takes annotations, made where there is none.
    fn target(&mut self) -> Option<&mut Vec<Entry>> {
        fn inside(value: &mut Value) -> Option<&mut Vec<Entry>> {
            if let Some(Kind::Map(map)) = &mut value.kind { Some(&mut map.fields) } else { None }
        }
        match &mut self.value {
            None => Some(&mut self.fields),
            Some(Value { kind: Some(Kind::Map(map)) }) => Some(&mut map.fields),
            Some(_) => match (&mut self.metadata_full, &mut self.metadata) {
                (None, Some(metadata)) => inside(metadata),
                (metadata, _) => inside(metadata.get_or_insert_default().value.get_or_insert_with(|| map(&[]))),
            },
        }
    }
}

fn vector() -> Decoding {
    decoding(Encoding::Vector)
}

fn request(events: &[Event]) -> Request {
    Request { events: events.iter().map(|event| Wrapper { event: Some(event.clone()) }).collect() }
}

/// What Vector sent.
fn real_bytes() -> Vec<u8> {
    include_bytes!("../wire/vector.push_events.bin").to_vec()
}
