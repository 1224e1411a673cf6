//! Files that are followed, as by `tail -F`: through rotation by renaming, truncation, and the copying away that goes with it.
//!
//! A thread a source looks at all its files every so often. Nobody is asked to tell when one changes: network and overlay file systems
//! tell nothing, so the looks would have to be there anyway. A file is known by its device and number, so a new name changes nothing;
//! each is a partition, and what is written after a truncation is one more.

mod tail;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eyas_codec::Decoding;
use eyas_engine::{Admission, Closed};
use eyas_event::Partition;
use eyas_state::{PartitionState, Standing};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::tail::{Failed, Look, Shared, Tail};
use super::discover::{DiscoverError, discover_with};
use super::identity::{Key, key};
use crate::Stop;

/// How often files that grow are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often new files are looked for.
const SEARCH: Duration = Duration::from_secs(1);
/// For how long after it grew a file is looked at each time.
const LIVELY: Duration = Duration::from_secs(10);
/// How many of the others are looked at each time, in turns.
const QUIET: usize = 1000;
/// Files that are open at once. The others are found again by their number.
const OPEN_AT_ONCE: usize = 256;

/// A source of files that are followed.
pub struct FollowSource {
    /// Its place in the topology.
    pub number: u16,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// Patterns of the files, which may be there or come later.
    pub include: Vec<String>,
    /// Patterns of those that are left out.
    pub exclude: Vec<String>,
    /// The most bytes that go on at once, unless one event alone is longer.
    pub batch_bytes: usize,
    /// For how long a file that was renamed or removed is still read from after it last grew.
    pub grace: Duration,
    /// Its partitions in earlier runs.
    pub resume: Vec<PartitionState>,
}

impl FollowSource {
    /// A usual time of grace.
    pub const GRACE: Duration = Duration::from_secs(5);

    /// Follows its files until a stop, or until the engine takes nothing in any more. What cannot be read is logged.
    pub fn run(self, admission: &Admission, stop: &Stop) {
        // The engine closing under us is a stop, too.
        let _ = Follower::new(&self, admission).run(stop);
    }
}

struct Follower<'a> {
    source: &'a FollowSource,
    shared: Shared<'a>,
    tails: BTreeMap<Key, Tail>,
    /// Files that are not followed, though a pattern names them; it has been said why.
    refused: BTreeSet<Key>,
    /// Paths and patterns of which it has been said what is wrong.
    said: BTreeSet<PathBuf>,
    /// Where the turns of quiet files have come to.
    turn: Key,
}

impl<'a> Follower<'a> {
    fn new(source: &'a FollowSource, admission: &'a Admission) -> Self {
        let known = source.resume.iter().filter(|known| known.source == source.number);
        let next = known.map(|known| known.number + 1).max().unwrap_or(0);
        let FollowSource { decoding, batch_bytes, number, .. } = source;
        let shared = Shared { admission, decoding, size: (*batch_bytes).max(1), source: *number, next };
        Self { source, shared, tails: BTreeMap::new(), refused: BTreeSet::new(), said: BTreeSet::new(), turn: (0, 0) }
    }

    fn run(&mut self, stop: &Stop) -> Result<(), Closed> {
        self.resume()?;
        let mut searched: Option<Instant> = None;
        while stop.requested().is_none() {
            if searched.is_none_or(|searched| searched.elapsed() >= SEARCH) {
                self.search();
                searched = Some(Instant::now());
            }
            if !self.look(stop)? {
                wait(stop, LOOK);
            }
        }
        Ok(())
    }

    /// Finds the files of earlier runs, whatever they are called by now.
    fn resume(&mut self) -> Result<(), Closed> {
        let known = self.source.resume.iter().filter(|known| known.source == self.source.number && known.standing != Standing::Closed);
        for known in known {
            let partition = Partition { source: known.source, number: known.number };
            let tail = known.file.as_ref().and_then(|id| {
                let tail = Tail::resume(id, partition, known.position, self.shared.decoding)?;
                Some(((id.device, id.inode), tail))
            });
            match tail {
                Some((key, tail)) => {
                    if let Some(earlier) = self.tails.insert(key, tail).and_then(|tail| tail.partition) {
                        self.shared.admission.close(earlier)?;
                    }
                }
                None => {
                    let (path, position) = (&known.name, known.position);
                    tracing::warn!(
                        path,
                        position,
                        "this file has gone or was cut while nobody followed it: what was written behind this position is lost"
                    );
                    self.shared.admission.close(partition)?;
                }
            }
        }
        Ok(())
    }

    /// Looks for files that are new, or have got another name, or none.
    fn search(&mut self) {
        let mut seen = BTreeSet::new();
        let (paths, whole) = self.paths();
        for path in paths {
            let metadata = match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => metadata,
                Ok(_) => {
                    self.say(&path, "is no regular file: it is not followed");
                    continue;
                }
                Err(error) => {
                    if error.kind() != std::io::ErrorKind::NotFound {
                        self.say(&path, &format!("cannot be followed: {error}"));
                    }
                    continue;
                }
            };
            let key = key(&metadata);
            if !seen.insert(key) || self.refused.contains(&key) {
                continue;
            }
            match self.tails.get_mut(&key) {
                Some(tail) if tail.is(&metadata) => {
                    tail.path = path;
                    tail.left = None;
                }
                // The number of a file that has gone was given to this one. What is left of that is nowhere.
                Some(_) => {}
                None => {
                    self.tails.insert(key, Tail::new(path, &metadata, self.shared.decoding));
                }
            }
        }
        self.refused.retain(|key| seen.contains(key));
        // What was not found in folders that could not be looked into may be there.
        for tail in self.tails.iter_mut().filter(|(key, _)| whole && !seen.contains(key)).map(|(_, tail)| tail) {
            tail.left.get_or_insert_with(Instant::now);
        }
    }

    /// Gives also whether every folder could be looked into.
    fn paths(&mut self) -> (BTreeSet<PathBuf>, bool) {
        let (mut paths, mut whole) = (BTreeSet::new(), true);
        for include in &self.source.include {
            let unreadable = |folder: &Path| {
                whole = false;
                self.said.insert(folder.to_owned())
            };
            match discover_with(include, &self.source.exclude, unreadable) {
                Ok(found) => paths.extend(found),
                // They may come.
                Err(DiscoverError::Missing { .. } | DiscoverError::Nothing { .. }) => {}
                Err(error) => {
                    whole = false;
                    if self.said.insert(include.into()) {
                        tracing::error!("{error}");
                    }
                }
            }
        }
        (paths, whole)
    }

    /// Looks at those files whose turn it is. Gives whether there is more to read at once.
    fn look(&mut self, stop: &Stop) -> Result<bool, Closed> {
        let mut more = false;
        for key in self.turns() {
            if stop.requested().is_some() {
                return Ok(true);
            }
            let Some(tail) = self.tails.get_mut(&key) else { continue };
            match tail.look(&mut self.shared) {
                Ok(Look::More) => more = true,
                Ok(Look::Read) => {}
                Ok(Look::Same) => {
                    let waited = tail.left.map(|left| left.max(tail.grown).elapsed());
                    if waited.is_some_and(|waited| waited >= self.source.grace) {
                        self.end(key, true)?;
                    }
                }
                Ok(Look::Cut) => {
                    tracing::info!(path = %tail.path.display(), "this file was cut: it is read from its beginning");
                    self.end(key, false)?;
                }
                Ok(Look::Gone) => {
                    if tail.seen > tail.position {
                        let lost = tail.seen - tail.position;
                        tracing::warn!(path = %tail.path.display(), "this file has gone: {lost} bytes of an event that was not whole are lost");
                    }
                    self.end(key, false)?;
                }
                Ok(Look::Packed(packing)) => {
                    tracing::error!(path = %tail.path.display(), "this file is packed with {packing}: packed files cannot be followed");
                    self.refused.insert(key);
                    self.end(key, false)?;
                }
                Err(Failed::Engine) => return Err(Closed),
                Err(Failed::File(error)) => {
                    let path = tail.path.clone();
                    tail.file = None;
                    self.say(&path, &format!("cannot be read from: {error}; it is tried again"));
                }
            }
        }
        self.close_some();
        Ok(more)
    }

    /// The files to look at now: those that grew lately or have left, and some of the others in turns.
    fn turns(&mut self) -> Vec<Key> {
        let lively = |tail: &Tail| tail.left.is_some() || tail.grown.elapsed() < LIVELY;
        let mut turns: Vec<Key> = self.tails.iter().filter(|(_, tail)| lively(tail)).map(|(key, _)| *key).collect();
        let (behind, before) = (self.tails.range(self.turn..), self.tails.range(..self.turn));
        let quiet: Vec<Key> = behind.chain(before).filter(|(_, tail)| !lively(tail)).take(QUIET + 1).map(|(key, _)| *key).collect();
        self.turn = quiet.get(QUIET).copied().unwrap_or_default();
        turns.extend(quiet.iter().take(QUIET));
        turns
    }

    /// A file is not followed any more. `rest`: what it still holds goes on.
    fn end(&mut self, key: Key, rest: bool) -> Result<(), Closed> {
        let Some(mut tail) = self.tails.remove(&key) else { return Ok(()) };
        if rest {
            match tail.finish(&mut self.shared) {
                Ok(()) => {}
                Err(Failed::Engine) => return Err(Closed),
                Err(Failed::File(error)) => tracing::warn!(path = %tail.path.display(), "the end of this file is lost: {error}"),
            }
        }
        tail.partition.map_or(Ok(()), |partition| self.shared.admission.close(partition))
    }

    /// Keeps the number of open files bounded: those that grew last stay open.
    fn close_some(&mut self) {
        let mut open: Vec<_> = self.tails.values_mut().filter(|tail| tail.file.is_some() && tail.left.is_none()).collect();
        let over = open.len().saturating_sub(OPEN_AT_ONCE);
        if over > 0 {
            open.sort_by_key(|tail| tail.grown);
            open.into_iter().take(over).for_each(|tail| tail.file = None);
        }
    }

    /// Says what is wrong with a path, once.
    fn say(&mut self, path: &Path, what: &str) {
        if self.said.insert(path.to_owned()) {
            tracing::error!(path = %path.display(), "this file {what}");
        }
    }
}

/// Waits so long, or for a stop.
fn wait(stop: &Stop, length: Duration) {
    let timeout = Timespec::try_from(length).ok();
    // Interrupted is as good as waited.
    let _ = poll(&mut [PollFd::new(stop, PollFlags::IN)], timeout.as_ref());
}

#[cfg(test)]
mod tests;
