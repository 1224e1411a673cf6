//! The journal as it is meant to be used.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use eyas_event::Partition;
use eyas_state::{Folder, Journal, Record, StateError, Sync};
use proptest::prelude::*;

use crate::{memory, slice, until};

const LATER: Sync = Sync::Interval(Duration::from_secs(3600));

fn any_record() -> impl Strategy<Value = (Record, Vec<u8>)> {
    let bytes = prop::collection::vec(any::<u8>(), 0..3000);
    prop_oneof![
        bytes.prop_map(|bytes| (slice(bytes.len(), 7), bytes)),
        Just((Record::Flush, Vec::new())),
        prop::collection::vec(1u8.., 0..20).prop_map(|path| {
            let path = OsString::from_vec(path).into();
            (Record::Touch { sink: "s".to_owned(), path, length: 5 }, Vec::new())
        }),
        Just((Record::Close { partition: Partition { source: 3, number: 4 } }, Vec::new())),
        ".{0,40}".prop_map(|detector| (Record::Quarantine { detector, reason: "why".to_owned() }, Vec::new())),
    ]
}

fn read(journal: &Journal, from: u64) -> Vec<(u64, Record, Vec<u8>)> {
    let read = journal.read(from, true).unwrap().map(|logged| logged.unwrap());
    read.map(|logged| (logged.number, logged.record, logged.bytes)).collect()
}

/// Up to where the log has been synced, by its note.
fn synced(dir: &Path) -> u64 {
    fs::read(dir.join("log/synced")).unwrap().first_chunk().map_or(0, |number| u64::from_le_bytes(*number))
}

fn append(journal: &Journal, record: &Record, bytes: &[u8]) {
    journal.append(record, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_appended_is_read_however_often_it_is_opened(
        records in prop::collection::vec(any_record(), 0..60),
        segment_bytes in 1u64..20_000,
        reopen in prop::collection::vec(any::<bool>(), 60),
        from in 0u64..60,
    ) {
        let dir = memory();
        let folder = Folder::open(dir.path()).unwrap();
        let mut journal = Journal::open_with(&folder, 0, LATER, false, segment_bytes).unwrap();
        for (number, (record, bytes)) in records.iter().enumerate() {
            if reopen[number] {
                drop(journal);
                journal = Journal::open_with(&folder, 0, LATER, false, segment_bytes).unwrap();
            }
            prop_assert_eq!(journal.append(record, bytes).unwrap(), number as u64);
        }
        let all: Vec<_> = records.into_iter().enumerate().map(|(number, (record, bytes))| (number as u64, record, bytes)).collect();
        let from = from.min(all.len() as u64);
        prop_assert_eq!(read(&journal, from), &all[from as usize..]);
        drop(journal);
        let looked = Journal::look(&folder, true).unwrap();
        prop_assert_eq!(looked.numbers(), 0..all.len() as u64);
        let looked: Vec<_> = looked.map(|logged| logged.unwrap()).collect();
        prop_assert_eq!(looked.into_iter().map(|logged| (logged.number, logged.record, logged.bytes)).collect::<Vec<_>>(), all);
    }
}

#[test]
fn without_bytes_none_are_given() {
    let dir = memory();
    let journal = Journal::open(&Folder::open(dir.path()).unwrap(), 0, LATER, false).unwrap();
    journal.append(&slice(3, 0), b"abc").unwrap();
    let logged = journal.read(0, false).unwrap().next().unwrap().unwrap();
    assert_eq!((logged.number, logged.record, logged.bytes), (0, slice(3, 0), Vec::new()));
}

#[test]
fn always_means_synced_when_the_wait_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let journal = Journal::open_with(&folder, 0, Sync::Always, false, 1000).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let number = journal.append(&slice(100, 0), &[1; 100]).unwrap();
                    journal.wait(number).unwrap();
                    assert!(synced(dir.path()) > number);
                }
            });
        }
    });
    assert_eq!(read(&journal, 0).len(), 200);
}

#[test]
fn an_interval_syncs_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&Folder::open(dir.path()).unwrap(), 0, Sync::Interval(Duration::from_millis(5)), false).unwrap();
    for number in 0..3 {
        append(&journal, &Record::Flush, &[]);
        until(|| synced(dir.path()) > number);
    }
}

#[test]
fn one_reads_while_another_appends() {
    let dir = memory();
    let folder = Folder::open(dir.path()).unwrap();
    let journal = Journal::open_with(&folder, 0, Sync::Interval(Duration::from_millis(1)), false, 5000).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| (0..2000u64).for_each(|i| append(&journal, &slice(64, 0), &i.to_le_bytes())));
        while !writer.is_finished() {
            let end = journal.next();
            let seen = read(&journal, 0);
            assert!(seen.len() as u64 >= end);
            assert!(seen.iter().enumerate().all(|(i, (number, _, bytes))| i as u64 == *number && *bytes == number.to_le_bytes()));
        }
    });
    assert_eq!(journal.next(), 2000);
}

#[test]
fn a_cut_removes_whole_segments_that_are_covered() {
    let dir = memory();
    let folder = Folder::open(dir.path()).unwrap();
    let journal = Journal::open_with(&folder, 0, LATER, false, 1000).unwrap();
    (0..100).for_each(|second| append(&journal, &slice(100, second), &[1; 100]));
    let before = journal.figures();
    assert_eq!(before.oldest, Some(0));
    journal.cut(50).unwrap();
    let after = journal.figures();
    assert!(after.segments < before.segments && after.bytes < before.bytes);
    assert_eq!(after.oldest, Some(50 * eyas_event::NANOS_PER_SECOND));
    assert!((40..=50).contains(&journal.first()));
    assert_eq!(read(&journal, 50).len(), 50);
    assert!(matches!(journal.read(0, true), Err(StateError::Corrupt { .. })));
    journal.cut(100).unwrap();
    assert_eq!((journal.figures().segments, journal.figures().oldest), (1, None));
    drop(journal);
    let journal = Journal::open_with(&folder, 100, LATER, false, 1000).unwrap();
    assert_eq!(journal.append(&Record::Flush, &[]).unwrap(), 100);
    drop(journal);
    let error = Journal::open_with(&folder, 50, LATER, false, 1000).unwrap_err();
    assert!(error.to_string().contains("the records 50 to"), "{error}");
}

#[test]
fn what_is_kept_can_be_read_from_the_start() {
    let dir = memory();
    let folder = Folder::open(dir.path()).unwrap();
    let journal = Journal::open_with(&folder, 0, LATER, true, 1000).unwrap();
    (0..100).for_each(|second| append(&journal, &slice(100, second), &[1; 100]));
    journal.cut(90).unwrap();
    assert_eq!((journal.first(), read(&journal, 0).len()), (0, 100));
    assert_eq!(journal.figures().oldest, Some(90 * eyas_event::NANOS_PER_SECOND));
}

#[test]
fn a_log_that_ends_before_the_checkpoint_goes_on_behind_it() {
    let dir = memory();
    let folder = Folder::open(dir.path()).unwrap();
    for keep in [false, true] {
        let needed = if keep { 30 } else { 20 };
        let journal = Journal::open(&folder, needed, LATER, keep).unwrap();
        assert_eq!(journal.append(&Record::Flush, &[]).unwrap(), needed);
        assert_eq!(journal.first(), 20);
        assert_eq!(read(&journal, needed).len(), 1);
    }
    assert!(Journal::look(&folder, true).unwrap().last().unwrap().is_err_and(|error| error.to_string().contains("records 21 to 29")));
}

#[test]
fn room_that_is_set_aside_for_a_segment_makes_it_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let length = || -> u64 { fs::read_dir(dir.path().join("log")).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum() };
    for round in 1..=3 {
        let journal = Journal::open(&folder, 0, Sync::Always, true).unwrap();
        (0..24).for_each(|_| assert!(journal.append(&slice(100_000, 0), &[7; 100_000]).is_ok()));
        assert!((journal.figures().bytes..journal.figures().bytes + 64).contains(&length()));
        assert_eq!(journal.read(0, true).unwrap().map(Result::unwrap).count(), 24 * round);
    }
}
