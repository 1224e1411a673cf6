//! Many files in one order: always next the slice whose first event is earliest (SEMANTICS 1).

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eyas_codec::{Decoder, Decoding, Encoding, Plan, Sharding};
use eyas_engine::{Admission, Closed};
use eyas_event::{Partition, Position, Timestamp};
use eyas_state::{FileId, PartitionState};

use super::earlier::Earlier;
use super::input::FileInput;
use super::lines::{Chunk, Lines, admit_chunk};
use crate::Stop;

/// The size of the slices that are merged. Part of what input order means: never to be changed.
const SLICE: usize = 256 * 1024;
/// Files that are open at once; the others are closed, and opened again when their turn comes.
const OPEN_AT_ONCE: usize = 128;

/// One source of files that are read once.
pub struct FileSource {
    /// Its place in the topology.
    pub number: u16,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// Its files; their order numbers its partitions.
    pub files: Vec<FileInput>,
}

/// A file that could not be read, or not to its end. What was read before has been admitted.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// How far the reading is, for whoever shows it. In bytes as they are on disk.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
    /// Bytes that there are.
    pub total: u64,
}

impl Progress {
    /// How many bytes have been read; never more than there are.
    pub fn done(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.total)
    }
}

/// Where a file stands in the merge: earliest first, those whose time is unknown before all others, ties by path.
type Turn = (Option<Timestamp>, usize);

/// Reads the files of all sources in one order.
pub struct FileReader {
    sources: Vec<Source>,
    files: Vec<MergedFile>,
    progress: Progress,
    batch_bytes: usize,
    errors: Vec<FileError>,
    /// Files of earlier runs that cannot be read to their end any more, and why.
    lost: Vec<(Partition, FileError)>,
}

struct Source {
    decoding: Decoding,
    decoder: Decoder,
}

pub struct MergedFile {
    pub input: FileInput,
    /// Which file it is, where that can be told.
    pub id: Option<FileId>,
    pub source: usize,
    pub partition: Partition,
    /// Whether an earlier run has opened its partition.
    pub known: bool,
    /// Of a stretch whose turn it was when the earlier run ended: where it ends.
    pub begun: Option<Position>,
    pub header: Option<Arc<[u8]>>,
    pub state: State,
}

pub enum State {
    /// Waits for its turn with its next chunk read.
    Open(Box<Lines>, Chunk),
    /// Waits for its turn, closed; this is where its next chunk begins.
    Parked(Position),
    Done,
}

impl FileReader {
    /// Will read these, and admit slices of at most `batch_bytes` unless one event alone is longer. `resume`: the partitions of earlier
    /// runs; files among them go on where they stood, or are left out if they were read to their end.
    ///
    /// Errors where a source's decoding is not possible; the message says why.
    pub fn new(sources: Vec<FileSource>, batch_bytes: usize, resume: &[PartitionState]) -> Result<Self, String> {
        let mut reader = Self {
            sources: Vec::new(),
            files: Vec::new(),
            progress: Progress::default(),
            batch_bytes: batch_bytes.max(1),
            errors: Vec::new(),
            lost: Vec::new(),
        };
        for (source, FileSource { number, decoding, files }) in sources.into_iter().enumerate() {
            let plan = Plan::new(&decoding, &[], Sharding { shards: 1, seed: 0 }).map_err(|error| error.to_string())?;
            reader.sources.push(Source { decoding, decoder: Decoder::new(Arc::new(plan)) });
            let mut earlier = Earlier::new(number, resume);
            for input in files {
                reader.files.extend(earlier.place(input, source));
            }
            reader.lost.extend(earlier.lost());
        }
        reader.files.sort_by(|a, b| (a.input.name(), a.partition).cmp(&(b.input.name(), b.partition)));
        reader.progress.total = reader.files.iter().map(|file| file.input.size()).sum();
        Ok(reader)
    }

    /// To be looked at while it reads.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Reads everything, or until a stop. Gives the files that could not be read, each with its reason: the others have been.
    pub fn run(mut self, admission: &Admission, stop: &Stop) -> Vec<FileError> {
        // The engine closing under us is a stop, too.
        let _ = self.read_all(admission, stop);
        self.errors
    }

    fn read_all(&mut self, admission: &Admission, stop: &Stop) -> Result<(), Closed> {
        let mut turns = BTreeSet::new();
        for (partition, error) in std::mem::take(&mut self.lost) {
            tracing::error!("{error}");
            self.errors.push(error);
            admission.close(partition)?;
        }
        for file in 0..self.files.len() {
            let first = self.start(file);
            let Some(entry) = self.files.get(file) else { continue };
            match first {
                Some(first) => {
                    admission.open(entry.partition, &entry.input.name().to_string_lossy(), first, entry.id.as_ref())?;
                    turns.insert((first, file));
                    self.park_last(&turns);
                }
                None if entry.known => admission.close(entry.partition)?,
                None => {}
            }
        }
        // A stretch that was begun is finished before it is anybody else's turn.
        for file in 0..self.files.len() {
            let Some(turn) = turns.iter().find(|(_, other)| *other == file).copied() else { continue };
            if self.files.get(file).is_some_and(|entry| entry.begun.is_some()) {
                turns.remove(&turn);
                self.turn(turn, &mut turns, admission, stop)?;
            }
        }
        while stop.requested().is_none()
            && let Some(turn) = turns.pop_first()
        {
            self.turn(turn, &mut turns, admission, stop)?;
        }
        Ok(())
    }

    /// It is a file's turn, which is put back if there is more in it.
    fn turn(&mut self, turn: Turn, turns: &mut BTreeSet<Turn>, admission: &Admission, stop: &Stop) -> Result<(), Closed> {
        match self.take_turn(turn, turns.is_empty(), admission, stop)? {
            Some(next) => {
                turns.insert((next, turn.1));
                self.park_last(turns);
                Ok(())
            }
            None => self.files.get(turn.1).map_or(Ok(()), |file| admission.close(file.partition)),
        }
    }

    /// Opens a file for the first time. Gives the time of its first event, if that can be told; nothing where there is nothing to read.
    fn start(&mut self, file: usize) -> Option<Option<Timestamp>> {
        let position = match self.files.get(file)?.state {
            State::Parked(position) => position,
            _ => 0,
        };
        let opened = self.open(file, position);
        self.stand(file, opened)
    }

    /// Opens a file and reads the chunk at a position.
    fn open(&mut self, file: usize, position: Position) -> io::Result<Option<(Box<Lines>, Chunk)>> {
        let (Some(file), sources) = (self.files.get_mut(file), &self.sources) else { return Ok(None) };
        let Some(Source { decoding, .. }) = sources.get(file.source) else { return Ok(None) };
        let Decoding { encoding, max_event_bytes, .. } = decoding;
        let mut position = position;
        let lines = |position| -> io::Result<Lines> {
            let input = file.input.open(position, file.id.as_ref(), &self.progress.read)?;
            Ok(Lines::new(input, position, encoding, *max_event_bytes))
        };
        if matches!(encoding, Encoding::Csv { header: true, .. }) && file.header.is_none() {
            let mut lines = lines(0)?;
            let header = lines.header()?;
            position = position.max(header.len() as Position);
            file.header = Some(header);
        }
        let mut lines = Box::new(lines(position)?);
        if file.known && position > 0 && is_inside(file, position)? {
            lines.go_on_inside();
        }
        let size = file.begun.map_or(SLICE, |end| usize::try_from(end - position).unwrap_or(SLICE));
        Ok(lines.next(size)?.map(|chunk| (lines, chunk)))
    }

    /// Lets a file wait with its next chunk, whose first time it gives; nothing where there is none.
    fn stand(&mut self, file: usize, next: io::Result<Option<(Box<Lines>, Chunk)>>) -> Option<Option<Timestamp>> {
        let entry = self.files.get_mut(file)?;
        match next {
            Ok(Some((lines, chunk))) => {
                let decoder = &mut self.sources.get_mut(entry.source)?.decoder;
                let first = if chunk.oversize { None } else { decoder.first_time(&chunk.slice(entry.partition, entry.header.as_ref())) };
                entry.state = State::Open(lines, chunk);
                Some(first)
            }
            Ok(None) => {
                entry.state = State::Done;
                None
            }
            Err(source) => {
                entry.state = State::Done;
                let path = entry.input.name().to_owned();
                tracing::error!(path = %path.display(), "cannot read this file (any further): {source}");
                self.errors.push(FileError { path, source });
                None
            }
        }
    }

    /// Admits the chunk whose turn it is, and reads the next one, whose first time it gives. If no other file is left this one is
    /// read to its end.
    fn take_turn(&mut self, turn: Turn, alone: bool, admission: &Admission, stop: &Stop) -> Result<Option<Option<Timestamp>>, Closed> {
        let file = turn.1;
        // Once it is alone the order does not depend on the size of its slices any more.
        let size = if alone { self.batch_bytes.max(SLICE) } else { SLICE };
        let parked = match self.files.get(file).map(|file| &file.state) {
            Some(State::Parked(position)) => Some(*position),
            _ => None,
        };
        if let Some(position) = parked {
            let opened = self.open(file, position);
            if self.stand(file, opened).is_none() {
                return Ok(None);
            }
        }
        let Some(entry) = self.files.get_mut(file) else { return Ok(None) };
        let State::Open(mut lines, mut chunk) = std::mem::replace(&mut entry.state, State::Done) else { return Ok(None) };
        let Some(Source { decoding, .. }) = self.sources.get(entry.source) else { return Ok(None) };
        loop {
            let mut slice = chunk.slice(entry.partition, entry.header.as_ref());
            slice.turn_end = (!alone).then_some(chunk.position + chunk.buffer.len() as Position);
            entry.begun = None;
            admit_chunk(admission, slice, &decoding.encoding, decoding.max_event_bytes, self.batch_bytes)?;
            let next = lines.next(size);
            match next {
                Ok(Some(more)) if alone && stop.requested().is_none() => chunk = more,
                next => {
                    let next = next.map(|next| next.map(|chunk| (lines, chunk)));
                    return Ok(self.stand(file, next));
                }
            }
        }
    }

    /// Closes the file whose turn comes last, if too many are open.
    fn park_last(&mut self, turns: &BTreeSet<Turn>) {
        if turns.len() <= OPEN_AT_ONCE {
            return;
        }
        let open = |file: &&MergedFile| matches!((&file.state, &file.input), (State::Open(..), FileInput::Path(_)));
        if self.files.iter().filter(open).count() <= OPEN_AT_ONCE {
            return;
        }
        let last = turns.iter().rev().find(|(_, file)| self.files.get(*file).as_ref().is_some_and(open));
        let Some(entry) = last.and_then(|(_, file)| self.files.get_mut(*file)) else { return };
        if let State::Open(_, chunk) = &entry.state {
            entry.state = State::Parked(chunk.position);
        }
    }
}

/// Whether a position of a file is inside a line: in one that was too long then.
fn is_inside(file: &MergedFile, position: Position) -> io::Result<bool> {
    let mut before = Vec::new();
    let read = file.input.open(position - 1, file.id.as_ref(), &Arc::default())?.fill(&mut before, 1)?;
    Ok(read > 0 && before != b"\n")
}

#[cfg(test)]
mod resume;
#[cfg(test)]
mod tests;
