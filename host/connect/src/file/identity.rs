//! Which file is which, whatever it is called: by its file system and its number there.

use std::fs::{self, Metadata};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use eyas_state::FileId;

/// What a file is known by while it exists.
pub type Key = (u64, u64);

pub fn key(metadata: &Metadata) -> Key {
    (metadata.dev(), metadata.ino())
}

pub fn identify(path: &Path, metadata: &Metadata) -> FileId {
    FileId { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() }
}

/// Finds a file by what it was called, or under another name in the same folder.
pub fn find(path: &Path, wanted: Key) -> Option<(PathBuf, Metadata)> {
    if let Ok(metadata) = fs::metadata(path)
        && key(&metadata) == wanted
    {
        return Some((path.to_owned(), metadata));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    entries.filter(|entry| entry.ino() == wanted.1).find_map(|entry| {
        let metadata = entry.metadata().ok().filter(|metadata| metadata.is_file() && key(metadata) == wanted)?;
        Some((entry.path(), metadata))
    })
}
