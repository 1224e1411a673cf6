//! The pairs of configuration beside shippers: each of Eyas' halves runs as it is, with a client and a receiver in the shipper's place.

use std::process::{Command, Stdio};

use eyas_tests::{Running, Scratch, addresses, eyas, lines, listens, repository, until};
use serde_json::Value;

/// How many events are sent.
const EVENTS: usize = 20_000;

fn start(scratch: &Scratch, arguments: &[&str]) -> Running {
    Running::start(scratch.eyas(arguments).stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Sends events through a pair; gives what came back, and the alerts that did.
fn run(pair: &str, load: &str, listen: &str, address: impl Fn(&str) -> String, receiver: impl Fn(&str, &str) -> String) -> [Vec<Value>; 2] {
    let (scratch, [shipper, back, alerts, admin]) = (Scratch::new(), addresses());
    let count = EVENTS.to_string();
    scratch.write("in.ndjson", scratch.run(&["generate", "-n", &count, "--rate", "250", "--labels", "labels"]).ok().out);
    scratch.write("receiver.toml", receiver(&back, &alerts));
    let receiving = start(&scratch, &["run", "receiver.toml"]);
    listens(&back);
    let config = repository().join("config/shippers").join(pair).join("eyas.toml").display().to_string();
    let sets = [
        format!("sources.shipper.{listen}={shipper}"),
        format!("sinks.back.{}", address(&back)),
        format!("sinks.alerts.{}", address(&alerts)),
        format!("admin.address={admin}"),
    ];
    let mut arguments = vec!["run", &config];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let running = start(&scratch, &arguments);
    listens(&shipper);
    let program = eyas().with_file_name("eyas-load");
    let sent = Command::new(program).args([load, &shipper]).arg(scratch.path("in.ndjson")).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    until("an alert has come back", || scratch.read("alerts.ndjson").contains(&b'\n').then_some(()));
    running.end();
    receiving.end();
    ["enriched.ndjson", "alerts.ndjson"].map(|file| lines(&scratch.read(file)))
}

/// What a receiver with a way for events and one for alerts is made of.
fn receiver(kind: &str, key: &str, back: &str, alerts: &str) -> String {
    let source = |name: &str, address: &str| {
        format!(
            "[sources.{name}]\ntype = \"{kind}\"\n{key} = \"{address}\"\ntrust_annotations = true\n\
             [sinks.{name}_out]\ntype = \"file\"\ninputs = [\"{name}\"]\npath = \"{name}.ndjson\"\n"
        )
    };
    source("enriched", back) + &source("alerts", alerts)
}

#[track_caller]
fn judge([events, alerts]: [Vec<Value>; 2], said: impl Fn(&Value) -> &Value, rule: impl Fn(&Value) -> &Value) {
    assert_eq!(events.len(), EVENTS);
    let annotated = events.iter().filter(|event| said(event)["detectors"].is_object()).count();
    assert!(annotated > 0, "{}", events[0]);
    assert!(alerts.iter().all(|alert| rule(alert).is_string()), "{}", alerts[0]);
}

#[test]
fn beside_vector() {
    let came = run(
        "vector",
        "vector",
        "address",
        |address| format!("address={address}"),
        |back, alerts| receiver("vector", "address", back, alerts),
    );
    judge(came, |event| &event["eyas"], |alert| &alert["rule"]);
}

#[test]
fn beside_an_opentelemetry_collector() {
    let came = run(
        "opentelemetry-collector",
        "otlp",
        "grpc.address",
        |address| format!("uri=http://{address}"),
        |back, alerts| receiver("otlp", "grpc.address", back, alerts),
    );
    judge(came, |event| &event["attributes"]["eyas"], |alert| &alert["attributes"]["rule"]);
}

#[test]
fn beside_fluent_bit_and_fluentd() {
    for pair in ["fluent-bit", "fluentd"] {
        let came = run(
            pair,
            "forward",
            "address",
            |address| format!("address={address}"),
            |back, alerts| receiver("forward", "address", back, alerts),
        );
        let tag = |event: &Value| event["@tag"].as_str().unwrap().to_owned();
        assert!(came[0].iter().all(|event| tag(event).starts_with("eyas.")), "{}", came[0][0]);
        assert!(came[1].iter().all(|alert| tag(alert) == "alerts"), "{}", came[1][0]);
        judge(came, |event| &event["eyas"], |alert| &alert["rule"]);
    }
}

#[test]
fn the_configuration_in_the_manifest_for_kubernetes_is_right() {
    let manifest = std::fs::read_to_string(repository().join("deploy/kubernetes.yaml")).unwrap();
    let inside = manifest
        .lines()
        .skip_while(|line| *line != "  eyas.toml: |")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    let config: String = inside.map(|line| format!("{}\n", line.trim_start())).collect();
    let scratch = Scratch::new();
    scratch.write("eyas.toml", config);
    let checked = String::from_utf8(scratch.run(&["check", "eyas.toml"]).ok().out).unwrap();
    assert!(checked.contains("eyas.toml is right") && checked.contains("health, metrics and figures are at"), "{checked}");
}
