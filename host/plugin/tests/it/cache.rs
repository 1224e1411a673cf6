//! The compiled-code cache: used when it is ours, harmless when it is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use eyas_hostile::Guest;
use eyas_plugin::{Runtime, RuntimeConfig};

fn load(cache: &Path) {
    let runtime = Runtime::new(RuntimeConfig { cache_dir: Some(cache.to_owned()), ..RuntimeConfig::default() }).unwrap();
    let plugin = runtime.load("cached.wasm", &Guest::new().build()).unwrap();
    plugin.instantiate(&crate::support::config()).unwrap();
}

fn files(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache.join("compiled")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_plugin_is_compiled_once_and_then_read() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    let [file] = &*files(folder.path()) else { panic!("one file") };
    let (bytes, written) = (fs::read(file).unwrap(), file.metadata().unwrap().modified().unwrap());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.path().join("compiled").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    load(folder.path());
    assert_eq!(fs::read(file).unwrap(), bytes);
    assert_eq!(file.metadata().unwrap().modified().unwrap(), written, "it was read, not made anew");
}

#[test]
fn a_damaged_file_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    let file = files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    for place in [0, 20, 60, 100, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&file, &damaged).unwrap();
        load(folder.path());
        assert_eq!(fs::read(&file).unwrap(), whole, "it was put right");
    }
    for length in [0, 10, 71, 72, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        load(folder.path());
        assert_eq!(fs::read(&file).unwrap(), whole, "it was put right");
    }
}

#[test]
fn a_file_that_others_may_write_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    let file = files(folder.path()).remove(0);
    fs::set_permissions(&file, Permissions::from_mode(0o622)).unwrap();
    load(folder.path());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "it was made anew");
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = folder.path().join("compiled");
    fs::create_dir(&compiled).unwrap();
    fs::set_permissions(&compiled, Permissions::from_mode(0o755)).unwrap();
    load(folder.path());
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_link_is_not_followed() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("compiled")).unwrap();
    load(folder.path());
    assert!(fs::read_dir(elsewhere.path()).unwrap().next().is_none());
}

#[test]
fn without_a_place_to_write_plugins_are_compiled_in_memory() {
    load(Path::new("/proc/no/such/folder"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    load(&file);
}

#[test]
fn old_files_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    for number in 0..100 {
        fs::write(folder.path().join(format!("compiled/{number}.compiled")), "").unwrap();
    }
    let first = fs::read_dir(folder.path().join("compiled")).unwrap().map(|entry| entry.unwrap().path());
    let ours = first.into_iter().find(|path| path.metadata().unwrap().len() > 0).unwrap();
    fs::remove_file(ours).unwrap();
    load(folder.path());
    let left = files(folder.path());
    assert_eq!(left.len(), 64);
    assert!(left.iter().any(|path| path.metadata().unwrap().len() > 0), "the newest stays");
}
