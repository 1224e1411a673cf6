//! Random events, and what a tree says of them.

use eyas_codec::vector::stream;
use eyas_codec::{Encoding, Form, Note, Notes, cut};
use eyas_event::{Tags, Value as Said};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value as Json;

use super::support::binary::{Tree, encoded, lines, look_up, values};
use super::support::decode;
use super::{Entry, Event, Kind, List, Log, Map, Metadata, Metric, Request, Time, Value, entries, map, object, request, text, vector};

/// Values as Vector sends them, and a few that it never would.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[a-zé\"\\\\ {}]{0,12}".prop_map(|string| text(&string)),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Kind::Bytes(bytes).into()),
        any::<i64>().prop_map(|number| Kind::Integer(number).into()),
        any::<i32>().prop_map(|number| Kind::Float(f64::from(number) / 8.0).into()),
        any::<bool>().prop_map(|truth| Kind::Boolean(truth).into()),
        (-9_000_000_000i64..9_000_000_000, 0..1_000_000_000).prop_map(|(seconds, nanos)| Kind::Time(Time { seconds, nanos }).into()),
        Just(Kind::Null(0).into()),
        Just(Value { kind: None }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| Kind::List(List { items }).into()),
            prop::collection::vec(("[ab]|a\\.b|é", inner), 0..4).prop_map(|members| {
                let fields = members.into_iter().map(|(key, value)| Entry { key, value: Some(value) }).collect();
                Kind::Map(Map { fields }).into()
            })
        ]
    })
}

fn log() -> impl Strategy<Value = Log> {
    let fields = prop::collection::vec(("[abc]|a\\.b|eyas|message", prop::option::of(value())), 0..6);
    let fields = fields.prop_map(|fields| fields.into_iter().map(|(key, value)| Entry { key, value }).collect::<Vec<_>>());
    let metadata = (prop::option::of(value()), prop::option::of("[a-z]{0,4}"), prop::collection::vec(any::<u8>(), 0..3))
        .prop_map(|(value, source_id, source_event_id)| Metadata { value, source_id, source_event_id, ..Metadata::default() });
    let parts = (fields, prop::option::weighted(0.4, value()), prop::option::of(value()), prop::option::of(metadata), any::<bool>());
    parts.prop_map(|(fields, value, metadata, metadata_full, object)| {
        let value = if object { value.map(|_| Kind::Map(Map { fields: fields.clone() }).into()) } else { value };
        Log { fields, value, metadata, metadata_full }
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => log().prop_map(Event::Log),
        1 => ("[a-z]{0,4}", any::<i32>()).prop_map(|(name, value)| Event::Metric(Metric { name, value: f64::from(value) })),
        1 => log().prop_map(Event::Trace),
    ]
}

const PATHS: [&str; 7] = ["a", "b", "c", "a.b", "a.b.a", "message", "é"];

proptest! {
    #[test]
    fn what_is_asked_for_is_what_a_tree_says(events in prop::collection::vec(event(), 0..12)) {
        let stream = stream(&request(&events).encode_to_vec()).unwrap();
        let logs: Vec<_> = events.iter().filter_map(|event| if let Event::Log(log) = event { Some(log) } else { None }).collect();
        let wanted: Vec<Vec<_>> =
            logs.iter().map(|log| PATHS.iter().map(|path| look_up(&log.root(), path).map(|value| value.json())).collect()).collect();
        prop_assert_eq!(values(&vector(), &stream, &PATHS), wanted);
        let (decoded, lines_out) = encoded(&vector(), &stream, &Notes::default(), &[], Form::Ndjson);
        prop_assert_eq!(decoded.events.len(), events.len());
        prop_assert_eq!(decoded.opaque.len(), events.len() - logs.len());
        let renamed = |log: &Log| {
            let mut object = object(&log.root().into_iter().map(|(key, value)| Entry { key, value: Some(value) }).collect::<Vec<_>>());
            if let Some(theirs) = object.as_object_mut().unwrap().remove("eyas") {
                object["eyas_in"] = theirs;
            }
            object
        };
        let opaque = |line: &Json| line.as_object().unwrap().contains_key("opaque");
        let all: Vec<_> = lines(&lines_out);
        prop_assert_eq!(all.iter().filter(|line| !opaque(line)).cloned().collect::<Vec<_>>(), logs.into_iter().map(renamed).collect::<Vec<_>>());
    }

    #[test]
    fn with_nothing_to_say_it_is_what_came(events in prop::collection::vec(event(), 0..12)) {
        let mut request = request(&events);
        request.events.iter_mut().for_each(|event| if let Some(Event::Log(log)) = &mut event.event {
            log.target().into_iter().for_each(|target| target.retain(|entry| entry.key != "eyas"));
        });
        let stream = request.encode_to_vec();
        let (_, out) = encoded(&vector(), &stream, &Notes::default(), &[], Form::Vector);
        prop_assert_eq!(out, stream);
    }

    #[test]
    fn annotated_it_is_the_tree_with_a_member_more(events in prop::collection::vec((event(), any::<(bool, bool, bool)>()), 0..12)) {
        let stream = request(&events.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>()).encode_to_vec();
        let (mut tags, mut annotations, mut skip, mut wanted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let said = Said::Json("{\"x\":[1,-2.5,true,null,\"é\"]}".to_owned());
        let list = vec![Kind::Integer(1).into(), Kind::Float(-2.5).into(), Kind::Boolean(true).into(), Kind::Null(0).into(), text("é")];
        for (row, (event, (tagged, noted, skipped))) in events.iter().enumerate() {
            let row = row as u32;
            let mut members = Vec::new();
            if *noted {
                annotations.push(Note { row, detector: "d", name: "n", value: &said });
                let value = map(&[("x", Kind::List(List { items: list.clone() }).into())]);
                members.push(("detectors", map(&[("d", map(&[("n", value)]))])));
            }
            if *tagged {
                tags.push((row, Tags::LATE));
                members.push(("tags", Kind::List(List { items: vec![text("late")] }).into()));
            }
            if *skipped {
                skip.push(row);
                continue;
            }
            let mut event = event.clone();
            if let Event::Log(log) = &mut event {
                let mut made = log.clone();
                if let Some(target) = made.target() {
                    let theirs = target.iter_mut().filter(|entry| entry.key == "eyas").map(|entry| entry.key = "eyas_in".to_owned()).count();
                    if !members.is_empty() {
                        target.extend(entries(&[("eyas", map(&members))]));
                    }
                    // Nothing is made where there is nothing to say.
                    if theirs > 0 || !members.is_empty() {
                        *log = made;
                    }
                }
            }
            wanted.push(event);
        }
        let notes = Notes { tags: &tags, annotations: &annotations, ..Notes::default() };
        let (_, out) = encoded(&vector(), &stream, &notes, &skip, Form::Vector);
        let read = Request::decode(out.as_slice()).unwrap();
        // Not an entry without a value among them became another.
        let filled = |mut request: Request| {
            request.events.iter_mut().for_each(|event| if let Some(Event::Log(log)) = &mut event.event {
                log.target().into_iter().flatten().for_each(|entry| _ = entry.value.get_or_insert_default());
            });
            request
        };
        prop_assert_eq!(filled(read), filled(request(&wanted)));
    }

    #[test]
    fn cut_in_two_or_at_a_length_nothing_is_lost(events in prop::collection::vec(event(), 0..12), limit in 0usize..400, most in 1usize..5) {
        let stream = request(&events).encode_to_vec();
        let head = Form::Vector.head(&stream, limit);
        prop_assert!(head <= limit || decode(&vector(), &[], &stream[..head]).events.len() == 1);
        prop_assert_eq!(head == 0, stream.is_empty());
        let cut = cut(&Encoding::Vector, &stream, most);
        prop_assert_eq!(Request::decode(&stream[..cut]).unwrap().events.len(), most.min(events.len()));
        match Form::Vector.halve(&stream) {
            None => prop_assert!(events.len() < 2),
            Some((left, right)) => {
                let halves = [Request::decode(left.as_slice()).unwrap().events.len(), Request::decode(right.as_slice()).unwrap().events.len()];
                prop_assert_eq!(halves, [events.len() / 2, events.len() - events.len() / 2]);
                prop_assert_eq!([left, right].concat(), stream);
            }
        }
    }
}
