//! How a run ends when somebody wants it to.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use eyas_tests::Scratch;

#[test]
fn what_came_from_an_open_pipe_goes_on_at_once_and_a_signal_ends_the_run_well() {
    for signal in ["-TERM", "-INT"] {
        let scratch = Scratch::new();
        let mut command = scratch.eyas(&[
            "run",
            "-d",
            "brute_force",
            "--time-field",
            "timestamp",
            "--alerts",
            "alerts.ndjson",
            "--quiet",
            "--shards",
            "2",
        ]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for second in 0..3 {
            let event = format!("{{\"timestamp\":\"2026-03-02T08:00:0{second}Z\",\"n\":{second}}}\n");
            input.write_all(event.as_bytes()).unwrap();
            let mut line = String::new();
            // The input stays open: this would wait for ever if the event waited for more.
            output.read_line(&mut line).unwrap();
            assert_eq!(line, event);
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{signal}: {}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
        drop(input);
    }
}
