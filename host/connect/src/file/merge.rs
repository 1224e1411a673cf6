//! Many files in one order: always next the slice whose first event is earliest (SEMANTICS 1).

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eyas_codec::{Decoder, Decoding, Encoding, Plan, Sharding};
use eyas_engine::{Admission, Closed};
use eyas_event::{Partition, Position, Timestamp};

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
}

struct Source {
    decoding: Decoding,
    decoder: Decoder,
}

struct MergedFile {
    input: FileInput,
    source: usize,
    partition: Partition,
    header: Option<Arc<[u8]>>,
    state: State,
}

enum State {
    /// Waits for its turn with its next chunk read.
    Open(Box<Lines>, Chunk),
    /// Waits for its turn, closed; this is where its next chunk begins.
    Parked(Position),
    Done,
}

impl FileReader {
    /// Will read these, and admit slices of at most `batch_bytes` unless one event alone is longer.
    ///
    /// Errors where a source's decoding is not possible; the message says why.
    pub fn new(sources: Vec<FileSource>, batch_bytes: usize) -> Result<Self, String> {
        let mut reader = Self {
            sources: Vec::new(),
            files: Vec::new(),
            progress: Progress::default(),
            batch_bytes: batch_bytes.max(1),
            errors: Vec::new(),
        };
        for (source, FileSource { number, decoding, files }) in sources.into_iter().enumerate() {
            let plan = Plan::new(&decoding, &[], Sharding { shards: 1, seed: 0 }).map_err(|error| error.to_string())?;
            reader.sources.push(Source { decoding, decoder: Decoder::new(Arc::new(plan)) });
            let files = files.into_iter().zip(0..).map(|(input, file)| MergedFile {
                input,
                source,
                partition: Partition { source: number, number: file },
                header: None,
                state: State::Parked(0),
            });
            reader.files.extend(files);
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
        for file in 0..self.files.len() {
            let Some(first) = self.start(file) else { continue };
            turns.insert((first, file));
            self.park_last(&turns);
            if let Some(file) = self.files.get(file) {
                admission.open(file.partition, &file.input.name().to_string_lossy(), first, None)?;
            }
        }
        while let Some(turn) = turns.pop_first() {
            let alone = turns.is_empty();
            match self.take_turn(turn, alone, admission, stop)? {
                Some(next) => {
                    turns.insert((next, turn.1));
                    self.park_last(&turns);
                }
                None => {
                    if let Some(file) = self.files.get(turn.1) {
                        admission.close(file.partition)?;
                    }
                }
            }
            if stop.requested().is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Opens a file for the first time. Gives the time of its first event, if that can be told; nothing where there is nothing to read.
    fn start(&mut self, file: usize) -> Option<Option<Timestamp>> {
        let opened = self.open(file, 0);
        self.stand(file, opened)
    }

    /// Opens a file and reads the chunk at a position.
    fn open(&mut self, file: usize, position: Position) -> io::Result<Option<(Box<Lines>, Chunk)>> {
        let (Some(file), sources) = (self.files.get_mut(file), &self.sources) else { return Ok(None) };
        let Some(Source { decoding, .. }) = sources.get(file.source) else { return Ok(None) };
        let input = file.input.open(position, &self.progress.read)?;
        let mut lines = Box::new(Lines::new(input, position, &decoding.encoding, decoding.max_event_bytes));
        if position == 0 && matches!(decoding.encoding, Encoding::Csv { header: true, .. }) {
            file.header = Some(lines.header()?);
        }
        Ok(lines.next(SLICE)?.map(|chunk| (lines, chunk)))
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
            let slice = chunk.slice(entry.partition, entry.header.as_ref());
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

#[cfg(test)]
mod tests;
