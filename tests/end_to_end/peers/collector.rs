//! The OpenTelemetry Collector, before Eyas and behind it: one program with two pipelines, as it stands on a host.

use std::process::Stdio;

use eyas_tests::{Running, Scratch, addresses, listens, peers, until};

use super::pair::{DETECTORS, OTLP_FIELDS, events, ids, same_alerts, whole_lines};

/// Where everybody listens.
struct Place {
    scratch: Scratch,
    /// Of the collector, for events from outside.
    outside: String,
}

impl Place {
    /// Writes the configurations: sender -> collector -> Eyas -> collector -> recorder.
    fn new(compression: &str) -> Self {
        let [outside, eyas, back, recorder] = addresses();
        let scratch = Scratch::new();
        let exporter = |name: &str, endpoint: &str| {
            format!(
                "  otlp_grpc/{name}:\n    endpoint: {endpoint}\n    compression: {compression}\n    tls: {{ insecure: true }}\n    \
                 retry_on_failure: {{ initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 0 }}\n    \
                 sending_queue: {{ storage: file_storage, num_consumers: 1, block_on_overflow: true }}\n"
            )
        };
        let folder = scratch.path("queue");
        std::fs::create_dir_all(&folder).unwrap();
        let collector = format!(
            "extensions:\n  file_storage:\n    directory: {}\nreceivers:\n  otlp/outside:\n    protocols:\n      http: {{ endpoint: {outside} }}\n  \
             otlp/back:\n    protocols:\n      grpc: {{ endpoint: {back} }}\nexporters:\n{}{}service:\n  extensions: [file_storage]\n  \
             telemetry: {{ metrics: {{ level: none }} }}\n  pipelines:\n    logs/to_eyas: {{ receivers: [otlp/outside], exporters: [otlp_grpc/eyas] }}\n    \
             logs/from_eyas: {{ receivers: [otlp/back], exporters: [otlp_grpc/recorder] }}\n",
            folder.display(),
            exporter("eyas", &eyas),
            exporter("recorder", &recorder)
        );
        scratch.write("collector.yaml", collector);
        scratch.write(
            "eyas.toml",
            format!(
                "state_dir = \"state\"\ncheckpoint_secs = 1\n[sources.in]\ntype = \"otlp\"\ngrpc.address = \"{eyas}\"\n{OTLP_FIELDS}\n\
                 {DETECTORS}\n[sinks.back]\ntype = \"otlp\"\nuri = \"http://{back}\"\ncompression = \"gzip\"\ninputs = [\"ddos\"]\n\
                 [sinks.alerts]\ntype = \"file\"\npath = \"alerts.ndjson\"\ninputs = [\"brute_force.alerts\", \"ddos.alerts\"]\n"
            ),
        );
        scratch.write(
            "recorder.toml",
            format!(
                "[sources.in]\ntype = \"otlp\"\ngrpc.address = \"{recorder}\"\n[sinks.events]\ntype = \"file\"\npath = \"events.ndjson\"\n\
                 inputs = [\"in\"]\n"
            ),
        );
        Self { scratch, outside }
    }

    fn eyas(&self, config: &str) -> Running {
        Running::start(self.scratch.eyas(&["run", config, "--quiet"]).stdout(Stdio::null()))
    }

    /// Where a program of others says what it has to say: a lot, which is no news.
    fn log(&self, name: &str) -> std::fs::File {
        let path = self.scratch.path(&format!("{name}.log"));
        std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    fn collector(&self) -> Running {
        let mut command = peers::collector();
        let running = Running::start(
            command.arg("--config").arg(self.scratch.path("collector.yaml")).stdout(Stdio::null()).stderr(self.log("collector")),
        );
        listens(&self.outside);
        running
    }

    /// Sends all events, one request after the other, until each is taken.
    fn send(&self) -> Running {
        let mut command = peers::load();
        command.args(["otlp-http", &self.outside]).arg(events()).args(["--batch", "200", "--connections", "1", "--patience", "60"]);
        Running::start(command.stdout(Stdio::null()))
    }

    /// Waits until every event has come out; gives how often each did.
    fn all_out(&self) -> std::collections::BTreeMap<String, usize> {
        let expected = ids(&std::fs::read(events()).unwrap()).len();
        until("all events are out", || Some(ids(&whole_lines(self.scratch.read("events.ndjson")))).filter(|found| found.len() == expected))
    }
}

#[test]
fn a_collector_sends_and_takes_back_every_event_once() {
    let place = Place::new("gzip");
    let (_recorder, _eyas, _collector) = (place.eyas("recorder.toml"), place.eyas("eyas.toml"), place.collector());
    assert!(place.send().ended());
    let out = place.all_out();
    assert!(out.values().all(|&times| times == 1), "nobody died, so nothing came twice");
    same_alerts(&place.scratch);
}

#[test]
fn eyas_is_killed_under_load_beside_a_collector_and_nothing_is_lost_nor_counted_twice() {
    let place = Place::new("zstd");
    let (_recorder, mut eyas, _collector) = (place.eyas("recorder.toml"), place.eyas("eyas.toml"), place.collector());
    let mut sender = place.send();
    for share in [5_000, 20_000, 40_000] {
        until("some events are out", || (ids_out(&place) >= share).then_some(()));
        eyas.kill();
        eyas = place.eyas("eyas.toml");
    }
    assert!(sender.ended());
    place.all_out();
    same_alerts(&place.scratch);
}

#[test]
fn a_collector_is_killed_under_load_and_nothing_is_lost() {
    let place = Place::new("gzip");
    let (_recorder, _eyas, mut collector) = (place.eyas("recorder.toml"), place.eyas("eyas.toml"), place.collector());
    let mut sender = place.send();
    for share in [5_000, 20_000, 40_000] {
        until("some events are out", || (ids_out(&place) >= share).then_some(()));
        collector.kill();
        collector = place.collector();
    }
    assert!(sender.ended());
    place.all_out();
    drop(collector);
}

/// How many lines the recorder has written.
fn ids_out(place: &Place) -> usize {
    memchr::memchr_iter(b'\n', &place.scratch.read("events.ndjson")).count()
}
