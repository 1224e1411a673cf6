//! The store as it is meant to be used.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use eyas_event::{Entries, Strings};
use eyas_state::{Change, Checkpoint, DetectorState, Folder, RequestState, SinkFile, SinkState, Sizes, SourceRequests, StateError, Store};

fn strings(values: impl Iterator<Item = Vec<u8>>) -> Strings {
    let (mut offsets, mut data) = (vec![0], Vec::new());
    for value in values {
        data.extend(value);
        offsets.push(u32::try_from(data.len()).unwrap());
    }
    Strings { offsets: Arc::new(offsets), data: Arc::new(data) }
}

pub fn entries(rows: std::ops::Range<u32>, value: u8) -> Entries {
    Entries {
        groups: rows.clone().map(|row| row as u8).collect(),
        keys: strings(rows.clone().map(|row| row.to_le_bytes().to_vec())),
        sub_keys: strings(rows.clone().map(|_| Vec::new())),
        values: strings(rows.clone().map(|row| vec![value; row as usize % 7])),
        deleted: vec![0b10; rows.len().div_ceil(8)],
    }
}

fn change(detector: &str, shard: u16, full: bool, chunks: Vec<Entries>) -> Change {
    Change { detector: detector.to_owned(), shard, full, chunks }
}

fn checkpoint(next: u64) -> Checkpoint {
    Checkpoint { next, ..Checkpoint::default() }
}

#[test]
fn changes_stand_behind_the_full_snapshot_until_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let mut store = Store::open(&folder).unwrap();
    let (a, b, c) = (entries(0..1000, 1), entries(5..10, 2), entries(0..0, 3));
    store
        .commit(&checkpoint(1), &[change("x", 0, true, vec![a.clone(), b.clone()]), change("xy", 0, true, vec![b.clone()])], true)
        .unwrap();
    store.commit(&checkpoint(2), &[change("x", 0, false, vec![b.clone(), c]), change("x", 1, false, vec![a.clone()])], false).unwrap();
    drop(store);
    let mut store = Store::open(&folder).unwrap();
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(2)));
    assert_eq!(store.entries("x").unwrap(), [a.clone(), b.clone(), b.clone(), a.clone()]);
    let sizes = store.sizes("x").unwrap();
    assert_eq!((sizes.chunks, sizes.entries), (4, 2010));
    assert!(sizes.full_bytes > sizes.bytes / 3 && sizes.full_bytes < sizes.bytes);
    store.commit(&checkpoint(3), &[change("x", 0, true, vec![b.clone()])], false).unwrap();
    assert_eq!(store.entries("x").unwrap(), [b.clone(), a]);
    assert_eq!(store.entries("xy").unwrap(), std::slice::from_ref(&b));
    store.commit(&checkpoint(4), &[change("y", 0, true, vec![b.clone()])], true).unwrap();
    assert_eq!((store.entries("x").unwrap(), store.entries("y").unwrap()), (vec![], vec![b]));
    assert_eq!(store.sizes("x").unwrap(), Sizes::default());
}

#[test]
fn many_megabytes_are_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&Folder::open(dir.path()).unwrap()).unwrap();
    let all: Vec<_> = (0..4).map(|chunk| entries(chunk * 100_000..(chunk + 1) * 100_000, 9)).collect();
    let pending: Vec<_> = (0..40_000).map(|line| format!("{{\"id\":\"{line:032}\"}}")).collect();
    let sink = SinkState { name: "alerts".to_owned(), pending, ..SinkState::default() };
    let mut checkpoint = Checkpoint { sinks: vec![sink], ..checkpoint(1) };
    for _ in 0..3 {
        store.commit(&checkpoint, &[change("x", 0, true, all.clone())], false).unwrap();
        assert_eq!(store.entries("x").unwrap(), all);
        assert_eq!(store.checkpoint().unwrap().as_ref(), Some(&checkpoint));
        checkpoint.sinks[0].pending.truncate(20_001);
    }
    checkpoint.sinks.clear();
    store.commit(&checkpoint, &[], false).unwrap();
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint));
}

#[test]
fn a_store_that_was_never_finished_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("checkpoints.new"), [0; 5000]).unwrap();
    assert_eq!(Store::open(&folder).unwrap().checkpoint().unwrap(), None);
    assert!(!dir.path().join("checkpoints.new").exists());
}

#[test]
fn room_that_a_killed_run_left_in_a_store_is_given_back_at_the_next_start() {
    let (killed, next) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = |dir: &tempfile::TempDir| dir.path().join("checkpoints.redb");
    let length = || std::fs::metadata(file(&next)).unwrap().len();
    let folder = Folder::open(killed.path()).unwrap();
    let mut store = Store::open(&folder).unwrap();
    let large = entries(0..2_000_000, 1);
    store.commit(&checkpoint(1), &[change("x", 0, true, vec![large])], true).unwrap();
    let small = entries(0..1000, 2);
    for number in 2..5 {
        store.commit(&checkpoint(number), &[change("x", 0, true, vec![small.clone()])], true).unwrap();
    }
    // As a kill leaves it: one that is closed gives its room back itself.
    let folder = Folder::open(next.path()).unwrap();
    std::fs::copy(file(&killed), file(&next)).unwrap();
    let grown = length();
    assert!(grown > 16 << 20);
    let store = Store::open(&folder).unwrap();
    assert!(length() < grown / 2, "{} of {grown}", length());
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(4)));
    assert_eq!(store.entries("x").unwrap(), [small]);
}

#[test]
fn a_thousand_checkpoints_take_no_more_room_than_a_hundred() {
    let dir = crate::memory();
    let mut store = Store::open(&Folder::open(dir.path()).unwrap()).unwrap();
    let mut most = [0; 10];
    for number in 0..1000u32 {
        let full = number % 7 == 0;
        let rows = if full { 20_000 } else { 2000 + number % 999 };
        store.commit(&checkpoint(number.into()), &[change("x", 0, full, vec![entries(0..rows, 1)])], false).unwrap();
        let size = std::fs::metadata(dir.path().join("checkpoints.redb")).unwrap().len();
        most[number as usize / 100] = size.max(most[number as usize / 100]);
    }
    assert!(most[9] <= most[0], "{most:?}");
}

#[test]
fn a_path_need_not_be_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&Folder::open(dir.path()).unwrap()).unwrap();
    let file = |path: &[u8]| SinkFile { path: OsStr::from_bytes(path).into(), length: 3 };
    let sink = SinkState { name: "s".to_owned(), files: vec![file(b"/caf\xe9"), file(b"/x")], ..SinkState::default() };
    let checkpoint = Checkpoint { sinks: vec![sink], ..checkpoint(1) };
    store.commit(&checkpoint, &[], false).unwrap();
    assert_eq!(store.checkpoint().unwrap(), Some(checkpoint));
}

#[test]
fn what_is_dropped_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&Folder::open(dir.path()).unwrap()).unwrap();
    let state = |name: &str| DetectorState {
        name: name.to_owned(),
        plugin: "p".to_owned(),
        version: "1".to_owned(),
        state_version: 1,
        config: "{}".to_owned(),
        quarantined: None,
        quarantines: 0,
        unseen: vec![(1, 2)],
    };
    let checkpoint = Checkpoint { detectors: vec![state("x"), state("y")], ..checkpoint(7) };
    store.commit(&checkpoint, &[change("x", 0, true, vec![entries(0..5, 1)])], true).unwrap();
    assert!(store.drop_detector("x").unwrap());
    assert!(!store.drop_detector("x").unwrap());
    assert_eq!(store.entries("x").unwrap(), []);
    assert_eq!(store.checkpoint().unwrap().unwrap().detectors, [state("y")]);
}

#[test]
fn looking_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    assert!(Store::look(&folder).unwrap().is_none());
    let mut store = Store::open(&folder).unwrap();
    store.commit(&checkpoint(3), &[change("x", 0, true, vec![entries(0..5, 1)])], true).unwrap();
    // As it is after a kill: nothing has closed it.
    let killed = tempfile::tempdir().unwrap();
    for name in ["checkpoints.redb", "lock", "format"] {
        std::fs::copy(dir.path().join(name), killed.path().join(name)).unwrap();
    }
    assert!(matches!(Folder::look(dir.path()), Err(StateError::Held { .. })));
    drop((store, folder));
    for dir in [dir, killed] {
        let file = || std::fs::read(dir.path().join("checkpoints.redb")).unwrap();
        let before = file();
        let (folder, other) = (Folder::look(dir.path()).unwrap(), Folder::look(dir.path()).unwrap());
        assert!(matches!(Folder::open(dir.path()), Err(StateError::Held { .. })));
        let (mut store, _other) = (Store::look(&folder).unwrap().unwrap(), Store::look(&other).unwrap().unwrap());
        assert_eq!(store.checkpoint().unwrap(), Some(checkpoint(3)));
        assert_eq!(store.entries("x").unwrap(), [entries(0..5, 1)]);
        assert!(store.commit(&checkpoint(4), &[], false).is_err());
        assert!(Store::open(&folder).is_err() && folder.clear().is_err());
        drop(store);
        assert!(file() == before);
    }
}

/// A log of requests whose first entry has this number, up to another.
fn requests(source: u16, first: u64, end: u64) -> SourceRequests {
    let entry = |number: u64| RequestState { id: u128::from(number) << 64 | 5, time: number as i64 - 9, bytes: number % 3 };
    let entries: Vec<RequestState> = (first..end).map(entry).collect();
    let chunks = entries.chunks(SourceRequests::CHUNK).map(Arc::from).collect();
    SourceRequests { source, first: first / SourceRequests::CHUNK as u64, chunks }
}

#[test]
fn requests_come_back_as_the_last_checkpoint_has_them_however_their_chunks_grow_and_go() {
    let chunk = SourceRequests::CHUNK as u64;
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let checkpoints = [
        vec![requests(1, 0, 10)],
        vec![requests(0, 0, 1), requests(1, 0, chunk)],
        vec![requests(0, 0, 1), requests(1, 0, 3 * chunk + 7), requests(7, 0, 2)],
        vec![requests(0, 0, 2), requests(1, 2 * chunk, 3 * chunk + 8)],
        vec![requests(1, 5 * chunk, 6 * chunk)],
        vec![],
        vec![requests(2, chunk, chunk + 1)],
    ];
    for requests in checkpoints {
        let checkpoint = Checkpoint { requests, ..Checkpoint::default() };
        let mut store = Store::open(&folder).unwrap();
        store.commit(&checkpoint, &[], false).unwrap();
        assert_eq!(store.checkpoint().unwrap(), Some(checkpoint.clone()));
        drop(store);
        assert_eq!(Store::open(&folder).unwrap().checkpoint().unwrap(), Some(checkpoint));
    }
}
