//! Spark's answers to the same questions on the same events.

use eyas_tests::{A, B, Oracle, Scratch, repository};

use crate::windows::{assert_same, expected, found};

const CONFIG: &str = r#"
[sources.in]
type = "file"
include = ["in.ndjson"]
time = { field = "timestamp", format = "%Y-%m-%d %H:%M:%S", max_lateness_secs = 600 }

[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]
config = { emit = "windows" }

[detectors.ddos]
plugin = "ddos"
inputs = ["brute_force"]
config = { emit = "windows" }

[sinks.events]
type = "blackhole"
inputs = ["ddos"]

[sinks.alerts]
type = "file"
inputs = ["brute_force.alerts", "ddos.alerts"]
path = "alerts.ndjson"
"#;

#[test]
fn spark_counts_the_same_windows_at_250_events_a_second() {
    agrees_with_spark(&A);
}

#[test]
fn spark_counts_the_same_windows_at_2000_events_a_second() {
    agrees_with_spark(&B);
}

/// The events are in order, so lateness must not matter.
fn agrees_with_spark(oracle: &Oracle) {
    let answer = |query| std::fs::read(repository().join(format!("tests/data/oracle/{}.{query}.jsonl", oracle.name))).unwrap();
    let scratch = Scratch::new();
    scratch.write("in.ndjson", oracle.events()).write("eyas.toml", CONFIG);
    for lateness in ["600", "60"] {
        let lateness = format!("sources.in.time.max_lateness_secs={lateness}");
        scratch.write("alerts.ndjson", "").run(&["run", "eyas.toml", "--quiet", "--set", &lateness]).ok();
        let alerts = scratch.read("alerts.ndjson");
        let pair = ["source_ip", "destination_ip"];
        assert_same(&found(&alerts, "brute_force", &pair), &expected(&answer("brute_force"), &pair));
        assert_same(&found(&alerts, "ddos", &pair[1..]), &expected(&answer("ddos"), &pair[1..]));
    }
}
