//! What goes out: every event once, its bytes as they came, with what there is to say in it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::io::{self, Write};

use eyas_codec::{AlertLine, DeadLetter, Decoding, Encoder, Note, Notes, Output, Plan};
use eyas_event::{Alert, Episode, Fact, Partition, Place, Reference, Tags, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::{SHARDS, bytes, decode};

fn encoded(decoding: &Decoding, lines: &[u8], notes: &Notes<'_>, skip: &[u32]) -> Output {
    let decoded = decode(decoding, &[], lines);
    let plan = Plan::new(decoding, &[], SHARDS).unwrap();
    Encoder::new(&plan).encode(&decoded.events, &decoded.namesakes, notes, skip, eyas_codec::Form::Ndjson)
}

fn encode(decoding: &Decoding, lines: &str, notes: &Notes<'_>, skip: &[u32]) -> String {
    String::from_utf8(bytes(&encoded(decoding, lines.as_bytes(), notes, skip))).unwrap()
}

fn note<'a>(row: u32, detector: &'a str, name: &'a str, value: &'a Value) -> Note<'a> {
    Note { row, detector, name, value }
}

#[test]
fn annotations_are_spliced_in_before_the_last_brace() {
    let ids = Value::Json("[\"a\"]".to_owned());
    let notes = Notes {
        tags: &[(0, Tags::LATE), (2, Tags::FAULT), (2, Tags::LATE), (4, Tags::UNTIMED)],
        annotations: &[
            note(1, "brute_force", "alerts", &ids),
            note(2, "ddos", "n", &Value::S64(-1)),
            note(2, "brute_force", "x", &Value::F64(0.5)),
        ],
        ..Notes::default()
    };
    let lines = "{\"a\":1}\n{ }\n{\"b\":{}} \r\n\n{\"c\":2}\n{\"d\":3 }\n";
    let wanted = "{\"a\":1,\"eyas\":{\"tags\":[\"late\"]}}\n\
                  { \"eyas\":{\"detectors\":{\"brute_force\":{\"alerts\":[\"a\"]}}}}\n\
                  {\"b\":{},\"eyas\":{\"tags\":[\"late\",\"fault\"],\"detectors\":{\"brute_force\":{\"x\":0.5},\"ddos\":{\"n\":-1}}}} \n\
                  {\"c\":2}\n\
                  {\"d\":3 ,\"eyas\":{\"tags\":[\"untimed\"]}}\n";
    assert_eq!(encode(&Decoding::default(), lines, &notes, &[]), wanted);
}

#[test]
fn of_one_name_the_last_value_counts() {
    let values = [Value::S64(1), Value::S64(2), Value::S64(3)];
    let notes = [note(0, "d", "x", &values[0]), note(0, "e", "x", &values[1]), note(0, "d", "x", &values[2])];
    let notes = Notes { annotations: &notes, ..Notes::default() };
    assert_eq!(encode(&Decoding::default(), "{}\n", &notes, &[]), "{\"eyas\":{\"detectors\":{\"d\":{\"x\":3},\"e\":{\"x\":2}}}}\n");
}

#[test]
fn a_member_of_our_name_that_came_in_is_renamed() {
    let tagged = Notes { tags: &[(0, Tags::LATE)], ..Notes::default() };
    let decoding = Decoding::default();
    assert_eq!(encode(&decoding, "{\"eyas\":1,\"a\":{\"eyas\":2}}\n", &Notes::default(), &[]), "{\"eyas_in\":1,\"a\":{\"eyas\":2}}\n");
    assert_eq!(encode(&decoding, "{\"\\u0065yas\":{}}\n", &tagged, &[]), "{\"eyas_in\":{},\"eyas\":{\"tags\":[\"late\"]}}\n");
    // So is one behind a list of usual lines, by whatever way they are read.
    let lines = format!("{}{}{0}", "{\"a\":1}\n".repeat(3), "{\"eyas\":1}\n");
    let wanted = lines.replace("eyas", "eyas_in");
    assert_eq!(encode(&decoding, &lines, &Notes::default(), &[]), wanted);
}

#[test]
fn a_trusted_member_of_our_name_is_joined() {
    let decoding = Decoding { trust_annotations: true, ..Decoding::default() };
    let value = Value::S64(2);
    let annotations = [note(0, "d", "x", &value), note(0, "e", "y", &value)];
    let notes = Notes { tags: &[(0, Tags::LATE)], annotations: &annotations, ..Notes::default() };
    let line = "{\"eyas\":{\"tags\":[\"fault\"],\"detectors\":{\"d\":{\"x\":1,\"z\":1.50}},\"more\":[1.0]},\"a\":1}\n";
    let wanted =
        "{\"eyas\":{\"tags\":[\"fault\",\"late\"],\"detectors\":{\"d\":{\"x\":2,\"z\":1.50},\"e\":{\"y\":2}},\"more\":[1.0]},\"a\":1}\n";
    assert_eq!(encode(&decoding, line, &notes, &[]), wanted);
    assert_eq!(encode(&decoding, line, &Notes::default(), &[]), line);
    // What is not of our shape is not ours.
    assert_eq!(encode(&decoding, "{\"eyas\":7}\n", &Notes::default(), &[]), "{\"eyas_in\":7}\n");
}

#[test]
fn untouched_events_are_one_piece_and_no_copy() {
    let lines = "{\"a\":1}\n".repeat(10_000);
    let output = encoded(&Decoding::default(), lines.as_bytes(), &Notes::default(), &[]);
    assert_eq!((output.slices().count(), output.len()), (1, lines.len()));
}

#[test]
fn lines_of_others_stand_before_their_row() {
    let notes = Notes { lines: &[(0, b"x\n"), (1, b"y\n"), (1, b"z\n"), (2, b"end\n")], ..Notes::default() };
    assert_eq!(encode(&Decoding::default(), "{}\n{}\n", &notes, &[0]), "x\ny\nz\n{}\nend\n");
}

/// Takes a few bytes a call, and is interrupted now and then.
struct Slow {
    taken: Vec<u8>,
    calls: usize,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let before = self.taken.len();
        self.taken.extend(bytes.iter().flat_map(|bytes| bytes.iter()).take(self.calls * 7 % 3000 + 1));
        Ok(self.taken.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Objects as other programs write them.
fn objects() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[a-zé\"\\\\ {}]{0,12}".prop_map(Json::from)
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4).prop_map(|map| json!(map))
        ]
    });
    prop::collection::btree_map("[a-e]|eyas", value, 0..5).prop_map(|map| json!(map))
}

proptest! {
    #[test]
    fn spliced_and_parsed_it_is_the_event_and_the_annotations(
        events in prop::collection::vec((objects(), any::<(bool, bool)>(), 0u8..4), 1..40),
        text in "[a-z\"\\n\\\\]{0,8}",
        padding in 0usize..3000,
    ) {
        let (mut lines, mut tags, mut annotations, mut skip, mut wanted) = (String::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let value = Value::Text(text.clone());
        for (row, (event, (tagged, noted), fate)) in events.iter().enumerate() {
            let mut event = event.clone();
            event["pad"] = json!("p".repeat(padding));
            lines += &event.to_string();
            lines += ["\n", "\r\n", "\n\n", " \n"][usize::from(*fate)];
            let mut out = event;
            if let Some(theirs) = out.as_object_mut().unwrap().remove("eyas") {
                out["eyas_in"] = theirs;
            }
            if *tagged {
                tags.push((row as u32, Tags::UNWATCHED));
                out["eyas"]["tags"] = json!(["unwatched"]);
            }
            if *noted {
                annotations.push(note(row as u32, "d\"", "n", &value));
                out["eyas"]["detectors"]["d\""]["n"] = json!(text);
            }
            if *fate == 3 { skip.push(row as u32) } else { wanted.push(out) }
        }
        let output = encoded(&Decoding::default(), lines.as_bytes(), &Notes { tags: &tags, annotations: &annotations, ..Notes::default() }, &skip);
        let bytes = bytes(&output);
        prop_assert_eq!(output.len(), bytes.len());
        let parsed: Vec<Json> = bytes.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
        prop_assert_eq!(parsed, wanted);
        let mut sink = Slow { taken: Vec::new(), calls: 0 };
        output.write_to(&mut sink).unwrap();
        prop_assert_eq!(sink.taken, bytes);
    }

    #[test]
    fn whatever_comes_in_each_line_is_an_event_or_a_dead_letter(
        lines in prop::collection::vec(prop_oneof![prop::collection::vec(any::<u8>(), 0..40), "[{}\\[\\]\":,a1 \\\\\r]{0,12}".prop_map(String::into_bytes), Just(b"{\"a\":[1]}".to_vec())], 1..60),
    ) {
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
        let decoded = decode(&Decoding::default(), &[], bytes.clone());
        let mut places: Vec<_> = decoded.events.spans.iter().map(|&(start, end)| start as usize..end as usize).collect();
        for (before, dead) in decoded.dead.iter().rev().map(|dead| (dead.before_row as usize, dead)) {
            places.insert(before, dead.range.clone());
        }
        let blank = |line: &&[u8]| line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let unframed = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        let bytes_of = |range: std::ops::Range<usize>| bytes[range].to_vec();
        let wanted: Vec<_> = bytes.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n').filter(|line| !blank(line)).map(unframed).collect();
        prop_assert_eq!(places.into_iter().map(bytes_of).collect::<Vec<_>>(), wanted);
        prop_assert_eq!(decoded.times.len(), decoded.events.len());
    }
}

#[test]
fn an_alert_is_one_line_with_the_members_in_order() {
    let fact = |name: &str, value| Fact { name: name.to_owned(), value };
    let address = |text: &str| {
        Value::Ip(match text.parse().unwrap() {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(v6) => v6.octets(),
        })
    };
    let mut alert = Alert {
        rule: "r".to_owned(),
        title: "a \"title\"\n".to_owned(),
        severity: 70,
        state: Episode::Close,
        revision: 3,
        place: Place::Row(0),
        dedup_key: "k".to_owned(),
        group_key: "g".to_owned(),
        start: Some(0),
        end: Some(1_500_000_000),
        entities: vec![fact("source_ip", address("10.0.0.1")), fact("peer", address("2001:db8:0:0:1:0:0:1"))],
        facts: vec![
            fact("count", Value::U64(u64::MAX)),
            fact("mean", Value::F64(0.1)),
            fact("list", Value::Json("[1]".to_owned())),
            fact("first", Value::Time(1)),
        ],
        techniques: vec!["T1110".to_owned()],
        evidence: vec![Reference { partition: Partition { source: 1, number: 2 }, position: 5 }],
        score: Some(1e300),
        merged_into: Some("k2".to_owned()),
        degraded: true,
    };
    let line = |alert: &Alert, time| {
        let names = |partition: Partition| ("files".to_owned(), format!("{}.ndjson", partition.number));
        let mut out = Vec::new();
        AlertLine { alert, id: "0f", detector: "d", plugin: "p", plugin_version: "1.0.0", time, names: &names }.append(&mut out);
        String::from_utf8(out).unwrap()
    };
    let merged = eyas_event::alert_id("d", "r", "k2");
    let wanted = format!(
        "{{\"id\":\"0f\",\"revision\":3,\"state\":\"close\",\"detector\":\"d\",\"plugin\":\"p\",\"plugin_version\":\"1.0.0\",\"rule\":\"r\",\
         \"title\":\"a \\\"title\\\"\\n\",\"severity\":70,\"time\":\"1970-01-01T00:00:02Z\",\"start\":\"1970-01-01T00:00:00Z\",\
         \"end\":\"1970-01-01T00:00:01.5Z\",\"entities\":{{\"source_ip\":\"10.0.0.1\",\"peer\":\"2001:db8::1:0:0:1\"}},\
         \"facts\":{{\"count\":18446744073709551615,\"mean\":0.1,\"list\":[1],\"first\":\"1970-01-01T00:00:00.000000001Z\"}},\
         \"techniques\":[\"T1110\"],\"score\":1e300,\"evidence\":[{{\"source\":\"files\",\"partition\":\"2.ndjson\",\"position\":5}}],\
         \"degraded\":true,\"merged_into\":\"{merged}\",\"group_key\":\"g\"}}\n"
    );
    assert_eq!(line(&alert, Some(2_000_000_000)), wanted);
    alert.entities.clear();
    alert.techniques.clear();
    alert.evidence.clear();
    alert.group_key.clear();
    (alert.start, alert.end, alert.score, alert.merged_into, alert.degraded) = (None, None, None, None, false);
    let bare: Json = serde_json::from_str(&line(&alert, None)).unwrap();
    let names: Vec<_> =
        ["degraded", "detector", "entities", "facts", "id", "plugin", "plugin_version", "revision", "rule", "severity", "state", "title"]
            .into();
    assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), names);
}

#[test]
fn a_dead_letter_holds_its_event_as_text_or_as_base64() {
    let line = |event: &[u8]| {
        let mut out = Vec::new();
        let (source, position, ingest_time) = (Some("s"), Some(9), Some(0));
        DeadLetter { source, position, ingest_time, component: "s", reason: "not \"JSON\"", event }.append(&mut out);
        String::from_utf8(out).unwrap()
    };
    let head =
        "{\"source\":\"s\",\"position\":9,\"ingest_time\":\"1970-01-01T00:00:00Z\",\"component\":\"s\",\"reason\":\"not \\\"JSON\\\"\",";
    assert_eq!(line("a\tö".as_bytes()), format!("{head}\"encoding\":\"utf8\",\"event\":\"a\\tö\"}}\n"));
    for (bytes, base64) in [(&b"\xff"[..], "/w=="), (b"\xff\xee", "/+4="), (b"\xff\x00\x10", "/wAQ"), (b"\xffabcd", "/2FiY2Q=")] {
        assert_eq!(line(bytes), format!("{head}\"encoding\":\"base64\",\"event\":\"{base64}\"}}\n"));
    }
}
