//! What is read from which kind, and what becomes of the unusual.

use eyas_codec::vector::stream;
use eyas_codec::{Decoding, Form, Notes};
use eyas_event::{FieldType, Tags, Values};
use prost::Message;
use serde_json::Value as Json;

use super::support::binary::{encoded, values};
use super::support::{all, decode, time};
use super::{Event, Kind, List, Log, Request, Time, Value, entries, map, request, text, vector};

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
    let decoding = Decoding { time: time("time", "unix_ms"), ..vector() };
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
fn a_value_of_a_kind_to_come_passes() {
    // Field 10 of a value, beside a text that is asked for.
    let member = |key: u8, value: &[u8]| [&[0x0a, value.len() as u8 + 5, 0x0a, 0x01, key, 0x12, value.len() as u8][..], value].concat();
    let members = [member(b'a', &[0x52, 0x01, 0x07]), member(b'b', &[0x0a, 0x01, b'x'])].concat();
    let event = [&[0x0a, members.len() as u8 + 2, 0x0a, members.len() as u8][..], &members].concat();
    assert_eq!(values(&vector(), &event, &["a", "b"]), [[Some(Json::Null), Some(Json::from("x"))]]);
    let notes = Notes { tags: &[(0, Tags::LATE)], ..Notes::default() };
    let (_, out) = encoded(&vector(), &event, &notes, &[], Form::Vector);
    assert_eq!(out[4..4 + members.len()], members);
    let wrong = [0x0a, 0x0a, 0x0a, 0x08, 0x0a, 0x06, 0x0a, 0x00, 0x12, 0x02, 0x08, 0x01];
    assert_eq!(decode(&vector(), &[], &wrong[..]).dead[0].reason.to_string(), "not an event: a value of another wire type, at byte 10");
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
        assert_eq!(eyas_codec::vector::stream(&stream).unwrap(), stream);
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
    assert_eq!(stream(&unknown).unwrap(), [event.clone(), event.clone()].concat());
    assert_eq!(stream(&event[..1]).unwrap_err().to_string(), "no whole field of a PushEventsRequest, at byte 0");
    assert_eq!(stream(&[0x08, 0x01]).unwrap_err().to_string(), "an event that is no message, at byte 0");
    assert!(stream(&[]).unwrap().is_empty());
}
