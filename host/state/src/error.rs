//! What can be wrong with a state folder.

use std::io;
use std::path::PathBuf;

/// A state folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system says so.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// "open", "write to", …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{} is in use by {holder}: two programs on one state folder would spoil it", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// Who, as far as can be told.
        holder: String,
    },
    /// It was written by a newer version of the program.
    #[error("{} was written by a newer version of eyas (format {found}; this one reads up to {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// What was written is not what is read.
    #[error("{} is corrupt: {what}; put the state folder back from a copy, or begin anew with --fresh", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        what: String,
    },
}
