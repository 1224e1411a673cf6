//! Real files, crashes at every step, and a log of what was touched.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use eyas_event::{Timestamp, key_hash};
use eyas_state::{Folder, Journal, Record, SinkState, Sync};

use super::files::{Files, write_all};
use super::{Recovered, Room, SinkSetup, Target, Writer, WriterFigures, lines, write_delivery};
use crate::Stop;

#[test]
fn all_pieces_are_written_in_order_however_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let pieces: Vec<_> = (0..5_000).map(|number| if number % 3 == 0 { String::new() } else { format!("{number}\n") }).collect();
    let file = fs::File::create(&path).unwrap();
    for _ in 0..2 {
        write_all(&file, pieces.iter().map(String::as_bytes)).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), pieces.concat().repeat(2));
}

#[test]
fn a_missing_folder_is_said_with_the_sinks_name_before_anything_runs() {
    for path in ["/nowhere/at/all", "/nowhere/at/%Y/all"] {
        let error = Writer::open("back", Target::File(path.into()), SinkSetup::default()).unwrap_err();
        assert!(error.to_string().starts_with(&format!("sink \"back\": cannot open {path}: ")), "{error}");
    }
}

#[test]
fn pieces_become_lines_again() {
    let pieces: Vec<&[u8]> = vec![b"a", b"b\nc", b"", b"\n\nd"];
    let lines: Vec<Vec<u8>> = lines(&pieces).iter().map(|line| line.concat()).collect();
    assert_eq!(lines, [b"ab\n".as_slice(), b"c\n", b"\n", b"d"]);
}

/// What a sink is given: pieces that are whole lines altogether, and when they were read.
pub type Given = (Vec<Vec<u8>>, Option<Timestamp>);

/// A sequence of deliveries, some empty, over three days and back.
pub fn deliveries(random: &mut Random) -> Vec<Given> {
    let mut day = 0;
    let mut delivery = |number: u64| {
        if random.below(6) == 0 {
            day = (day + 1 + random.below(2)) % 3;
        }
        let lines = (0..random.below(6)).map(|line| format!("{number}.{line} {}\n", "x".repeat(random.below(40) as usize)));
        let bytes: Vec<u8> = lines.flat_map(String::into_bytes).collect();
        let step = 1 + random.below(30) as usize;
        let time = (random.below(5) > 0).then_some(day as i64 * 86_400_000_000_000);
        (bytes.chunks(step).map(<[u8]>::to_vec).collect(), time)
    };
    let mut all: Vec<Given> = (0..60).map(&mut delivery).collect();
    all[0] = (vec![b"first\n".to_vec()], Some(0));
    all
}

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        key_hash(3, &self.0.to_le_bytes()) % end
    }
}

pub fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// Makes the files what they were at a checkpoint that began at a place of the log.
pub fn recover(journal: &Journal, begun: u64, state: Option<&SinkState>) {
    let touched = journal.read(begun, false).unwrap().filter_map(|logged| match logged.unwrap().record {
        Record::Touch { path, length, .. } => Some((path, length)),
        _ => None,
    });
    Recovered { state: state.cloned(), touched: touched.collect() }.recover("out").unwrap();
}

fn write(files: &mut Files, (pieces, time): &Given) -> std::io::Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let (figures, stop) = (WriterFigures::default(), Stop::new().unwrap());
    write_delivery(files, &pieces, *time, Room { name: "out", figures: &figures, stop: &stop })
}

pub fn undisturbed(deliveries: &[Given], folder: &Path, name: &str, max_bytes: Option<u64>) -> BTreeMap<PathBuf, String> {
    let mut files = Files::new("out", &folder.join(name), max_bytes, None, None);
    files.try_open().unwrap();
    deliveries.iter().for_each(|delivery| write(&mut files, delivery).unwrap());
    contents(folder)
}

/// The same with checkpoints and crashes at random: the process ends at any step, and what the log and the checkpoint say is all that
/// the next one knows.
fn disturbed(deliveries: &[Given], folder: &Path, name: &str, max_bytes: Option<u64>, random: &mut Random) -> BTreeMap<PathBuf, String> {
    let kept = tempfile::tempdir().unwrap();
    let held = Folder::open(kept.path()).unwrap();
    let journal = Journal::open(&held, 0, Sync::Interval(std::time::Duration::from_secs(3600)), false).unwrap();
    let (mut state, mut begun, mut done, mut crashes): (Option<SinkState>, u64, usize, u32) = (None, 0, 0, 0);
    loop {
        recover(&journal, begun, state.as_ref());
        let mut files = Files::new("out", &folder.join(name), max_bytes, Some(journal.clone()), state.as_ref());
        files.fuse = (crashes < 8).then(|| random.below(60) as u32);
        crashes += 1;
        if files.try_open().is_err() {
            continue;
        }
        // A checkpoint begins before the sink hears of it: what it touches in between stands behind the beginning.
        let (mut at, mut beginning) = (done, None);
        let crashed = deliveries[at..].iter().any(|delivery| {
            if beginning.is_none() && random.below(7) == 0 {
                beginning = Some(journal.append(&Record::Checkpoint, &[]).unwrap());
            }
            if write(&mut files, delivery).is_err() {
                return true;
            }
            at += 1;
            if random.below(3) == 0
                && let Some(number) = beginning.take()
            {
                let standing = files.standing();
                standing.sync().unwrap();
                files.listed(&standing.files);
                let (name, pending) = ("out".to_owned(), Vec::new());
                state = Some(SinkState { name, files: standing.files, rotations: standing.rotations, pending, ..SinkState::default() });
                (done, begun) = (at, number);
            }
            false
        });
        if !crashed {
            return contents(folder);
        }
    }
}

#[test]
fn after_any_crashes_the_files_are_those_of_an_undisturbed_run() {
    for seed in (0..18).chain([106]) {
        let mut random = Random(seed);
        let deliveries = deliveries(&mut random);
        let name = ["out", "%Y-%m-%d/out", "out.%d"][seed as usize % 3];
        let max_bytes = [None, Some(300), Some(50)][seed as usize / 3 % 3];
        let (calm, rough) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wanted = undisturbed(&deliveries, calm.path(), name, max_bytes);
        let found = disturbed(&deliveries, rough.path(), name, max_bytes, &mut random);
        assert_eq!(found, wanted, "seed {seed}");
    }
}

#[test]
fn rotation_splits_no_line_takes_no_name_that_exists_and_keeps_to_its_size() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("out.2"), "somebody else's").unwrap();
    let long = "x".repeat(200);
    let text: String = (0..40).map(|number| if number == 20 { format!("{long}\n") } else { format!("line {number}\n") }).collect();
    let found = undisturbed(&[(vec![text.clone().into_bytes()], None)], folder.path(), "out", Some(64));
    assert_eq!(found[Path::new("out.2")], "somebody else's");
    let mut ours: Vec<_> = found.iter().filter(|(name, _)| *name != Path::new("out.2")).collect();
    ours.sort_by_key(|(name, _)| name.extension().map_or(u64::MAX, |number| number.to_str().unwrap().parse().unwrap()));
    assert_eq!(ours.iter().map(|(_, text)| text.as_str()).collect::<String>(), text);
    assert!(ours.iter().all(|(_, text)| text.ends_with('\n') && (text.len() <= 64 || text.lines().count() == 1)));
}

#[test]
fn a_file_that_somebody_moved_or_cut_goes_on_from_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let file = eyas_state::SinkFile { path: path.clone(), length: 100 };
    let state = SinkState { name: "out".into(), files: vec![file], ..SinkState::default() };
    let recovered = Recovered { state: Some(state), touched: Vec::new() };
    recovered.recover("out").unwrap();
    assert!(!path.exists());
    fs::write(&path, "short\n").unwrap();
    recovered.recover("out").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "short\n");
}
