//! Bits that flip and ends that are missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eyas_state::{Change, Checkpoint, Folder, Journal, Record, StateError, Store, Sync};
use proptest::prelude::*;

use crate::{Chance, memory, slice, store};

const LATER: Sync = Sync::Interval(Duration::from_secs(3600));

/// A log of some segments, synced and closed.
fn log(dir: &Path) -> Vec<(Record, Vec<u8>)> {
    let journal = Journal::open_with(&Folder::open(dir).unwrap(), 0, LATER, false, 2000).unwrap();
    let records: Vec<_> = (0..40u8).map(|i| (slice(i.into(), i.into()), vec![i; usize::from(i) * 5])).collect();
    records.iter().for_each(|(record, bytes)| assert!(journal.append(record, bytes).is_ok()));
    records
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    segments.sort();
    segments
}

/// All that can be read once it has been opened.
fn open(dir: &Path) -> Result<Vec<(Record, Vec<u8>)>, StateError> {
    let journal = Journal::open_with(&Folder::open(dir).unwrap(), 0, LATER, false, 2000)?;
    journal.read(0, true)?.map(|logged| logged.map(|logged| (logged.record, logged.bytes))).collect()
}

fn is_corrupt(dir: &Path) -> bool {
    matches!(open(dir), Err(StateError::Corrupt { .. }))
}

fn flip(path: &Path, place: u64) {
    let mut bytes = fs::read(path).unwrap();
    let place = place as usize % (bytes.len() * 8);
    bytes[place / 8] ^= 1 << (place % 8);
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_flipped_bit_in_what_was_synced_is_found_and_said(segment in any::<prop::sample::Index>(), place in any::<u64>()) {
        let dir = memory();
        log(dir.path());
        let segments = segments(dir.path());
        flip(&segments[segment.index(segments.len())], place);
        let before: Vec<_> = segments.iter().map(|path| fs::read(path).unwrap()).collect();
        let error = open(dir.path()).unwrap_err();
        let (corrupt, text) = (matches!(error, StateError::Corrupt { .. }), error.to_string());
        prop_assert!(corrupt && text.contains("record ") && text.contains("at byte "), "{}", text);
        prop_assert!(before == segments.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), "it was changed");
    }

    #[test]
    fn a_flipped_bit_never_goes_unsaid_without_the_note_either(segment in any::<prop::sample::Index>(), place in any::<u64>()) {
        let dir = memory();
        let written = log(dir.path());
        fs::remove_file(dir.path().join("log/synced")).unwrap();
        let segments = segments(dir.path());
        flip(&segments[segment.index(segments.len())], place);
        // Without the note nothing tells the last records from a torn tail; but what is there is what was written.
        if let Ok(read) = open(dir.path()) {
            prop_assert!(read.len() < written.len() && read[..] == written[..read.len()]);
        }
    }

    #[test]
    fn a_synced_end_that_is_missing_is_said(segment in any::<prop::sample::Index>(), length in any::<prop::sample::Index>()) {
        let dir = memory();
        log(dir.path());
        let segments = segments(dir.path());
        let path = &segments[segment.index(segments.len())];
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..length.index(bytes.len())]).unwrap();
        prop_assert!(is_corrupt(dir.path()));
        fs::remove_file(path).unwrap();
        prop_assert!(is_corrupt(dir.path()));
    }

    #[test]
    fn a_note_that_is_not_as_written_is_no_matter(place in any::<u64>()) {
        let dir = memory();
        let written = log(dir.path());
        flip(&dir.path().join("log/synced"), place);
        prop_assert_eq!(open(dir.path()).unwrap(), written);
    }

    #[test]
    fn any_file_may_stand_where_a_segment_should(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = memory();
        Folder::open(dir.path()).unwrap();
        fs::create_dir(dir.path().join("log")).unwrap();
        fs::write(dir.path().join("log/00000000000000000000.log"), bytes).unwrap();
        prop_assert_eq!(open(dir.path()).unwrap(), []);
    }
}

#[test]
fn what_an_event_says_cannot_pass_for_a_record() {
    let dir = memory();
    log(dir.path());
    let forged: Vec<u8> = segments(dir.path()).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let victim = memory();
    let folder = Folder::open(victim.path()).unwrap();
    let journal = Journal::open(&folder, 0, LATER, false).unwrap();
    journal.append(&slice(0, 0), b"first").unwrap();
    let second = journal.figures().bytes;
    (0..3).for_each(|_| assert!(journal.append(&slice(0, 0), &forged).is_ok()));
    // A power cut: the second record is gone, what stands in the bytes of the third is there and says that much was safe.
    let torn = memory();
    fs::create_dir(torn.path().join("log")).unwrap();
    let mut bytes = fs::read(&segments(victim.path())[0]).unwrap();
    bytes[second as usize..][..40].fill(0);
    fs::write(torn.path().join("log/00000000000000000000.log"), bytes).unwrap();
    assert_eq!(open(torn.path()).unwrap(), [(slice(0, 0), b"first".to_vec())]);
}

#[test]
fn a_newer_log_is_not_touched() {
    let dir = memory();
    log(dir.path());
    let path = &segments(dir.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[8] = 2;
    bytes[12..16].fill(0);
    let checksum = crc32fast::hash(&bytes[..40]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(path, bytes).unwrap();
    assert!(matches!(open(dir.path()), Err(StateError::Newer { found: 2, known: 1, .. })));
}

#[test]
fn a_damaged_store_is_never_believed() {
    let dir = memory();
    let mut store = Store::open(&Folder::open(dir.path()).unwrap()).unwrap();
    let all = vec![store::entries(0..60_000, 1), store::entries(0..50, 2)];
    let checkpoint = Checkpoint { next: 5, ..Checkpoint::default() };
    let change = Change { detector: "x".to_owned(), shard: 0, full: true, chunks: all.clone() };
    store.commit(&checkpoint, &[change], true).unwrap();
    drop(store);
    let path = dir.path().join("checkpoints.redb");
    let good = fs::read(&path).unwrap();
    let (mut chance, mut found) = (Chance(1), 0);
    for round in 0..150 {
        let mut bad = good.clone();
        // Every other time near the start, where the trees are.
        let limit = if round % 2 == 0 { good.len() } else { 64 << 10 };
        let place = chance.below(limit as u64) as usize;
        bad[place] ^= 1 << chance.below(8);
        fs::write(&path, bad).unwrap();
        match Store::open(&Folder::open(dir.path()).unwrap()) {
            Ok(store) => {
                assert_eq!(store.checkpoint().unwrap().as_ref(), Some(&checkpoint), "byte {place}");
                assert_eq!(store.entries("x").unwrap(), all, "byte {place}");
            }
            Err(error) => {
                assert!(matches!(error, StateError::Corrupt { .. }), "byte {place}: {error:?}");
                found += 1;
            }
        }
    }
    assert!(found > 30, "{found}");
    fs::write(&path, b"no store at all").unwrap();
    let error = Store::open(&Folder::open(dir.path()).unwrap()).unwrap_err();
    assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
}
