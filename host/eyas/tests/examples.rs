//! Every file under config/ is right, and does what it says on a little data.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Folder, failures, repository};

#[test]
fn every_example_is_checked_and_runs() {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(repository().join("config")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Those beside shippers are run with clients and receivers of their protocols, end to end.
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = Folder::new();
        folder.write("eyas.toml", std::fs::read(&path).unwrap()).write("stdin", failures());
        let attacks = folder.run(&["generate", "-n", "60000", "--rate", "250", "--labels", "labels"]).ok().out;
        let csv: String = (0..6).map(|i| format!("{},alice,203.0.113.7,10.0.0.2,failure\n", 1_772_438_400 + i)).collect();
        let zeek: String = (0..6).map(|i| format!("{{\"ts\":\"2026-03-02T08:00:{i:02}Z\",\"id.orig_h\":\"10.0.0.1\",\"id.resp_h\":\"10.0.0.2\",\"result\":\"encrypted\"}}\n")).collect();
        folder.write("target/demo/events.ndjson", &attacks).write("target/bench/events.1000000.10000.ndjson", &attacks);
        folder.write("logins.csv", format!("time,user,client,server,outcome\n{csv}")).write("logins.old.csv.gz", "");
        folder.write("rdp.log", &zeek).write("dns.log", &zeek);
        let checked = folder.run(&["check", "eyas.toml"]).ok();
        assert!(checked.out.contains("is right"), "{name}: {}{}", checked.out, checked.err);
        seen.push(name.clone());
        if name == "durable.toml" {
            // It listens until it is told to end.
            continue;
        }
        let run = folder.run_with(&["run", "eyas.toml"], "stdin").ok();
        assert!(!run.err.contains(": 0 alerts") || name == "zeek.toml", "{name} found nothing: {}", run.err);
        assert!(run.err.contains("late: 0, untimed: 0"), "{name}: {}", run.err);
        if name == "bench.toml" {
            let table = folder.run(&["bench", "eyas.toml"]).ok().out;
            assert!(table.contains("ns/event") && table.contains("memcpy") && table.contains("peak memory"), "{table}");
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
}
