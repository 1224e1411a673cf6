//! The bench on which a shipper stands: events made once, what an undisturbed run finds in them, and how both are compared.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use eyas_tests::{Scratch, lines, until};
use serde_json::Value;

/// The detectors of all these tests.
pub const DETECTORS: &str = r#"
[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]

[detectors.ddos]
plugin = "ddos"
inputs = ["brute_force"]
"#;

/// Where events of OpenTelemetry bear the fields that the detectors ask for.
pub const OTLP_FIELDS: &str = r#"
[sources.in.fields]
event_type = "attributes.event_type"
source_ip = "attributes.source_ip"
destination_ip = "attributes.destination_ip"
username = "attributes.username"
result = "attributes.result"
"#;

/// Events with attacks in them.
pub fn events() -> PathBuf {
    made().0.clone()
}

/// Names, states and revisions of the alerts, as a run over the file finds them, with how often each came.
pub fn undisturbed() -> BTreeMap<String, usize> {
    made().1.clone()
}

fn made() -> &'static (PathBuf, BTreeMap<String, usize>) {
    static MADE: OnceLock<(PathBuf, BTreeMap<String, usize>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let scratch = Scratch::new();
        let made = scratch.run(&["generate", "--count", "60000", "--hosts", "1000", "--rate", "100"]).ok();
        scratch.write("events.ndjson", &made.out);
        let config = format!(
            "[sources.in]\ntype = \"file\"\ninclude = [\"events.ndjson\"]\n[sources.in.time]\nfield = \"timestamp\"\n\
             format = \"%Y-%m-%d %H:%M:%S\"\n{DETECTORS}\n[sinks.events]\ntype = \"blackhole\"\ninputs = [\"ddos\"]\n\
             [sinks.alerts]\ntype = \"file\"\npath = \"alerts.ndjson\"\ninputs = [\"brute_force.alerts\", \"ddos.alerts\"]\n"
        );
        scratch.write("eyas.toml", config);
        scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
        let alerts = openings(&scratch.read("alerts.ndjson"));
        assert!(alerts.len() > 3, "there are attacks in them");
        // It lives as long as the tests do.
        let kept = std::env::temp_dir().join(format!("eyas-peers-{}.ndjson", std::process::id()));
        std::fs::rename(scratch.path("events.ndjson"), &kept).or_else(|_| std::fs::write(&kept, &made.out)).unwrap();
        (kept, alerts)
    })
}

/// Waits until the alerts are those of an undisturbed run: they may be written a little after the events.
#[track_caller]
pub fn same_alerts(scratch: &Scratch) {
    let expected = undisturbed();
    let written = || scratch.read("alerts.ndjson");
    until("all alerts are there", || (openings(&whole_lines(written())).len() >= expected.len()).then_some(()));
    assert_eq!(openings(&whole_lines(written())), expected);
}

/// What is written of a file that is still written to, up to its last end of line.
pub fn whole_lines(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
    bytes
}

/// The alerts but for those by which the end of the input closes what is open: a shipper has no end.
pub fn openings(alerts: &[u8]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for alert in lines(alerts).iter().filter(|alert| alert["state"] != "close") {
        *found.entry(format!("{} {} {} {}", alert["id"], alert["state"], alert["revision"], alert["start"])).or_insert(0) += 1;
    }
    found
}

/// How often each event came, by its `event_id`, wherever that stands.
pub fn ids(events: &[u8]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for event in lines(events) {
        let id = [&event["event_id"], &event["attributes"]["event_id"]].into_iter().find_map(Value::as_str).map(str::to_owned);
        *found.entry(id.unwrap_or_else(|| panic!("an event without its id: {event}"))).or_insert(0) += 1;
    }
    found
}
