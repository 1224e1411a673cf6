//! The files of the log: segments named by their first record's number, and the note of what is safe.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::StateError;
use crate::folder::remove;

/// Beside the segments: records before this number have been synced.
const NOTE: &str = "synced";

/// One file of the log.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Number of its first record.
    pub first: u64,
    /// Where it is.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
}

/// Where a segment is.
pub fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.log"))
}

/// All segments, the oldest first.
pub fn list(dir: &Path) -> Result<Vec<Segment>, StateError> {
    let error = |source| StateError::Io { what: "read", path: dir.to_owned(), source };
    let mut segments = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(segments),
        Err(source) => return Err(error(source)),
    };
    for entry in entries {
        let entry = entry.map_err(error)?;
        let name = entry.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".log")).filter(|name| name.len() == 20);
        if let Some(first) = first.and_then(|first| first.parse().ok()) {
            segments.push(Segment { first, path: entry.path(), bytes: entry.metadata().map_err(error)?.len() });
        }
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// Removes the whole log, and nothing else that may lie there.
pub fn clear(dir: &Path) -> Result<(), StateError> {
    for segment in list(dir)? {
        remove(&segment.path)?;
    }
    remove(&dir.join(NOTE))
}

/// The records `from..to` are not there.
pub fn missing(dir: &Path, from: u64, to: u64) -> StateError {
    StateError::Corrupt { path: dir.to_owned(), what: format!("the records {from} to {} are missing", to.saturating_sub(1)) }
}

/// Says up to where the log has been synced. It is never synced itself: what it says was true when it was written, so whatever of it is
/// there is true, and after anything but a power cut all of it is there.
#[derive(Debug)]
pub struct Note(File);

impl Note {
    /// Opens it, or makes it.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let path = dir.join(NOTE);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map(Self).map_err(|source| StateError::Io { what: "open", path, source })
    }

    /// Notes that all records before a number are safe.
    pub fn write(&self, safe: u64) {
        let mut bytes = [0; 12];
        let (number, checksum) = bytes.split_at_mut(8);
        number.copy_from_slice(&safe.to_le_bytes());
        checksum.copy_from_slice(&crc32fast::hash(number).to_le_bytes());
        if let Err(error) = self.0.write_all_at(&bytes, 0) {
            tracing::debug!(%error, "cannot note up to where the journal is synced");
        }
    }

    /// What is noted; 0 if there is nothing that can be read.
    pub fn read(dir: &Path) -> u64 {
        let bytes = fs::read(dir.join(NOTE)).unwrap_or_default();
        let (Some(number), Some(checksum)) = (bytes.first_chunk::<8>(), bytes.get(8..)) else { return 0 };
        if checksum == crc32fast::hash(number).to_le_bytes() { u64::from_le_bytes(*number) } else { 0 }
    }
}
