//! What is read of an event is what a tree of it says.

use eyas_codec::{DeadReason, Decoded, Decoding, UNTIMED};
use eyas_event::{CellState, FieldType, Values};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde_json::Value as Json;

use crate::random::{self, Random, put};
use crate::support::{all, decode};
use crate::{decoding, flat, tree};

const PATHS: [&str; 24] = [
    "time",
    "observed_time",
    "severity_number",
    "severity_text",
    "body",
    "body.a",
    "body.a.b",
    "attributes",
    "attributes.a",
    "attributes.a.b",
    "attributes.a.b.c",
    "attributes.b.c",
    "attributes.http.method",
    "dropped_attributes_count",
    "flags",
    "trace_id",
    "span_id",
    "event_name",
    "resource.a",
    "resource.a.b",
    "resource.http.method",
    "scope.name",
    "scope.version",
    "scope.attributes.a.b",
];

/// The stream form of one record.
fn one(record: &[u8]) -> Vec<u8> {
    let (mut scope, mut resource, mut stream) = (Vec::new(), Vec::new(), Vec::new());
    put(2, record, &mut scope);
    put(2, &scope, &mut resource);
    put(1, &resource, &mut stream);
    stream
}

fn nested(levels: usize, list: bool) -> AnyValue {
    let mut value = AnyValue { value: Some(Value::IntValue(1)) };
    for _ in 0..levels {
        let inside = if list {
            Value::ArrayValue(ArrayValue { values: vec![value] })
        } else {
            Value::KvlistValue(KeyValueList { values: vec![KeyValue { key: "a".into(), value: Some(value) }] })
        };
        value = AnyValue { value: Some(inside) };
    }
    value
}

fn cell(decoded: &Decoded, column: usize, row: usize) -> Option<Json> {
    let column = &decoded.parts[0].columns[column];
    if column.states.get(row).is_some_and(|&state| state == CellState::Absent as u8) {
        return None;
    }
    let state = column.states.get(row).copied().unwrap_or_default();
    if state == CellState::Null as u8 {
        return Some(Json::Null);
    }
    let Values::Raw(strings) = &column.values else { panic!("raw was asked for") };
    let (from, to) = (strings.offsets[row] as usize, strings.offsets[row + 1] as usize);
    Some(serde_json::from_slice(&strings.data[from..to]).unwrap())
}

#[test]
fn what_is_asked_for_is_what_the_tree_says() {
    let mut random = Random(11);
    let subscription = all(&PATHS.map(|path| (path, FieldType::Raw)));
    let (mut events, mut there) = (0, 0);
    for _ in 0..1500 {
        let stream = random::stream(&mut random, 5, 6);
        let decoded = decode(&decoding(), std::slice::from_ref(&subscription), stream.clone());
        let wanted = flat(&stream);
        assert!(decoded.dead.is_empty());
        assert_eq!(decoded.events.len(), wanted.len());
        let opaque: Vec<_> = (0u32..).zip(&wanted).filter(|(_, flat)| flat.number != 1).map(|(row, _)| row).collect();
        assert_eq!(decoded.opaque, opaque);
        let logs: Vec<_> = wanted.iter().enumerate().filter(|(_, flat)| flat.number == 1).collect();
        assert_eq!(decoded.parts[0].len(), logs.len());
        for (part_row, (row, flat)) in logs.into_iter().enumerate() {
            assert_eq!(decoded.events.get(row).bytes, flat.bytes);
            let tree = tree::event(flat);
            for (column, path) in PATHS.iter().enumerate() {
                let (own, wanted) = (cell(&decoded, column, part_row), tree.at(path));
                there += usize::from(wanted.is_some());
                assert_eq!(own, wanted, "{path} of {tree:?}");
            }
            let record = LogRecord::decode(&*flat.bytes).unwrap();
            let time = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
            assert_eq!(decoded.times[row], i64::try_from(time).ok().filter(|&time| time != 0).unwrap_or(UNTIMED));
            events += 1;
        }
    }
    assert!(events > 5000 && there > events * 4, "{events} events, {there} values");
}

#[test]
fn frames_number_the_rows_of_their_envelopes() {
    let mut random = Random(5);
    for _ in 0..200 {
        let stream = random::stream(&mut random, 6, 5);
        let decoded = decode(&decoding(), &[], stream.clone());
        let mut logs = Vec::new();
        for frame in &decoded.events.frames {
            assert!(frame.whole);
            assert_eq!(stream[frame.range.0 as usize], 0x0a);
            logs.extend(frame.rows.0..frame.rows.1);
            let inside = |row: u32| decoded.events.span(row as usize).start >= frame.range.0 as usize;
            assert!((frame.rows.0..frame.rows.1).all(|row| inside(row) && decoded.events.span(row as usize).end <= frame.range.1 as usize));
        }
        let rows = 0..decoded.events.len() as u32;
        assert_eq!(logs, rows.filter(|row| !decoded.opaque.contains(row)).collect::<Vec<_>>());
    }
}

#[test]
fn values_may_be_nested_as_deep_as_in_json() {
    for (levels, list) in [(126, false), (126, true), (127, false), (127, true)] {
        let in_body = LogRecord { body: Some(nested(levels, list)), ..LogRecord::default() };
        let attribute = KeyValue { key: "a".into(), value: Some(nested(levels - 1, list)) };
        let in_attribute = LogRecord { attributes: vec![attribute], ..LogRecord::default() };
        for record in [in_body, in_attribute] {
            let decoded = decode(&Decoding { time: None, ..decoding() }, &[], one(&record.encode_to_vec()));
            assert_eq!(decoded.events.len(), usize::from(levels == 126), "{levels} levels of {list}");
            let json = crate::encode::lines(&decoded);
            assert!(serde_json::from_slice::<Json>(&json).is_ok() || levels > 126);
        }
    }
}

#[test]
fn a_record_that_is_broken_inside_is_a_dead_letter_and_the_others_are_events() {
    let mut scope = Vec::new();
    put(2, b"\x32\x05abc", &mut scope);
    put(2, &LogRecord { time_unix_nano: 5, ..LogRecord::default() }.encode_to_vec(), &mut scope);
    put(2, &[0x32, 0x04, 0x12, 0x02, 0x0a, 0x09], &mut scope);
    let (mut resource, mut stream) = (Vec::new(), Vec::new());
    put(2, &scope, &mut resource);
    put(1, &resource, &mut stream);
    let decoded = decode(&decoding(), &[], stream);
    assert_eq!((decoded.events.len(), decoded.times[0]), (1, 5));
    let places: Vec<_> = decoded.dead.iter().map(|dead| (dead.range.len(), dead.before_row, dead.reason.clone())).collect();
    let malformed = |at| DeadReason::Malformed { what: "no field of protobuf", at };
    assert_eq!(places, [(5, 0, malformed(0)), (6, 1, malformed(4))]);
    assert!(!decoded.events.frames[0].whole);
    // So is one that is too long.
    let decoding = Decoding { max_event_bytes: 20, ..decoding() };
    let record = LogRecord { time_unix_nano: 5, severity_text: "x".repeat(20), ..LogRecord::default() };
    let decoded = decode(&decoding, &[], one(&record.encode_to_vec()));
    assert_eq!(decoded.dead[0].reason, DeadReason::TooLong { limit: 20 });
}

#[test]
fn text_that_is_not_utf8_passes_and_is_read_with_the_wrong_bytes_replaced() {
    let mut record = Vec::new();
    put(5, b"\x0a\x03a\xffb", &mut record);
    put(3, b"\xfe", &mut record);
    let asked = [all(&[("body", FieldType::Text), ("severity_text", FieldType::Raw)])];
    let decoded = decode(&Decoding { time: None, ..decoding() }, &asked, one(&record));
    let columns = &decoded.parts[0].columns;
    let (Values::Text(body), Values::Raw(severity)) = (&columns[0].values, &columns[1].values) else { panic!("as asked for") };
    assert_eq!((&**body.data, &**severity.data), ("a\u{fffd}b".as_bytes(), "\"\u{fffd}\"".as_bytes()));
}

#[test]
fn numbers_and_texts_come_as_the_type_that_is_asked_for() {
    let attribute = |key: &str, value| KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) };
    let record = LogRecord {
        time_unix_nano: 1_700_000_000_000_000_001,
        trace_id: vec![0xab; 16],
        attributes: vec![
            attribute("i", Value::IntValue(-7)),
            attribute("d", Value::DoubleValue(7.0)),
            attribute("t", Value::BoolValue(true)),
            attribute("ip", Value::StringValue("10.0.0.1".into())),
            attribute("bytes", Value::BytesValue(vec![1, 2, 3])),
        ],
        ..LogRecord::default()
    };
    let asked = all(&[
        ("attributes.i", FieldType::S64),
        ("attributes.d", FieldType::S64),
        ("attributes.t", FieldType::Boolean),
        ("attributes.ip", FieldType::Ip),
        ("attributes.bytes", FieldType::Text),
        ("trace_id", FieldType::Text),
        ("time", FieldType::Timestamp),
        ("attributes.i", FieldType::U64),
        ("time", FieldType::Text),
    ]);
    let decoded = decode(&decoding(), &[asked], one(&record.encode_to_vec()));
    let columns: Vec<_> = decoded.parts[0].columns.iter().map(|column| format!("{:?}", column.values)).collect();
    let text = |column: usize| match &decoded.parts[0].columns[column].values {
        Values::Text(strings) => String::from_utf8(strings.data.to_vec()).unwrap(),
        _ => panic!("a text"),
    };
    assert_eq!(columns[..3], ["S64([-7])", "S64([7])", "Boolean([1])"]);
    assert_eq!(columns[6], "Timestamp([1700000000000000001])");
    assert_eq!((text(4), text(5), text(8)), ("AQID".into(), "ab".repeat(16), "2023-11-14T22:13:20.000000001Z".into()));
    assert_eq!(decoded.parts[0].columns[7].states[0], CellState::OutOfRange as u8);
}
