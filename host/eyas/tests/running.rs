//! How a run goes, and how it ends.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use common::{Folder, failures};

const PASS: &str = "[sources.in]\ntype = \"stdin\"\n[sinks.out]\ntype = \"stdout\"\ninputs = [\"in\"]\n";

#[test]
fn detectors_on_the_command_line_need_no_configuration() {
    let folder = Folder::new();
    folder.write("in.ndjson", failures());
    let run = folder.run_with(&["run", "-d", "brute_force", "-d", "ddos"], "in.ndjson").ok();
    assert_eq!(run.out.lines().count(), 6);
    assert!(run.out.lines().nth(4).unwrap().contains("\"eyas\":{"));
    let alerts: Vec<_> = run.err.lines().filter(|line| line.starts_with("{\"id\"")).collect();
    assert_eq!(alerts.len(), 2, "{}", run.err);
    assert!(run.err.contains("6 events in ") && run.err.contains("brute_force: 2 alerts"), "{}", run.err);
}

#[test]
fn quiet_says_nothing() {
    let folder = Folder::new();
    folder.write("in.ndjson", failures());
    let run = folder.run_with(&["run", "-q", "-d", "brute_force", "--alerts", "alerts.ndjson"], "in.ndjson").ok();
    assert_eq!(run.err, "");
    assert_eq!(folder.read("alerts.ndjson").lines().count(), 2);
}

#[test]
fn the_time_can_be_named_and_is_asked_for_where_it_is_not_found() {
    let folder = Folder::new();
    folder.write("in.ndjson", failures().replace("timestamp", "when").replace("2026-03-02 08:00:", "8 h 0 m, of 2026-03-02, s "));
    let run = folder.run_with(&["run", "-q", "-d", "brute_force"], "in.ndjson");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("--time-field"), "{}", run.err);
    let arguments = ["run", "-q", "-d", "brute_force", "--time-field", "when", "--time-format", "%H h %M m, of %Y-%m-%d, s %S"];
    assert!(folder.run_with(&arguments, "in.ndjson").ok().out.contains("\"alerts\":["));
}

/// As `head` does: whoever reads standard output has seen enough.
#[test]
fn a_reader_who_leaves_ends_the_run_quietly() {
    let folder = Folder::new();
    folder.write("eyas.toml", PASS.replace("\"stdin\"", "\"file\"\ninclude = [\"in.ndjson\"]"));
    folder.write("in.ndjson", "{\"a\":\"0123456789012345678901234567890123456789\"}\n".repeat(200_000));
    let mut child = folder.command(&["run", "eyas.toml"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    drop(out);
    let run: common::Ended = child.wait_with_output().unwrap().into();
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

/// Events that were read come out, though the batch they wait for is not full.
#[test]
fn a_signal_drains() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        folder.write("eyas.toml", format!("[batch]\nmax_age_ms = 10\n{PASS}"));
        let mut child = folder.command(&["run", "eyas.toml"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"{\"a\":1}\n").unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        // Once this has come through the run has begun.
        out.read_line(&mut text).unwrap();
        let killed = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
        assert!(killed.success());
        out.read_to_string(&mut text).unwrap();
        // Its input is still open: it ended because it was asked to.
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(text.starts_with("{\"a\":1"), "{text}");
        drop(input);
    }
}

/// A run whose standard output is full and not read any more, after it was asked to end.
fn stuck_and_asked_to_end(drain_secs: u32) -> (std::process::Child, BufReader<std::process::ChildStderr>, impl Sized) {
    let folder = Folder::new();
    let source = PASS.replace("\"stdin\"", "\"file\"\ninclude = [\"in.ndjson\"]");
    folder.write("eyas.toml", format!("drain_secs = {drain_secs}\n{source}"));
    folder.write("in.ndjson", "{\"a\":\"0123456789012345678901234567890123456789\"}\n".repeat(200_000));
    let mut child = folder.command(&["run", "eyas.toml"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    // Once something has come through the run has begun.
    out.read_line(&mut String::new()).unwrap();
    terminate(&child);
    let err = BufReader::new(child.stderr.take().unwrap());
    (child, err, (out, folder))
}

fn terminate(child: &std::process::Child) {
    assert!(std::process::Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap().success());
}

#[test]
fn a_second_signal_stops_at_once() {
    let (mut child, mut err, _kept) = stuck_and_asked_to_end(1000);
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert!(line.contains("a second signal stops at once"), "{line}");
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_drain_that_takes_too_long_fails() {
    let (mut child, mut err, _kept) = stuck_and_asked_to_end(0);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    assert!(text.contains("a sink is too slow"), "{text}");
}

#[test]
fn what_cannot_be_written_fails_with_the_name_of_the_sink() {
    let folder = Folder::new();
    folder.write("eyas.toml", PASS).write("in.ndjson", failures());
    let input = std::fs::File::open(folder.path("in.ndjson")).unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let run: common::Ended = folder.command(&["run", "eyas.toml"]).stdin(input).stdout(full).output().unwrap().into();
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("sink \"out\": cannot write to standard output: No space left"), "{}", run.err);
}

#[test]
fn a_file_that_cannot_be_read_fails_after_all_others_were_read() {
    let folder = Folder::new();
    folder.write("eyas.toml", PASS.replace("\"stdin\"", "\"file\"\ninclude = [\"*.ndjson*\"]"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(failures().as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    folder.write("a.ndjson.gz", &packed[..packed.len() - 8]).write("b.ndjson", "{\"b\":1}\n").write("c.ndjson", "");
    let run = folder.run(&["run", "eyas.toml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("cannot read a.ndjson.gz: "), "{}", run.err);
    assert!(run.out.contains("{\"b\":1") && run.out.lines().count() == 7, "{}", run.out);
}

#[test]
fn what_is_no_event_goes_beside_the_first_file_sink_or_to_standard_error() {
    let folder = Folder::new();
    folder.write("in.ndjson", "no JSON\n{\"a\":1}\n{\"cut").write("eyas.toml", PASS);
    let run = folder.run_with(&["run", "-q", "eyas.toml"], "in.ndjson").ok();
    assert_eq!(run.err.lines().filter(|line| line.contains("\"reason\":")).count(), 2, "{}", run.err);
    folder.write("out/eyas.toml", PASS.replace("\"stdout\"", "\"file\"\npath = \"out/events.ndjson\""));
    folder.run_with(&["run", "-q", "out/eyas.toml"], "in.ndjson").ok();
    assert_eq!(folder.read("out/dead_letters.ndjson").lines().count(), 2);
    assert!(folder.run(&["check", "out/eyas.toml"]).ok().out.contains("out/dead_letters.ndjson"));
    folder.write("eyas.toml", PASS.replace("\"stdout\"", "\"file\"\npath = \"/dev/null\""));
    assert!(folder.run(&["check", "eyas.toml"]).ok().out.contains("standard error"), "a device has no files beside it");
}

#[test]
fn a_packed_stream_is_refused_with_advice_and_a_packed_file_is_read() {
    let folder = Folder::new();
    let packed = zstd::encode_all(failures().as_bytes(), 1).unwrap();
    folder.write("eyas.toml", PASS).write("in", &packed);
    assert_eq!(folder.run_with(&["run", "-q", "eyas.toml"], "in").ok().out.lines().count(), 6);
    assert_eq!(
        folder.run_with(&["run", "-q", "-d", "brute_force"], "in").ok().out.lines().count(),
        6,
        "looking for the time takes nothing away"
    );
    let mut child = folder.command(&["run", "eyas.toml"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&packed).unwrap();
    let run: common::Ended = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("zstdcat"), "{}", run.err);
}

#[test]
fn logs_may_be_json_and_what_others_say_in_them_is_escaped() {
    let folder = Folder::new();
    folder.write("in.ndjson", failures());
    let run = folder.run_with(&["run", "-d", "brute_force", "--alerts", "a", "--log-format", "json", "--log", "info"], "in.ndjson").ok();
    let log = run.err.lines().find(|line| line.starts_with('{')).unwrap();
    let log: serde_json::Value = serde_json::from_str(log).unwrap();
    assert_eq!(log["level"], "INFO");
    let run = folder.run(&["run", "--log", "=loud=", "-d", "x"]);
    assert_eq!(run.code, Some(2));
    assert!(!run.err.contains('\u{1b}'));
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = Folder::new();
    for command in ["run", "check", "generate", "bench"] {
        let help = folder.run(&[command, "--help"]).ok().out;
        assert!(help.contains("Usage: eyas ") && help.contains("Example"), "{command}: {help}");
    }
    let help = folder.run(&["--help"]).ok().out;
    assert!(help.contains("Exit codes:") && help.contains("generate"));
    assert!(folder.run(&["plugin", "inspect", "--help"]).ok().out.contains("eyas plugin inspect brute_force"));
}

/// Batches of one event or of a few bytes, a credit of one, one shard or several.
#[test]
fn how_the_input_is_cut_cannot_be_seen() {
    let folder = Folder::new();
    let events = folder.run(&["generate", "-n", "20000", "--rate", "100", "--late", "0.1"]).ok().out;
    folder.write("in", &events);
    let mut outputs = std::collections::BTreeSet::new();
    for sets in
        [&["shards=1"][..], &["shards=3", "batch.max_events=1"], &["batch.max_bytes=700"], &["sources.stdin.credit.batches=1", "shards=2"]]
    {
        let mut arguments = vec!["run", "-q", "-d", "brute_force", "-d", "ddos"];
        sets.iter().for_each(|set| arguments.extend(["--set", set]));
        let run = folder.run_with(&arguments, "in").ok();
        assert_eq!(run.out.lines().count(), 20_000, "{sets:?}");
        assert!(run.err.lines().count() >= 4, "{sets:?}");
        outputs.insert((run.out, run.err));
    }
    assert_eq!(outputs.len(), 1);
}

#[test]
fn plugins_are_listed_and_can_be_looked_into() {
    let folder = Folder::new();
    let list = folder.run(&["plugin", "list"]).ok().out;
    assert!(list.contains("brute_force") && list.contains("ddos"), "{list}");
    let shown = folder.run(&["plugin", "inspect", "ddos"]).ok().out;
    for word in ["threshold", "min_sources", "guest.process", "batch.times", "keeps its state by destination_ip", "network_connection"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let run = folder.run(&["plugin", "inspect", "dos"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("did you mean \"ddos\"?"), "{}", run.err);
}
