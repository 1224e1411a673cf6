//! Fluent Forward, spoken by the libraries of Fluent's own project for Node.js and Python.

use std::collections::BTreeMap;
use std::process::Stdio;

use eyas_tests::{Running, Scratch, addresses, lines, listens, peers, repository, until};
use serde_json::Value;

use super::pair::{DETECTORS, whole_lines};

const KEY: &str = "a key that both know";

struct Place {
    scratch: Scratch,
    eyas: String,
    server: String,
    key: &'static str,
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

impl Place {
    /// Client -> Eyas -> server, with so many events.
    fn new(events: usize, key: &'static str) -> Self {
        let [eyas, server] = addresses();
        let scratch = Scratch::new();
        let made = scratch.run(&["generate", "--count", &events.to_string(), "--hosts", "1000", "--rate", "100"]).ok();
        scratch.write("in.ndjson", made.out);
        let secret = if key.is_empty() { String::new() } else { format!("shared_key = \"{key}\"\n") };
        scratch.write(
            "eyas.toml",
            format!(
                "state_dir = \"state\"\ncheckpoint_secs = 1\n[sources.in]\ntype = \"forward\"\naddress = \"{eyas}\"\n{secret}{DETECTORS}\n\
                 [sinks.back]\ntype = \"forward\"\naddress = \"{server}\"\ntag_prefix = \"eyas.\"\n{secret}inputs = [\"ddos\"]\n\
                 [sinks.alerts]\ntype = \"file\"\npath = \"alerts.ndjson\"\ninputs = [\"brute_force.alerts\", \"ddos.alerts\"]\n"
            ),
        );
        Self { scratch, eyas, server, key }
    }

    fn eyas(&self) -> Running {
        let running = Running::start(self.scratch.eyas(&["run", "eyas.toml", "--quiet"]).stdout(Stdio::null()));
        listens(&self.eyas);
        running
    }

    fn server(&self) -> Running {
        let script = repository().join("tests/peers/forward_server.js");
        let mut node = peers::node();
        let running = Running::start(node.arg(script).args([port(&self.server), self.key]).arg(self.scratch.path("out.ndjson")));
        listens(&self.server);
        running
    }

    fn client(&self, mode: &str) -> Running {
        let script = repository().join("tests/peers/forward_client.js");
        let mut node = peers::node();
        Running::start(node.arg(script).args([port(&self.eyas), mode, self.key]).arg(self.scratch.path("in.ndjson")))
    }

    fn sent(&self) -> BTreeMap<String, Value> {
        lines(&self.scratch.read("in.ndjson")).into_iter().map(|event| (event["event_id"].as_str().unwrap().to_owned(), event)).collect()
    }

    /// Waits until all have come out, and gives them, each with how often it came.
    fn out(&self) -> BTreeMap<String, (Value, usize)> {
        let expected = self.sent().len();
        until("all events are out", || {
            let mut found: BTreeMap<String, (Value, usize)> = BTreeMap::new();
            for event in lines(&whole_lines(self.scratch.read("out.ndjson"))) {
                found.entry(event["event_id"].as_str().unwrap().to_owned()).or_insert((event, 0)).1 += 1;
            }
            (found.len() == expected).then_some(found)
        })
    }

    /// What came out is what was sent, but for the annotations, under a tag with our prefix and with its time.
    fn same(&self, tag: &str) {
        let sent = self.sent();
        for (id, (mut event, _)) in self.out() {
            let object = event.as_object_mut().unwrap();
            object.remove("eyas");
            assert_eq!(object.remove("tag").unwrap(), tag);
            let seconds = object.remove("time").unwrap()[0].as_i64().unwrap();
            let written = sent[&id]["timestamp"].as_str().unwrap();
            let minute_and_second = format!("{:02}:{:02}", seconds / 60 % 60, seconds % 60);
            assert!(written.ends_with(&minute_and_second), "{written} and {seconds}");
            assert_eq!(event, sent[&id]);
        }
    }
}

#[test]
fn all_modes_of_forward_come_through_acknowledged() {
    for (mode, key) in [("Message", ""), ("Forward", KEY), ("PackedForward", ""), ("CompressedPackedForward", KEY)] {
        let place = Place::new(2_000, key);
        let (_server, _eyas) = (place.server(), place.eyas());
        assert!(place.client(mode).ended(), "{mode}");
        place.same("eyas.node.events");
    }
}

#[test]
fn eyas_and_the_server_are_killed_under_forward_and_nothing_is_lost() {
    let place = Place::new(20_000, KEY);
    let (mut server, mut eyas) = (place.server(), place.eyas());
    let mut client = place.client("PackedForward");
    let some = |events: usize| {
        let count = || memchr::memchr_iter(b'\n', &place.scratch.read("out.ndjson")).count();
        until("some events are out", || (count() >= events).then_some(()));
    };
    some(2_000);
    eyas.kill();
    eyas = place.eyas();
    some(6_000);
    server.kill();
    server = place.server();
    some(10_000);
    eyas.kill();
    eyas = place.eyas();
    assert!(client.ended());
    place.same("eyas.node.events");
    drop((server, eyas));
}

#[test]
fn python_sends_without_acknowledgement_and_every_event_comes_through() {
    let place = Place::new(2_000, "");
    let (_server, _eyas) = (place.server(), place.eyas());
    let script = repository().join("tests/peers/forward_client.py");
    let mut python = peers::python();
    let mut client = Running::start(python.arg(script).arg(port(&place.eyas)).arg(place.scratch.path("in.ndjson")));
    assert!(client.ended());
    place.same("eyas.python.events");
}

#[test]
fn a_client_with_another_key_is_turned_away() {
    let mut place = Place::new(10, KEY);
    let _eyas = place.eyas();
    place.key = "another key";
    let mut client = place.client("PackedForward");
    until("the refusal is counted or the client gives up", || {
        let gave_up = !client.runs();
        (gave_up || place.scratch.path("state").exists()).then_some(())
    });
    assert!(place.scratch.read("out.ndjson").is_empty());
}
