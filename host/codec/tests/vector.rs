//! Vector's events, against a strict reading of its protocol.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use eyas_codec::{Decoding, Encoding, Form, Note, Notes, cut, vector};
use eyas_event::{FieldType, Tags, Value as Said, Values};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value as Json, json};
use support::binary::{Tree, between, decoding, encoded, lines, look_up, mutate, values};
use support::{Random, all, decode};

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

fn request(events: &[Event]) -> Request {
    Request { events: events.iter().map(|event| Wrapper { event: Some(event.clone()) }).collect() }
}

const PATHS: [&str; 7] = ["a", "b", "c", "a.b", "a.b.a", "message", "é"];

proptest! {
    #[test]
    fn what_is_asked_for_is_what_a_tree_says(events in prop::collection::vec(event(), 0..12)) {
        let stream = vector::stream(&request(&events).encode_to_vec()).unwrap();
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
                // Nothing is made where there is nothing to say.
                if !members.is_empty() || log.value.as_ref().is_none_or(|value| value.members().is_some()) || log.metadata_full.is_some() {
                    if let Some(target) = made.target() {
                        target.iter_mut().filter(|entry| entry.key == "eyas").for_each(|entry| entry.key = "eyas_in".to_owned());
                        if !members.is_empty() {
                            target.extend(entries(&[("eyas", map(&members))]));
                            *log = made;
                        } else if log.clone().target().is_some_and(|target| target.iter().any(|entry| entry.key == "eyas")) {
                            *log = made;
                        }
                    }
                } else if let Some(target) = made.target() && target.iter().any(|entry| entry.key == "eyas") {
                    target.iter_mut().filter(|entry| entry.key == "eyas").for_each(|entry| entry.key = "eyas_in".to_owned());
                    *log = made;
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

fn real() -> Vec<u8> {
    include_bytes!("wire/vector.push_events.bin").to_vec()
}

#[test]
fn real_bytes_are_the_events_that_were_sent() {
    let stream = vector::stream(&real()).unwrap();
    assert_eq!(stream, real());
    let (decoded, out) = encoded(&vector(), &stream, &Notes::default(), &[], Form::Ndjson);
    assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.opaque.len()), (100, 0, 0));
    let mut sent = lines(include_bytes!("wire/events.ndjson"));
    // Vector's own source adds these.
    sent.iter_mut().for_each(|event| {
        event["host"] = json!("vm");
        event["source_type"] = json!("stdin");
    });
    assert_eq!(lines(&out), sent);
    let paths = ["source_ip", "geo_location.latitude", "bytes_transferred", "nothing"];
    let wanted: Vec<Vec<_>> = sent
        .iter()
        .map(|event| paths.iter().map(|path| event.pointer(&format!("/{}", path.replace('.', "/"))).cloned()).collect())
        .collect();
    assert_eq!(values(&vector(), &stream, &paths), wanted);
}

#[test]
fn real_bytes_annotated_keep_all_else() {
    let tags: Vec<_> = (0..100).step_by(3).map(|row| (row, Tags::LATE)).collect();
    let (_, out) = encoded(&vector(), &real(), &Notes { tags: &tags, ..Notes::default() }, &[], Form::Vector);
    let mut wanted = Request::decode(real().as_slice()).unwrap();
    for (row, event) in wanted.events.iter_mut().enumerate().step_by(3) {
        let Some(Event::Log(log)) = &mut event.event else { panic!("{row} is a log") };
        log.fields.extend(entries(&[("eyas", map(&[("tags", Kind::List(List { items: vec![text("late")] }).into())]))]));
    }
    assert_eq!(Request::decode(out.as_slice()).unwrap(), wanted);
    assert_eq!(out.len(), wanted.encoded_len());
}

#[test]
fn each_type_is_read_from_its_kind() {
    let members = [
        ("text", text("10.0.0.1")),
        ("time", Kind::Time(Time { seconds: 1_700_000_000, nanos: 5 }).into()),
        ("number", Kind::Integer(-7).into()),
        ("float", Kind::Float(0.5).into()),
        ("truth", Kind::Boolean(true).into()),
        ("bytes", Kind::Bytes(vec![b'a', 0xff]).into()),
    ];
    let log = Log { value: Some(map(&members)), ..Log::default() };
    let stream = request(&[Event::Log(log)]).encode_to_vec();
    let fields = [
        ("text", FieldType::Ip),
        ("time", FieldType::Timestamp),
        ("number", FieldType::S64),
        ("float", FieldType::F64),
        ("truth", FieldType::Boolean),
        ("bytes", FieldType::Text),
        ("time", FieldType::Text),
        ("number", FieldType::F64),
    ];
    let decoding = Decoding { time: support::time("time", "unix_ms"), ..vector() };
    let decoded = decode(&decoding, &[all(&fields)], stream);
    assert_eq!(decoded.times, [1_700_000_000_000_000_005]);
    let columns: Vec<_> = decoded.parts[0].columns.iter().map(|column| (column.states.len(), column.values.clone())).collect();
    let text_of = |text: &str| {
        Values::Text(eyas_event::Strings { offsets: vec![0, text.len() as u32].into(), data: text.as_bytes().to_vec().into() })
    };
    let ip = std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets().to_vec();
    let wanted = [
        Values::Ip(ip.into()),
        Values::Timestamp(vec![1_700_000_000_000_000_005].into()),
        Values::S64(vec![-7].into()),
        Values::F64(vec![0.5].into()),
        Values::Boolean(vec![1].into()),
        text_of("a\u{fffd}"),
        text_of("2023-11-14T22:13:20.000000005Z"),
        Values::F64(vec![-7.0].into()),
    ];
    assert_eq!(columns, wanted.map(|values| (0, values)));
}

#[test]
fn a_trusted_member_of_our_name_is_joined() {
    let decoding = Decoding { trust_annotations: true, ..vector() };
    let list = |items: &[&str]| Kind::List(List { items: items.iter().map(|item| text(item)).collect() }).into();
    let log = |tags: &[&str]| Log { value: Some(map(&[("eyas", map(&[("tags", list(tags))])), ("a", text("b"))])), ..Log::default() };
    let stream = request(&[Event::Log(log(&["fault"]))]).encode_to_vec();
    let notes = Notes { tags: &[(0, Tags::LATE)], ..Notes::default() };
    let (_, out) = encoded(&decoding, &stream, &notes, &[], Form::Vector);
    assert_eq!(Request::decode(out.as_slice()).unwrap(), request(&[Event::Log(log(&["fault", "late"]))]));
    assert_eq!(encoded(&decoding, &stream, &Notes::default(), &[], Form::Vector).1, stream);
}

#[test]
fn lines_stand_among_the_events_as_logs() {
    let stream = request(&[Event::Log(Log::default()), Event::Log(Log::default())]).encode_to_vec();
    let alert = b"{\"id\":\"1\",\"time\":\"2023-11-14T22:13:20.5Z\",\"severity\":70,\"facts\":{\"n\":1.5}}\n";
    let notes = Notes { lines: &[(1, alert), (2, b"{}\n")], ..Notes::default() };
    let (_, out) = encoded(&vector(), &stream, &notes, &[0], Form::Vector);
    let members = [
        ("facts", map(&[("n", Kind::Float(1.5).into())])),
        ("id", text("1")),
        ("severity", Kind::Integer(70).into()),
        ("time", text("2023-11-14T22:13:20.5Z")),
        ("timestamp", Kind::Time(Time { seconds: 1_700_000_000, nanos: 500_000_000 }).into()),
    ];
    let of = |members: &[(&str, Value)]| Event::Log(Log { value: Some(map(members)), ..Log::default() });
    let wanted = [of(&members), Event::Log(Log::default()), of(&[])];
    assert_eq!(Request::decode(out.as_slice()).unwrap(), request(&wanted));
}

#[test]
fn what_is_wrong_inside_an_event_makes_that_one_a_dead_letter() {
    let good = request(&[Event::Log(Log { fields: entries(&[("a", text("b"))]), ..Log::default() })]).encode_to_vec();
    let mut deep = text("x");
    for _ in 0..127 {
        deep = Kind::List(List { items: vec![deep] }).into();
    }
    let deep = request(&[Event::Log(Log { fields: entries(&[("a", deep)]), ..Log::default() })]).encode_to_vec();
    let long = request(&[Event::Log(Log { fields: entries(&[("a", text(&"x".repeat(300)))]), ..Log::default() })]).encode_to_vec();
    for (bad, reason) in [
        (&[0x0a, 0x00][..], "not an event: no event in a wrapper, at byte 0"),
        (&[0x0a, 0x02, 0x08, 0x01], "not an event: a log that is no message, at byte 2"),
        (&[0x0a, 0x04, 0x0a, 0x00, 0x0a, 0x00], "not an event: more than one event in a wrapper, at byte 4"),
        (&[0x0a, 0x04, 0x0a, 0x02, 0x0a, 0x05], "not an event: no whole field, at byte 4"),
        (&[0x0a, 0x07, 0x0a, 0x05, 0x0a, 0x03, 0x0a, 0x01, 0xff], "not an event: a key that is not UTF-8, at byte 8"),
        (
            &[0x0a, 0x0a, 0x0a, 0x08, 0x12, 0x02, 0x48, 0x00, 0x12, 0x02, 0x48, 0x00],
            "not an event: more than one value in a log, at byte 8",
        ),
        (&deep, ""),
        (&long, "longer than the 256 bytes that an event may have (max_event_bytes)"),
    ] {
        let stream = [&good, bad, &good].concat();
        assert_eq!(vector::stream(&stream).unwrap(), stream);
        let decoding = Decoding { max_event_bytes: if reason.is_empty() { 1 << 20 } else { 256 }, ..vector() };
        let decoded = decode(&decoding, &[], stream.as_slice());
        assert_eq!((decoded.events.len(), decoded.dead.len()), (2, 1), "{reason}");
        assert_eq!((decoded.dead[0].range.clone(), decoded.dead[0].before_row), (good.len()..good.len() + bad.len(), 1));
        let said = decoded.dead[0].reason.to_string();
        assert!(if reason.is_empty() { said.contains("nested too deep") } else { said == reason }, "{said}");
        // What is no event does not go out.
        let (_, out) = encoded(&decoding, &stream, &Notes::default(), &[], Form::Vector);
        assert_eq!(out, [good.clone(), good.clone()].concat());
    }
}

#[test]
fn a_request_that_is_not_whole_is_refused_and_unknown_fields_are_left_out() {
    let event = request(&[Event::Log(Log::default())]).encode_to_vec();
    let unknown = [&event[..], &[0x10, 0x05], &event].concat();
    assert_eq!(vector::stream(&unknown).unwrap(), [event.clone(), event.clone()].concat());
    assert_eq!(vector::stream(&event[..1]).unwrap_err().to_string(), "no whole field of a PushEventsRequest, at byte 0");
    assert_eq!(vector::stream(&[0x08, 0x01]).unwrap_err().to_string(), "an event that is no message, at byte 0");
    assert!(vector::stream(&[]).unwrap().is_empty());
}

#[test]
fn mutated_requests_are_refused_or_come_out_whole() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let real = real();
    let ends: Vec<_> = (1..=4).map(|most| cut(&Encoding::Vector, &real, most)).collect();
    let value = Said::S64(1);
    let (mut accepted, mut strict) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = real[..ends[random.below(ends.len())]].to_vec();
        mutate(&mut random, &mut bytes);
        // Without the door, too.
        let (unchecked, _) = encoded(&vector(), &bytes, &Notes::default(), &[], Form::Vector);
        assert_eq!(between(&unchecked, bytes.len()), 0);
        let Ok(stream) = vector::stream(&bytes) else { continue };
        accepted += 1;
        let notes: Vec<_> = (0..4).map(|row| Note { row, detector: "d", name: "n", value: &value }).collect();
        let notes = Notes { annotations: &notes, ..Notes::default() };
        let (decoded, out) = encoded(&vector(), &stream, &notes, &[], Form::Vector);
        assert_eq!(between(&decoded, stream.len()), 0);
        let before: Vec<_> =
            decoded.events.spans.iter().map(|&(start, end)| Request::decode(&stream[start as usize..end as usize])).collect();
        if before.iter().all(Result::is_ok) {
            strict += 1;
            assert_eq!(Request::decode(out.as_slice()).unwrap().events.len(), decoded.events.len());
        }
        let (_, text) = encoded(&vector(), &stream, &notes, &[], Form::Ndjson);
        assert_eq!(lines(&text).len(), decoded.events.len());
        let _ = (Form::Vector.head(&bytes, 300), Form::Vector.halve(&bytes), cut(&Encoding::Vector, &bytes, 2));
        let _ = values_of(&stream);
    }
    assert!(accepted > 5_000 && strict > 2_000, "{accepted} accepted, {strict} strictly");
}

fn values_of(stream: &[u8]) -> usize {
    let kinds = [FieldType::Text, FieldType::Raw, FieldType::S64, FieldType::F64, FieldType::Timestamp, FieldType::Ip, FieldType::Boolean];
    let fields: Vec<_> =
        ["source_ip", "geo_location", "port", "geo_location.latitude"].iter().flat_map(|path| kinds.map(|kind| (*path, kind))).collect();
    decode(&Decoding { time: support::time("timestamp", "unix"), ..vector() }, &[all(&fields)], stream).parts.len()
}
