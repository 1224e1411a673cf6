//! Events in the encodings of other programs.

use serde_json::Value;

use crate::events::Event;
use crate::proto::{Message, map, text};

/// A message in the frame that gRPC puts around it.
pub fn grpc(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// An `ExportLogsServiceRequest`: what an event says are attributes of its record.
pub fn otlp(events: &[Event]) -> Vec<u8> {
    let mut scope_logs = Message::default();
    let mut scope = Message::default();
    scope.bytes(1, b"eyas-load").bytes(2, b"1.0");
    scope_logs.bytes(1, &scope.0);
    for event in events {
        let mut record = Message::default();
        record.fixed(1, event.time.to_le_bytes()).fixed(11, event.time.to_le_bytes()).int(2, 9).bytes(3, b"INFO");
        record.bytes(5, &any_value(&Value::from("an event of the load generator")));
        for (key, value) in &event.members {
            record.bytes(6, &key_value(key, value));
        }
        scope_logs.bytes(2, &record.0);
    }
    let mut resource = Message::default();
    resource.bytes(1, &key_value("service.name", &"load".into())).bytes(1, &key_value("host.name", &"bench-1".into()));
    let mut resource_logs = Message::default();
    resource_logs.bytes(1, &resource.0).bytes(2, &scope_logs.0);
    let mut request = Message::default();
    request.bytes(1, &resource_logs.0);
    request.0
}

fn key_value(key: &str, value: &Value) -> Vec<u8> {
    let mut pair = Message::default();
    pair.bytes(1, key.as_bytes()).bytes(2, &any_value(value));
    pair.0
}

fn any_value(value: &Value) -> Vec<u8> {
    let mut any = Message::default();
    match value {
        Value::Null => {}
        Value::Bool(truth) => {
            any.int(2, i64::from(*truth));
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) => {
                any.int(3, whole);
            }
            None => {
                any.fixed(4, number.as_f64().unwrap_or_default().to_le_bytes());
            }
        },
        Value::String(text) => {
            any.bytes(1, text.as_bytes());
        }
        Value::Array(items) => {
            let mut list = Message::default();
            items.iter().for_each(|item| {
                list.bytes(1, &any_value(item));
            });
            any.bytes(5, &list.0);
        }
        Value::Object(members) => {
            let mut list = Message::default();
            members.iter().for_each(|(key, value)| {
                list.bytes(1, &key_value(key, value));
            });
            any.bytes(6, &list.0);
        }
    }
    any.0
}

/// A `PushEventsRequest`.
pub fn vector(events: &[Event]) -> Vec<u8> {
    let mut request = Message::default();
    for event in events {
        let mut object = Message::default();
        for (key, value) in &event.members {
            let value = if key == "timestamp" { timestamp(event.time) } else { vector_value(value) };
            let mut entry = Message::default();
            entry.bytes(1, key.as_bytes()).bytes(2, &value);
            object.bytes(1, &entry.0);
        }
        let (mut value, mut log, mut wrapper) = (Message::default(), Message::default(), Message::default());
        value.bytes(7, &object.0);
        log.bytes(2, &value.0);
        wrapper.bytes(1, &log.0);
        request.bytes(1, &wrapper.0);
    }
    request.0
}

fn timestamp(time: i64) -> Vec<u8> {
    let (mut moment, mut value) = (Message::default(), Message::default());
    moment.int(1, time.div_euclid(1_000_000_000));
    value.bytes(2, &moment.0);
    value.0
}

fn vector_value(json: &Value) -> Vec<u8> {
    let mut value = Message::default();
    match json {
        Value::Null => {
            value.int(9, 0);
        }
        Value::Bool(truth) => {
            value.int(6, i64::from(*truth));
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) => {
                value.int(4, whole);
            }
            None => {
                value.fixed(5, number.as_f64().unwrap_or_default().to_le_bytes());
            }
        },
        Value::String(text) => {
            value.bytes(1, text.as_bytes());
        }
        Value::Array(items) => {
            let mut list = Message::default();
            items.iter().for_each(|item| {
                list.bytes(1, &vector_value(item));
            });
            value.bytes(8, &list.0);
        }
        Value::Object(members) => {
            let mut object = Message::default();
            for (key, member) in members {
                let mut entry = Message::default();
                entry.bytes(1, key.as_bytes()).bytes(2, &vector_value(member));
                object.bytes(1, &entry.0);
            }
            value.bytes(7, &object.0);
        }
    }
    value.0
}

/// A PackedForward message that asks for an acknowledgement.
pub fn forward(events: &[Event], chunk: &str) -> Vec<u8> {
    let mut entries = Vec::new();
    for event in events {
        entries.extend_from_slice(&[0x92, 0xd7, 0x00]);
        entries.extend_from_slice(&(event.time.div_euclid(1_000_000_000) as u32).to_be_bytes());
        entries.extend_from_slice(&[0; 4]);
        map(event.members.len(), &mut entries);
        for (key, value) in &event.members {
            text(key, &mut entries);
            packed(value, &mut entries);
        }
    }
    let mut message = vec![0x93];
    text("load.events", &mut message);
    message.push(0xc6);
    message.extend_from_slice(&(entries.len() as u32).to_be_bytes());
    message.extend_from_slice(&entries);
    map(1, &mut message);
    text("chunk", &mut message);
    text(chunk, &mut message);
    message
}

fn packed(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(truth) => out.push(0xc2 | u8::from(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => {
                out.push(0xd3);
                out.extend_from_slice(&whole.to_be_bytes());
            }
            None => {
                out.push(0xcb);
                out.extend_from_slice(&number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(string) => text(string, out),
        Value::Array(items) => {
            out.push(0x90 | (items.len() as u8 & 15));
            items.iter().take(15).for_each(|item| packed(item, out));
        }
        Value::Object(members) => {
            map(members.len(), out);
            for (key, value) in members {
                text(key, out);
                packed(value, out);
            }
        }
    }
}
