//! What other programs write, and the ways in.

use std::io::Write;

use eyas_tests::{Scratch, lines};
use serde_json::Value;

/// Six failed logins of one pair, half a minute in all, as some program would write them.
fn failures(line: impl Fn(u32) -> String) -> String {
    (0..6).map(|i| line(i * 5) + "\n").collect()
}

/// A configuration around a source; `fields` and `time` are the source's own.
fn config(source: &str, detector: &str) -> String {
    format!(
        r#"
[sources.in]
{source}

[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]
config = {{ {detector} }}

[sinks.events]
type = "file"
inputs = ["brute_force"]
path = "events.ndjson"

[sinks.alerts]
type = "file"
inputs = ["brute_force.alerts"]
path = "alerts.ndjson"
"#
    )
}

/// One episode was found: opened by the fifth failure, closed with all six.
#[track_caller]
fn assert_one_episode(scratch: &Scratch, entities: &Value) {
    let alerts = lines(&scratch.read("alerts.ndjson"));
    let states: Vec<_> = alerts.iter().map(|alert| alert["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "close"], "{alerts:?}");
    assert_eq!(alerts[1]["facts"]["count"], 6);
    assert_eq!((&alerts[0]["entities"], &alerts[1]["entities"]), (entities, entities));
    assert_eq!(alerts[0]["id"], alerts[1]["id"]);
    let events = lines(&scratch.read("events.ndjson"));
    assert_eq!(events.len(), 6);
    for (i, event) in events.iter().enumerate() {
        let annotated = &event["eyas"]["detectors"]["brute_force"]["alerts"];
        assert_eq!(annotated.is_null(), i < 4, "{event}");
    }
    assert_eq!(events[4]["eyas"]["detectors"]["brute_force"]["alerts"][0], alerts[0]["id"]);
}

/// The columns of a usual log.
const CSV: &str = "at,who,\"from, really\",to,outcome\n";

#[test]
fn csv_with_a_header_and_quoted_fields() {
    let rows = failures(|second| format!("2026-03-02T08:00:{second:02}Z,\"Doe, \"\"J\"\"\",10.0.0.1,10.0.0.2,failure"));
    let source = r#"
type = "file"
include = ["in.csv"]
encoding = "csv"
time = { field = "at" }
fields = { source_ip = "from, really", destination_ip = "to", result = "outcome" }
"#;
    let scratch = Scratch::new();
    scratch.write("in.csv", CSV.to_owned() + &rows).write("eyas.toml", config(source, r#"where = { result = "failure" }"#));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_one_episode(&scratch, &serde_json::json!({"source_ip": "10.0.0.1", "destination_ip": "10.0.0.2"}));
    assert_eq!(lines(&scratch.read("events.ndjson"))[0]["who"], "Doe, \"J\"");
}

#[test]
fn csv_with_named_columns_and_another_delimiter() {
    let rows = failures(|second| format!("{};10.0.0.1;10.0.0.2;failure", 1_772_438_400 + second));
    let source = r#"
type = "file"
include = ["in.csv"]
encoding = "csv"
csv = { delimiter = ";", header = false, columns = ["at", "source_ip", "destination_ip", "result"] }
time = { field = "at", format = "unix" }
"#;
    let scratch = Scratch::new();
    scratch.write("in.csv", rows).write("eyas.toml", config(source, r#"where = { result = "failure" }"#));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_one_episode(&scratch, &serde_json::json!({"source_ip": "10.0.0.1", "destination_ip": "10.0.0.2"}));
}

#[test]
fn the_journal_as_json() {
    let line = |second: u32| {
        format!(
            r#"{{"__CURSOR":"s=1;i={second:x}","__REALTIME_TIMESTAMP":"{}","__MONOTONIC_TIMESTAMP":"1","_HOSTNAME":"gate","SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6","_PID":"{}","MESSAGE":"Failed password for root from 203.0.113.7 port {} ssh2","_SOURCE_REALTIME_TIMESTAMP":"1","COREDUMP":[1,2,255],"EMPTY":null}}"#,
            (1_772_438_400 + u64::from(second)) * 1_000_000,
            900 + second,
            40_000 + second,
        )
    };
    let source = r#"
type = "file"
include = ["journal.ndjson"]
time = { field = "__REALTIME_TIMESTAMP", format = "unix_us" }
"#;
    let detector = r#"where = { SYSLOG_IDENTIFIER = "sshd", MESSAGE = { prefix = "Failed password" } }, key = ["_HOSTNAME"]"#;
    let scratch = Scratch::new();
    scratch.write("journal.ndjson", failures(line)).write("eyas.toml", config(source, detector));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_one_episode(&scratch, &serde_json::json!({"_HOSTNAME": "gate"}));
}

#[test]
fn rsyslogs_json_template() {
    let line = |second: u32| {
        format!(
            r#"{{"@timestamp":"2026-03-02T09:00:{second:02}.123456+01:00","host":"gate","severity":"info","facility":"auth","tag":"sshd[{second}]:","message":" Failed password for root from 203.0.113.7 port 4{second} ssh2"}}"#
        )
    };
    let source = r#"
type = "file"
include = ["syslog.ndjson"]
time = { field = "@timestamp" }
"#;
    let detector = r#"where = { tag = { prefix = "sshd" }, message = { prefix = " Failed password" } }, key = ["host"]"#;
    let scratch = Scratch::new();
    scratch.write("syslog.ndjson", failures(line)).write("eyas.toml", config(source, detector));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_one_episode(&scratch, &serde_json::json!({"host": "gate"}));
}

/// As the usual schema has it.
fn failure(second: u32) -> String {
    format!(
        r#"{{"timestamp":"2026-03-02 08:00:{second:02}","event_type":"authentication","result":"failure","source_ip":"10.0.0.1","destination_ip":"10.0.0.2"}}"#
    )
}

#[test]
fn without_a_configuration_standard_input_comes_out_enriched_whatever_its_pieces() {
    let input = failures(failure);
    let mut outputs = Vec::new();
    for size in [1, 7, 100, 4096] {
        let scratch = Scratch::new();
        let arguments = ["run", "-d", "brute_force", "-d", "ddos", "--alerts", "alerts.ndjson", "--quiet"];
        let run = scratch.pipe(&arguments, input.as_bytes().chunks(size)).ok();
        scratch.write("events.ndjson", &run.out);
        assert_one_episode(&scratch, &serde_json::json!({"source_ip": "10.0.0.1", "destination_ip": "10.0.0.2"}));
        outputs.push((run.out, scratch.read("alerts.ndjson")));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn several_files_plain_or_packed_are_read_in_the_order_of_their_times() {
    let minute = |minute: u32| -> String { failures(failure).replace("08:00", &format!("08:{minute:02}")) };
    let source = r#"
type = "file"
include = ["logs/*.ndjson"]
exclude = ["logs/old.*"]
time = { field = "timestamp", format = "%Y-%m-%d %H:%M:%S", max_lateness_secs = 0 }
"#;
    let scratch = Scratch::new();
    // What is packed is known by its first bytes, not by its name.
    scratch.write("logs/a.ndjson", minute(20)).write("logs/b.ndjson", gzip(minute(0).as_bytes()));
    scratch.write("logs/c.ndjson", zstd::encode_all(minute(10).as_bytes(), 0).unwrap());
    scratch.write("logs/old.ndjson", minute(5)).write("logs/empty.ndjson", "");
    scratch.write("eyas.toml", config(source, "")).run(&["run", "eyas.toml", "--quiet"]).ok();
    let events = String::from_utf8(scratch.read("events.ndjson")).unwrap();
    let times: Vec<&str> = events.lines().map(|line| &line[14..33]).collect();
    assert_eq!(times.len(), 18);
    assert!(times.is_sorted() && !events.contains("late"), "{events}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
