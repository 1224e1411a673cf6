//! The admin page of a real run, over real HTTP, while it runs; and `eyas top`, which reads it.

mod exposition;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use eyas_hostile::Guest;
use eyas_tests::{Running, Scratch, address, repository, until};
use serde_json::Value;

use exposition::Exposition;

fn run(scratch: &Scratch) -> Running {
    Running::start(scratch.eyas(&["run", "eyas.toml", "--quiet"]).stdout(Stdio::null()))
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// One request on a connection of its own; nothing if nobody listens.
fn request(address: &str, text: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

fn get(address: &str, path: &str) -> Option<Answer> {
    request(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"))
}

fn post(address: &str, body: &str) -> u16 {
    let head = format!("POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    request(address, &(head + body)).map_or(0, |answer| answer.status)
}

fn status(address: &str) -> Value {
    let answer = get(address, "/status").unwrap();
    assert!(answer.status == 200 && answer.head.contains("content-type: application/json"), "{}", answer.head);
    serde_json::from_str(&answer.body).unwrap()
}

/// Waits until it says that it is ready, or that it is not, with this word.
#[track_caller]
fn ready(address: &str, code: u16, word: &str) {
    until(&format!("/ready says {code} {word}"), || {
        get(address, "/ready").filter(|answer| answer.status == code && answer.body.contains(word))
    });
}

#[test]
fn it_says_whether_it_is_ready_through_start_replay_and_end() {
    let (admin, events, scratch) = (address(), address(), Scratch::new());
    let config = format!(
        r#"
state_dir = "state"
checkpoint_secs = 3600
shards = 1
batch.max_events = 10
[admin]
address = "{admin}"
[sources.shipper]
type = "http"
address = "{events}"
credit.batches = 1
acknowledge = "journalled"
[sinks.out]
type = "file"
inputs = ["shipper"]
path = "pipe"
"#
    );
    scratch.write("eyas.toml", config);
    assert!(Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    let mut running = run(&scratch);
    // It cannot open its sink before somebody reads the pipe.
    ready(&admin, 503, "starting");
    assert_eq!(get(&admin, "/live").unwrap().status, 200);
    let before = Exposition::read(&get(&admin, "/metrics").unwrap().body);
    assert_eq!(before.value("eyas_ready", &[]), 0.0);
    let mut pipe = File::open(scratch.path("pipe")).unwrap();
    ready(&admin, 200, "ready");
    // Nobody takes anything out of the pipe: it fills up, and then there is no credit.
    let filler = format!("{{\"text\":\"{}\"}}\n", "x".repeat(4096)).repeat(10);
    let mut number = 0;
    until("there is no room for more", || {
        // Each is another request: one that comes again waits for what becomes of the first.
        number += 1;
        (post(&events, &format!("{{\"number\":{number}}}\n{filler}")) == 503).then_some(())
    });
    let source = &status(&admin)["sources"][0];
    assert_eq!((&source["name"], &source["credit"]["batches"]), (&Value::from("shipper"), &Value::from(1)), "{source}");
    assert!(source["net"]["requests"]["5xx"].as_u64().unwrap() > 0, "{source}");
    until("it says that the source is stuck, and what to do", || {
        let status = status(&admin);
        let problems = status["problems"].as_array().unwrap();
        problems.iter().any(|problem| problem["component"] == "source shipper" && problem["remedy"] != "").then_some(())
    });
    running.signal("-KILL");
    assert!(!running.ended());

    running = run(&scratch);
    ready(&admin, 503, "replaying");
    let journal = &status(&admin)["journal"];
    assert!(journal["bytes"].as_u64().unwrap() > 40_000 && journal["oldest_age_seconds"].as_f64().unwrap() >= 0.0, "{journal}");
    let drained = std::thread::spawn(move || std::io::copy(&mut pipe, &mut std::io::sink()).unwrap());
    ready(&admin, 200, "ready");
    running.signal("-TERM");
    assert!(running.ended());
    assert!(drained.join().unwrap() > 0);
    assert!(get(&admin, "/live").is_none(), "nobody answers any more");
}

/// A source with dead letters and late events, a detector that finds something, one that always fails, a sink whose other side is not
/// there, and one whose disk is full.
fn everything(admin: &str, events: &str, nobody: &str) -> String {
    format!(
        r#"
state_dir = "state"
checkpoint_secs = 1
shards = 2
[admin]
address = "{admin}"
[sources.shipper]
type = "http"
address = "{events}"
time = {{ field = "timestamp", max_lateness_secs = 0 }}
[detectors.brute_force]
plugin = "brute_force"
inputs = ["shipper"]
[detectors.rogue]
plugin = "./rogue.wasm"
inputs = ["brute_force"]
max_faults = 1
[sinks.out]
type = "file"
inputs = ["rogue"]
path = "out.ndjson"
[sinks.alerts]
type = "http"
inputs = ["brute_force.alerts", "rogue.alerts"]
uri = "http://{nobody}/"
[sinks.full]
type = "file"
inputs = ["brute_force.alerts"]
path = "/dev/full"
"#
    )
}

fn login(second: u32) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-02T08:00:{second:02}Z\",\"event_type\":\"authentication\",\"source_ip\":\"10.0.0.1\",\
         \"destination_ip\":\"172.16.0.1\",\"result\":\"failure\"}}\n"
    )
}

#[test]
fn everything_about_every_component_is_shown_while_it_runs_and_what_is_wrong_says_what_to_do() {
    let (admin, events, nobody, scratch) = (address(), address(), address(), Scratch::new());
    let rogue = Guest::new().on("configure", "(call $setup.timeless)").on("process", "(unreachable)");
    scratch.write("eyas.toml", everything(&admin, &events, &nobody)).write("rogue.wasm", rogue.build());
    let running = run(&scratch);
    ready(&admin, 200, "ready");
    let batch: String = (10..30).map(login).chain([login(5), "no json\n".to_owned(), "{\"n\":1}\n".to_owned()]).collect();
    until("a batch is taken", || (post(&events, &batch) == 200).then_some(()));
    until("the other detector is in quarantine", || {
        assert_eq!(post(&events, &login(40)), 200);
        let status = status(&admin);
        let problems = status["problems"].as_array().unwrap();
        let wrong = |component: &str, word: &str| {
            let of = |problem: &&Value| problem["component"] == component && problem["problem"].as_str().unwrap().contains(word);
            problems.iter().find(of).map(|problem| assert!(problem["remedy"].as_str().unwrap().len() > 20, "{problem}"))
        };
        wrong("detector rogue", "in quarantine")?;
        wrong("sink alerts", "takes nothing")?;
        wrong("sink full", "its disk is full")
    });
    until("a checkpoint is there", || (status(&admin)["checkpoint"]["committed"].as_u64()? > 0).then_some(()));
    let shown = status(&admin);
    let exported = Exposition::read(&get(&admin, "/metrics").unwrap().body);
    let of_source = [("source", "shipper")];
    for (name, key) in [("events", "events"), ("bytes", "bytes"), ("late_events", "late"), ("untimed_events", "untimed")] {
        let value = exported.value(&format!("eyas_source_{name}_total"), &of_source);
        assert_eq!(value, shown["sources"][0][key].as_f64().unwrap(), "{name}");
        assert!(value > 0.0, "{name}");
    }
    assert_eq!(exported.value("eyas_source_dead_letters_total", &[("source", "shipper"), ("reason", "json")]), 1.0);
    assert_eq!(exported.value("eyas_source_late_events_total", &of_source), 1.0);
    assert_eq!(exported.value("eyas_detector_quarantined", &[("detector", "rogue")]), 1.0);
    assert_eq!(exported.value("eyas_detector_quarantined", &[("detector", "brute_force")]), 0.0);
    assert!(exported.value("eyas_detector_faults_total", &[("detector", "rogue")]) >= 1.0);
    assert_eq!(exported.value("eyas_detector_alerts_total", &[("detector", "brute_force")]), 1.0);
    assert_eq!(exported.value("eyas_detector_keys", &[("detector", "brute_force")]), 1.0);
    assert!(exported.value("eyas_detector_watermark_lag_seconds", &[("detector", "brute_force")]) > 0.0);
    assert_eq!(exported.value("eyas_sink_failing", &[("sink", "alerts")]), 1.0);
    assert!(exported.value("eyas_sink_outbox_alerts", &[("sink", "alerts")]) >= 1.0);
    assert!(exported.value("eyas_sink_bytes_total", &[("sink", "out")]) > batch.len() as f64);
    let document = std::fs::read_to_string(repository().join("docs/metrics.md")).unwrap();
    let rows = document.lines().filter(|line| line.contains("` | gauge | ") || line.contains("` | counter | "));
    let documented: BTreeSet<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let undocumented: Vec<_> = exported.names().difference(&documented).copied().collect();
    assert!(undocumented.is_empty(), "not in docs/metrics.md: {undocumented:?}");
    // Each of the others applies here, but what these plugins have no use for, and what is empty behind a checkpoint.
    let absent: Vec<_> = documented.difference(&exported.names()).copied().filter(|name| !name.starts_with("eyas_detector_own_")).collect();
    assert!(absent.iter().all(|name| *name == "eyas_journal_oldest_age_seconds"), "not exported: {absent:?}");

    let top = scratch.run(&["top", &admin]).ok();
    let drawn = String::from_utf8(top.out).unwrap();
    for word in ["shipper", "brute_force", "QUARANTINED", "FAILING", "what to do:", "journal:", "checkpoints:"] {
        assert!(drawn.contains(word), "{word:?} is not in\n{drawn}");
    }
    assert!(!drawn.contains('\x1b'), "a file is no terminal");
    // A disk that is full is waited for a while.
    running.signal("-TERM");
    ready(&admin, 503, "stopping");
}

#[test]
fn whoever_asks_for_nonsense_or_takes_too_long_gets_no_more_than_an_answer() {
    let (admin, events, scratch) = (address(), address(), Scratch::new());
    scratch.write(
        "eyas.toml",
        format!(
            "[admin]\naddress = \"{admin}\"\n[sources.in]\ntype = \"http\"\naddress = \"{events}\"\n\
             [sinks.out]\ntype = \"blackhole\"\ninputs = [\"in\"]\n"
        ),
    );
    let mut running = run(&scratch);
    ready(&admin, 200, "ready");
    // They say nothing, and are still there at the end.
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(&admin).unwrap()).collect();
    assert_eq!(get(&admin, "/").map(|answer| answer.status), Some(200));
    let missing = get(&admin, "/metric").unwrap();
    assert!(missing.status == 404 && missing.body.contains("/metrics"), "{}", missing.body);
    let posted = request(&admin, "POST /status HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert!(posted.status == 405 && posted.head.contains("allow: get, head"), "{}", posted.head);
    let head = request(&admin, "HEAD /status HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(request(&admin, "\x16\x03\x01 no http\r\n\r\n").map(|answer| answer.status), Some(400));
    let long = format!("GET /live HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    assert!(request(&admin, &long).is_none_or(|answer| answer.status == 431));
    assert_eq!(get(&admin, "/live").unwrap().status, 200);
    // One address, two programs: the second says so, and the first goes on.
    let second = scratch.run(&["run", "eyas.toml"]);
    assert!(second.code == 2 && second.err.contains(&admin) && second.err.contains("[admin]"), "{}", second.err);
    assert_eq!(post(&events, "{}\n"), 200);
    running.signal("-TERM");
    assert!(running.ended());
    drop(silent);
}

#[test]
fn top_says_what_is_missing_where_nothing_answers() {
    let scratch = Scratch::new();
    let nobody = scratch.run(&["top", &address()]);
    assert!(nobody.code == 1 && nobody.err.contains("nothing listens") && nobody.err.contains("[admin]"), "{}", nobody.err);
    let wrong = scratch.run(&["top", "no address"]);
    assert!(wrong.code == 2 && wrong.err.contains("127.0.0.1:9555"), "{}", wrong.err);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    });
    let other = scratch.run(&["top", &address]);
    assert!(other.code == 1 && other.err.contains("does not answer as eyas does"), "{}", other.err);
}
