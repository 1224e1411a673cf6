//! One file that is followed.
//!
//! Nothing of it is kept in memory between two looks: a line that is not whole yet is read again when the file has grown.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use eyas_codec::{Decoding, Encoding, first_record};
use eyas_engine::{Admission, Closed};
use eyas_event::{Buffer, PADDING, Partition, Position};
use eyas_state::FileId;

use crate::cut::{Cut, Cutter};
use crate::file::identity::{Key, find, key};
use crate::file::input::packing;
use crate::file::lines::{Chunk, admit_chunk};

/// How much is sent on before it is another file's turn, in batches.
const TURN: usize = 16;

pub struct Tail {
    pub path: PathBuf,
    key: Key,
    /// When the file was made, where that can be told: a number is given again to another file.
    created: Option<SystemTime>,
    pub file: Option<File>,
    /// Once it has one.
    pub partition: Option<Partition>,
    /// Of the first byte that has not gone on.
    pub position: Position,
    /// How long it was when it was looked at last.
    pub seen: u64,
    /// When it last grew.
    pub grown: Instant,
    /// Since when no path that we follow leads to it.
    pub left: Option<Instant>,
    cutter: Cutter,
    header: Option<Arc<[u8]>>,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it was.
    Same,
    /// Something went on.
    Read,
    /// It holds more already.
    More,
    /// It is shorter than it was: begun anew.
    Cut,
    /// It is nowhere to be found.
    Gone,
    /// It is packed, which cannot be followed.
    Packed(&'static str),
}

/// What all files of a source share.
pub struct Shared<'a> {
    pub admission: &'a Admission,
    pub decoding: &'a Decoding,
    pub size: usize,
    pub source: u16,
    /// The number of the next partition.
    pub next: u32,
}

/// Why a look failed.
pub enum Failed {
    /// The engine takes nothing in any more.
    Engine,
    File(io::Error),
}

impl From<Closed> for Failed {
    fn from(_: Closed) -> Self {
        Self::Engine
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl Tail {
    /// A file that has not been read from.
    pub fn new(path: PathBuf, metadata: &Metadata, decoding: &Decoding) -> Self {
        Self {
            path,
            key: key(metadata),
            created: metadata.created().ok(),
            file: None,
            partition: None,
            position: 0,
            seen: 0,
            grown: Instant::now(),
            left: None,
            cutter: Cutter::new(decoding.encoding.clone(), decoding.max_event_bytes),
            header: None,
        }
    }

    /// A file that was read up to a position in an earlier run; nothing if it cannot be found, or is shorter by now.
    pub fn resume(id: &FileId, partition: Partition, position: Position, decoding: &Decoding) -> Option<Self> {
        let (path, metadata) = find(&id.path, (id.device, id.inode))?;
        let mut tail = Self::new(path, &metadata, decoding);
        tail.partition = Some(partition);
        tail.position = position;
        if metadata.len() < position {
            return None;
        }
        // In the middle of a line that was too long?
        let mut before = [b'\n'];
        if position > 0 && matches!(tail.open(), Ok(Some(file)) if file.read_at(&mut before, position - 1).is_ok()) && before != [b'\n'] {
            tail.cutter.go_on_inside();
        }
        // There may be more of them than a process may have open; it is opened when it has grown.
        tail.file = None;
        Some(tail)
    }

    /// Sends on what has come, whole lines only; at most its turn.
    pub fn look(&mut self, shared: &mut Shared<'_>) -> Result<Look, Failed> {
        let Some(length) = self.length()? else { return Ok(Look::Gone) };
        if length < self.seen.max(self.position) {
            return Ok(Look::Cut);
        }
        if length == self.seen {
            return Ok(Look::Same);
        }
        self.grown = Instant::now();
        for _ in 0..TURN {
            let position = self.position;
            let Some(file) = self.open()? else { return Ok(Look::Gone) };
            match packed(file, position)? {
                Some(packing) => return Ok(Look::Packed(packing)),
                None if self.send(shared, length)? => {}
                None => {
                    self.seen = length;
                    return Ok(Look::Read);
                }
            }
        }
        // Its turn is over, but not its bytes: what was seen of it stays as it was, so that the next look goes on.
        Ok(Look::More)
    }

    /// Sends on what is left, a last line without its newline too.
    pub fn finish(&mut self, shared: &mut Shared<'_>) -> Result<(), Failed> {
        while matches!(self.look(shared)?, Look::More) {}
        if self.lacks_header(shared.decoding) {
            return Ok(());
        }
        let position = self.position;
        let rest = self.seen.saturating_sub(position);
        let Some(file) = self.open()?.filter(|_| rest > 0) else { return Ok(()) };
        let mut bytes = read(file, position, rest)?;
        if bytes.is_empty() || packed(file, position)?.is_some() {
            return Ok(());
        }
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let oversize =
            bytes.len() > shared.decoding.max_event_bytes + 2 || matches!(self.cutter.cut(&bytes, bytes.len(), true), Cut::Piece(_));
        self.admit(shared, bytes, rest, oversize)
    }

    /// Its length now; nothing where it cannot be found any more.
    fn length(&mut self) -> io::Result<Option<u64>> {
        if self.file.is_none()
            && let Ok(metadata) = fs::metadata(&self.path)
            && self.is(&metadata)
        {
            return Ok(Some(metadata.len()));
        }
        Ok(match self.open()? {
            Some(file) => Some(file.metadata()?.len()),
            None => None,
        })
    }

    /// Whether this is the file.
    pub fn is(&self, metadata: &Metadata) -> bool {
        key(metadata) == self.key && self.created.is_none_or(|created| metadata.created().ok().is_none_or(|now| now == created))
    }

    fn open(&mut self) -> io::Result<Option<&File>> {
        if self.file.is_none() {
            let Some((path, metadata)) = find(&self.path, self.key) else { return Ok(None) };
            if !self.is(&metadata) {
                return Ok(None);
            }
            let file = File::open(&path)?;
            if !self.is(&file.metadata()?) {
                return Ok(None);
            }
            self.path = path;
            self.file = Some(file);
        }
        Ok(self.file.as_ref())
    }

    /// Sends one slice on; gives whether there was a whole one before `end`.
    fn send(&mut self, shared: &mut Shared<'_>, end: u64) -> Result<bool, Failed> {
        if !self.take_header(shared.decoding, end)? {
            return Ok(false);
        }
        let mut wanted = shared.size;
        loop {
            let there = end.saturating_sub(self.position).min(wanted as u64);
            let position = self.position;
            let Some(file) = self.open()? else { return Ok(false) };
            let mut bytes = read(file, position, there)?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let full = bytes.len() >= wanted;
            let (length, oversize) = match if full { self.cutter.cut(&bytes, shared.size, false) } else { self.cutter.cut_now(&bytes) } {
                Cut::Events(length) => (length, false),
                Cut::Piece(length) => (length, true),
                Cut::More(more) if full => {
                    wanted = more.max(wanted + 1);
                    continue;
                }
                Cut::More(_) => return Ok(false),
            };
            bytes.truncate(length);
            self.admit(shared, bytes, length as u64, oversize)?;
            return Ok(true);
        }
    }

    /// Of CSV with a header: reads it where it is not known yet. Gives whether there is what there must be.
    fn take_header(&mut self, decoding: &Decoding, end: u64) -> io::Result<bool> {
        if !self.lacks_header(decoding) {
            return Ok(true);
        }
        let longest = decoding.max_event_bytes as u64;
        let Some(file) = self.open()? else { return Ok(false) };
        let mut bytes = read(file, 0, end.min(longest))?;
        let Some(length) = first_record(&decoding.encoding, &bytes) else {
            return if end > longest { Err(io::Error::new(io::ErrorKind::InvalidData, "the header is too long")) } else { Ok(false) };
        };
        bytes.truncate(length);
        self.position = self.position.max(length as u64);
        self.header = Some(bytes.into());
        Ok(true)
    }

    fn lacks_header(&self, decoding: &Decoding) -> bool {
        self.header.is_none() && matches!(decoding.encoding, Encoding::Csv { header: true, .. })
    }

    /// Admits bytes, of which so many stand in the file.
    fn admit(&mut self, shared: &mut Shared<'_>, bytes: Vec<u8>, length: u64, oversize: bool) -> Result<(), Failed> {
        let partition = match self.partition {
            Some(partition) => partition,
            None => {
                let partition = Partition { source: shared.source, number: shared.next };
                shared.next += 1;
                shared.admission.open(partition, &self.path.to_string_lossy(), None, Some(&self.id()))?;
                *self.partition.insert(partition)
            }
        };
        let chunk = Chunk { buffer: Arc::new(Buffer::new(bytes)), position: self.position, oversize };
        let Decoding { encoding, max_event_bytes, .. } = shared.decoding;
        admit_chunk(shared.admission, chunk.slice(partition, self.header.as_ref()), encoding, *max_event_bytes, shared.size)?;
        self.position += length;
        Ok(())
    }

    fn id(&self) -> FileId {
        FileId { path: self.path.clone(), device: self.key.0, inode: self.key.1 }
    }
}

/// At the start of a file: how it is packed, if it is.
fn packed(file: &File, position: Position) -> io::Result<Option<&'static str>> {
    if position > 0 {
        return Ok(None);
    }
    Ok(packing(&read(file, 0, 4)?))
}

fn read(file: &File, position: Position, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(length + PADDING + 1);
    bytes.resize(length, 0);
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}
