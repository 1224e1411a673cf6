//! The input log on disk.

use std::sync::Arc;
use std::time::Duration;

use eyas_event::Timestamp;

use crate::{Folder, Record, StateError};

/// When what was written is made safe against a power cut. Against the end of the program alone it is safe at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before anything that depends on it is seen outside; what comes together is synced together.
    Always,
    /// Every so often.
    Interval(Duration),
}

/// Figures for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalFigures {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files.
    pub segments: u64,
    /// Ingest time of the oldest slice that is kept because no checkpoint covers it.
    pub oldest: Option<Timestamp>,
    /// Whether the disk is full, and writing waits for room.
    pub full: bool,
}

/// The input log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    _shared: Arc<()>,
}

/// A record with its number, and its bytes where it has some.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// Its number: the first one ever is 0.
    pub number: u64,
    /// What it says.
    pub record: Record,
    /// Of a journalled slice, if they were asked for.
    pub bytes: Vec<u8>,
}

/// Reads records in order.
#[derive(Debug)]
pub struct Reader;

impl Iterator for Reader {
    type Item = Result<Logged, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Journal {
    /// Opens the log of a folder, from the number of the first record that is still needed on. A torn tail is cut; what is wrong before
    /// it is an error. `keep`: what is cut off at checkpoints is kept (`keep_log`).
    pub fn open(_folder: &Folder, _needed: u64, _sync: Sync, _keep: bool) -> Result<Self, StateError> {
        Ok(Self { _shared: Arc::default() })
    }

    /// Appends a record, with the bytes of a journalled slice; gives its number. While the disk is full it waits, and says so. An error
    /// is one that waiting does not help; nothing has been appended then.
    pub fn append(&self, _record: &Record, _bytes: &[u8]) -> Result<u64, StateError> {
        Ok(0)
    }

    /// Number of the next record.
    pub fn next(&self) -> u64 {
        0
    }

    /// Waits until a record is as safe as [`Sync`] asks for.
    pub fn wait(&self, _number: u64) -> Result<(), StateError> {
        Ok(())
    }

    /// A checkpoint covers all records before this number: what is not needed any more goes.
    pub fn cut(&self, _next: u64) -> Result<(), StateError> {
        Ok(())
    }

    /// Reads from a number on to what is the end now. `bytes`: also those of journalled slices; all are checked in any case.
    pub fn read(&self, _from: u64, _bytes: bool) -> Result<Reader, StateError> {
        Ok(Reader)
    }

    /// Number of the oldest record that is still there.
    pub fn first(&self) -> u64 {
        0
    }

    /// Figures for people.
    pub fn figures(&self) -> JournalFigures {
        JournalFigures::default()
    }
}
