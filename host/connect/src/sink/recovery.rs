//! After a crash: the files of a sink become again what they were at the checkpoint (SEMANTICS 10.4).
//!
//! The checkpoint lists the files that the sink had written to, with their lengths; the input log says which others were touched after it,
//! and how long they were. Of a file that was rotated away since, the first new name that it got holds what was there before; all other
//! names came later and go. Each step leaves what the next attempt needs, so a crash in here is one more crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use eyas_state::SinkState;

use super::files::sync_folder;
use super::place::{rotated, unrotated};

/// What is known of a sink from before.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// How it stood at the checkpoint; nothing if there is none, or it knows no such sink.
    pub state: Option<SinkState>,
    /// What [`eyas_state::Record::Touch`] says of it since that checkpoint, the oldest first.
    pub touched: Vec<(PathBuf, u64)>,
}

/// A file as it was at the checkpoint.
#[derive(Debug, Default)]
struct Before {
    length: u64,
    /// The numbers that were put behind its name since.
    rotations: BTreeSet<u64>,
}

impl Recovered {
    /// Makes the files what they were. Gives the file with the error.
    pub fn recover(&self, sink: &str) -> Result<(), (PathBuf, io::Error)> {
        for (path, before) in self.files() {
            restore(sink, &path, &before).map_err(|error| (path, error))?;
        }
        Ok(())
    }

    fn files(&self) -> BTreeMap<PathBuf, Before> {
        let rotations = self.state.as_ref().map_or(0, |state| state.rotations);
        let listed = self.state.iter().flat_map(|state| &state.files);
        let mut files: BTreeMap<_, _> =
            listed.map(|file| (file.path.clone(), Before { length: file.length, ..Before::default() })).collect();
        for (path, length) in &self.touched {
            if let Some((base, number)) = unrotated(path)
                && let Some(before) = files.get_mut(&base)
            {
                // The checkpoint knows of those up to its own.
                if number > rotations {
                    before.rotations.insert(number);
                }
                continue;
            }
            // Only the first time counts; and what is listed counts more: it may have been touched before the sink said where it stood.
            files.entry(path.clone()).or_insert_with(|| Before { length: *length, ..Before::default() });
        }
        files
    }
}

fn restore(sink: &str, path: &Path, before: &Before) -> io::Result<()> {
    let mut names = before.rotations.iter().map(|&number| rotated(path, number));
    let first = names.next();
    let mut later = false;
    for name in names.rev() {
        later |= remove(&name)?;
    }
    match first {
        Some(first) if exists(&first)? => fs::rename(first, path)?,
        // It has a later file's place, and itself is nowhere.
        Some(_) if later => {
            remove(path)?;
        }
        _ => {}
    }
    cut(sink, path, before.length)?;
    // A folder that is gone has no names to make safe.
    if path.parent().is_some_and(Path::is_dir) { sync_folder(path) } else { Ok(()) }
}

fn cut(sink: &str, path: &Path, length: u64) -> io::Result<()> {
    let found = match fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if length > 0 {
                tracing::warn!(
                    sink,
                    path = %path.display(),
                    "this file has gone since the last checkpoint, when it had {length} bytes: events of before are not in the new one"
                );
            }
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if found < length {
        tracing::warn!(
            sink,
            path = %path.display(),
            "this file has {found} bytes, but had {length} at the last checkpoint: somebody else cut or replaced it; going on at its end"
        );
    } else if length == 0 && fs::symlink_metadata(path)?.is_file() {
        remove(path)?;
    } else if found > length {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()?;
    }
    Ok(())
}

fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
