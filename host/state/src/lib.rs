//! What survives the program: one folder with the input log and a store of checkpoints (SEMANTICS 1, 9, 10).
//!
//! The [`Journal`] holds the input log: every slice and mark in input order, and the bytes of those that cannot be read again. The
//! [`Store`] holds checkpoints: what was known once all items before a position had gone through. Both belong to a [`Folder`], which one
//! process holds at a time. This crate knows files; it does not know what an event is.

mod checkpoint;
mod error;
mod folder;
mod journal;
mod path;
mod record;
mod store;

pub use checkpoint::{
    Change, Checkpoint, DetectorState, GroupState, PartitionState, RequestState, SinkFile, SinkState, SourceRequests, Standing,
};
pub use error::StateError;
pub use folder::Folder;
pub use journal::{Journal, JournalFigures, Logged, Reader, Sync};
pub use record::{FileId, Record, SliceRecord};
pub use store::{Sizes, Store};
