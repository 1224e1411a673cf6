//! What goes out is what came in, but for what is said.

use eyas_codec::{Decoded, Decoding, Encoder, Form, Namesakes, Note, Notes, Output, Plan};
use eyas_event::{Tags, Value as Said};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde_json::{Value as Json, json};

use crate::random::{self, Random};
use crate::support::{SHARDS, bytes, decode};
use crate::tree::{self, Tree};
use crate::{Flat, decoding, flat};

fn encode(decoding: &Decoding, decoded: &Decoded, notes: &Notes<'_>, skip: &[u32], form: Form) -> Output {
    Encoder::new(&Plan::new(decoding, &[], SHARDS).unwrap()).encode(&decoded.events, &decoded.namesakes, notes, skip, form)
}

/// All events as lines of JSON.
pub fn lines(decoded: &Decoded) -> Vec<u8> {
    bytes(&encode(&decoding(), decoded, &Notes::default(), &[], Form::Ndjson))
}

/// What a value in JSON is in protobuf.
fn any(json: &Json) -> AnyValue {
    let value = match json {
        Json::Null => return AnyValue { value: None },
        Json::Bool(truth) => Value::BoolValue(*truth),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::DoubleValue(number.as_f64().unwrap()), Value::IntValue),
        Json::String(text) => Value::StringValue(text.clone()),
        Json::Array(_) => panic!("not in these tests"),
        Json::Object(members) => {
            let values = members.iter().map(|(key, value)| KeyValue { key: key.clone(), value: Some(any(value)) }).collect();
            Value::KvlistValue(KeyValueList { values })
        }
    };
    AnyValue { value: Some(value) }
}

#[test]
fn with_nothing_to_say_it_is_the_same_bytes_and_no_copy() {
    let mut random = Random(3);
    for _ in 0..500 {
        let stream = random::stream(&mut random, 8, 6);
        let decoded = decode(&decoding(), &[], stream.clone());
        let events = &decoded.events;
        let plan = Plan::new(&decoding(), &[], SHARDS).unwrap();
        let output = Encoder::new(&plan).encode(events, &Namesakes::default(), &Notes::default(), &[], Form::Otlp);
        assert_eq!(bytes(&output), stream);
        assert!(output.slices().count() <= 1);
    }
}

/// What is said of an event, as the tests say it.
#[derive(Clone, Copy, PartialEq)]
struct Fate {
    late: bool,
    noted: bool,
    skipped: bool,
    line: bool,
}

#[test]
fn what_is_said_is_an_attribute_and_all_else_stays() {
    let mut random = Random(17);
    let (mut alert, mut said, mut renamed) = (Vec::new(), 0, 0);
    Form::Otlp.lines(b"{\"id\":\"x\",\"title\":\"t\"}\n", &mut alert);
    let number = Said::S64(7);
    for round in 0..1500 {
        let stream = random::stream(&mut random, 6, 6);
        let decoded = decode(&decoding(), &[], stream.clone());
        let came = flat(&stream);
        let often = 1 + round % 7;
        let mut one_in = |n: usize| random.below(n * often) == 0;
        let fates: Vec<_> = came.iter().map(|_| Fate { late: one_in(3), noted: one_in(3), skipped: one_in(4), line: one_in(5) }).collect();
        let rows =
            |test: &dyn Fn(&Fate) -> bool| (0u32..).zip(&fates).filter(|(_, fate)| test(fate)).map(|(row, _)| row).collect::<Vec<_>>();
        let is_log = |row: &u32| came[*row as usize].number == 1;
        let tags: Vec<_> = rows(&|fate| fate.late).into_iter().filter(is_log).map(|row| (row, Tags::LATE)).collect();
        let noted = rows(&|fate| fate.noted).into_iter().filter(is_log);
        let annotations: Vec<_> = noted.map(|row| Note { row, detector: "d", name: "n", value: &number }).collect();
        let lines: Vec<_> = rows(&|fate| fate.line).into_iter().map(|row| (row, &*alert)).chain([(came.len() as u32, &*alert)]).collect();
        let skip = rows(&|fate| fate.skipped);
        let notes = Notes { tags: &tags, annotations: &annotations, lines: &lines };
        let output = flat(&bytes(&encode(&decoding(), &decoded, &notes, &skip, Form::Otlp)));

        let mut wanted = Vec::new();
        for (flat, fate) in came.iter().zip(&fates) {
            wanted.extend(fate.line.then(|| crate::flat(&alert).remove(0)));
            if !fate.skipped {
                let expected = expected(flat, fate);
                said += usize::from(expected.bytes.len() > flat.bytes.len());
                renamed += usize::from(expected.bytes != flat.bytes && !expected.bytes.starts_with(&flat.bytes));
                wanted.push(expected);
            }
        }
        wanted.push(crate::flat(&alert).remove(0));
        assert_eq!(output.len(), wanted.len());
        for (own, wanted) in output.iter().zip(&wanted) {
            let sorted = |fields: &[(u32, Vec<u8>)]| {
                let mut fields = fields.to_vec();
                fields.sort();
                fields
            };
            assert_eq!((sorted(&own.resource), sorted(&own.scope)), (sorted(&wanted.resource), sorted(&wanted.scope)));
            assert_eq!(own.bytes, wanted.bytes);
        }
    }
    assert!(said > 1000 && renamed > 500, "{said} annotated, {renamed} with a namesake");
}

/// The event with the attribute appended, and with its namesakes renamed.
fn expected(flat: &Flat, fate: &Fate) -> Flat {
    if flat.number != 1 {
        return flat.clone();
    }
    let mut bytes = Vec::new();
    for (number, value) in crate::fields(&flat.bytes) {
        let Ok(mut attribute) = KeyValue::decode(&*value) else { continue };
        if number == 6 && attribute.key == "eyas" {
            attribute.key = "eyas_in".to_owned();
            random::put(6, &attribute.encode_to_vec(), &mut bytes);
        }
    }
    if bytes.is_empty() {
        bytes = flat.bytes.clone();
    } else {
        // The referee writes attributes where they belong; unknown fields, which it does not keep, stand last.
        let mut record = LogRecord::decode(&*flat.bytes).unwrap();
        for attribute in record.attributes.iter_mut().filter(|attribute| attribute.key == "eyas") {
            attribute.key = "eyas_in".to_owned();
        }
        let known = LogRecord::decode(&*flat.bytes).unwrap().encoded_len();
        bytes = record.encode_to_vec();
        bytes.extend_from_slice(&flat.bytes[known..]);
    }
    let mut said = serde_json::Map::new();
    if fate.noted {
        said.insert("detectors".into(), json!({"d": {"n": 7}}));
    }
    let mut values: Vec<_> = said.iter().map(|(key, value)| KeyValue { key: key.clone(), value: Some(any(value)) }).collect();
    if fate.late {
        let tags = Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values: vec![any(&json!("late"))] });
        values.insert(0, KeyValue { key: "tags".into(), value: Some(AnyValue { value: Some(tags) }) });
    }
    if !values.is_empty() {
        let value = AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) };
        let attribute = KeyValue { key: "eyas".into(), value: Some(value) };
        random::put(6, &attribute.encode_to_vec(), &mut bytes);
    }
    Flat { bytes, ..flat.clone() }
}

#[test]
fn a_trusted_attribute_of_our_name_is_joined_where_it_stands() {
    let attribute = |key: &str, json: &Json| KeyValue { key: key.into(), value: Some(any(json)) };
    let ours = json!({"detectors": {"d": {"n": 1, "x": true}}, "more": 0.5});
    let record = |ours: &Json| LogRecord {
        time_unix_nano: 9,
        attributes: vec![attribute("a", &json!(1)), attribute("eyas", ours), attribute("b", &json!(2))],
        ..LogRecord::default()
    };
    let stream = |ours: &Json| {
        let (mut scope, mut resource, mut stream) = (Vec::new(), Vec::new(), Vec::new());
        random::put(2, &record(ours).encode_to_vec(), &mut scope);
        random::put(2, &scope, &mut resource);
        random::put(1, &resource, &mut stream);
        stream
    };
    let decoding = Decoding { trust_annotations: true, ..decoding() };
    let value = Said::S64(2);
    let notes = Notes { annotations: &[Note { row: 0, detector: "d", name: "n", value: &value }], ..Notes::default() };
    let decoded = decode(&decoding, &[], stream(&ours));
    assert_eq!(bytes(&encode(&decoding, &decoded, &Notes::default(), &[], Form::Otlp)), stream(&ours));
    let joined = json!({"detectors": {"d": {"n": 2, "x": true}}, "more": 0.5});
    assert_eq!(bytes(&encode(&decoding, &decoded, &notes, &[], Form::Otlp)), stream(&joined));
    // What is not of our shape is not ours.
    let decoded = decode(&decoding, &[], stream(&json!(7)));
    let output = flat(&bytes(&encode(&decoding, &decoded, &Notes::default(), &[], Form::Otlp)));
    let keys = |record: LogRecord| record.attributes.into_iter().map(|attribute| attribute.key).collect::<Vec<_>>();
    assert_eq!(keys(LogRecord::decode(&*output[0].bytes).unwrap()), ["a", "eyas_in", "b"]);
}

#[test]
fn dead_letters_do_not_go_out_and_what_is_around_them_does() {
    let (mut scope, mut resource, mut stream) = (Vec::new(), Vec::new(), Vec::new());
    random::put(1, b"\x0a\x01s", &mut scope);
    random::put(2, b"\x09\x01\x00\x00\x00\x00\x00\x00\x00", &mut scope);
    random::put(2, b"\xff", &mut scope);
    random::put(2, b"", &mut scope);
    random::put(2, &scope, &mut resource);
    random::put(1, &resource, &mut stream);
    let decoding = Decoding { on_bad: eyas_codec::OnBad::DeadLetter, ..decoding() };
    // One is broken, and the last has no time.
    let decoded = decode(&decoding, &[], stream.clone());
    assert_eq!((decoded.events.len(), decoded.dead.len()), (1, 2));
    let output = flat(&bytes(&encode(&decoding, &decoded, &Notes::default(), &[], Form::Otlp)));
    assert_eq!(output, flat(&stream)[..1]);
}

#[test]
fn as_lines_events_are_what_the_tree_says() {
    let mut random = Random(23);
    let mut events = 0;
    for _ in 0..800 {
        let stream = random::stream(&mut random, 5, 6);
        let decoded = decode(&decoding(), &[], stream.clone());
        let lines = lines(&decoded);
        let lines: Vec<_> = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        let wanted = flat(&stream);
        assert_eq!(lines.len(), wanted.len());
        for (line, flat) in lines.into_iter().zip(&wanted) {
            let json: Json = serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
            if flat.number == 1 {
                let tree: Tree = tree::event(flat);
                assert_eq!(json, tree.json());
                events += 1;
            } else {
                let name = if flat.number == 2 { "resourceMetrics" } else { "resourceSpans" };
                assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), [name]);
            }
        }
    }
    assert!(events > 2000);
}
