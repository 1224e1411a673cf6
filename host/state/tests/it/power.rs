//! Power cuts: of what was not synced, any page may be gone, and any file may be shorter or missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use eyas_state::{Folder, Journal, Sync};
use proptest::prelude::*;

use crate::{Chance, memory, slice};

/// Synced only when the journal is closed.
const LATER: Sync = Sync::Interval(Duration::from_secs(3600));

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// What may be left of files that were like `safe` when they were synced, and are like `now`.
fn cut(safe: &BTreeMap<String, Vec<u8>>, now: &BTreeMap<String, Vec<u8>>, chance: &mut Chance, dir: &Path) {
    fs::create_dir(dir.join("log")).unwrap();
    for (name, bytes) in now {
        let path = dir.join("log").join(name);
        if name == "synced" {
            // Not synced, ever: it is there as it is, or as it was, or not at all.
            match chance.below(3) {
                0 => fs::write(path, bytes).unwrap(),
                1 => safe.get(name).into_iter().for_each(|bytes| fs::write(&path, bytes).unwrap()),
                _ => (),
            }
            continue;
        }
        let kept = safe.get(name).map_or(0, Vec::len);
        if kept == 0 && chance.below(3) == 0 {
            continue;
        }
        let mut bytes = bytes.clone();
        let pages = chance.below(4);
        for start in (0..bytes.len()).step_by(512) {
            let end = (start + 512).min(bytes.len());
            if pages > 0 && chance.below(4) < pages && end > kept {
                bytes[start.max(kept)..end].fill(0);
            }
        }
        if chance.below(2) == 0 {
            bytes.truncate(kept + chance.below((bytes.len() - kept + 1) as u64) as usize);
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Up to where a log has been synced, by its note: nothing in it can know of more.
fn note(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    files.get("synced").and_then(|bytes| bytes.first_chunk()).map_or(0, |number| u64::from_le_bytes(*number))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_power_cut_leaves_what_was_synced_and_a_beginning_of_the_rest(
        sync in prop_oneof![Just(LATER), Just(Sync::Always), Just(Sync::Interval(Duration::from_micros(300)))],
        count in 0u64..60,
        reopened in 0u64..60,
        segment_bytes in 500u64..20_000,
        covered in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let dir = memory();
        let folder = Folder::open(dir.path()).unwrap();
        let mut chance = Chance(seed);
        let mut journal = Journal::open_with(&folder, 0, sync, false, segment_bytes).unwrap();
        // The records' bytes, and the files as they were before each of them.
        let (mut bytes_of, mut before) = (Vec::new(), Vec::new());
        for number in 0..count {
            if number == reopened {
                drop(journal);
                journal = Journal::open_with(&folder, 0, sync, false, segment_bytes).unwrap();
            }
            before.push(files(dir.path()));
            let bytes = vec![chance.below(256) as u8; chance.below(2000) as usize];
            journal.append(&slice(bytes.len(), 0), &bytes).unwrap();
            bytes_of.push(bytes);
        }
        let now = files(dir.path());
        before.push(now.clone());
        let synced = note(&now);

        let dark = memory();
        cut(&before[synced as usize], &now, &mut Chance(seed ^ 1), dark.path());
        let folder = Folder::open(dark.path()).unwrap();
        // A checkpoint may cover what the log has lost.
        let needed = covered.index(bytes_of.len() + 1) as u64;
        let journal = Journal::open_with(&folder, needed, LATER, true, segment_bytes).unwrap();
        let next = journal.next();
        prop_assert!(next >= synced.max(needed) && next <= count);
        for logged in journal.read(needed, true).unwrap() {
            let logged = logged.unwrap();
            prop_assert_eq!(&logged.bytes, &bytes_of[logged.number as usize]);
        }
        prop_assert_eq!(journal.append(&slice(0, 0), b"on").unwrap(), next);
        drop(journal);
        let journal = Journal::open_with(&folder, needed, LATER, true, segment_bytes).unwrap();
        prop_assert_eq!(journal.read(needed, true).unwrap().map(|logged| logged.unwrap().number).max(), Some(next));
    }
}
