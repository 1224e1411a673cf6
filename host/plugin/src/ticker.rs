//! The clock of deadlines: a thread that counts the engine's epoch on, for as long as the runtime lives.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// How long a tick is. A thread that gets no processor ticks late, never early: a deadline is never too short.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How many ticks there have been.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The running thread. Dropping it stops the thread and waits for it.
#[derive(Debug)]
pub(crate) struct Ticker {
    ticks: Ticks,
    /// Never used to send: the thread ends when it is gone.
    alive: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let ticks = Ticks::default();
        let (alive, ended) = sync_channel::<()>(0);
        let (engine, counter) = (engine.clone(), ticks.clone());
        let work = move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                counter.0.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("eyas-ticker".to_owned()).spawn(work)?;
        Ok(Self { ticks, alive: Some(alive), thread: Some(thread) })
    }

    pub fn ticks(&self) -> &Ticks {
        &self.ticks
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// A deadline in ticks: at least as long as asked for.
pub(crate) fn ticks_of(deadline: Duration) -> u64 {
    let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1).min(u64::MAX / 2)
}
