//! Real files that grow, are renamed and cut, and a real engine.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use eyas_codec::{Decoding, Encoding};
use eyas_engine::Logging;
use eyas_state::Record;
use tempfile::TempDir;

use super::super::bed::{Bed, records};
use super::FollowSource;
use crate::{Cause, Stop};

/// A folder that is followed, and the log of what was read.
struct Followed {
    folder: TempDir,
    log: TempDir,
    pattern: &'static str,
    decoding: Decoding,
    running: Option<(Bed, Stop, JoinHandle<()>)>,
}

impl Followed {
    fn new(pattern: &'static str) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let decoding = Decoding { max_event_bytes: 10_000, ..Decoding::default() };
        Self { folder, log, pattern, decoding, running: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) -> File {
        append(&self.path(name), text)
    }

    fn start(&mut self, grace: Duration) {
        let bed = Bed::start(self.log.path(), &self.decoding, Logging::Bytes);
        let source = FollowSource {
            number: 0,
            decoding: self.decoding.clone(),
            include: vec![self.path(self.pattern).display().to_string()],
            exclude: Vec::new(),
            batch_bytes: 4096,
            grace,
            resume: bed.known.clone(),
        };
        let stop = Stop::new().unwrap();
        let (admission, stopping) = (bed.admission.clone(), stop.clone());
        let thread = std::thread::spawn(move || source.run(&admission, &stopping));
        self.running = Some((bed, stop, thread));
    }

    fn wait(&self, what: impl Fn(&str) -> bool) {
        self.running.as_ref().unwrap().0.wait(what);
    }

    /// Events and dead letters.
    fn stop(&mut self) -> (String, String) {
        let (bed, stop, thread) = self.running.take().unwrap();
        stop.request(Cause::Signal(15));
        thread.join().unwrap();
        bed.stop()
    }

    fn closed(&self) -> usize {
        records(self.log.path()).iter().filter(|(record, _)| matches!(record, Record::Close { .. })).count()
    }
}

fn append(path: &Path, text: &str) -> File {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn events(from: u32, to: u32) -> String {
    (from..to).map(|number| format!("{{\"n\":{number}}}\n")).collect()
}

const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn what_is_there_and_what_comes_is_read_but_no_line_before_it_is_whole() {
    let mut followed = Followed::new("*.log");
    followed.append("a.log", &events(0, 2000));
    followed.start(NEVER);
    followed.wait(|found| found == events(0, 2000));
    followed.append("a.log", "{\"n\":");
    followed.append("b.log", &events(5000, 5001));
    followed.wait(|found| found.ends_with(&events(5000, 5001)));
    followed.append("a.log", "2000}\n");
    followed.wait(|found| found.ends_with(&events(2000, 2001)));
    let (found, dead) = followed.stop();
    assert_eq!(found, events(0, 2000) + &events(5000, 5001) + &events(2000, 2001));
    assert!(dead.is_empty() && followed.closed() == 0, "on a stop nothing is closed: {dead}");
}

#[test]
fn a_file_that_is_renamed_is_read_to_its_end_and_then_closed() {
    let mut followed = Followed::new("x.log");
    let mut old = followed.append("x.log", &events(0, 10));
    followed.start(Duration::from_millis(300));
    followed.wait(|found| found == events(0, 10));
    fs::rename(followed.path("x.log"), followed.path("x.log.1")).unwrap();
    old.write_all(events(10, 20).as_bytes()).unwrap();
    old.write_all(b"{\"last\":true}").unwrap();
    followed.append("x.log", &events(100, 110));
    followed.wait(|found| found.contains("{\"n\":109}") && found.contains("{\"last\":true}"));
    let (found, _) = followed.stop();
    let of =
        |new: bool| found.lines().filter(move |line| (line.len() >= 9 && line.starts_with("{\"n")) == new).map(|line| format!("{line}\n"));
    assert_eq!(of(false).collect::<String>(), events(0, 20) + "{\"last\":true}\n");
    assert_eq!(of(true).collect::<String>(), events(100, 110));
    assert_eq!(followed.closed(), 1);
}

#[test]
fn a_new_name_that_is_followed_too_is_no_new_file() {
    let mut followed = Followed::new("x.log*");
    followed.append("x.log", &events(0, 10));
    followed.start(Duration::from_millis(100));
    followed.wait(|found| found == events(0, 10));
    fs::rename(followed.path("x.log"), followed.path("x.log.1")).unwrap();
    followed.append("x.log", &events(10, 20));
    followed.wait(|found| found == events(0, 20));
    followed.append("x.log.1", &events(20, 21));
    followed.wait(|found| found == events(0, 21));
    followed.stop();
    assert_eq!(followed.closed(), 0);
}

#[test]
fn a_file_that_is_cut_is_read_from_its_beginning_as_another_partition() {
    let mut followed = Followed::new("x.log");
    followed.append("x.log", &events(0, 1000));
    followed.start(NEVER);
    followed.wait(|found| found == events(0, 1000));
    fs::copy(followed.path("x.log"), followed.path("copy")).unwrap();
    OpenOptions::new().write(true).open(followed.path("x.log")).unwrap().set_len(0).unwrap();
    followed.append("x.log", &events(1000, 1010));
    followed.wait(|found| found == events(0, 1010));
    followed.stop();
    assert_eq!(followed.closed(), 1);
}

#[test]
fn a_removed_file_is_closed_and_one_that_comes_later_is_found() {
    let mut followed = Followed::new("*/x.log");
    followed.start(Duration::from_millis(100));
    fs::create_dir(followed.path("sub")).unwrap();
    followed.append("sub/x.log", &events(0, 10));
    followed.wait(|found| found == events(0, 10));
    fs::remove_file(followed.path("sub/x.log")).unwrap();
    fs::create_dir(followed.path("other")).unwrap();
    followed.append("other/x.log", &events(10, 20));
    followed.wait(|found| found == events(0, 20));
    followed.append("other/x.log", &events(20, 30));
    followed.wait(|found| found == events(0, 30));
    let begun = std::time::Instant::now();
    followed.append("other/x.log", &events(30, 31));
    followed.wait(|found| found == events(0, 31));
    assert!(begun.elapsed() < Duration::from_secs(60));
    followed.stop();
}

#[test]
fn packed_files_are_refused_and_lines_that_are_too_long_come_in_pieces() {
    let mut followed = Followed::new("*");
    fs::write(followed.path("a.zst"), zstd::encode_all(events(0, 100).as_bytes(), 1).unwrap()).unwrap();
    fs::write(followed.path("a.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 10]).unwrap();
    followed.append("b", &format!("{{\"n\":1}}\n{{\"long\":\"{}\"}}\n{{\"n\":2}}\n", "x".repeat(100_000)));
    followed.start(NEVER);
    followed.wait(|found| found == events(1, 3));
    let (_, dead) = followed.stop();
    assert!(dead.lines().count() >= 10 && dead.lines().all(|line| line.contains("xxx")), "{}", dead.len());
}

#[test]
fn each_csv_file_has_its_header_also_when_it_is_gone_on_with() {
    let mut followed = Followed::new("*.csv");
    followed.decoding.encoding = Encoding::Csv { delimiter: b',', header: true, columns: Vec::new() };
    followed.append("a.csv", "n,");
    followed.start(NEVER);
    followed.append("a.csv", "m\n1,2\n");
    let one = "{\"n\":\"1\",\"m\":\"2\"}\n";
    followed.wait(|found| found == one);
    followed.stop();
    followed.append("a.csv", "3,4\n");
    followed.start(NEVER);
    followed.wait(|found| found == one.to_owned() + "{\"n\":\"3\",\"m\":\"4\"}\n");
    followed.stop();
}

#[test]
fn after_a_restart_each_file_goes_on_where_it_was_whatever_it_is_called_by_now() {
    let mut followed = Followed::new("*.log");
    for name in ["same", "renamed", "gone", "cut"] {
        followed.append(&format!("{name}.log"), &events(0, 1).replace('n', name));
    }
    followed.start(NEVER);
    followed.wait(|found| found.lines().count() == 4);
    let (before, _) = followed.stop();
    let path = |name: &str| followed.path(name);
    append(&path("same.log"), "{\"same\":1}\n");
    append(&path("renamed.log"), "{\"renamed\":1}\n{\"renamed\":2}");
    fs::rename(path("renamed.log"), path("renamed.log.1")).unwrap();
    append(&path("renamed.log"), "{\"new\":1}\n");
    // The number of a file that has gone must not be given to a new one here.
    fs::rename(path("gone.log"), followed.log.path().join("elsewhere")).unwrap();
    fs::write(path("cut.log"), "{\"c\":1}\n").unwrap();
    followed.start(Duration::from_millis(100));
    followed.wait(|found| found.lines().count() == 9);
    let (found, _) = followed.stop();
    let mut after: Vec<_> = found.strip_prefix(&before).unwrap().lines().collect();
    after.sort_unstable();
    assert_eq!(after, ["{\"c\":1}", "{\"new\":1}", "{\"renamed\":1}", "{\"renamed\":2}", "{\"same\":1}"]);
}

#[test]
fn more_files_than_may_be_open_are_all_followed() {
    let mut followed = Followed::new("*");
    let count = super::OPEN_AT_ONCE as u32 + 50;
    let each = |round: u32| (0..count).for_each(|file| drop(followed.append(&file.to_string(), &events(file + round, file + round + 1))));
    each(0);
    each(count);
    followed.start(NEVER);
    followed.wait(|found| found.lines().count() == 2 * count as usize);
    let again: String = (0..count).map(|file| events(file, file + 1)).collect();
    (0..count).for_each(|file| drop(followed.append(&file.to_string(), &events(file, file + 1))));
    followed.wait(|found| found.lines().count() == 3 * count as usize);
    let (found, _) = followed.stop();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&found), sorted(&(events(0, 2 * count) + &again)));
}
