//! rotel, an OpenTelemetry collector in Rust, on both sides of Eyas; it keeps nothing on disk, so it is not killed.

use std::process::Stdio;

use eyas_tests::{Running, Scratch, addresses, listens, peers, until};

use super::pair::{DETECTORS, OTLP_FIELDS, events, ids, openings, whole_lines};

/// Takes OTLP by HTTP here and sends it on there, by gRPC or in protobuf by HTTP.
fn rotel(grpc: &str, http: &str, to: &str, protocol: &str) -> Running {
    let mut rotel = peers::rotel();
    rotel.args(["start", "--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http, "--exporter", "otlp"]);
    rotel.args(["--otlp-exporter-endpoint", to, "--otlp-exporter-protocol", protocol, "--otlp-exporter-compression", "gzip"]);
    let running = Running::start(rotel.args(["--batch-timeout", "100ms"]).stdout(Stdio::null()).stderr(Stdio::null()));
    listens(http);
    running
}

#[test]
fn rotel_sends_and_takes_back_every_event() {
    for protocol in ["grpc", "http"] {
        let [before_grpc, before_http, grpc, http, back_grpc, back_http, recorder] = addresses();
        let scratch = Scratch::new();
        scratch.write(
            "eyas.toml",
            format!(
                "[sources.in]\ntype = \"otlp\"\ngrpc.address = \"{grpc}\"\nhttp.address = \"{http}\"\n{OTLP_FIELDS}\n{DETECTORS}\n\
                 [sinks.back]\ntype = \"otlp\"\nuri = \"http://{}\"\nprotocol = \"{protocol}\"\ninputs = [\"ddos\"]\n\
                 [sinks.alerts]\ntype = \"file\"\npath = \"alerts.ndjson\"\ninputs = [\"brute_force.alerts\", \"ddos.alerts\"]\n",
                if protocol == "grpc" { &back_grpc } else { &back_http }
            ),
        );
        scratch.write(
            "recorder.toml",
            format!(
                "[sources.in]\ntype = \"otlp\"\nhttp.address = \"{recorder}\"\n[sinks.events]\ntype = \"file\"\n\
                 path = \"events.ndjson\"\ninputs = [\"in\"]\n"
            ),
        );
        let start = |config: &str| Running::start(scratch.eyas(&["run", config, "--quiet"]).stdout(Stdio::null()));
        let (_recorder, _eyas) = (start("recorder.toml"), start("eyas.toml"));
        listens(&recorder);
        listens(&http);
        let to = if protocol == "grpc" { &grpc } else { &http };
        let _before = rotel(&before_grpc, &before_http, &format!("http://{to}"), protocol);
        let _behind = rotel(&back_grpc, &back_http, &format!("http://{recorder}"), "http");
        let mut load = peers::load();
        load.args(["otlp-http", &before_http]).arg(events()).args(["--batch", "500", "--connections", "1", "--patience", "60"]);
        assert!(Running::start(load.stdout(Stdio::null())).ended());
        let expected = ids(&std::fs::read(events()).unwrap());
        until("all events are out", || (ids(&whole_lines(scratch.read("events.ndjson"))).len() == expected.len()).then_some(()));
        assert_eq!(ids(&scratch.read("events.ndjson")), expected, "{protocol}: each came once");
        // Which ones is not said: several batches are under way at once, so they come in any order, and late events count in what is open.
        assert!(!openings(&scratch.read("alerts.ndjson")).is_empty(), "{protocol}");
    }
}
