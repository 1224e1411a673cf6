//! Both threads at once, with crashes of the one that writes and checkpoints by the other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use eyas_state::{Folder, Journal, Record, SinkState, Sync};

use super::super::files::Files;
use super::super::outbox::Outbox;
use super::super::room::{Room, WriterFigures};
use super::super::tests::{Given, Random, contents, deliveries, recover, undisturbed};
use super::{Collector, Output, Shown, forget_time, show, timed, with_time, write};
use crate::Stop;

#[test]
fn a_line_is_the_same_once_its_time_is_off() {
    let lines = with_time(b"{\"a b\":1}\n\nx\n", Some(-5));
    assert_eq!(lines, b"-5 {\"a b\":1}\n-5 x\n");
    assert_eq!(timed(b"-5 {\"a b\":1}\n"), (Some(-5), b"{\"a b\":1}\n".as_slice().into()));
    assert_eq!(timed(&with_time(b"x\n", None)), (None, b"x\n".as_slice().into()));
    assert_eq!(timed(b"{\"a\": 1}\n"), (None, b"{\"a\": 1}\n".as_slice().into()));
    for line in ["17 {\"a\": \"ö\"}", "{\"a\": \"ö\"}"] {
        let mut line = line.to_owned();
        forget_time(&mut line);
        assert_eq!(line, "{\"a\": \"ö\"}");
    }
}

fn disturbed(deliveries: &[Given], folder: &Path, name: &str, max_bytes: Option<u64>, random: &mut Random) -> BTreeMap<PathBuf, String> {
    let kept = tempfile::tempdir().unwrap();
    let held = Folder::open(kept.path()).unwrap();
    let journal = Journal::open(&held, 0, Sync::Interval(Duration::from_secs(3600)), false).unwrap();
    let (mut state, mut begun, mut done, mut crashes): (Option<SinkState>, u64, usize, u32) = (None, 0, 0, 0);
    loop {
        recover(&journal, begun, state.as_ref());
        let mut files = Files::new("out", &folder.join(name), max_bytes, Some(journal.clone()), state.as_ref());
        files.fuse = (crashes < 8).then(|| random.below(90) as u32);
        crashes += 1;
        if files.try_open().is_err() {
            continue;
        }
        let (shown, stop, dated) = (Mutex::new(Shown::default()), Stop::new().unwrap(), files.is_dated());
        show(&mut files, &shown);
        let outbox = Outbox::new(500, &state.as_ref().map(|state| state.pending.clone()).unwrap_or_default());
        let mut output = Output::Files(Box::new(files));
        let crashed = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let room = Room { name: "out", figures: &WriterFigures::default(), stop: &stop };
                let written = write(&mut output, &outbox, &shown, room);
                outbox.close();
                written
            });
            let collector = Collector { name: "out".into(), outbox: &outbox, shown: &shown, dated, time: None };
            let from = done;
            for (at, (pieces, time)) in deliveries.iter().enumerate().skip(from) {
                if random.below(5) == 0 {
                    let number = journal.append(&Record::Checkpoint, &[]).unwrap();
                    let Some(kept) = collector.state().unwrap() else { break };
                    state = Some(kept);
                    (done, begun) = (at, number);
                }
                let lines = if dated { with_time(&pieces.concat(), *time) } else { pieces.concat() };
                if outbox.push(&lines).is_err() {
                    break;
                }
            }
            outbox.close();
            writing.join().unwrap().is_err()
        });
        if !crashed {
            return contents(folder);
        }
    }
}

#[test]
fn after_any_crashes_files_and_outbox_are_of_one_moment() {
    for seed in 0..18 {
        let mut random = Random(seed);
        let deliveries = deliveries(&mut random);
        let name = ["out", "%Y-%m-%d/out"][seed as usize % 2];
        let max_bytes = [None, Some(300), Some(50)][seed as usize / 2 % 3];
        let (calm, rough) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wanted = undisturbed(&deliveries, calm.path(), name, max_bytes);
        let found = disturbed(&deliveries, rough.path(), name, max_bytes, &mut random);
        assert_eq!(found, wanted, "seed {seed}");
    }
}
