//! The folder and its lock.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use eyas_state::{Folder, Journal, Record, StateError, Store, Sync};

#[test]
fn a_folder_is_made_for_us_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/state");
    let _folder = Folder::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn the_second_to_come_is_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let error = Folder::open(dir.path()).unwrap_err();
    assert!(matches!(error, StateError::Held { .. }));
    assert!(error.to_string().contains(&format!("process {} (", std::process::id())), "{error}");
    drop(folder);
    Folder::open(dir.path()).unwrap();
}

#[test]
fn a_newer_folder_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("format"), "2\n").unwrap();
    assert!(matches!(Folder::open(dir.path()), Err(StateError::Newer { found: 2, .. })));
    fs::write(dir.path().join("format"), "?").unwrap();
    assert!(matches!(Folder::open(dir.path()), Err(StateError::Corrupt { .. })));
}

#[test]
fn a_path_that_is_a_file_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Folder::open(file.path()).unwrap_err();
    assert!(matches!(error, StateError::Io { .. }));
    assert!(error.to_string().starts_with("cannot create the folder"), "{error}");
}

#[test]
fn clearing_leaves_what_is_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    drop(Store::open(&folder).unwrap());
    let journal = Journal::open(&folder, 0, Sync::Interval(Duration::from_secs(1)), false).unwrap();
    journal.append(&Record::Flush, &[]).unwrap();
    drop(journal);
    for mine in ["notes.txt", "log/notes.log"] {
        fs::write(dir.path().join(mine), "mine").unwrap();
    }
    folder.clear().unwrap();
    let names = |dir: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(dir.path()), ["format", "lock", "log", "notes.txt"]);
    assert_eq!(names(&dir.path().join("log")), ["notes.log"]);
    assert_eq!(Journal::open(&folder, 0, Sync::Always, false).unwrap().next(), 0);
    assert_eq!(Store::open(&folder).unwrap().checkpoint().unwrap(), None);
}
