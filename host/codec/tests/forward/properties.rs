//! Random events, and what a tree says of them.

use eyas_codec::forward::{Batch, Entries, Scanner, ack, frame, messages as batches, msgpack, parse, read_ack, write};
use eyas_codec::{Encoding, Form, Note, Notes, cut};
use eyas_event::{Tags, Value as Said};
use proptest::prelude::*;
use rmpv::Value;
use serde_json::Value as Json;

use super::generated::{Event, all_messages, event, pack_wide, stream_of, value};
use super::support::binary::{Tree, encoded, lines, look_up, values};
use super::{event_time, forward, is_text, pack, read, unpack};

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
        for Batch { tag, entries, count } in batches(&stream) {
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
                let bytes = chunk.as_slice().unwrap_or_else(|| chunk.as_str().unwrap().as_bytes());
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
