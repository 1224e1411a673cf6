//! What the threads at one log share, and the thread that syncs.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Sync;
use super::ages::Ages;
use super::segments::{Note, Segment};
use crate::StateError;
use crate::folder::sync_folder;

/// Shared by all that hold a log.
#[derive(Debug)]
pub struct Shared {
    /// The folder of the segments.
    pub dir: PathBuf,
    /// When to sync.
    pub sync: Sync,
    /// Whether covered segments are kept.
    pub keep: bool,
    /// A segment that has reached this length is followed by the next.
    pub segment_bytes: u64,
    state: Mutex<State>,
    /// There may be something to sync.
    work: Condvar,
    /// Something has been synced, or will never be; or waiting for room is given up.
    news: Condvar,
}

/// What changes.
#[derive(Debug)]
pub struct State {
    /// All files, the oldest first; the last is the one written to.
    pub segments: VecDeque<Segment>,
    /// Number of the next record.
    pub next: u64,
    /// Records before this number are safe.
    pub synced: u64,
    /// Slices that no checkpoint covers.
    pub ages: Ages,
    /// Whether the disk is full.
    pub full: bool,
    /// Whether nobody waits for room any more.
    pub given_up: bool,
    /// Files with something that is not synced, the oldest first; the last is the one written to.
    dirty: Vec<Arc<File>>,
    /// Whether a file's name is not synced.
    named: bool,
    failed: Option<Failure>,
    idle: bool,
    over: bool,
}

/// A log that cannot be synced: what it holds may be lost, and asking again would hide that.
#[derive(Debug)]
struct Failure {
    what: &'static str,
    path: PathBuf,
    kind: io::ErrorKind,
    why: String,
}

impl Shared {
    /// Of a log that is safe up to its end.
    pub fn new(dir: PathBuf, sync: Sync, keep: bool, segment_bytes: u64, segments: Vec<Segment>, next: u64) -> Self {
        let state = State {
            segments: segments.into(),
            next,
            synced: next,
            ages: Ages::default(),
            full: false,
            given_up: false,
            dirty: Vec::new(),
            named: false,
            failed: None,
            idle: false,
            over: false,
        };
        Self { dir, sync, keep, segment_bytes, state: Mutex::new(state), work: Condvar::new(), news: Condvar::new() }
    }

    /// Locks the state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if the log has not failed.
    pub fn good(&self) -> Result<MutexGuard<'_, State>, StateError> {
        let state = self.state();
        match &state.failed {
            Some(failure) => Err(failure.error()),
            None => Ok(state),
        }
    }

    /// A file is about to be written to. It may be one that has just been made.
    pub fn begin(&self, file: &Arc<File>, made: Option<Segment>) {
        let mut state = self.state();
        if state.synced >= state.next {
            // What is held open takes room even where it has been removed.
            state.dirty.clear();
        }
        state.dirty.push(Arc::clone(file));
        if let Some(segment) = made {
            state.named = true;
            state.segments.push_back(segment);
        }
    }

    /// Lets the syncer know that there is something new.
    pub fn wake(&self, mut state: MutexGuard<'_, State>) {
        if state.idle {
            state.idle = false;
            drop(state);
            self.work.notify_one();
        }
    }

    /// The log cannot be relied on any more.
    pub fn fail(&self, error: &StateError) {
        self.state().fail(error);
        self.news.notify_all();
    }

    /// Waits until a record is synced.
    pub fn wait(&self, number: u64) -> Result<(), StateError> {
        let mut state = self.good()?;
        while state.synced <= number && state.synced < state.next {
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            if let Some(failure) = &state.failed {
                return Err(failure.error());
            }
        }
        Ok(())
    }

    /// There is no room on the disk.
    pub fn full(&self, error: &StateError) {
        if !std::mem::replace(&mut self.state().full, true) {
            tracing::error!(%error, "the journal waits for room on the disk; nothing is lost, and nothing is taken in");
        }
    }

    /// Waits for a while; gives whether to go on waiting.
    pub fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut state = self.state();
        while !state.given_up {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Nobody waits for room any more.
    pub fn give_up(&self) {
        self.state().given_up = true;
        self.news.notify_all();
    }

    /// Ends the syncer.
    pub fn end(&self) {
        self.state().over = true;
        self.work.notify_all();
    }

    /// The syncer: syncs whatever there is, together, until the end.
    pub fn run(&self, note: &Note) {
        let mut state = self.state();
        loop {
            state = self.rest(state);
            if state.failed.is_some() || state.synced >= state.next {
                return;
            }
            let (target, files, named) = (state.next, state.dirty.clone(), std::mem::take(&mut state.named));
            drop(state);
            let result = self.sync_all(&files, named);
            state = self.state();
            match result {
                Ok(()) => {
                    state.synced = target;
                    state.dirty.drain(..files.len().saturating_sub(1));
                    note.write(target);
                }
                Err(error) => {
                    tracing::error!(%error, "the journal cannot be made safe");
                    state.fail(&error);
                }
            }
            self.news.notify_all();
        }
    }

    /// Waits until there is something to sync, or all is over.
    fn rest<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let begun = Instant::now();
        loop {
            let pending = state.synced < state.next;
            let left = match self.sync {
                Sync::Always => Duration::ZERO,
                Sync::Interval(every) => every.saturating_sub(begun.elapsed()),
            };
            if state.over || state.failed.is_some() || pending && left.is_zero() {
                return state;
            }
            state = if pending {
                self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            } else {
                state.idle = true;
                self.work.wait(state).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    fn sync_all(&self, files: &[Arc<File>], named: bool) -> Result<(), StateError> {
        for file in files {
            file.sync_data().map_err(|source| StateError::Io { what: "sync", path: self.dir.clone(), source })?;
        }
        if named { sync_folder(&self.dir) } else { Ok(()) }
    }
}

impl State {
    fn fail(&mut self, error: &StateError) {
        if let (StateError::Io { what, path, source }, None) = (error, &self.failed) {
            self.failed = Some(Failure { what, path: path.clone(), kind: source.kind(), why: source.to_string() });
        }
    }
}

impl Failure {
    fn error(&self) -> StateError {
        StateError::Io { what: self.what, path: self.path.clone(), source: io::Error::new(self.kind, self.why.clone()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_failed_sync_is_told_to_everybody_from_then_on() {
        let dir = tempfile::tempdir().unwrap();
        let shared = Shared::new(dir.path().to_owned(), Sync::Always, false, 1, Vec::new(), 0);
        let file = Arc::new(File::create(dir.path().join("x")).unwrap());
        shared.begin(&file, Some(Segment { first: 0, path: dir.path().join("x"), bytes: 0 }));
        let note = Note::open(dir.path()).unwrap();
        dir.close().unwrap();
        shared.state().next = 1;
        shared.run(&note);
        for _ in 0..2 {
            let errors = [shared.wait(0).unwrap_err(), shared.good().map(drop).unwrap_err()];
            assert!(errors.iter().all(|error| error.to_string().starts_with("cannot sync")), "{errors:?}");
        }
    }
}
