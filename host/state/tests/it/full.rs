//! A disk that is really full: one MiB of memory, mounted where only this test sees it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use eyas_state::{Change, Checkpoint, Folder, Journal, Record, StateError, Store, Sync};

use crate::{slice, store, until};

/// Names the disk to the test within the test.
const DISK: &str = "EYAS_TEST_DISK";
const SCRIPT: &str = r#"mount -t tmpfs -o size="$3" none "$EYAS_TEST_DISK" && exec "$1" --exact "$2" --nocapture --test-threads=1"#;

/// Runs a test again with a small disk of its own, and gives its path there.
fn disk(test: &str, size: &str) -> Option<std::path::PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut said = String::new();
    for how in [&["unshare", "--mount"][..], &["unshare", "--map-root-user", "--mount"], &["sudo", "-nE", "unshare", "--mount"]] {
        let mut command = Command::new(how[0]);
        command.args(&how[1..]).args(["sh", "-c", SCRIPT, "sh"]).arg(std::env::current_exe().unwrap()).args([test, size]);
        let output = command.env(DISK, dir.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("running 1 test") {
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        said += &String::from_utf8_lossy(&output.stderr);
    }
    panic!("this test needs to be allowed to mount something (as root, or in a user namespace): {said}");
}

fn fill(disk: &Path) {
    let room = vec![0u8; 4096];
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    while std::io::Write::write_all(&mut file, &room).is_ok() {}
}

#[test]
fn the_journal_waits_for_room_and_loses_nothing() {
    let Some(disk) = disk("full::the_journal_waits_for_room_and_loses_nothing", "2m") else { return };
    let folder = Folder::open(&disk.join("state")).unwrap();
    let journal = Journal::open_with(&folder, 0, Sync::Always, false, 100_000).unwrap();
    let append = || journal.append(&slice(30_000, 0), &[7; 30_000]);
    (0..20).for_each(|_| assert!(append().is_ok()));
    fill(&disk);
    assert_eq!(journal.try_append(&slice(40_000, 0), &[7; 40_000]).unwrap(), None);
    thread::scope(|scope| {
        // Room comes from outside.
        let waiting = scope.spawn(|| (0..5).map(|_| append().unwrap()).collect::<Vec<_>>());
        until(|| journal.figures().full);
        fs::remove_file(disk.join("filler")).unwrap();
        assert_eq!(waiting.join().unwrap(), [20, 21, 22, 23, 24]);
        assert!(!journal.figures().full);
        // Room comes from a checkpoint.
        fill(&disk);
        let waiting = scope.spawn(|| (0..3).map(|_| append().unwrap()).collect::<Vec<_>>());
        until(|| journal.figures().full);
        journal.cut(24).unwrap();
        assert_eq!(waiting.join().unwrap(), [25, 26, 27]);
        // It is given up.
        fill(&disk);
        let waiting = scope.spawn(|| (0..100).find_map(|_| append().err()));
        until(|| journal.figures().full);
        journal.give_up();
        let error = waiting.join().unwrap().unwrap();
        assert!(matches!(&error, StateError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull), "{error}");
        assert!(append().is_err());
    });
    let next = journal.next();
    journal.wait(next - 1).unwrap();
    drop(journal);
    let journal = Journal::open(&folder, 24, Sync::Always, false).unwrap();
    assert_eq!(journal.next(), next);
    let numbers = journal.read(24, true).unwrap().map(|logged| logged.map(|logged| (logged.number, logged.bytes)).unwrap());
    assert!(numbers.eq((24..next).map(|number| (number, vec![7; 30_000]))));
}

#[test]
fn a_log_that_has_filled_its_disk_leaves_room_for_the_checkpoint_that_lets_it_go() {
    let Some(disk) = disk("full::a_log_that_has_filled_its_disk_leaves_room_for_the_checkpoint_that_lets_it_go", "64m") else { return };
    let folder = Folder::open(&disk.join("state")).unwrap();
    let mut store = Store::open(&folder).unwrap();
    let journal = Journal::open(&folder, 0, Sync::Always, false).unwrap();
    let append = || journal.try_append(&slice(1_000_000, 0), &vec![7; 1_000_000]).unwrap();
    while append().is_some() {}
    assert!(journal.try_append(&Record::Checkpoint, &[]).unwrap().is_some());
    store.commit(&Checkpoint { next: journal.next(), ..Checkpoint::default() }, &[], false).unwrap();
    journal.cut(journal.next()).unwrap();
    // Whoever syncs lets go of what is removed when it has synced it.
    until(|| append().is_some());
    assert!(append().is_some());
    assert!(journal.figures().bytes < 3_000_000);
}

#[test]
fn a_commit_that_fails_leaves_the_store_as_it_was() {
    let Some(disk) = disk("full::a_commit_that_fails_leaves_the_store_as_it_was", "12m") else { return };
    let folder = Folder::open(&disk.join("state")).unwrap();
    let mut store = Store::open(&folder).unwrap();
    let commit = |store: &mut Store, next, rows| {
        let checkpoint = Checkpoint { next, ..Checkpoint::default() };
        let chunks = vec![store::entries(0..rows, next as u8)];
        store.commit(&checkpoint, &[Change { detector: "x".to_owned(), shard: 0, full: true, chunks }], false)
    };
    commit(&mut store, 1, 100).unwrap();
    fill(&disk);
    for _ in 0..3 {
        let error = commit(&mut store, 2, 1_000_000).unwrap_err();
        assert!(matches!(&error, StateError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull), "{error}");
        assert_eq!(store.checkpoint().unwrap().unwrap().next, 1);
        assert_eq!(store.entries("x").unwrap(), [store::entries(0..100, 1)]);
    }
    fs::remove_file(disk.join("filler")).unwrap();
    commit(&mut store, 3, 1000).unwrap();
    drop(store);
    let store = Store::open(&folder).unwrap();
    assert_eq!(store.checkpoint().unwrap().unwrap().next, 3);
    assert_eq!(store.entries("x").unwrap(), [store::entries(0..1000, 3)]);
}
