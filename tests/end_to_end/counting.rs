//! Windows counted the slow and plain way, with events late and out of order, beside what the program says.

use std::collections::BTreeMap;

use eyas_tests::{Scratch, lines};
use proptest::prelude::*;

const WINDOW: i64 = 60;
const SLIDE: i64 = 20;
const THRESHOLD: u64 = 2;

const CONFIG: &str = r#"
[sources.in]
type = "file"
include = ["in.ndjson"]
time = { field = "t", format = "unix" }

[detectors.windows]
plugin = "brute_force"
inputs = ["in"]
config = { where = { hit = true }, key = ["who"], window_secs = 60, slide_secs = 20, threshold = 2, emit = "windows" }

[sinks.events]
type = "file"
inputs = ["windows"]
path = "events.ndjson"

[sinks.alerts]
type = "file"
inputs = ["windows.alerts"]
path = "alerts.ndjson"
"#;

/// One event: who, when, and whether the detector looks at it.
#[derive(Clone, Debug)]
struct Event {
    who: u8,
    at: i64,
    hit: bool,
}

/// Times that walk on, and now and then back.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![6 => 0..8i64, 1 => -200..0i64, 1 => 0..100i64];
    proptest::collection::vec((0..4u8, step, prop::bool::weighted(0.8)), 1..150).prop_map(|steps| {
        // Times are far from zero, so that none is negative.
        let mut at = 1_000_000;
        let walk = steps.into_iter().map(|(who, step, hit)| {
            let event = Event { who, at: at + step, hit };
            at += step.max(0);
            event
        });
        walk.collect()
    })
}

/// Counts by (start of window, who), and which events are late, as `docs/semantics.md` has it in 2.2, 2.3 and 4.
fn count(events: &[Event], lateness: i64) -> (BTreeMap<(i64, u8), u64>, Vec<bool>) {
    let (mut counts, mut late, mut newest) = (BTreeMap::new(), Vec::new(), events[0].at);
    for event in events {
        let watermark = newest - lateness;
        newest = newest.max(event.at);
        late.push(event.at < watermark);
        let last = event.at.div_euclid(SLIDE) * SLIDE;
        for start in (0..WINDOW / SLIDE).map(|i| last - i * SLIDE) {
            if event.hit && start + WINDOW > watermark {
                *counts.entry((start, event.who)).or_default() += 1;
            }
        }
    }
    counts.retain(|_, count| *count >= THRESHOLD);
    (counts, late)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_are_those_of_plain_counting(events in events(), lateness in prop_oneof![Just(0i64), 1..120i64], shards in 1..4usize, batch in 1..60usize) {
        let line = |event: &Event| format!("{{\"t\":{},\"who\":\"{}\",\"hit\":{}}}\n", event.at, event.who, event.hit);
        let scratch = Scratch::new();
        scratch.write("eyas.toml", CONFIG).write("in.ndjson", events.iter().map(line).collect::<String>());
        let (shards, batch) = (format!("shards={shards}"), format!("batch.max_events={batch}"));
        let lateness_key = format!("sources.in.time.max_lateness_secs={lateness}");
        scratch.run(&["run", "eyas.toml", "--quiet", "--set", &shards, "--set", &batch, "--set", &lateness_key]).ok();
        let (expected, late) = count(&events, lateness);
        let mut found = BTreeMap::new();
        for alert in lines(&scratch.read("alerts.ndjson")) {
            let who = alert["entities"]["who"].as_str().unwrap().parse().unwrap();
            let before = found.insert((seconds(alert["start"].as_str().unwrap()), who), alert["facts"]["count"].as_u64().unwrap());
            prop_assert_eq!(before, None, "given twice: {}", alert);
        }
        prop_assert_eq!(found, expected);
        let tagged: Vec<bool> = lines(&scratch.read("events.ndjson")).iter().map(|event| event["eyas"]["tags"][0] == "late").collect();
        prop_assert_eq!(tagged, late);
    }
}

/// Seconds since the epoch of a time in January 1970.
fn seconds(time: &str) -> i64 {
    let number = |from: usize, to: usize| time[from..to].parse::<i64>().unwrap();
    assert!(time.starts_with("1970-01-") && time.ends_with("00Z") | time.ends_with("20Z") | time.ends_with("40Z"), "{time}");
    (number(8, 10) - 1) * 86_400 + number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19)
}
