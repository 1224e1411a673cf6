//! Files that are read once: found by patterns, unpacked, and merged by time (SEMANTICS 1).

mod discover;
mod follow;
mod input;
mod lines;
mod merge;

pub use discover::{DiscoverError, check_pattern, discover};
pub use follow::FollowSource;
pub use input::FileInput;
pub(crate) use lines::{Chunk, admit_chunk};
pub use merge::{FileError, FileReader, FileSource, Progress};
