//! A process that is killed, as with `kill -9`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use eyas_state::{Folder, Journal, StateError, Sync};

use crate::{memory, slice};

/// Names the folder to the process that is killed.
const FOLDER: &str = "EYAS_TEST_FOLDER";

#[test]
fn what_was_appended_survives_a_kill_without_a_sync() {
    let later = Sync::Interval(Duration::from_secs(3600));
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = Folder::open(folder.as_ref()).unwrap();
        let journal = Journal::open_with(&folder, 0, later, false, 50_000).unwrap();
        // Bounded, should nobody come to kill it.
        for _ in 0..1_000_000 {
            let number = journal.append(&slice(1000, 0), &[3; 1000]).unwrap();
            std::io::stderr().write_all(format!("appended {number}\n").as_bytes()).unwrap();
        }
        return;
    }
    let dir = memory();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kill::what_was_appended_survives_a_kill_without_a_sync", "--nocapture"]);
    let mut child = command.env(FOLDER, dir.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut last = 0;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        if let Some(number) = line.unwrap().strip_prefix("appended ") {
            // The last one may have been cut off by the kill.
            last = last.max(number.parse().unwrap_or(0));
        }
        if last == 500 {
            let error = Folder::open(dir.path()).unwrap_err();
            let StateError::Held { holder, .. } = &error else { panic!("{error}") };
            assert!(holder.contains(&child.id().to_string()) && holder.contains("survives_a_kill"), "{error}");
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(last >= 500, "{last}");
    let journal = Journal::open(&Folder::open(dir.path()).unwrap(), 0, later, false).unwrap();
    assert!(journal.next() > last);
    assert!(journal.read(0, true).unwrap().all(|logged| logged.unwrap().bytes == [3; 1000]));
}
