//! What a sink that writes counts, and how it waits for room on its disk.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::Stop;

/// How long a sink first waits when its disk is full, and at the most: twice as long each time.
const WAIT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long it still waits for room once the run is to end.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The figures of a sink that writes. Read by anyone at any time.
#[derive(Debug, Default)]
pub struct WriterFigures {
    /// Bytes that were written.
    pub bytes: AtomicU64,
    /// Whether the disk is full, and the sink waits for room.
    pub full: AtomicBool,
}

/// Room on a disk, for one who waits for it until a stop.
#[derive(Clone, Copy)]
pub struct Room<'a> {
    pub name: &'a str,
    pub figures: &'a WriterFigures,
    pub stop: &'a Stop,
}

impl Room<'_> {
    /// Tries until the disk has room: a full disk holds everybody back, it loses nothing. Other errors are errors.
    pub fn make(self, mut attempt: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let (mut wait, mut ending) = (WAIT.0, None);
        loop {
            let error = match attempt() {
                Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => error,
                done => {
                    if self.figures.full.swap(false, Relaxed) {
                        tracing::info!(sink = self.name, "there is room again: writing goes on");
                    }
                    return done;
                }
            };
            if !self.figures.full.swap(true, Relaxed) {
                tracing::warn!(sink = self.name, "{error}: waiting for room, nothing is lost");
            }
            if self.stop.requested().is_some() && ending.get_or_insert_with(Instant::now).elapsed() > LAST_WAIT {
                return Err(error);
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(WAIT.1);
        }
    }

    /// So many bytes were written.
    pub fn wrote(self, bytes: u64) {
        self.figures.bytes.fetch_add(bytes, Relaxed);
    }
}
