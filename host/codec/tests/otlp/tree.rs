//! What an event is as a tree, made from the referee's messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Value as Json, json};

use crate::Flat;

/// A value whose members keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Plain(Json),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    pub fn json(&self) -> Json {
        match self {
            Self::Plain(json) => json.clone(),
            Self::Object(members) => members.iter().map(|(key, value)| (key.clone(), value.json())).collect(),
        }
    }

    /// The value at a path, split at any of its points; of several the last.
    pub fn at(&self, path: &str) -> Option<Json> {
        let Self::Object(members) = self else { return None };
        let mut found = None;
        for (i, (key, value)) in members.iter().enumerate() {
            if members[i + 1..].iter().any(|(later, _)| later == key) {
                continue;
            }
            if key == path {
                found = Some(value.json());
            } else if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.')) {
                found = value.at(rest).or(found);
            }
        }
        found
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn time(nanos: u64) -> Json {
    match i64::try_from(nanos) {
        Ok(nanos) => {
            let second = nanos.div_euclid(1_000_000_000);
            let plain = jiff::Timestamp::from_second(second).unwrap().to_string();
            let fraction = format!("{:09}", nanos % 1_000_000_000);
            let fraction = fraction.trim_end_matches('0');
            Json::from(if fraction.is_empty() { plain } else { plain.replace('Z', &format!(".{fraction}Z")) })
        }
        Err(_) => json!(nanos),
    }
}

pub fn value(value: Option<&AnyValue>) -> Tree {
    Tree::Plain(match value.and_then(|value| value.value.as_ref()) {
        None => Json::Null,
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(truth)) => json!(truth),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => json!(number),
        Some(Value::BytesValue(bytes)) => json!(STANDARD.encode(bytes)),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|item| self::value(Some(item)).json()).collect(),
        Some(Value::KvlistValue(list)) => return attributes(&list.values),
    })
}

pub fn attributes(all: &[KeyValue]) -> Tree {
    Tree::Object(all.iter().map(|one| (one.key.clone(), value(one.value.as_ref()))).collect())
}

/// An event, by its own bytes and those around it.
pub fn event(flat: &Flat) -> Tree {
    let record = LogRecord::decode(&*flat.bytes).unwrap();
    let mut members = Vec::new();
    let mut put = |name: &str, there: bool, value: Tree| {
        if there {
            members.push((name.to_owned(), value));
        }
    };
    let plain = Tree::Plain;
    let either = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
    put("time", either != 0, plain(time(either)));
    put("observed_time", record.observed_time_unix_nano != 0, plain(time(record.observed_time_unix_nano)));
    put("severity_number", record.severity_number != 0, plain(json!(record.severity_number)));
    put("severity_text", !record.severity_text.is_empty(), plain(json!(record.severity_text)));
    put("body", record.body.is_some(), value(record.body.as_ref()));
    put("attributes", !record.attributes.is_empty(), attributes(&record.attributes));
    put("dropped_attributes_count", record.dropped_attributes_count != 0, plain(json!(record.dropped_attributes_count)));
    put("flags", record.flags != 0, plain(json!(record.flags)));
    put("trace_id", !record.trace_id.is_empty(), plain(json!(hex(&record.trace_id))));
    put("span_id", !record.span_id.is_empty(), plain(json!(hex(&record.span_id))));
    put("event_name", !record.event_name.is_empty(), plain(json!(record.event_name)));
    let owner = |fields: &[(u32, Vec<u8>)]| fields.iter().find(|field| field.0 == 1).map(|field| field.1.clone());
    let resource = owner(&flat.resource).map(|bytes| Resource::decode(&*bytes).unwrap()).unwrap_or_default();
    put("resource", !resource.attributes.is_empty(), attributes(&resource.attributes));
    let scope = owner(&flat.scope).map(|bytes| InstrumentationScope::decode(&*bytes).unwrap()).unwrap_or_default();
    let mut inside = Vec::new();
    if !scope.name.is_empty() {
        inside.push(("name".to_owned(), plain(json!(scope.name))));
    }
    if !scope.version.is_empty() {
        inside.push(("version".to_owned(), plain(json!(scope.version))));
    }
    if !scope.attributes.is_empty() {
        inside.push(("attributes".to_owned(), attributes(&scope.attributes)));
    }
    put("scope", !inside.is_empty(), Tree::Object(inside));
    Tree::Object(members)
}
