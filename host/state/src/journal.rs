//! The input log on disk.
//!
//! A record that has been appended survives the end of the program; whether it survives a power cut is a matter of [`Sync`]. The files
//! are described in `journal/format.rs`.

mod ages;
mod format;
mod reader;
mod segments;
mod shared;
mod survey;
mod walk;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use eyas_event::Timestamp;

pub use self::reader::Reader;
use self::segments::Note;
pub(crate) use self::segments::clear as clear_log;
use self::shared::Shared;
use self::survey::Survey;
use self::writer::{Writer, is_full};
use crate::folder::{make, remove, sync_folder};
use crate::{Folder, Record, StateError};

/// How long a segment is, more or less.
const SEGMENT_BYTES: u64 = 64 << 20;

/// While the disk is full, it is tried again after so long, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

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
    /// Ingest time of the oldest slice that is kept because no checkpoint covers it, to the second.
    pub oldest: Option<Timestamp>,
    /// Whether the disk is full, and writing waits for room.
    pub full: bool,
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

/// The input log. Cheap to clone; the last one to go syncs what there is.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    writer: Mutex<Writer>,
    syncer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the log of a folder, from the number of the first record that is still needed on. A torn tail is cut; what is wrong before
    /// it is an error. `keep`: what is cut off at checkpoints is kept (`keep_log`).
    pub fn open(folder: &Folder, needed: u64, sync: Sync, keep: bool) -> Result<Self, StateError> {
        Self::open_with(folder, needed, sync, keep, SEGMENT_BYTES)
    }

    /// The same, with segments of about so many bytes.
    pub fn open_with(folder: &Folder, needed: u64, sync: Sync, keep: bool, segment_bytes: u64) -> Result<Self, StateError> {
        folder.ours()?;
        let dir = folder.log();
        make(&dir)?;
        sync_folder(folder.path())?;
        let mut survey = Survey::take(&dir, needed)?;
        survey.repair(&dir, needed, keep)?;
        let next = survey.end.max(needed);
        let note = Note::open(&dir)?;
        note.write(next);
        let last = survey.segments.last().filter(|_| survey.end == next).cloned();
        let shared = Arc::new(Shared::new(dir.clone(), sync, keep, segment_bytes, survey.segments, next));
        let mut writer = Writer::default();
        if let Some(last) = last {
            writer.resume(&shared, &last)?;
        }
        let syncing = Arc::clone(&shared);
        let syncer = thread::Builder::new().name("journal".to_owned()).spawn(move || syncing.run(&note));
        let syncer = syncer.map_err(|source| StateError::Io { what: "start a thread for", path: dir, source })?;
        let journal = Self { inner: Arc::new(Inner { shared, writer: Mutex::new(writer), syncer: Some(syncer) }) };
        journal.remember_oldest(needed)?;
        Ok(journal)
    }

    /// Reads the whole log of a folder, changing nothing; what is torn at its end is passed over. `bytes` is that of [`Journal::read`].
    pub fn look(folder: &Folder, bytes: bool) -> Result<Reader, StateError> {
        let dir = folder.log();
        let survey = Survey::take(&dir, u64::MAX)?;
        let first = survey.segments.first().map_or(survey.end, |segment| segment.first);
        Reader::new(&dir, survey.segments.into(), first, survey.end, bytes)
    }

    /// Appends a record, with the bytes of a journalled slice; gives its number. While the disk is full it waits, and says so. An error
    /// is one that waiting does not help; nothing has been appended then.
    pub fn append(&self, record: &Record, bytes: &[u8]) -> Result<u64, StateError> {
        let mut pause = PAUSE.0;
        loop {
            match self.write(record, bytes) {
                Err(error) if is_full(&error) && self.inner.shared.pause(pause) => pause = PAUSE.1.min(pause * 2),
                result => return result,
            }
        }
    }

    /// The same, but nothing if the disk is full: for whoever holds something that a checkpoint needs, which might make room.
    pub fn try_append(&self, record: &Record, bytes: &[u8]) -> Result<Option<u64>, StateError> {
        match self.write(record, bytes) {
            Err(error) if is_full(&error) => Ok(None),
            result => result.map(Some),
        }
    }

    fn write(&self, record: &Record, bytes: &[u8]) -> Result<u64, StateError> {
        let checksum = crc32fast::hash(bytes);
        let mut writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.append(&self.inner.shared, record, bytes, checksum)
    }

    /// From now on [`Journal::append`] does not wait for room on a full disk, but fails; what waits now fails at once.
    pub fn give_up(&self) {
        self.inner.shared.give_up();
    }

    /// Number of the next record.
    pub fn next(&self) -> u64 {
        self.inner.shared.state().next
    }

    /// Waits until a record is as safe as [`Sync`] asks for.
    pub fn wait(&self, number: u64) -> Result<(), StateError> {
        match self.inner.shared.sync {
            Sync::Always => self.inner.shared.wait(number),
            Sync::Interval(_) => self.inner.shared.good().map(|_| ()),
        }
    }

    /// A checkpoint covers all records before this number: what is not needed any more goes.
    pub fn cut(&self, next: u64) -> Result<(), StateError> {
        let shared = &self.inner.shared;
        let mut writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !shared.keep && shared.state().next <= next {
            writer.roll(shared);
        }
        drop(writer);
        let mut old = Vec::new();
        let mut state = shared.good()?;
        state.ages.cut(next);
        while !shared.keep && state.segments.get(1).is_some_and(|later| later.first <= next) {
            old.extend(state.segments.pop_front());
        }
        drop(state);
        old.iter().try_for_each(|segment| remove(&segment.path))
    }

    /// Reads from a number on to what is the end now. `bytes`: also those of journalled slices; all are checked in any case.
    pub fn read(&self, from: u64, bytes: bool) -> Result<Reader, StateError> {
        let state = self.inner.shared.state();
        let (segments, next) = (state.segments.clone(), state.next);
        drop(state);
        Reader::new(&self.inner.shared.dir, segments, from, next, bytes)
    }

    /// Number of the oldest record that is still there.
    pub fn first(&self) -> u64 {
        let state = self.inner.shared.state();
        state.segments.front().map_or(state.next, |segment| segment.first)
    }

    /// Figures for people.
    pub fn figures(&self) -> JournalFigures {
        let state = self.inner.shared.state();
        JournalFigures {
            bytes: state.segments.iter().map(|segment| segment.bytes).sum(),
            segments: state.segments.len() as u64,
            oldest: state.ages.oldest(),
            full: state.full,
        }
    }

    /// Finds the first slice that no checkpoint covers.
    fn remember_oldest(&self, needed: u64) -> Result<(), StateError> {
        for logged in self.read(needed, false)? {
            if let Logged { number, record: Record::Slice(slice), .. } = logged? {
                self.inner.shared.state().ages.push(number, slice.ingest_time);
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(syncer) = self.syncer.take() {
            let _ = syncer.join();
        }
    }
}
