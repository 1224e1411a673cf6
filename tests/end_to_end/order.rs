//! All output is a function of input and configuration: shards, batches and credit cannot be seen in it.

use eyas_tests::{B, Scratch, lines};
use proptest::prelude::*;

/// Low thresholds, little lateness and two files, so that alerts, late events and merging all happen.
const CONFIG: &str = r#"
[sources.in]
type = "file"
include = ["in.*.ndjson"]
time = { field = "timestamp", format = "%Y-%m-%d %H:%M:%S", max_lateness_secs = 20 }

[detectors.guesses]
plugin = "brute_force"
inputs = ["in"]
config = { threshold = 2, window_secs = 60, slide_secs = 20, max_keys = 2000 }

[detectors.floods]
plugin = "ddos"
inputs = ["guesses"]
config = { threshold = 30, window_secs = 30, slide_secs = 10 }

[detectors.windows]
plugin = "brute_force"
inputs = ["floods"]
config = { key = ["destination_ip"], threshold = 3, emit = "windows" }

[sinks.events]
type = "file"
inputs = ["windows"]
path = "events.ndjson"

[sinks.alerts]
type = "file"
inputs = ["guesses.alerts", "floods.alerts", "windows.alerts"]
path = "alerts.ndjson"

[sinks.dead]
type = "file"
inputs = ["in.dead_letters"]
path = "dead.ndjson"
"#;

/// How a run is cut into work.
#[derive(Clone, Copy, Debug)]
struct Cut {
    shards: usize,
    batch: usize,
    credit: usize,
}

const PLAIN: Cut = Cut { shards: 1, batch: 4096, credit: 8 };

/// Everything that a run wrote.
#[derive(PartialEq)]
struct Written {
    events: Vec<u8>,
    alerts: Vec<u8>,
    dead: Vec<String>,
}

fn run(scratch: &Scratch, cut: Cut) -> Written {
    for sink in ["events.ndjson", "alerts.ndjson", "dead.ndjson"] {
        scratch.write(sink, "");
    }
    let Cut { shards, batch, credit } = cut;
    let (shards, batch) = (format!("shards={shards}"), format!("batch.max_events={batch}"));
    let credit = format!("sources.in.credit.batches={credit}");
    scratch.run(&["run", "eyas.toml", "--quiet", "--set", &shards, "--set", &batch, "--set", &credit]).ok();
    // When a dead letter came in is the clock's business.
    let dead = lines(&scratch.read("dead.ndjson")).into_iter().map(|mut letter| {
        letter.as_object_mut().unwrap().remove("ingest_time");
        letter.to_string()
    });
    Written { events: scratch.read("events.ndjson"), alerts: scratch.read("alerts.ndjson"), dead: dead.collect() }
}

/// Says where two runs differ, without printing megabytes.
#[track_caller]
fn assert_equal(one: &Written, other: &Written, cut: Cut) {
    for (what, one, other) in [("events", &one.events, &other.events), ("alerts", &one.alerts, &other.alerts)] {
        let differ = one.split(|&byte| byte == b'\n').zip(other.split(|&byte| byte == b'\n')).enumerate().find(|(_, (a, b))| a != b);
        if let Some((line, (one, other))) = differ {
            panic!("{what} differ for {cut:?} in line {line}:\n{}\n{}", String::from_utf8_lossy(one), String::from_utf8_lossy(other));
        }
        assert_eq!(one.len(), other.len(), "{what} differ in length for {cut:?}");
    }
    assert_eq!(one.dead, other.dead, "dead letters differ for {cut:?}");
}

#[test]
fn any_number_of_shards_batch_size_and_credit_give_the_same_bytes() {
    let scratch = Scratch::new();
    let events = B.events();
    let events: Vec<&[u8]> = events.split_inclusive(|&byte| byte == b'\n').take(40_000).collect();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (i, event) in events.iter().enumerate() {
        // Two interleaved files; every 97th event comes late, every 1009th line is none.
        let file = if i / 500 % 2 == 0 { &mut first } else { &mut second };
        file.extend_from_slice(if i % 97 == 0 && i > 30_000 { events[i - 30_000] } else { event });
        if i % 1009 == 0 {
            file.extend_from_slice(b"{\"timestamp\": oops\n");
        }
    }
    scratch.write("eyas.toml", CONFIG).write("in.1.ndjson", &first).write("in.2.ndjson", &second);
    let plain = run(&scratch, PLAIN);
    assert_eq!(plain.events.iter().filter(|&&byte| byte == b'\n').count(), events.len());
    assert_eq!(plain.dead.len(), 40);
    assert!(lines(&plain.alerts).len() > 100, "only {} alerts", lines(&plain.alerts).len());
    for shards in 1..=8 {
        let cut = Cut { shards, ..PLAIN };
        assert_equal(&plain, &run(&scratch, cut), cut);
    }
    for (shards, batch, credit) in [(2, 1, 8), (3, 7, 8), (2, 16_384, 8), (1, 1, 1), (2, 7, 1), (8, 4096, 1), (5, 16_384, 1)] {
        let cut = Cut { shards, batch, credit };
        assert_equal(&plain, &run(&scratch, cut), cut);
    }
}

/// A line of a stream with few keys, times that go back and forth, and lines that are no events.
fn line() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        8 => Just(r#""event_type":"authentication","result":"failure""#),
        4 => Just(r#""event_type":"network_connection","result":"success""#),
        1 => Just(r#""event_type":null"#),
        1 => Just(r#""event_type":"authentication","result":"failure","result":"success""#),
    ];
    let source = prop_oneof![Just(r#""10.0.0.1""#), Just(r#""10.0.0.2""#), Just(r#""::ffff:10.0.0.1""#), Just("null"), Just("7")];
    let event = (kind, source, 1..4u8, 0..600u16).prop_map(|(kind, source, server, second)| {
        let (minute, second) = (second / 60, second % 60);
        format!(
            r#"{{"timestamp":"2026-03-02 08:{minute:02}:{second:02}",{kind},"source_ip":{source},"destination_ip":"172.16.0.{server}"}}"#
        )
    });
    prop_oneof![
        30 => event,
        1 => Just(String::new()),
        1 => Just("[1]".to_owned()),
        1 => Just(r#"{"timestamp":"soon","event_type":"authentication"}"#.to_owned()),
        1 => Just(r#"{"timestamp":"2026-03-02 08:01:00","eyas":{"tags":["mine"]}}"#.to_owned()),
    ]
}

/// Streams whose times wander forward with jumps back.
fn stream() -> impl Strategy<Value = String> {
    proptest::collection::vec(line(), 0..200).prop_map(|mut lines| {
        // Roughly sorted: windows would hardly ever fill otherwise.
        for chunk in lines.chunks_mut(40) {
            chunk.sort();
        }
        lines.into_iter().map(|line| line + "\n").collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_gives_the_same_bytes_however_it_is_cut(
        first in stream(), second in stream(), shards in 1..=8usize, batch in prop_oneof![Just(1usize), 2..50usize], credit in 1..=3usize,
    ) {
        let scratch = Scratch::new();
        scratch.write("eyas.toml", CONFIG).write("in.1.ndjson", first).write("in.2.ndjson", second);
        let cut = Cut { shards, batch, credit };
        assert_equal(&run(&scratch, PLAIN), &run(&scratch, cut), cut);
    }
}
