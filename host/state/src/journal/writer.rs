//! Writing records at the end of the log.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::FallocateFlags;

use super::format::{HEADER, Header, PREFIX, Prefix};
use super::segments::{self, Segment};
use super::shared::Shared;
use super::walk::Walk;
use crate::{Record, StateError};

/// The end of the log.
#[derive(Debug, Default)]
pub struct Writer {
    open: Option<Open>,
    /// Prefix and header of the record that is written; kept for its memory.
    frame: Vec<u8>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Open {
    file: Arc<File>,
    segment: Segment,
    marker: u64,
    /// Whether it has been asked for the room that it will need.
    reserved: bool,
}

impl Writer {
    /// Goes on in a segment that is there.
    pub fn resume(&mut self, shared: &Shared, segment: &Segment) -> Result<(), StateError> {
        let marker = Walk::open(&segment.path, segment.first)?.marker();
        let open = || {
            let mut file = File::options().write(true).open(&segment.path)?;
            file.seek(SeekFrom::Start(segment.bytes))?;
            Ok(file)
        };
        let file: io::Result<File> = open();
        let file = Arc::new(file.map_err(|source| StateError::Io { what: "open", path: segment.path.clone(), source })?);
        shared.begin(&file, None);
        self.open = Some(Open { file, segment: segment.clone(), marker, reserved: false });
        Ok(())
    }

    /// Appends a record, or nothing; `checksum` is that of the bytes.
    pub fn append(&mut self, shared: &Shared, record: &Record, bytes: &[u8], checksum: u32) -> Result<u64, StateError> {
        self.encode(shared, record, bytes)?;
        let state = shared.good()?;
        let (number, safe) = (state.next, state.synced);
        drop(state);
        let written = self.write(shared, number, safe, bytes, checksum);
        if let Err(error) = &written
            && is_full(error)
        {
            shared.full(error);
        }
        self.commit(shared, record, written?);
        Ok(number)
    }

    fn encode(&mut self, shared: &Shared, record: &Record, bytes: &[u8]) -> Result<(), StateError> {
        let large = |why: String| {
            let source = io::Error::new(ErrorKind::InvalidInput, why);
            StateError::Io { what: "write a record to", path: shared.dir.clone(), source }
        };
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame.resize(PREFIX, 0);
        self.frame = postcard::to_extend(record, frame).map_err(|error| large(error.to_string()))?;
        let limit = u32::MAX as usize;
        if bytes.len() > limit || self.frame.len() > limit { Err(large("it is longer than 4 GiB".to_owned())) } else { Ok(()) }
    }

    /// Writes the record, or nothing; gives how long it is.
    fn write(&mut self, shared: &Shared, number: u64, safe: u64, bytes: &[u8], checksum: u32) -> Result<u64, StateError> {
        if self.open.as_ref().is_some_and(|open| open.segment.bytes >= shared.segment_bytes) {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open::make(shared, number, safe)?),
        };
        // Marks are small, and a checkpoint may hang on them: they pass.
        if !bytes.is_empty() && !has_room(&open.file, bytes.len() as u64) {
            return Err(StateError::Io { what: "write to", path: open.segment.path.clone(), source: ErrorKind::StorageFull.into() });
        }
        open.reserve(shared.segment_bytes);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Prefix::seal(&mut self.frame, open.marker, number, safe, length, checksum);
        let Err(source) = write_all(&open.file, &self.frame, bytes) else {
            return Ok((self.frame.len() + bytes.len()) as u64);
        };
        if let Err(source) = open.cut_back() {
            // Half a record in the middle of the log would be taken for its end.
            let error = StateError::Io { what: "cut", path: open.segment.path.clone(), source };
            shared.fail(&error);
            return Err(error);
        }
        Err(StateError::Io { what: "write to", path: open.segment.path.clone(), source })
    }

    /// The record is there.
    fn commit(&mut self, shared: &Shared, record: &Record, length: u64) {
        let mut state = shared.state();
        let number = state.next;
        if let Some(open) = &mut self.open {
            open.segment.bytes += length;
            if let Some(segment) = state.segments.back_mut() {
                segment.bytes = open.segment.bytes;
            }
        }
        if let Record::Slice(slice) = record {
            state.ages.push(number, slice.ingest_time);
        }
        if std::mem::take(&mut state.full) {
            tracing::warn!(path = %shared.dir.display(), "there is room for the journal again");
        }
        state.next = number + 1;
        shared.wake(state);
    }
}

impl Writer {
    /// Begins a segment, if the one before is worth it: everything in that is covered by a checkpoint. What it cannot make is made later.
    pub fn roll(&mut self, shared: &Shared) {
        let state = shared.state();
        let (next, safe, full) = (state.next, state.synced, state.full);
        drop(state);
        if self.open.as_ref().is_some_and(|open| full || open.segment.bytes >= shared.segment_bytes / 8)
            && let Ok(open) = Open::make(shared, next, safe)
        {
            self.open = Some(open);
        }
    }
}

impl Open {
    /// Begins a segment.
    fn make(shared: &Shared, first: u64, safe: u64) -> Result<Self, StateError> {
        let path = segments::path(&shared.dir, first);
        let header = Header::new(first, safe);
        let made = make_file(&path, &header.encode()).map_err(|source| {
            // What may be left of it is made anew when it is tried again, or found to be no segment.
            let _ = std::fs::remove_file(&path);
            StateError::Io { what: "create", path: path.clone(), source }
        })?;
        let file = Arc::new(made);
        let segment = Segment { first, path, bytes: HEADER as u64 };
        shared.begin(&file, Some(segment.clone()));
        Ok(Self { file, segment, marker: header.marker, reserved: false })
    }

    /// Gets the room for a whole segment at once, unless it stays small: a write for which room must be found first waits for as long as the
    /// file system syncs. The file gets no longer by it, and goes without where it cannot be had.
    fn reserve(&mut self, whole: u64) {
        if self.segment.bytes >= SMALL && !std::mem::replace(&mut self.reserved, true) && has_room(&self.file, SPARE * whole) {
            let _ = rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, whole);
        }
    }

    /// Undoes what was written of a record.
    fn cut_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.segment.bytes)?;
        (&*self.file).seek(SeekFrom::Start(self.segment.bytes)).map(|_| ())
    }
}

/// A segment that is shorter has no room set aside.
const SMALL: u64 = 1 << 20;
/// Room is set aside where there is so many times as much.
const SPARE: u64 = 4;

/// Room on the disk that is left to others, checkpoints above all: they are what lets the log go.
const RESERVE: u64 = 64 << 20;

/// Whether so many bytes leave enough room to others. Where that cannot be told, writing tells.
fn has_room(file: &File, bytes: u64) -> bool {
    let Ok(disk) = rustix::fs::fstatvfs(file) else { return true };
    let reserve = RESERVE.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 4);
    disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes.saturating_add(reserve)
}

/// Whether waiting may help.
pub fn is_full(error: &StateError) -> bool {
    matches!(error, StateError::Io { source, .. } if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

fn make_file(path: &Path, header: &[u8]) -> io::Result<File> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(header)?;
    Ok(file)
}

/// Writes both, mostly with one call and never copying them.
fn write_all(mut file: &File, mut first: &[u8], mut second: &[u8]) -> io::Result<()> {
    while !first.is_empty() || !second.is_empty() {
        match file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                second = second.get(written.saturating_sub(first.len())..).unwrap_or_default();
                first = first.get(written..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
