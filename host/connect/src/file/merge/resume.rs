//! A run that ends anywhere, and one that goes on: together they are one.

use std::fs;
use std::path::{Path, PathBuf};

use eyas_codec::{Decoding, Encoding};
use eyas_engine::Logging;
use eyas_event::Partition;
use eyas_state::{PartitionState, Record, SliceRecord, Standing};

use super::super::bed::{Bed, records, write};
use super::tests::{decoding, file};
use super::{FileReader, FileSource};
use crate::{FileInput, Rereader, Stop};

/// Reads what is left of the files; gives the events, the dead letters, and what was wrong.
fn read(log: &Path, files: &[PathBuf], decoding: &Decoding) -> (String, String, Vec<String>) {
    let bed = Bed::start(log, decoding, Logging::Positions);
    let files = files.iter().cloned().map(FileInput::Path).collect();
    // Small batches, so that a stretch has several.
    let source = FileSource { number: 0, decoding: decoding.clone(), files };
    let errors = FileReader::new(vec![source], 60_000, &bed.known).unwrap().run(&bed.admission, &Stop::new().unwrap());
    let (events, dead) = bed.stop();
    (events, dead, errors.iter().map(ToString::to_string).collect())
}

/// What the log says about order: slices of a partition that follow each other are one stretch, however they were cut.
fn order(log: &Path) -> Vec<(Option<Partition>, String)> {
    let mut order: Vec<(Option<Partition>, String)> = Vec::new();
    for (record, _) in records(log) {
        let slice = match record {
            Record::Slice(slice) => slice,
            Record::Checkpoint => continue,
            _ => {
                order.push((None, format!("{record:?}")));
                continue;
            }
        };
        let end = format!("{} {:?}", slice.position + slice.length, slice.header);
        match order.last_mut() {
            Some((Some(partition), last)) if *partition == slice.partition => *last = end,
            _ => order.push((Some(slice.partition), end)),
        }
    }
    order
}

/// Wherever the input log ends: the run that goes on writes the rest of it.
fn goes_on(files: &[PathBuf], decoding: &Decoding) {
    let whole = tempfile::tempdir().unwrap();
    let (events, dead, errors) = read(whole.path(), files, decoding);
    assert!(errors.is_empty() && !events.is_empty(), "{errors:?}");
    let (all, wanted) = (records(whole.path()), order(whole.path()));
    let step = (all.len() / 12).max(1);
    for end in (files.len()..=all.len()).step_by(step) {
        let log = tempfile::tempdir().unwrap();
        write(log.path(), &all[..end]);
        let again = read(log.path(), files, decoding);
        // An event that is too long may come in other pieces.
        let pieces = |dead: &str| dead.matches('x').count();
        assert!(again.0 == events && pieces(&again.1) == pieces(&dead), "cut at {end} of {}", all.len());
        assert_eq!((order(log.path()), again.2), (wanted.clone(), Vec::new()), "cut at {end} of {}", all.len());
    }
}

#[test]
fn wherever_a_run_ends_the_next_one_goes_on_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        [file(folder.path(), "a", 1000, 1, 9_000), file(folder.path(), "b", 1000, 3, 4_000), file(folder.path(), "c", 500, 2, 7_000)];
    goes_on(&files.map(|(path, _)| path), &decoding());
}

#[test]
fn packed_files_and_files_without_a_last_newline_go_on_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("a", 1000), ("b", 2000), ("c", 1500)].map(|(name, start)| {
        let (path, text) = file(folder.path(), name, start, 1, 5_000);
        let text = text.trim_end();
        fs::write(&path, if name == "b" { zstd::encode_all(text.as_bytes(), 1).unwrap() } else { text.into() }).unwrap();
        path
    });
    goes_on(&files, &decoding());
}

#[test]
fn csv_files_go_on_with_their_headers_and_too_long_events_with_their_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let csv: Vec<_> = ["a", "b"].map(|name| folder.path().join(name)).into();
    for path in &csv {
        let rows = (0..20_000).map(|row| format!("{row},\"some, text {row}\"\n")).collect::<String>();
        fs::write(path, format!("t,what\n{rows}")).unwrap();
    }
    let encoding = Encoding::Csv { delimiter: b',', header: true, columns: Vec::new() };
    goes_on(&csv, &Decoding { encoding, ..decoding() });
    let long = ["c", "d"].map(|name| {
        let path = folder.path().join(name);
        fs::write(&path, format!("{{\"t\":1}}\n{{\"t\":2,\"long\":\"{}\"}}\n{{\"t\":3}}\n", "x".repeat(2 << 20))).unwrap();
        path
    });
    goes_on(&long, &decoding());
}

/// A partition of an earlier run.
fn known(number: u32, path: &Path, position: u64, standing: Standing) -> PartitionState {
    let id = FileInput::Path(path.to_owned()).identity().unwrap();
    let name = path.display().to_string();
    PartitionState { source: 0, number, name, file: Some(id), position, turn_end: None, watermark: None, standing }
}

#[test]
fn what_is_new_is_read_what_is_done_is_not_and_what_has_gone_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let [done, gone, shrunk, begun, new] = ["a", "b", "c", "d", "e"].map(|name| file(folder.path(), name, 1000, 1, 100));
    let half = begun.1.len() / 2 / begun.1.lines().next().unwrap().len();
    let position = begun.1.split_inclusive('\n').take(half).map(str::len).sum::<usize>();
    let earlier = [
        known(0, &done.0, done.1.len() as u64, Standing::Closed),
        known(3, &gone.0, 10, Standing::Active),
        known(5, &shrunk.0, 1 << 20, Standing::Active),
        known(7, &begun.0, position as u64, Standing::Active),
    ];
    // Another file in its place; both are there for a while, so that they have two numbers.
    file(folder.path(), "other", 1, 1, 1);
    fs::rename(folder.path().join("other"), &gone.0).unwrap();
    let files = [done.0, gone.0, shrunk.0, begun.0, new.0].map(FileInput::Path).into();
    let log = tempfile::tempdir().unwrap();
    let bed = Bed::start(log.path(), &decoding(), Logging::Positions);
    let source = FileSource { number: 0, decoding: decoding(), files };
    let errors = FileReader::new(vec![source], 1 << 20, &earlier).unwrap().run(&bed.admission, &Stop::new().unwrap());
    let (events, _) = bed.stop();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(errors[0].ends_with("b: another file has taken its place since it was read up to byte 10"), "{errors:?}");
    assert!(errors[1].ends_with("c: is shorter than it was when it was read up to byte 1048576"), "{errors:?}");
    assert!(errors.len() == 2 && events.contains("\"file\":\"other\""));
    let of = |name: &str| {
        let mark = format!("\"file\":\"{name}\"");
        events.split_inclusive('\n').filter(|line| line.contains(&mark)).collect::<String>()
    };
    assert_eq!(of("d"), begun.1[position..], "from where it stood");
    assert_eq!(of("e"), new.1);
    assert_eq!(of("a") + &of("c"), "");
    let opened = records(log.path()).into_iter().filter_map(|(record, _)| match record {
        Record::Open { partition, .. } => Some(partition.number),
        _ => None,
    });
    assert_eq!(opened.collect::<Vec<_>>(), [8, 7, 9], "numbers go on behind the highest known");
}

#[test]
fn a_file_that_has_grown_since_it_was_read_to_its_end_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, text) = file(folder.path(), "a", 1000, 1, 100);
    let log = tempfile::tempdir().unwrap();
    let first = read(log.path(), std::slice::from_ref(&path), &decoding());
    let more = text.replace("\"t\":1", "\"t\":2");
    fs::write(&path, format!("{text}{more}")).unwrap();
    let second = read(log.path(), std::slice::from_ref(&path), &decoding());
    assert_eq!((first.0 == text, second.0 == format!("{text}{more}")), (true, true));
    let (events, ..) = read(log.path(), &[path], &decoding());
    assert_eq!(events, second.0, "and once only");
}

#[test]
fn what_cannot_be_read_again_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (path, text) = file(folder.path(), "a", 1, 1, 10);
    let id = FileInput::Path(path.clone()).identity().unwrap();
    let partition = Partition { source: 0, number: 0 };
    let slice = |position, length| SliceRecord {
        partition,
        position,
        length,
        ingest_time: 0,
        header: None,
        oversize: false,
        turn_end: None,
        journalled: false,
        request: None,
    };
    let mut rereader = Rereader::default();
    assert!(rereader.read(&slice(0, 1)).unwrap_err().contains("does not say which file"));
    rereader.open(partition, &id);
    assert_eq!(rereader.read(&slice(3, 20)).unwrap().bytes(), &text.as_bytes()[3..23]);
    // Another name is no other file.
    fs::rename(&path, folder.path().join("b")).unwrap();
    rereader.open(partition, &id);
    assert_eq!(rereader.read(&slice(0, 5)).unwrap().bytes(), &text.as_bytes()[..5]);
    let error = rereader.read(&slice(10, text.len() as u64)).unwrap_err();
    assert!(error.ends_with("again from byte 10 on: it is shorter than it was"), "{error}");
    fs::remove_file(folder.path().join("b")).unwrap();
    rereader.open(partition, &id);
    assert!(rereader.read(&slice(0, 5)).unwrap_err().contains("has gone"));
}
