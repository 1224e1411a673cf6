//! Standard input: a regular file is read like any other; a pipe is a live source, whose events go on after `max_age` at the latest.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyas_codec::{Decoding, Encoding, first_record};
use eyas_engine::{Admission, Closed};
use eyas_event::{Buffer, PADDING, Partition, Position};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Stop;
use crate::cut::{Cut, Cutter};
use crate::file::{Chunk, FileInput, admit_chunk};

/// How much a pipe may hold, if the operating system lets us: fewer, larger reads.
const PIPE: usize = 1 << 20;

/// What standard input is.
#[derive(Debug)]
pub enum Standard {
    /// A regular file: read once, like files named by a path.
    File(FileInput),
    /// Anything else: live.
    Stream(OwnedFd),
}

/// Standard input cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StdinError {
    /// The operating system says so.
    #[error("cannot read standard input: {0}")]
    Read(#[from] io::Error),
    /// Streams are not unpacked.
    #[error("standard input is packed with {0}: unpack it on the way (such as `{1} < FILE | eyas run`), or redirect the file itself")]
    Packed(&'static str, &'static str),
}

/// Finds out what standard input is.
pub fn open_stdin() -> Result<Standard, StdinError> {
    let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
    let file = File::from(descriptor);
    if file.metadata()?.is_file() {
        return Ok(Standard::File(FileInput::Stdin(file)));
    }
    // Not being a pipe, or not being allowed to, only means smaller reads.
    let _ = rustix::pipe::fcntl_setpipe_size(&file, PIPE);
    Ok(Standard::Stream(file.into()))
}

impl Standard {
    /// The first bytes, one whole event at least, for guessing what is in them. They are not lost: a stream gives them as the start of
    /// what [`StdinSource`] is to read.
    pub fn peek(&self) -> Result<Vec<u8>, StdinError> {
        let mut bytes = Vec::new();
        match self {
            Self::File(input) => {
                input.open(0, None, &Arc::default())?.fill(&mut bytes, 64 << 10)?;
            }
            Self::Stream(stream) => {
                bytes.reserve(64 << 10);
                while bytes.len() < bytes.capacity() && memchr::memchr(b'\n', &bytes).is_none() {
                    if rustix::io::read(stream, rustix::buffer::spare_capacity(&mut bytes)).map_err(io::Error::from)? == 0 {
                        break;
                    }
                }
            }
        }
        Ok(bytes)
    }
}

/// A live standard input.
pub struct StdinSource {
    /// Its place in the topology.
    pub number: u16,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// What it reads.
    pub stream: OwnedFd,
    /// What was read of it before.
    pub head: Vec<u8>,
    /// The most bytes that go on at once, unless one event alone is longer.
    pub batch_bytes: usize,
    /// How long bytes wait for more at the most.
    pub max_age: Duration,
    /// How many bytes were read in earlier runs: the stream goes on behind them.
    pub position: Position,
}

impl StdinSource {
    /// Reads to the end, or until a stop: what was read by then is admitted, an event that is not whole as it stands.
    pub fn run(self, admission: &Admission, stop: &Stop) -> Result<(), StdinError> {
        let mut pending = Pending::new(&self);
        let result = self.read(&mut pending, admission, stop);
        match result {
            Ok(()) | Err(Ended::Engine) => Ok(()),
            Err(Ended::Error(error)) => Err(error),
        }
    }

    fn read(mut self, pending: &mut Pending, admission: &Admission, stop: &Stop) -> Result<(), Ended> {
        admission.open(pending.partition, "standard input", None, None)?;
        pending.bytes.append(&mut self.head);
        let mut oldest = (!pending.bytes.is_empty()).then(Instant::now);
        loop {
            pending.refuse_packed()?;
            pending.send_full(admission)?;
            let left = oldest.map(|since| self.max_age.saturating_sub(since.elapsed()));
            match wait(&self.stream, stop, left).map_err(StdinError::Read)? {
                // It has not ended: the next run goes on with it, as with every live source.
                Ready::Stop => return Ok(pending.send_rest(admission)?),
                Ready::Age => {
                    pending.send_now(admission)?;
                    oldest = None;
                }
                Ready::Bytes => {
                    let read = rustix::io::read(&self.stream, rustix::buffer::spare_capacity(&mut pending.bytes));
                    if read.map_err(|error| StdinError::Read(error.into()))? == 0 {
                        break;
                    }
                    oldest.get_or_insert_with(Instant::now);
                }
            }
        }
        pending.send_rest(admission)?;
        Ok(admission.close(pending.partition)?)
    }
}

enum Ended {
    /// The engine takes nothing in any more.
    Engine,
    Error(StdinError),
}

impl From<Closed> for Ended {
    fn from(_: Closed) -> Self {
        Self::Engine
    }
}

impl From<StdinError> for Ended {
    fn from(error: StdinError) -> Self {
        Self::Error(error)
    }
}

enum Ready {
    Bytes,
    Stop,
    Age,
}

/// Waits for bytes, a stop, or the age of what is waiting.
fn wait(stream: &OwnedFd, stop: &Stop, left: Option<Duration>) -> io::Result<Ready> {
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    let mut waited = [PollFd::new(stop, PollFlags::IN), PollFd::new(stream, PollFlags::IN)];
    match poll(&mut waited, timeout.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [stop, stream] = waited.map(|waited| !waited.revents().is_empty());
    Ok(if stop {
        Ready::Stop
    } else if stream {
        Ready::Bytes
    } else {
        Ready::Age
    })
}

/// Bytes that were read and have not gone on yet.
struct Pending {
    partition: Partition,
    bytes: Vec<u8>,
    position: Position,
    /// Where this run began.
    begun: Position,
    cutter: Cutter,
    encoding: Encoding,
    size: usize,
    longest: usize,
    /// Of CSV whose first record is one: what it is, once it is there.
    header: Option<Arc<[u8]>>,
    wants_header: bool,
}

impl Pending {
    fn new(source: &StdinSource) -> Self {
        let Decoding { encoding, max_event_bytes, .. } = &source.decoding;
        Self {
            partition: Partition { source: source.number, number: 0 },
            bytes: Vec::with_capacity(source.batch_bytes + PADDING + 1),
            position: source.position,
            begun: source.position,
            cutter: Cutter::new(encoding.clone(), *max_event_bytes),
            encoding: encoding.clone(),
            size: source.batch_bytes,
            longest: *max_event_bytes,
            header: None,
            wants_header: matches!(encoding, Encoding::Csv { header: true, .. }),
        }
    }

    /// Says so where what came first is no text at all.
    fn refuse_packed(&self) -> Result<(), StdinError> {
        match self.bytes.get(..4) {
            Some([0x1f, 0x8b, ..]) if self.position == self.begun => Err(StdinError::Packed("gzip", "zcat")),
            Some([0x28, 0xb5, 0x2f, 0xfd]) if self.position == self.begun => Err(StdinError::Packed("zstd", "zstdcat")),
            _ => Ok(()),
        }
    }

    /// Sends full batches on.
    fn send_full(&mut self, admission: &Admission) -> Result<(), Closed> {
        self.send(admission, |cutter, bytes, size| cutter.cut(bytes, size, false))
    }

    /// Sends all whole events on.
    fn send_now(&mut self, admission: &Admission) -> Result<(), Closed> {
        self.send(admission, |cutter, bytes, _| cutter.cut_now(bytes))
    }

    /// Sends everything on.
    fn send_rest(&mut self, admission: &Admission) -> Result<(), Closed> {
        if !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        self.send(admission, |cutter, bytes, size| cutter.cut(bytes, size, true))
    }

    fn send(&mut self, admission: &Admission, cut: impl Fn(&mut Cutter, &[u8], usize) -> Cut) -> Result<(), Closed> {
        if self.wants_header {
            let Some(length) = first_record(&self.encoding, &self.bytes) else { return Ok(()) };
            let rest = self.bytes.split_off(length);
            self.position += length as u64;
            self.header = Some(std::mem::replace(&mut self.bytes, rest).into());
            self.wants_header = false;
        }
        while !self.bytes.is_empty() {
            let (length, oversize) = match cut(&mut self.cutter, &self.bytes, self.size) {
                Cut::Events(length) => (length, false),
                Cut::Piece(length) => (length, true),
                Cut::More(more) => {
                    self.bytes.reserve((more + PADDING + 1).saturating_sub(self.bytes.len()));
                    return Ok(());
                }
            };
            let mut rest = Vec::with_capacity(self.size + PADDING + 1);
            rest.extend_from_slice(self.bytes.get(length..).unwrap_or_default());
            self.bytes.truncate(length);
            let bytes = std::mem::replace(&mut self.bytes, rest);
            let chunk = Chunk { buffer: Arc::new(Buffer::new(bytes)), position: self.position, oversize };
            self.position += length as u64;
            admit_chunk(admission, chunk.slice(self.partition, self.header.as_ref()), &self.encoding, self.longest, self.size)?;
        }
        self.bytes.reserve(self.size + PADDING + 1);
        Ok(())
    }
}
