//! Fluent Forward, against another reading of MessagePack.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use std::borrow::Cow;
use std::io::Read;

use eyas_codec::forward::{Batch, Compression, Entries, Message, Scanner, ack, frame, messages, msgpack, parse, read_ack, write};
use eyas_codec::{Decoding, Encoding, Form, Note, Notes, OnBad, UNTIMED, cut};
use eyas_event::{FieldType, Tags, Value as Said, Values};
use proptest::prelude::*;
use rmpv::Value;
use serde_json::{Value as Json, json};
use support::binary::{Tree, between, decoding, encoded, lines, look_up, mutate, values};
use support::{Random, all, decode};

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

/// Lengths are written in the shortest way, except of maps here and there: Fluent Bit uses the longest head for all of them.
fn pack_wide(value: &Value, out: &mut Vec<u8>) {
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

fn value() -> impl Strategy<Value = Value> {
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

fn key(names: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => names.prop_map(Value::from),
        1 => names.prop_map(|name| Value::Binary(name.into_bytes())),
        1 => (0i64..3).prop_map(Value::from),
    ]
}

#[derive(Clone, Debug)]
struct Event {
    time: Value,
    metadata: Option<Value>,
    record: Vec<(Value, Value)>,
    /// Its maps have the longest heads.
    wide: bool,
}

impl Event {
    fn tree(&self) -> Value {
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
    fn root(&self, tag: &str) -> Vec<(String, Value)> {
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

fn time_of_eighths(seconds: f64) -> String {
    jiff::Timestamp::from_nanosecond((seconds * 8.0) as i128 * 125_000_000).unwrap().to_string()
}

fn event() -> impl Strategy<Value = Event> {
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
fn stream_of(messages: &[(String, Vec<Event>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (tag, events) in messages {
        let mut entries = Vec::new();
        events.iter().for_each(|event| event.pack(&mut entries));
        assert_eq!(frame(tag, &entries, &mut stream).unwrap(), events.len());
    }
    stream
}

fn all_messages() -> impl Strategy<Value = Vec<(String, Vec<Event>)>> {
    prop::collection::vec(("[a-c.é]{0,3}", prop::collection::vec(event(), 1..5)), 0..4)
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

const PATHS: [&str; 10] = ["a", "b", "c", "a.b", "a.b.a", "é", "@timestamp", "@tag", "@metadata", "@metadata.a"];

proptest! {
    #[test]
    fn what_is_asked_for_is_what_a_tree_says(messages in all_messages()) {
        let stream = stream_of(&messages);
        let events: Vec<_> = messages.iter().flat_map(|(tag, events)| events.iter().map(move |event| (tag, event))).collect();
        let wanted: Vec<Vec<_>> = events
            .iter()
            .map(|(tag, event)| {
                PATHS.iter().map(|path| look_up(&event.root(tag), path).map(|value| value.json())).collect()
            })
            .collect();
        prop_assert_eq!(values(&forward(), &stream, &PATHS), wanted);
        let (decoded, out) = encoded(&forward(), &stream, &Notes::default(), &[], Form::Ndjson);
        prop_assert_eq!((decoded.events.len(), decoded.opaque.len()), (events.len(), 0));
        let object = |(tag, event): &(&String, &Event)| {
            let mut object: serde_json::Map<_, _> = event.root(tag).into_iter().map(|(key, value)| (key, value.json())).collect();
            if object["@tag"].is_null() && !event.record.iter().any(|(key, _)| is_text(key, "@tag")) {
                object.remove("@tag");
            }
            let own = event.record.iter().any(|(key, _)| is_text(key, "@metadata"));
            if !own && object.get("@metadata").is_some_and(|metadata| metadata.as_object().is_some_and(serde_json::Map::is_empty)) {
                object.remove("@metadata");
            }
            if let Some(theirs) = object.remove("eyas") {
                object.insert("eyas_in".to_owned(), theirs);
            }
            Json::from(object)
        };
        prop_assert_eq!(lines(&out), events.iter().map(object).collect::<Vec<_>>());
    }

    #[test]
    fn with_nothing_to_say_it_is_what_came(mut messages in all_messages()) {
        for event in messages.iter_mut().flat_map(|(_, events)| events) {
            event.record.retain(|(key, _)| !is_text(key, "eyas"));
        }
        let stream = stream_of(&messages);
        let (_, out) = encoded(&forward(), &stream, &Notes::default(), &[], Form::Forward);
        prop_assert_eq!(out, stream);
    }

    #[test]
    fn annotated_it_is_the_tree_with_a_member_more(messages in all_messages(), fates in prop::collection::vec(any::<(bool, bool, bool, bool)>(), 16)) {
        let stream = stream_of(&messages);
        let (mut tags, mut annotations, mut skip, mut before) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let said = Said::Json("{\"x\":[1,-2.5,true,null,\"é\",-300]}".to_owned());
        let list = Value::Array(vec![1.into(), Value::F64(-2.5), true.into(), Value::Nil, "é".into(), (-300).into()]);
        let map = |name: &str, value: Value| Value::Map(vec![(name.into(), value)]);
        let mut wanted: Vec<(String, Vec<Value>)> = Vec::new();
        let mut row = 0;
        for (tag, events) in &messages {
            wanted.push((tag.clone(), Vec::new()));
            for event in events {
                let (tagged, noted, skipped, lined) = fates[row];
                let mut event = event.clone();
                event.record.iter_mut().filter(|(key, _)| is_text(key, "eyas")).for_each(|(key, _)| *key = "eyas_in".into());
                if lined && row % 3 == 0 {
                    before.push((row as u32, &b"{\"id\":1}\n"[..]));
                    wanted.push(("eyas.alerts".to_owned(), vec![Value::Array(vec![event_time(0, 0), map("id", 1.into())])]));
                    wanted.push((tag.clone(), Vec::new()));
                }
                let mut members = Vec::new();
                if noted {
                    annotations.push(Note { row: row as u32, detector: "d", name: "n", value: &said });
                    members.push(("detectors".into(), map("d", map("n", map("x", list.clone())))));
                }
                if tagged {
                    tags.push((row as u32, Tags::LATE));
                    members.push(("tags".into(), Value::Array(vec!["late".into()])));
                }
                if !members.is_empty() {
                    event.record.push(("eyas".into(), Value::Map(members)));
                }
                if skipped { skip.push(row as u32) } else { wanted.last_mut().unwrap().1.push(event.tree()) }
                row += 1;
            }
        }
        before.push((row as u32, b"{}\n"));
        wanted.push(("eyas.alerts".to_owned(), vec![Value::Array(vec![event_time(0, 0), Value::Map(Vec::new())])]));
        wanted.retain(|(_, entries)| !entries.is_empty());
        let notes = Notes { tags: &tags, annotations: &annotations, lines: &before };
        let (_, out) = encoded(&forward(), &stream, &notes, &skip, Form::Forward);
        prop_assert_eq!(read(&out), wanted);
    }

    #[test]
    fn cut_in_two_or_at_a_length_nothing_is_lost(messages in all_messages(), limit in 0usize..400, most in 1usize..9) {
        let stream = stream_of(&messages);
        let counts: Vec<_> = messages.iter().map(|(_, events)| events.len()).collect();
        let head = Form::Forward.head(&stream, limit);
        prop_assert!(head <= limit || read(&stream[..head]).len() == 1);
        prop_assert_eq!(head == 0, stream.is_empty());
        let cut = read(&stream[..cut(&Encoding::Forward, &stream, most)]);
        let events: usize = cut.iter().map(|(_, entries)| entries.len()).sum();
        prop_assert!(events <= most || cut.len() == 1);
        prop_assert!(cut.len() == counts.len() || events + counts[cut.len()] > most);
        let total: usize = counts.iter().sum();
        let joined = |stream: &[u8]| -> Vec<(String, Value)> {
            read(stream).into_iter().flat_map(|(tag, entries)| entries.into_iter().map(move |entry| (tag.clone(), entry))).collect()
        };
        match Form::Forward.halve(&stream) {
            None => prop_assert!(total < 2),
            Some((left, right)) => {
                prop_assert_eq!([joined(&left).len(), joined(&right).len()], [total / 2, total - total / 2]);
                prop_assert_eq!(joined(&[left, right].concat()), joined(&stream));
            }
        }
        // And so do those who make messages of it.
        let mut out = Vec::new();
        for Batch { tag, entries, count } in eyas_codec::forward::messages(&stream) {
            write(&tag, &entries, count, Some("c"), None, &mut out);
        }
        let (mut again, mut rest) = (Vec::new(), out.as_slice());
        while !rest.is_empty() {
            let end = Scanner::default().scan(rest, out.len()).unwrap().unwrap();
            let message = parse(&rest[..end]).unwrap();
            let Entries::Plain(entries) = message.entries else { panic!("packed") };
            prop_assert_eq!(Some(frame(&message.tag, &entries, &mut again).unwrap() as u64), message.size);
            rest = &rest[end..];
        }
        prop_assert_eq!(joined(&again), joined(&stream));
    }

    #[test]
    fn a_message_of_any_mode_has_its_entries(events in prop::collection::vec(event(), 1..5), option in 0usize..4, wide in any::<bool>()) {
        let mut plain = Vec::new();
        events.iter().for_each(|event| plain.extend_from_slice(&pack(&event.tree())));
        let trees: Vec<_> = events.iter().map(Event::tree).collect();
        let chunk = [None, None, Some(Value::from("c1")), Some(Value::Binary(vec![1, 0xff]))][option].clone();
        let members: Vec<_> = chunk.iter().map(|chunk| ("chunk".into(), chunk.clone())).chain([("size".into(), 3.into())]).collect();
        let options = [None, Some(Value::Nil), Some(Value::Map(members.clone())), Some(Value::Map(members))][option].clone();
        let whole = |mut parts: Vec<Value>| {
            parts.extend(options.clone());
            let mut out = Vec::new();
            if wide { pack_wide(&Value::Array(parts), &mut out) } else { out = pack(&Value::Array(parts)) }
            out
        };
        let first = &events[0];
        let mut single = vec!["t".into(), first.time.clone(), Value::Map(first.record.clone())];
        if let (Some(metadata), true) = (&first.metadata, option > 1) {
            single.push(Value::Map(vec![("metadata".into(), metadata.clone()), ("size".into(), 3.into())]));
            if let (Some(chunk), Some(Value::Map(members))) = (&chunk, single.last_mut()) {
                members.insert(0, ("chunk".into(), chunk.clone()));
            }
        } else {
            single.extend(options.clone());
        }
        let alone = if option > 1 { first.tree() } else { Event { metadata: None, ..first.clone() }.tree() };
        for (message, wanted) in [
            (whole(vec!["t".into(), Value::Array(trees.clone())]), trees.clone()),
            (whole(vec!["t".into(), Value::Binary(plain.clone())]), trees.clone()),
            (pack(&Value::Array(single)), vec![alone]),
        ] {
            prop_assert_eq!(Scanner::default().scan(&message, message.len()).unwrap(), Some(message.len()));
            let parsed = parse(&message).unwrap();
            let Entries::Plain(entries) = &parsed.entries else { panic!("packed") };
            prop_assert_eq!(unpack(entries), wanted);
            prop_assert_eq!((&*parsed.tag, parsed.size, parsed.signal), ("t", (option > 1).then_some(3), 0));
            prop_assert_eq!(parsed.chunk.map(<[u8]>::to_vec), chunk.as_ref().map(pack));
            if let Some(chunk) = &chunk {
                let answer = ack(parsed.chunk.unwrap());
                prop_assert_eq!(unpack(&answer), vec![Value::Map(vec![("ack".into(), chunk.clone())])]);
                let bytes = chunk.as_slice().map_or_else(|| chunk.as_str().unwrap().as_bytes(), |bytes| bytes);
                prop_assert_eq!(read_ack(&answer).unwrap(), bytes.to_vec());
            }
        }
    }

    #[test]
    fn values_are_written_and_read_as_another_does_it(value in value(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let bytes = pack(&value);
        let mut again = Vec::new();
        let mut reader = msgpack::Reader::new(&bytes);
        copy(&mut reader, &mut again);
        prop_assert!(reader.is_at_end());
        prop_assert_eq!(&again, &bytes);
        prop_assert_eq!(msgpack::Reader::new(&bytes).value().unwrap(), &bytes[..]);
        // A scanner that sees it piece by piece finds the same end, and no other before.
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        ends.sort_unstable();
        let mut scanner = Scanner::default();
        for end in ends {
            prop_assert_eq!(scanner.scan(&bytes[..end], bytes.len()).unwrap(), None);
        }
        prop_assert_eq!(scanner.scan(&[&bytes[..], &[0xc1; 3]].concat(), bytes.len()).unwrap(), Some(bytes.len()));
        prop_assert!(Scanner::default().scan(&bytes, bytes.len() - 1).is_err());
        prop_assert!((0..bytes.len()).all(|end| msgpack::Reader::new(&bytes[..end]).value().is_err()));
    }
}

/// Reads a value and writes it again.
fn copy(reader: &mut msgpack::Reader<'_>, out: &mut Vec<u8>) {
    use msgpack::Token;
    let before = reader.at();
    match reader.token().unwrap() {
        Token::Nil => msgpack::put_nil(out),
        Token::Bool(truth) => msgpack::put_bool(truth, out),
        Token::Integer(number) => match u64::try_from(number) {
            Ok(number) => msgpack::put_uint(number, out),
            Err(_) => msgpack::put_int(number as i64, out),
        },
        Token::Float(number) if reader.at() - before == 9 => msgpack::put_float(number, out),
        Token::Float(number) => out.extend_from_slice(&pack(&Value::F32(number as f32))),
        Token::Str(text) => msgpack::put_str(std::str::from_utf8(text).unwrap(), out),
        Token::Bin(bytes) => msgpack::put_bin(bytes, out),
        Token::Ext(kind, data) => out.extend_from_slice(&pack(&Value::Ext(kind, data.to_vec()))),
        Token::Array(items) => {
            msgpack::put_array(items, out);
            (0..items).for_each(|_| copy(reader, out));
        }
        Token::Map(members) => {
            msgpack::put_map(members, out);
            (0..members * 2).for_each(|_| copy(reader, out));
        }
    }
}

fn sent() -> Vec<Json> {
    lines(include_bytes!("wire/events.ndjson"))
}

const REAL: [&[u8]; 3] = [
    include_bytes!("wire/fluent_bit.forward.bin"),
    include_bytes!("wire/fluent_bit.forward.ack.bin"),
    include_bytes!("wire/fluent_bit.forward.gzip.bin"),
];

/// The stream form of what Fluent Bit sent.
fn real(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(Scanner::default().scan(bytes, 1 << 20).unwrap(), Some(bytes.len()));
    let message = parse(bytes).unwrap();
    let entries = match message.entries {
        Entries::Plain(entries) => entries,
        Entries::Packed { compression: Compression::Gzip, bytes } => {
            let mut entries = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut entries).unwrap();
            Cow::Owned(entries)
        }
        Entries::Packed { .. } => panic!("zstd"),
    };
    let mut stream = Vec::new();
    let count = frame(&message.tag, &entries, &mut stream).unwrap() as u64;
    assert_eq!((count, message.size.unwrap_or(100)), (100, 100));
    stream
}

#[test]
fn real_bytes_are_the_events_that_were_sent() {
    let chunks: Vec<_> = REAL.iter().map(|bytes| parse(bytes).unwrap().chunk.map(|chunk| read_ack(&ack(chunk)).unwrap())).collect();
    assert_eq!(chunks[1].as_deref(), Some(&b"e2sZstgyf7w3Wa1DlV0fFg=="[..]));
    assert_eq!((&chunks[0], &chunks[2]), (&None, &chunks[1]));
    for bytes in REAL {
        let stream = real(bytes);
        let (decoded, out) = encoded(&forward(), &stream, &Notes::default(), &[], Form::Ndjson);
        assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.opaque.len()), (100, 0, 0));
        let wanted = sent().into_iter().map(|mut event| {
            event["@tag"] = json!("sec.events");
            event["@timestamp"] = json!(event["timestamp"].as_str().unwrap().replace(' ', "T") + "Z");
            event
        });
        assert_eq!(lines(&out), wanted.collect::<Vec<_>>());
        let timed = Decoding { time: support::time("@timestamp", "rfc3339"), ..forward() };
        assert!(decode(&timed, &[], stream).times.iter().all(|&time| time > 1_700_000_000_000_000_000));
    }
}

#[test]
fn real_bytes_annotated_keep_all_else() {
    let stream = real(REAL[0]);
    let tags: Vec<_> = (0..100).step_by(3).map(|row| (row, Tags::LATE)).collect();
    let (_, out) = encoded(&forward(), &stream, &Notes { tags: &tags, ..Notes::default() }, &[], Form::Forward);
    let mut wanted = read(&stream);
    for entry in wanted[0].1.iter_mut().step_by(3) {
        let Value::Array(parts) = entry else { panic!("no list") };
        let Value::Map(record) = &mut parts[1] else { panic!("no map") };
        record.push(("eyas".into(), Value::Map(vec![("tags".into(), Value::Array(vec!["late".into()]))])));
    }
    assert_eq!(read(&out), wanted);
}

fn one(time: Value, record: &[(&str, Value)]) -> Vec<u8> {
    let record = record.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
    let mut stream = Vec::new();
    frame("t", &pack(&Value::Array(vec![time, Value::Map(record)])), &mut stream).unwrap();
    stream
}

#[test]
fn each_time_is_read_from_its_kind() {
    let timed = Decoding { time: support::time("@timestamp", "rfc3339"), max_future: None, ..forward() };
    for (time, wanted) in [
        (event_time(1_700_000_000, 5), 1_700_000_000_000_000_005),
        (Value::from(1_700_000_000), 1_700_000_000_000_000_000),
        (Value::from(-1), -1_000_000_000),
        (Value::from(1_700_000_000.25), 1_700_000_000_250_000_000),
        (Value::from(u64::MAX), UNTIMED),
        (Value::from(f64::NAN), UNTIMED),
        (Value::Nil, UNTIMED),
    ] {
        assert_eq!(decode(&timed, &[], one(time.clone(), &[])).times, [wanted], "{time}");
    }
    // A member of the record of that name wins.
    let own = one(Value::from(1), &[("@timestamp", "2023-11-14T22:13:20Z".into())]);
    assert_eq!(decode(&timed, &[], own).times, [1_700_000_000_000_000_000]);
}

#[test]
fn each_type_is_read_from_its_kind() {
    let record = [
        ("ip", Value::from("10.0.0.1")),
        ("number", Value::from(-7)),
        ("float", Value::F32(0.5)),
        ("truth", Value::from(true)),
        ("bytes", Value::Binary(b"plain".to_vec())),
        ("odd", Value::Binary(vec![b'a', 0xff])),
        ("time", event_time(1, 0)),
    ];
    let fields = [
        ("ip", FieldType::Ip),
        ("number", FieldType::S64),
        ("float", FieldType::F64),
        ("truth", FieldType::Boolean),
        ("bytes", FieldType::Text),
        ("odd", FieldType::Text),
        ("time", FieldType::Timestamp),
        ("@timestamp", FieldType::Text),
    ];
    let decoded = decode(&forward(), &[all(&fields)], one(Value::from(2), &record));
    let text = |text: &str| {
        Values::Text(eyas_event::Strings { offsets: vec![0, text.len() as u32].into(), data: text.as_bytes().to_vec().into() })
    };
    let wanted = [
        Values::Ip(std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets().to_vec().into()),
        Values::S64(vec![-7].into()),
        Values::F64(vec![0.5].into()),
        Values::Boolean(vec![1].into()),
        text("plain"),
        text("a\u{fffd}"),
        Values::Timestamp(vec![1_000_000_000].into()),
        text("1970-01-01T00:00:02Z"),
    ];
    let columns: Vec<_> = decoded.parts[0].columns.iter().map(|column| (column.states.len(), column.values.clone())).collect();
    assert_eq!(columns, wanted.map(|values| (0, values)));
}

#[test]
fn a_trusted_member_of_our_name_is_joined() {
    let decoding = Decoding { trust_annotations: true, ..forward() };
    let record = |tags: &[&str]| {
        let tags = Value::Array(tags.iter().map(|&tag| tag.into()).collect());
        one(event_time(1, 0), &[("eyas", Value::Map(vec![("tags".into(), tags)])), ("a", 1.into())])
    };
    let notes = Notes { tags: &[(0, Tags::LATE)], ..Notes::default() };
    let stream = record(&["fault"]);
    assert_eq!(encoded(&decoding, &stream, &notes, &[], Form::Forward).1, record(&["fault", "late"]));
    assert_eq!(encoded(&decoding, &stream, &Notes::default(), &[], Form::Forward).1, stream);
}

#[test]
fn a_map_grows_into_the_next_longer_head() {
    for members in [14, 15, 16, 65_534, 65_535, 65_536] {
        let record: Vec<_> = (0..members).map(|i| (format!("{i}"), Value::Nil)).collect();
        let record: Vec<_> = record.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let notes = Notes { tags: &[(0, Tags::LATE)], ..Notes::default() };
        let (_, out) = encoded(&forward(), &one(event_time(1, 0), &record), &notes, &[], Form::Forward);
        let entry = &read(&out)[0].1[0];
        assert_eq!(entry[1].as_map().unwrap().len(), members + 1);
        assert_eq!(entry[1]["eyas"]["tags"][0].as_str(), Some("late"));
    }
}

#[test]
fn marks_of_groups_pass_untouched() {
    let marks = [event_time(u32::MAX, 0), event_time(u32::MAX - 1, 0)];
    let mut entries = Vec::new();
    let group = Value::Map(vec![("a".into(), 1.into()), ("eyas".into(), 1.into())]);
    let entry = |time: &Value| Value::Array(vec![Value::Array(vec![time.clone(), group.clone()]), group.clone()]);
    for time in [&marks[0], &event_time(u32::MAX, 1), &marks[1]] {
        entries.extend_from_slice(&pack(&entry(time)));
    }
    let mut stream = Vec::new();
    frame("t", &entries, &mut stream).unwrap();
    let tags = [(0, Tags::LATE), (1, Tags::LATE), (2, Tags::LATE)];
    let (decoded, out) = encoded(&forward(), &stream, &Notes { tags: &tags, ..Notes::default() }, &[], Form::Forward);
    assert_eq!(decoded.opaque, [0, 2]);
    let out = &read(&out)[0].1;
    assert_eq!((&out[0], &out[2]), (&entry(&marks[0]), &entry(&marks[1])));
    assert_eq!(out[1][1]["eyas"]["tags"][0].as_str(), Some("late"));
}

#[test]
fn what_is_wrong_inside_an_entry_makes_that_one_a_dead_letter() {
    let good = pack(&Value::Array(vec![event_time(1, 0), Value::Map(Vec::new())]));
    let mut deep = Value::Nil;
    (0..127).for_each(|_| deep = Value::Array(vec![std::mem::replace(&mut deep, Value::Nil)]));
    let pair = |time: Value, record: Value| pack(&Value::Array(vec![time, record]));
    let map = |key: &str, value: Value| Value::Map(vec![(key.into(), value)]);
    for (bad, reason) in [
        (vec![0xc0], "not an event: an entry that is no list of time and record, at byte 0"),
        (pack(&Value::Array(vec![1.into()])), "not an event: an entry that is no list of time and record, at byte 0"),
        (pair("now".into(), map("a", 1.into())), "not an event: an entry without a time, at byte 1"),
        (pair(Value::Ext(0, vec![0; 4]), map("a", 1.into())), "not an event: an entry without a time, at byte 1"),
        (pair(1.into(), Value::Nil), "not an event: a record that is no map, at byte 2"),
        (
            pair(Value::Array(vec![1.into()]), map("a", 1.into())),
            "not an event: an entry whose time is no list of time and metadata, at byte 1",
        ),
        (pair(Value::Array(vec![1.into(), 1.into()]), map("a", 1.into())), "not an event: metadata that is no map, at byte 3"),
        (pair(1.into(), map("a", deep)), ""),
        (pair(1.into(), map("a", "x".repeat(300).into())), "longer than the 256 bytes that an event may have (max_event_bytes)"),
    ] {
        let mut stream = Vec::new();
        assert_eq!(frame("t", &[&good[..], &bad, &good].concat(), &mut stream).unwrap(), 3);
        let decoding = Decoding { max_event_bytes: 256, ..forward() };
        let decoded = decode(&decoding, &[], stream.as_slice());
        assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.dead[0].before_row), (2, 1, 1), "{reason}");
        assert_eq!(stream[decoded.dead[0].range.clone()], bad);
        let said = decoded.dead[0].reason.to_string();
        assert!(if reason.is_empty() { said.contains("nested too deep") } else { said == reason }, "{said}");
        // What is no event does not go out.
        let (_, out) = encoded(&decoding, &stream, &Notes::default(), &[], Form::Forward);
        let mut wanted = Vec::new();
        frame("t", &[&good[..], &good].concat(), &mut wanted).unwrap();
        assert_eq!(out, wanted);
    }
}

#[test]
fn a_message_of_which_an_event_is_buried_for_its_time_goes_out_without_it() {
    let entry = |time: Value| pack(&Value::Array(vec![time, Value::Map(Vec::new())]));
    let mut stream = Vec::new();
    frame("a", &[entry(1.into()), entry(Value::Nil)].concat(), &mut stream).unwrap();
    frame("b", &[entry(2.into()), entry(3.into())].concat(), &mut stream).unwrap();
    let decoding = Decoding { time: support::time("@timestamp", "rfc3339"), on_bad: OnBad::DeadLetter, ..forward() };
    let notes = Notes { tags: &[(2, Tags::LATE)], ..Notes::default() };
    let (decoded, out) = encoded(&decoding, &stream, &notes, &[], Form::Forward);
    assert_eq!((decoded.events.len(), decoded.dead.len()), (3, 1));
    let out = read(&out);
    assert_eq!((out[0].1.len(), out[1].1.len()), (1, 2));
    assert_eq!(out[1].1[1][1]["eyas"]["tags"][0].as_str(), Some("late"));
}

#[test]
fn lines_become_entries_with_their_time() {
    let mut out = Vec::new();
    Form::Forward.lines(
        b"{\"time\":\"2023-11-14T22:13:20.5Z\",\"n\":18446744073709551615}\n{\"time\":\"1969-12-31T23:59:59Z\"}\nno json\n",
        &mut out,
    );
    let entries = &read(&out)[0];
    assert_eq!(entries.0, "eyas.alerts");
    let record = |members: &[(&str, Value)]| Value::Map(members.iter().map(|(key, value)| ((*key).into(), value.clone())).collect());
    let wanted = [
        (event_time(1_700_000_000, 500_000_000), record(&[("n", u64::MAX.into()), ("time", "2023-11-14T22:13:20.5Z".into())])),
        ((-1).into(), record(&[("time", "1969-12-31T23:59:59Z".into())])),
        (event_time(0, 0), record(&[("message", "no json".into())])),
    ];
    assert_eq!(entries.1, wanted.map(|(time, record)| Value::Array(vec![time, record])));
}

#[test]
fn messages_that_are_none_are_refused_and_say_why() {
    let refused = |message: Value| parse(&pack(&message)).unwrap_err().to_string();
    assert_eq!(refused(1.into()), "not a list, at byte 0");
    assert_eq!(refused(Value::Array(vec!["t".into()])), "not a message: a tag and entries are expected, at byte 0");
    assert_eq!(refused(Value::Array(vec![1.into(), Value::Nil])), "neither text nor binary, at byte 1");
    assert_eq!(refused(Value::Array(vec!["t".into(), 1.into()])), "a time without a record, at byte 4");
    let with = |option: Value| Value::Array(vec!["t".into(), Value::Array(Vec::new()), option]);
    assert_eq!(refused(with(1.into())), "an option that is no map, at byte 4");
    let option = |key: &str, value: Value| with(Value::Map(vec![(key.into(), value)]));
    assert_eq!(refused(option("chunk", 1.into())), "a chunk that is neither text nor binary, at byte 11");
    assert_eq!(refused(option("compressed", "lz4".into())), "an unknown compression; text, gzip or zstd are expected, at byte 16");
    let nothing = Message { tag: Cow::default(), entries: Entries::Plain(Cow::default()), chunk: None, size: None, signal: 0 };
    assert_eq!(parse(&[0xc0]), Ok(nothing));
    assert_eq!(parse(&pack(&option("fluent_signal", 1.into()))).unwrap().signal, 1);
    let packed = Value::Array(vec!["t".into(), Value::Binary(vec![1]), Value::Map(vec![("compressed".into(), "zstd".into())])]);
    assert_eq!(parse(&pack(&packed)).unwrap().entries, Entries::Packed { compression: Compression::Zstd, bytes: &[1] });
    let mut out = vec![7];
    assert_eq!(frame("t", &[0xc0, 0x92, 0xc0], &mut out).unwrap_err().to_string(), "a MessagePack value that ends early, at byte 1");
    assert_eq!(frame("t", &[0xc0, 0x91, 0xc1], &mut out).unwrap_err().to_string(), "no MessagePack value, at byte 2");
    assert_eq!(out, [7]);
    assert!(read_ack(&[0x80]).is_err());
}

#[test]
fn what_is_too_long_is_refused_before_it_is_there() {
    let scan = |head: &[u8]| Scanner::default().scan(head, 1000);
    assert_eq!(scan(&[0x92, 0xa1, b't', 0xc6, 0, 0, 0x03, 0xe0]), Ok(None));
    for head in [
        &[0x92, 0xa1, b't', 0xc6, 0, 0, 0x04, 0][..],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(scan(head).is_err(), "{head:?}");
    }
    // However deep it is: no memory is held for what is open.
    let deep = vec![0x91; 100_000];
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(&deep, 1 << 20), Ok(None));
    assert_eq!(scanner.scan(&[&deep[..], &[0xc0]].concat(), 1 << 20), Ok(Some(100_001)));
}

#[test]
fn long_lists_of_entries_become_messages_that_can_be_cut() {
    let entry = pack(&Value::Array(vec![1.into(), Value::Map(Vec::new())]));
    let mut stream = Vec::new();
    assert_eq!(frame("t", &entry.repeat(40_000), &mut stream).unwrap(), 40_000);
    let counts: Vec<_> = read(&stream).iter().map(|(_, entries)| entries.len()).collect();
    assert_eq!(counts, [16_384, 16_384, 40_000 - 2 * 16_384]);
    let joined: Vec<_> = messages(&stream).map(|batch| (batch.tag.into_owned(), batch.count, batch.entries.len())).collect();
    assert_eq!(joined, [("t".to_owned(), 40_000, 40_000 * entry.len())]);
    let output = encoded(&forward(), &stream, &Notes::default(), &[], Form::Forward).1;
    assert_eq!(output, stream);
}

#[test]
fn mutated_messages_are_refused_or_come_out_whole() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let full = real(REAL[0]);
    let entries = messages(&full).next().unwrap().entries.into_owned();
    let mut ends = Vec::new();
    let mut reader = msgpack::Reader::new(&entries);
    while ends.len() < 4 {
        reader.value().unwrap();
        ends.push(reader.at());
    }
    let value = Said::S64(1);
    let notes: Vec<_> = (0..4).map(|row| Note { row, detector: "d", name: "n", value: &value }).collect();
    let notes = Notes { annotations: &notes, ..Notes::default() };
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        write("sec.events", &entries[..ends[random.below(4)]], 4, Some("chunk"), Some("text"), &mut bytes);
        if random.below(2) == 0 {
            // Forward mode.
            let count = ends.iter().filter(|&&end| end <= bytes.len()).count().max(1);
            bytes = [&[0x92, 0xa1, b't', 0x90 | count as u8][..], &entries[..ends[count - 1]]].concat();
        }
        mutate(&mut random, &mut bytes);
        let _ = (read_ack(&bytes), messages(&bytes).count(), cut(&Encoding::Forward, &bytes, 2));
        // Without the door, too.
        let (unchecked, _) = encoded(&forward(), &bytes, &Notes::default(), &[], Form::Forward);
        between(&unchecked, bytes.len());
        let mut scanner = Scanner::default();
        let half = random.below(bytes.len() + 1);
        let first = scanner.scan(&bytes[..half], 1 << 16);
        let whole = if first == Ok(None) { scanner.scan(&bytes, 1 << 16) } else { first };
        assert_eq!(whole, Scanner::default().scan(&bytes, 1 << 16));
        let Ok(Some(end)) = whole else { continue };
        let Ok(Message { tag, entries: Entries::Plain(entries), .. }) = parse(&bytes[..end]) else { continue };
        let mut stream = Vec::new();
        let Ok(count) = frame(&tag, &entries, &mut stream) else { continue };
        accepted += 1;
        let (decoded, out) = encoded(&forward(), &stream, &notes, &[], Form::Forward);
        assert_eq!(decoded.events.len() + decoded.dead.len(), count);
        let out: usize = if out.is_empty() { 0 } else { read(&out).iter().map(|(_, entries)| entries.len()).sum() };
        assert_eq!(out, decoded.events.len());
        let (_, text) = encoded(&forward(), &stream, &notes, &[], Form::Ndjson);
        assert_eq!(lines(&text).len(), decoded.events.len());
        let _ = (Form::Forward.head(&stream, 300), Form::Forward.halve(&stream));
        let kinds =
            [FieldType::Text, FieldType::Raw, FieldType::S64, FieldType::F64, FieldType::Timestamp, FieldType::Ip, FieldType::Boolean];
        let paths = ["source_ip", "geo_location", "port", "geo_location.latitude", "@timestamp", "@metadata.a"];
        let fields: Vec<_> = paths.iter().flat_map(|path| kinds.map(|kind| (*path, kind))).collect();
        decode(&Decoding { time: support::time("@timestamp", "unix"), ..forward() }, &[all(&fields)], stream);
    }
    assert!(accepted > 3_000, "{accepted}");
}
