//! How everybody learns that the run is to end before its input does.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::net::unix::pipe::Receiver;

/// Why a run ends before its input does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A signal asked for it.
    Signal(i32),
    /// Whoever read our standard output has gone.
    ReaderGone,
    /// A sink cannot write any more.
    SinkFailed,
    /// The state folder cannot be written any more.
    StateFailed,
    /// A detector failed, and that is to end the run.
    DetectorFailed,
}

/// Asks sources to stop; cheap to clone. What they have read by then they still admit.
#[derive(Clone, Debug)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cause: OnceLock<Cause>,
    /// Readable once the other end is closed: for those who wait for bytes as well.
    reader: PipeReader,
    writer: Mutex<Option<PipeWriter>>,
}

impl Stop {
    /// Nobody has asked for it yet.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { inner: Arc::new(Inner { cause: OnceLock::new(), reader, writer: Mutex::new(Some(writer)) }) })
    }

    /// Asks for it. The first cause counts.
    pub fn request(&self, cause: Cause) {
        // A later cause is of no interest.
        let _ = self.inner.cause.set(cause);
        drop(self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Why to stop, if somebody asked for it.
    pub fn requested(&self) -> Option<Cause> {
        self.inner.cause.get().copied()
    }
}

impl AsFd for Stop {
    /// Becomes readable when a stop is requested.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.reader.as_fd()
    }
}

/// A stop, for tasks that wait for it beside other things.
pub struct Stopped(Receiver);

impl Stopped {
    /// To be made within a runtime.
    pub fn new(stop: &Stop) -> io::Result<Self> {
        Receiver::from_owned_fd(stop.as_fd().try_clone_to_owned()?).map(Self)
    }

    /// Waits for it; at once when it has been asked for already.
    pub async fn wait(&self) {
        // Only a runtime that ends makes this an error, and then everything ends.
        let _ = self.0.readable().await;
    }
}
