//! What decoding makes of events: rows, keys, columns, times, dead letters.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use eyas_codec::{DeadReason, Decoding, FaultKind, OnBad, UNTIMED};
use eyas_event::{CellState, FieldType, Keying, Subscription, Values, group_of, key_hash};
use support::{SHARDS, all, bytes, decode, decoder, detectors, field, slice, time};

fn text_of(json: &str, path: &str) -> (u8, String) {
    let decoded = decode(&Decoding::default(), &[all(&[(path, FieldType::Text)])], format!("{json}\n"));
    assert!(decoded.dead.is_empty(), "{json}: {:?}", decoded.dead);
    let column = &decoded.parts[0].columns[0];
    let Values::Text(text) = &column.values else { unreachable!() };
    (column.states.first().copied().unwrap_or_default(), String::from_utf8(text.get(0).to_vec()).unwrap())
}

fn value(text: &str) -> (u8, String) {
    (CellState::Valid as u8, text.to_owned())
}

fn no_value(state: CellState) -> (u8, String) {
    (state as u8, String::new())
}

#[test]
fn a_path_may_be_split_at_any_of_its_points_and_the_last_wins() {
    for json in [r#"{"a.b.c":"x"}"#, r#"{"a":{"b.c":"x"}}"#, r#"{"a.b":{"c":"x"}}"#, r#"{"a":{"b":{"c":"x"}}}"#] {
        assert_eq!(text_of(json, "a.b.c"), value("x"), "{json}");
    }
    assert_eq!(text_of(r#"{"a.b":"1","a":{"b":"2"}}"#, "a.b"), value("2"));
    assert_eq!(text_of(r#"{"a":{"b":"2"},"a.b":"1"}"#, "a.b"), value("1"));
    assert_eq!(text_of(r#"{"a":{"b":"2"},"a.b":null}"#, "a.b"), no_value(CellState::Null));
    assert_eq!(text_of(r#"{"x":{"a.b":"2"},"y":[{"a.b":"3"}]}"#, "a.b"), no_value(CellState::Absent));
}

#[test]
fn of_duplicate_keys_the_last_counts_with_all_that_is_in_it() {
    assert_eq!(text_of(r#"{"a":"1","a":"2"}"#, "a"), value("2"));
    assert_eq!(text_of(r#"{"a":{"b":"1"},"a":{}}"#, "a.b"), no_value(CellState::Absent));
    assert_eq!(text_of(r#"{"a":{"b":"1"},"a.b":"2","a":{}}"#, "a.b"), value("2"));
    assert_eq!(text_of(r#"{"a":{"b":"1"},"a.b":"2","a":{"b":"3"}}"#, "a.b"), value("3"));
    assert_eq!(text_of(r#"{"a":{"b":"1"},"a":5}"#, "a.b"), no_value(CellState::Absent));
    assert_eq!(text_of(r#"{"a":{"b":"1"},"\u0061":7}"#, "a.b"), no_value(CellState::Absent));
}

#[test]
fn a_key_with_escapes_is_what_it_says() {
    assert_eq!(text_of(r#"{"\u0061\u002eb":"x\u00e9\ud83d\ude00\n"}"#, "a.b"), value("xé😀\n"));
    assert_eq!(text_of(r#"{"a":{"\u0062":"x"}}"#, "a.b"), value("x"));
}

#[test]
fn each_type_tells_what_does_not_fit_it() {
    use CellState::{Absent, Null, OtherType, OutOfRange, Valid};
    let state = |json: &str, kind| {
        let decoded = decode(&Decoding::default(), &[all(&[("a", kind)])], format!("{json}\n"));
        decoded.parts[0].columns[0].states.first().copied().unwrap_or_default()
    };
    for (kind, json, wanted) in [
        (FieldType::S64, "-9223372036854775808", Valid),
        (FieldType::S64, "9223372036854775808", OutOfRange),
        (FieldType::S64, "1e3", Valid),
        (FieldType::S64, "1.0", Valid),
        (FieldType::S64, "1.5", OtherType),
        (FieldType::S64, "1e999999999999", OutOfRange),
        (FieldType::S64, "0e999999999999", Valid),
        (FieldType::S64, "\"1\"", OtherType),
        (FieldType::U64, "18446744073709551615", Valid),
        (FieldType::U64, "-1", OutOfRange),
        (FieldType::U64, "-0", Valid),
        (FieldType::F64, "1e308", Valid),
        (FieldType::F64, "1e309", OutOfRange),
        (FieldType::F64, "true", OtherType),
        (FieldType::Boolean, "false", Valid),
        (FieldType::Boolean, "0", OtherType),
        (FieldType::Ip, "\"::ffff:10.0.0.1\"", Valid),
        (FieldType::Ip, "\"10.0.0.01\"", OtherType),
        (FieldType::Ip, "\"fe80::1%eth0\"", OtherType),
        (FieldType::Ip, "1", OtherType),
        (FieldType::Timestamp, "\"2026-03-02T08:00:00Z\"", Valid),
        (FieldType::Timestamp, "\"9999-03-02T08:00:00Z\"", OutOfRange),
        (FieldType::Timestamp, "\"soon\"", OtherType),
        (FieldType::Raw, "[1, {}]", Valid),
        (FieldType::Raw, "null", Null),
        (FieldType::Text, "{}", OtherType),
        (FieldType::Bytes, "\"\"", Valid),
    ] {
        assert_eq!(state(&format!("{{\"a\":{json}}}"), kind), wanted as u8, "{kind:?} {json}");
        assert_eq!(state("{}", kind), Absent as u8);
    }
}

#[test]
fn the_routing_key_has_the_bytes_that_the_semantics_name() {
    let fields = vec![
        field("ip", FieldType::Ip),
        field("text", FieldType::Text),
        field("s", FieldType::S64),
        field("f", FieldType::F64),
        field("b", FieldType::Boolean),
        field("none", FieldType::Text),
        field("bad", FieldType::Ip),
        field("odd", FieldType::U64),
    ];
    let keyed = Subscription { fields, keying: Keying::Keyed((0..8).collect()), timeless: true, ..Subscription::default() };
    let json = r#"{"ip":"10.1.2.3","text":"ab","s":-2,"f":-0.0,"b":true,"none":null,"bad":"h\u0061","odd":[1]}"#;
    let decoded = decode(&Decoding::default(), &[keyed], format!("{json}\n"));
    let mut key = Vec::new();
    let mut field = |tag: u8, bytes: &[u8]| {
        key.push(tag);
        key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        key.extend_from_slice(bytes);
    };
    field(8, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3]);
    field(1, b"ab");
    field(3, &(-2i64).to_le_bytes());
    field(5, &0f64.to_le_bytes());
    field(6, &[1]);
    field(0, b"");
    field(10, b"ha");
    field(10, b"[1]");
    let hash = key_hash(SHARDS.seed, &key);
    let part = &decoded.parts[SHARDS.owner(group_of(hash))];
    assert_eq!(part.keys.get(0), key);
    assert_eq!(part.hashes[0], hash);
}

#[test]
fn every_row_is_in_one_part_of_each_subscription_that_it_meets() {
    let mut lines = String::new();
    for i in 0..1000 {
        let (kind, result) = [("authentication", "failure"), ("authentication", "success"), ("network_connection", "success")][i % 3];
        lines += &format!(
            r#"{{"timestamp":"2026-03-02 08:00:{:02}","event_type":"{kind}","source_ip":"10.0.{}.7","destination_ip":"172.16.0.{}","result":"{result}"}}"#,
            i % 60,
            i % 200,
            i % 50
        );
        lines.push('\n');
    }
    let decoding = Decoding { time: time("timestamp", "%Y-%m-%d %H:%M:%S"), ..Decoding::default() };
    let decoded = decode(&decoding, &detectors(), lines);
    assert_eq!(decoded.events.len(), 1000);
    for (subscription, first) in [(0, 0), (1, 2)] {
        let parts = &decoded.parts[subscription * 2..subscription * 2 + 2];
        let mut rows: Vec<u32> = parts.iter().flat_map(|part| part.rows.clone()).collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..1000).filter(|row| row % 3 == first).collect::<Vec<_>>());
        for (shard, part) in parts.iter().enumerate() {
            assert!(!part.is_empty() && part.rows.is_sorted());
            assert_eq!(part.times.len(), part.len());
            for (row, &hash) in part.hashes.iter().enumerate() {
                assert_eq!(hash, key_hash(SHARDS.seed, part.keys.get(row)));
                assert_eq!(SHARDS.owner(group_of(hash)), shard);
            }
        }
    }
}

#[test]
fn what_is_no_event_is_a_dead_letter_that_says_why_and_where() {
    let cases: [(&[u8], FaultKind, usize); 16] = [
        (b"{\"a\":1", FaultKind::EndsEarly, 6),
        (b"{\"a\":\"xyz", FaultKind::EndsEarly, 9),
        (b"[1,2]", FaultKind::NoObject, 0),
        (b"\"text\"", FaultKind::NoObject, 0),
        (b"plain text", FaultKind::NoValue, 0),
        (b"{\"a\":1}x", FaultKind::Trailing, 7),
        (b"{\"a\":tru}", FaultKind::NoValue, 8),
        (b"{\"a\" 1}", FaultKind::NoColon, 5),
        (b"{a:1}", FaultKind::NoKey, 1),
        (b"{\"a\":[1 2]}", FaultKind::NoComma, 8),
        (b"{\"a\":\"\x00\"}", FaultKind::Control, 6),
        (b"{\"a\":\"\\q\"}", FaultKind::Escape, 6),
        (b"{\"a\":\"\\ud800\"}", FaultKind::Surrogate, 6),
        (b"{\"a\":\"x\xff\"}", FaultKind::Utf8, 7),
        (b"{\"\xc3\":1}", FaultKind::Utf8, 2),
        (b"\x00", FaultKind::NoValue, 0),
    ];
    let mut lines = Vec::new();
    for (line, ..) in cases {
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\n{\"ok\":1}\r\n");
    }
    let decoded = decode(&Decoding::default(), &[all(&[("a", FieldType::Text)])], lines.clone());
    assert_eq!(decoded.events.len(), cases.len());
    for (i, (dead, (line, kind, at))) in decoded.dead.iter().zip(cases).enumerate() {
        let DeadReason::Json(fault) = &dead.reason else { unreachable!() };
        assert_eq!((fault.kind, fault.at), (kind, at), "{}", String::from_utf8_lossy(line));
        assert_eq!(&lines[dead.range.clone()], line);
        assert_eq!((dead.before_row as usize, dead.position as usize), (i, dead.range.start));
        assert_eq!(decoded.events.get(i).bytes, b"{\"ok\":1}");
    }
}

#[test]
fn nesting_is_bounded_where_serde_json_bounds_it() {
    for depth in [126, 127, 128, 10_000] {
        let json = format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let accepted = decode(&Decoding::default(), &[], format!("{json}\n")).dead.is_empty();
        assert_eq!(accepted, serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{depth}");
        assert_eq!(accepted, depth <= 127);
    }
}

#[test]
fn an_event_may_be_as_long_as_the_source_says() {
    let decoding = Decoding { max_event_bytes: 10, ..Decoding::default() };
    let decoded = decode(&decoding, &[], "{\"a\":1234}\r\n{\"a\":12345}\n");
    assert_eq!((decoded.events.len(), decoded.dead.len()), (1, 1));
    assert_eq!(decoded.dead[0].reason, DeadReason::TooLong { limit: 10 });
    let mut piece = slice("{\"a\":\"no end");
    piece.oversize = true;
    let decoded = decoder(&decoding, &[]).decode(&piece, 0);
    assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.dead[0].range.len()), (0, 1, 12));
}

#[test]
fn framing_is_not_the_event() {
    let decoded = decode(&Decoding::default(), &[], "\u{feff}{\"a\":1}\r\n\r\n \t\n\n{}\n");
    let events: Vec<&[u8]> = (0..decoded.events.len()).map(|row| decoded.events.get(row).bytes).collect();
    assert_eq!(events, [&b"{\"a\":1}"[..], b"{}"]);
    assert_eq!(decoded.events.get(0).reference.position, 3);
    assert!(decoded.dead.is_empty());
}

#[test]
fn a_slice_may_be_a_stretch_of_its_buffer() {
    let mut slice = slice("{\"a\":\"0\"}\n{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
    (slice.range, slice.position) = (10..20, 110);
    let decoded = decoder(&Decoding::default(), &[all(&[("a", FieldType::Text)])]).decode(&slice, 0);
    assert_eq!(decoded.events.len(), 1);
    assert_eq!((decoded.events.get(0).bytes, decoded.events.get(0).reference.position), (&b"{\"a\":\"1\"}"[..], 110));
}

#[test]
fn an_untimed_event_reaches_timeless_detectors_alone() {
    let timeless = all(&[]);
    let timed = Subscription { timeless: false, ..all(&[]) };
    let lines =
        "{\"t\":\"2026-01-01T00:00:00Z\"}\n{}\n{\"t\":\"never\"}\n{\"t\":\"0001-01-01T00:00:00Z\"}\n{\"t\":\"2200-01-01T00:00:00Z\"}\n";
    for (on_bad, events, timed_rows) in [(OnBad::Pass, 5, 1), (OnBad::DeadLetter, 1, 1), (OnBad::IngestTime, 5, 5)] {
        let decoding = Decoding { time: time("t", "rfc3339"), on_bad, ..Decoding::default() };
        let decoded = decode(&decoding, &[timeless.clone(), timed.clone()], lines);
        assert_eq!((decoded.events.len(), decoded.dead.len()), (events, 5 - events));
        assert_eq!((decoded.parts[0].len(), decoded.parts[2].len()), (events, timed_rows));
        let untimed = decoded.times.iter().filter(|&&time| time == UNTIMED).count();
        assert_eq!(untimed, if on_bad == OnBad::Pass { 4 } else { 0 });
    }
}

#[test]
fn recycled_memory_is_used_again_and_carries_nothing_over() {
    let mut decoder = decoder(&Decoding::default(), &[all(&[("a", FieldType::Text), ("n", FieldType::S64)])]);
    let first = decoder.decode(&slice("{\"a\":\"xxx\",\"n\":1}\n{\"n\":\"\"}\n"), 0);
    decoder.recycle(first);
    let again = decoder.decode(&slice("{\"a\":\"y\",\"n\":2}\n"), 0);
    let part = &again.parts[0];
    assert_eq!((part.rows.as_slice(), part.columns[0].states.len()), (&[0][..], 0));
    let (Values::Text(text), Values::S64(numbers)) = (&part.columns[0].values, &part.columns[1].values) else { unreachable!() };
    assert_eq!((text.get(0), text.rows(), numbers.as_slice()), (&b"y"[..], 1, &[2][..]));
}

#[test]
fn what_is_encoded_untouched_is_what_came_in() {
    let lines = "{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}\n";
    let plan = eyas_codec::Plan::new(&Decoding::default(), &[], SHARDS).unwrap();
    let mut encoder = eyas_codec::Encoder::new(&plan);
    let decoded = decode(&Decoding::default(), &[], lines);
    let output = encoder.encode(&decoded.events, &decoded.namesakes, &eyas_codec::Notes::default(), &[], eyas_codec::Form::Ndjson);
    assert_eq!(bytes(&output), b"{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    assert_eq!(output.len(), 24);
}
