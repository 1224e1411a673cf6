//! What is read from which kind, and what becomes of the unusual.

use eyas_codec::forward::frame;
use eyas_codec::{Decoding, Form, Notes, OnBad, UNTIMED};
use eyas_event::{FieldType, Tags, Values};
use rmpv::Value;

use super::support::binary::encoded;
use super::support::{all, decode, time};
use super::{event_time, forward, one, pack, read};

#[test]
fn each_time_is_read_from_its_kind() {
    let timed = Decoding { time: time("@timestamp", "rfc3339"), max_future: None, ..forward() };
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
    let decoding = Decoding { time: time("@timestamp", "rfc3339"), on_bad: OnBad::DeadLetter, ..forward() };
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
