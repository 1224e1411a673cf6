//! Nothing is lost: each line comes out once, as an event with its bytes or as a dead letter with its bytes.

use eyas_tests::{Scratch, lines};
use proptest::prelude::*;

const CONFIG: &str = r#"
[sources.in]
type = "stdin"
time = { field = "timestamp" }

[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]

[detectors.ddos]
plugin = "ddos"
inputs = ["brute_force"]

[sinks.events]
type = "stdout"
inputs = ["ddos"]

[sinks.dead]
type = "file"
inputs = ["in.dead_letters"]
path = "dead.ndjson"

[sinks.alerts]
type = "file"
inputs = ["brute_force.alerts", "ddos.alerts"]
path = "alerts.ndjson"
"#;

/// Goes through the input line by line: each is the next event or the next dead letter.
#[track_caller]
fn assert_all_there(input: &[u8], events: &[u8], dead: &[u8]) {
    let mut events = events.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).peekable();
    let mut dead: Vec<Vec<u8>> = lines(dead).iter().map(bytes_of).collect();
    dead.reverse();
    for line in input.split(|&byte| byte == b'\n') {
        let line = framed(line);
        if line.is_empty() {
            continue;
        }
        if events.next_if(|event| is_annotated(line, event)).is_some() {
            continue;
        }
        let mut lost = || dead.pop().unwrap_or_else(|| panic!("lost: {}", shown(line)));
        let mut letter = lost();
        // What is longer than an event may be comes in pieces.
        while letter.len() < line.len() && line.starts_with(&letter) {
            letter.extend(lost());
        }
        assert!(framed(&letter) == line, "{} came out as {}", shown(line), shown(&letter));
    }
    assert!(events.next().is_none() && dead.is_empty(), "more came out than went in");
}

/// The beginning of a line, for people.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

/// A line without what belongs to the framing.
fn framed(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// Whether `event` is `line`, with or without an annotation before its last brace.
fn is_annotated(line: &[u8], event: &[u8]) -> bool {
    let event = framed(event);
    let Some(brace) = line.iter().rposition(|&byte| byte == b'}') else { return false };
    let Some(rest) = event.strip_prefix(&line[..brace]) else { return false };
    rest == &line[brace..] || rest.starts_with(b",\"eyas\":{") || rest.starts_with(b"\"eyas\":{")
}

/// The event in a dead letter.
fn bytes_of(letter: &serde_json::Value) -> Vec<u8> {
    let event = letter["event"].as_str().unwrap();
    match letter["encoding"].as_str().unwrap() {
        "utf8" => event.as_bytes().to_vec(),
        "base64" => base64(event),
        other => panic!("encoding {other}"),
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|&byte| byte != b'=') {
        bits = bits << 6 | digits.iter().position(|&digit| digit == byte).unwrap() as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// A line of any bytes, of JSON, or of JSON with a few bytes changed.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![
        Just(
            r#"{"timestamp":"2026-03-02T08:00:00Z","event_type":"authentication","result":"failure","source_ip":"10.0.0.1","destination_ip":"10.0.0.2"}"#
        ),
        Just(
            r#"{"timestamp":"2026-03-02T07:00:00+01:00","a":{"b":[1,2.5e3,{"c":null}]},"event_type":"network_connection","destination_ip":"::1"}"#
        ),
        Just(r#"{ "a" : "\u00e9\n\"" , "b" : -0.0 }"#),
        Just("{}"),
        Just("[1,2]"),
        Just("null"),
    ];
    let changed = (json.clone(), proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3));
    let changed = changed.prop_map(|(json, changes)| {
        let mut bytes = json.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    });
    prop_oneof![3 => changed, 1 => json.prop_map(|json| json.as_bytes().to_vec()), 1 => proptest::collection::vec(any::<u8>(), 0..60)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_out_once_as_an_event_or_as_a_dead_letter(
        input in proptest::collection::vec(line(), 0..80), last_newline in any::<bool>(), pieces in 1..40usize, shards in 1..4usize,
    ) {
        let mut input = input.join(&b'\n');
        if last_newline {
            input.push(b'\n');
        }
        let scratch = Scratch::new();
        scratch.write("eyas.toml", CONFIG);
        let size = input.len().div_ceil(pieces).max(1);
        let run = scratch.pipe(&["run", "eyas.toml", "--quiet", "--shards", &shards.to_string()], input.chunks(size)).ok();
        assert_all_there(&input, &run.out, &scratch.read("dead.ndjson"));
    }
}

#[test]
fn lines_that_are_hard_to_read_come_out_too() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(50 << 20));
    let hard: Vec<&[u8]> = vec![
        b"\xef\xbb\xbf{\"first\":\"after a byte-order mark\"}",
        b"not JSON",
        b"[\"no object\"]",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\0\"}",
        b"{\"a\":1}\r",
        b"{\"a\":123456789012345678901234567890,\"b\":1e999,\"c\":-1e-999}",
        b"{\"timestamp\":\"0001-01-01T00:00:00Z\"}",
        b"{\"timestamp\":\"9999-12-31T23:59:59Z\"}",
        b"{\"source_ip\":{\"a\":1},\"event_type\":null,\"result\":7}",
        b"{\"event_type\":\"a\",\"event_type\":\"authentication\"}",
        deep.as_bytes(),
        long.as_bytes(),
        b"{\"a\":\"cut",
    ];
    let input = hard.join(&b'\n');
    let scratch = Scratch::new();
    scratch.write("eyas.toml", CONFIG);
    let run = scratch.pipe(&["run", "eyas.toml", "--quiet"], [input.as_slice()]).ok();
    assert_all_there(input.strip_prefix(b"\xef\xbb\xbf").unwrap(), &run.out, &scratch.read("dead.ndjson"));
}
