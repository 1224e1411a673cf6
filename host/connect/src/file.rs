//! Files that are read once: found by patterns, unpacked, and merged by time (SEMANTICS 1).

#[cfg(test)]
mod bed;
mod discover;
mod earlier;
mod follow;
mod identity;
mod input;
mod lines;
mod merge;
mod reread;

pub use discover::{DiscoverError, check_pattern, discover};
pub use follow::FollowSource;
pub use input::FileInput;
pub(crate) use lines::{Chunk, admit_chunk};
pub use merge::{FileError, FileReader, FileSource, Progress};
pub use reread::Rereader;
