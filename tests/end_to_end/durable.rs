//! State that survives: ends and beginnings of runs on one state folder, and replays of what it kept.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use eyas_tests::{Scratch, lines, until};
use serde_json::Value;

/// Three failures within two minutes are an attack.
const DETECTOR: &str = r#"
state_dir = "state"
keep_log = true
checkpoint_secs = 1
[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]
[detectors.brute_force.config]
threshold = 3
[sinks.events]
type = "file"
inputs = ["brute_force"]
path = "events.ndjson"
[sinks.alerts]
type = "file"
inputs = ["brute_force.alerts"]
path = "alerts.ndjson"
"#;

const FILES: &str = "[sources.in]\ntype = \"file\"\ninclude = [\"in/*.ndjson\"]\n[sources.in.time]\nfield = \"t\"\nformat = \"unix\"\n";
const STDIN: &str =
    "[sources.in]\ntype = \"stdin\"\nidle_secs = 1\n[sources.in.time]\nfield = \"t\"\nformat = \"unix\"\nmax_lateness_secs = 0\n";

fn failure(time: u64) -> String {
    let who = r#""source_ip":"10.0.0.1","destination_ip":"10.0.0.2","username":"root""#;
    format!("{{\"t\":{time},\"event_type\":\"authentication\",\"result\":\"failure\",{who}}}\n")
}

fn failures(times: impl IntoIterator<Item = u64>) -> String {
    times.into_iter().map(failure).collect()
}

fn configured(source: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("eyas.toml", format!("{DETECTOR}{source}"));
    scratch
}

/// State and revision of each alert.
fn revisions(scratch: &Scratch) -> Vec<(String, u64)> {
    let of = |alert: &Value| (alert["state"].as_str().unwrap().to_owned(), alert["revision"].as_u64().unwrap());
    lines(&scratch.read("alerts.ndjson")).iter().map(of).collect()
}

/// A run that reads a pipe which stays open; killed if the test ends before it.
struct Piped {
    child: Child,
    input: ChildStdin,
}

impl Piped {
    fn start(scratch: &Scratch, more: &[&str]) -> Self {
        let arguments: Vec<&str> = ["run", "eyas.toml", "--quiet"].iter().chain(more).copied().collect();
        let mut child = scratch.eyas(&arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        Self { child, input }
    }

    fn bring(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
    }

    /// Ends it by a signal, and gives whether that went well.
    fn end(mut self, signal: &str) -> bool {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn replays_alike(scratch: &Scratch) {
    let _ = std::fs::remove_file(scratch.path("again.ndjson"));
    scratch.run(&["replay", "eyas.toml", "--log", "--alerts", "again.ndjson", "--quiet", "--shards", "3"]).ok();
    let (live, again) = (scratch.read("alerts.ndjson"), scratch.read("again.ndjson"));
    assert_eq!(String::from_utf8_lossy(&live), String::from_utf8_lossy(&again));
}

#[test]
fn behind_the_end_of_the_input_a_run_goes_on_only_when_told_to_and_no_revision_repeats() {
    let scratch = configured(FILES);
    scratch.write("in/a.ndjson", failures([1_000, 1_010, 1_020]));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_eq!(revisions(&scratch), [("open".to_owned(), 0), ("close".to_owned(), 1)]);
    let refused = scratch.run(&["run", "eyas.toml", "--quiet"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--resume") && refused.err.contains("--fresh"), "{}", refused.err);
    // The episode goes on as if the input had not ended; its closing has been said, so it is said again with another revision.
    scratch.write("in/b.ndjson", failures([1_030, 1_040]));
    scratch.run(&["run", "eyas.toml", "--quiet", "--resume"]).ok();
    assert_eq!(revisions(&scratch), [("open".to_owned(), 0), ("close".to_owned(), 1), ("close".to_owned(), 2)]);
    let closings = lines(&scratch.read("alerts.ndjson"));
    assert_eq!((&closings[1]["facts"]["count"], &closings[2]["facts"]["count"]), (&Value::from(3), &Value::from(5)));
    assert_eq!(lines(&scratch.read("events.ndjson")).len(), 5, "files that were read are not read again");
    replays_alike(&scratch);
    // Begun anew, all of it comes again.
    scratch.run(&["run", "eyas.toml", "--quiet", "--fresh"]).ok();
    assert_eq!(lines(&scratch.read("events.ndjson")).len(), 10);
}

#[test]
fn a_signal_closes_nothing_and_a_kill_changes_nothing() {
    let scratch = configured(STDIN);
    for (shards, signal, times) in [("1", "-TERM", [1_000, 1_010]), ("3", "-KILL", [1_020, 1_030]), ("2", "-TERM", [1_040, 1_050])] {
        let events = lines(&scratch.read("events.ndjson")).len();
        let mut run = Piped::start(&scratch, &["--shards", shards]);
        run.bring(&failures(times));
        until("its events are out", || (lines(&scratch.read("events.ndjson")).len() >= events + 2).then_some(()));
        assert_eq!(run.end(signal), signal == "-TERM");
    }
    let mut run = Piped::start(&scratch, &[]);
    run.bring(&failure(10_000));
    until("the episode closes", || (revisions(&scratch).len() >= 2).then_some(()));
    assert!(run.end("-TERM"));
    assert_eq!(revisions(&scratch), [("open".to_owned(), 0), ("close".to_owned(), 1)]);
    assert_eq!(lines(&scratch.read("alerts.ndjson"))[1]["facts"]["count"], 6);
    assert_eq!(lines(&scratch.read("events.ndjson")).len(), 7);
    replays_alike(&scratch);
}

#[test]
fn on_a_silent_stream_the_clock_closes_what_is_open() {
    let scratch = configured(&STDIN.replace("idle_secs", "on_idle = \"clock\"\nidle_secs"));
    // Events of about now: the clock goes on from them, and never past the time that it is.
    let now = String::from_utf8(Command::new("date").arg("+%s").output().unwrap().stdout).unwrap();
    let now: u64 = now.trim().parse().unwrap();
    let mut run = Piped::start(
        &scratch,
        &["--set", "detectors.brute_force.config.window_secs=4", "--set", "detectors.brute_force.config.slide_secs=2"],
    );
    run.bring(&failures([now, now, now]));
    until("the clock closes the episode", || (revisions(&scratch).len() >= 2).then_some(()));
    assert_eq!(revisions(&scratch), [("open".to_owned(), 0), ("close".to_owned(), 1)]);
    assert!(run.end("-TERM"));
}

#[test]
fn one_folder_is_for_one_run_and_the_second_is_told_who_has_it() {
    let scratch = configured(STDIN);
    let mut run = Piped::start(&scratch, &[]);
    run.bring(&failure(1_000));
    until("it runs", || (!scratch.read("events.ndjson").is_empty()).then_some(()));
    let second = scratch.run(&["run", "eyas.toml", "--quiet"]);
    assert_eq!(second.code, 2, "{}", second.err);
    assert!(second.err.contains(&run.child.id().to_string()), "{}", second.err);
    assert!(run.end("-TERM"));
}

#[test]
fn state_that_does_not_fit_the_configuration_is_refused_with_what_would_help() {
    let scratch = configured(FILES);
    scratch.write("in/a.ndjson", failures([1_000, 1_010]));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    scratch.write("in/b.ndjson", failures([1_020]));
    for (set, help) in
        [("seed=9", "--fresh"), ("detectors.brute_force.config.window_secs=240", "reset_state"), ("sources.in.max_event_bytes=2048", "")]
    {
        let run = scratch.run(&["run", "eyas.toml", "--quiet", "--resume", "--set", set]);
        assert_eq!(run.code, if help.is_empty() { 0 } else { 2 }, "{set}: {}", run.err);
        assert!(run.err.contains(help), "{set}: {}", run.err);
    }
    let reset = ["--set", "detectors.brute_force.config.window_secs=240", "--set", "detectors.brute_force.reset_state=true"];
    let arguments: Vec<&str> = ["run", "eyas.toml", "--quiet", "--resume"].iter().chain(&reset).copied().collect();
    scratch.run(&arguments).ok();
}

#[test]
fn files_replayed_over_the_same_detectors_give_what_a_run_gives() {
    let scratch = configured(FILES);
    scratch.write("in/a.ndjson", failures([1_000, 1_010, 1_020, 5_000, 5_001, 5_002, 9_000]));
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    scratch.run(&["replay", "eyas.toml", "--from", "in/a.ndjson", "--alerts", "b.ndjson", "--events", "e.ndjson", "--quiet"]).ok();
    assert_eq!(scratch.read("b.ndjson"), scratch.read("alerts.ndjson"));
    assert_eq!(scratch.read("e.ndjson"), scratch.read("events.ndjson"));
    let twice = scratch.run(&["replay", "eyas.toml", "--from", "in/a.ndjson", "--alerts", "b.ndjson", "--quiet"]);
    assert_eq!(twice.code, 2, "what was in the file before would be taken for part of the replay");
    let out = scratch.run(&["replay", "eyas.toml", "--log", "--quiet"]).ok().out;
    let read: Vec<String> = BufReader::new(out.as_slice()).lines().map(|line| line.unwrap()).collect();
    assert_eq!(read.join("\n") + "\n", String::from_utf8(scratch.read("alerts.ndjson")).unwrap());
}
