//! Requests that have come, by which one that comes again is known: whoever sent it has not heard of its answer, and its events must not
//! count twice. What is known here is a function of the input order: so a checkpoint keeps it, and a replay makes it again.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use eyas_event::{Slice, Timestamp};
use eyas_state::{Checkpoint, RequestState, SourceRequests};
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use crate::Counters;

/// The entries of a chunk.
const CHUNK: usize = SourceRequests::CHUNK;
/// The most chunks of a source: a million entries, which take about 50 MB.
const CHUNKS: usize = 250;
/// How many tables hold their places.
const TABLES: usize = 256;

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: it is to be taken in.
    New,
    /// So many of its leading bytes have been taken in, and the program ended before the others were: those are to be.
    Part(u64),
    /// All of it has been taken in.
    Whole,
}

/// The requests of all sources.
#[derive(Debug)]
pub(crate) struct Requests {
    sources: Vec<OfSource>,
    counters: Arc<Counters>,
}

impl Requests {
    /// As a checkpoint keeps them, if there is one. `windows`: by source, for how many nanoseconds a request is known; 0: none ever is.
    pub(crate) fn new(windows: impl Iterator<Item = i64>, checkpoint: Option<&Checkpoint>, counters: Arc<Counters>) -> Self {
        let mut sources: Vec<OfSource> = windows.map(OfSource::new).collect();
        for kept in checkpoint.map_or(&[][..], |checkpoint| &checkpoint.requests) {
            sources.get_mut(usize::from(kept.source)).into_iter().for_each(|source| source.restore(kept));
        }
        Self { sources, counters }
    }

    /// A slice has got its place in the input order.
    pub(crate) fn note(&mut self, slice: &Slice) {
        let number = usize::from(slice.partition.source);
        let Some((source, counters)) = self.sources.get_mut(number).zip(self.counters.sources.get(number)) else { return };
        counters.forgotten.fetch_add(source.note(slice), Relaxed);
    }

    /// What is known of one that comes now.
    pub(crate) fn seen(&self, source: u16, id: u128, now: Timestamp) -> Seen {
        self.sources.get(usize::from(source)).map_or(Seen::New, |source| source.seen(id, now))
    }

    /// What a checkpoint is to keep.
    pub(crate) fn tell(&self) -> Vec<SourceRequests> {
        let all = (0..).zip(&self.sources).map(|(number, source)| source.tell(number));
        all.filter(|requests| !requests.chunks.is_empty()).collect()
    }
}

/// The requests of one source.
#[derive(Debug, Default)]
struct OfSource {
    /// For how many nanoseconds a request is known; 0: none ever is.
    window: i64,
    log: Log,
    places: Places,
}

/// By id: the place of its last entry in the log. Many small tables, since one that grows moves all that is in it, and nobody gets a place in
/// the input order meanwhile.
#[derive(Debug)]
struct Places {
    tables: Vec<HashTable<u64>>,
    hasher: RandomState,
}

impl Default for Places {
    fn default() -> Self {
        Self { tables: vec![HashTable::new(); TABLES], hasher: RandomState::new() }
    }
}

impl Places {
    /// The place of the last entry of a request.
    fn find(&self, id: u128, log: &Log) -> Option<u64> {
        let hash = self.hasher.hash_one(id);
        self.tables.get(table(hash))?.find(hash, |place| log.id(*place) == Some(id)).copied()
    }

    /// An entry comes at the end of the log.
    fn put(&mut self, id: u128, log: &Log) {
        let hash = self.hasher.hash_one(id);
        let Some(places) = self.tables.get_mut(table(hash)) else { return };
        let again = |place: &u64| self.hasher.hash_one(log.id(*place).unwrap_or_default());
        match places.entry(hash, |place| log.id(*place) == Some(id), again) {
            Entry::Occupied(mut place) => *place.get_mut() = log.end(),
            Entry::Vacant(free) => drop(free.insert(log.end())),
        }
    }

    /// Forgets an entry. Gives whether it was the last one of its request.
    fn remove(&mut self, id: u128, place: u64) -> bool {
        let hash = self.hasher.hash_one(id);
        let places = self.tables.get_mut(table(hash));
        places.and_then(|places| places.find_entry(hash, |known| *known == place).ok()).map(OccupiedEntry::remove).is_some()
    }
}

/// Which table a hash belongs to: by bits that the tables themselves look at last.
fn table(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

/// All entries in the order in which they came. The place of one is its number, counted from the first one ever.
#[derive(Debug, Default)]
struct Log {
    /// Number of the first chunk.
    first: u64,
    chunks: VecDeque<Arc<[RequestState]>>,
    /// The chunk behind them, which is not full yet.
    last: Vec<RequestState>,
}

impl Log {
    /// The place behind the last entry.
    fn end(&self) -> u64 {
        (self.first + self.chunks.len() as u64) * CHUNK as u64 + self.last.len() as u64
    }

    fn get(&self, place: u64) -> Option<&RequestState> {
        let chunk = (place / CHUNK as u64).checked_sub(self.first)? as usize;
        self.chunks.get(chunk).map_or(&*self.last, |chunk| chunk).get((place % CHUNK as u64) as usize)
    }

    fn id(&self, place: u64) -> Option<u128> {
        self.get(place).map(|entry| entry.id)
    }

    fn push(&mut self, entry: RequestState) {
        self.last.push(entry);
        if self.last.len() == CHUNK {
            self.chunks.push_back(self.last.as_slice().into());
            self.last.clear();
        }
    }
}

impl OfSource {
    /// None yet.
    fn new(window: i64) -> Self {
        Self { window, ..Self::default() }
    }

    /// As a checkpoint keeps them.
    fn restore(&mut self, kept: &SourceRequests) {
        if self.window > 0 {
            self.log.first = kept.first;
            kept.chunks.iter().flat_map(|chunk| &**chunk).for_each(|entry| self.put(*entry));
        }
    }

    /// What a checkpoint is to keep of them.
    fn tell(&self, source: u16) -> SourceRequests {
        let last = (!self.log.last.is_empty()).then(|| self.log.last.as_slice().into());
        SourceRequests { source, first: self.log.first, chunks: self.log.chunks.iter().cloned().chain(last).collect() }
    }

    /// What is known of one that comes now.
    fn seen(&self, id: u128, now: Timestamp) -> Seen {
        match self.places.find(id, &self.log).and_then(|place| self.log.get(place)) {
            Some(entry) if self.is_over(entry, now) => Seen::New,
            Some(entry) if entry.bytes == RequestState::WHOLE => Seen::Whole,
            Some(entry) => Seen::Part(entry.bytes),
            None => Seen::New,
        }
    }

    /// A slice has got its place in the input order. Gives how many requests had to be forgotten for it before their time.
    fn note(&mut self, slice: &Slice) -> u64 {
        let Some(request) = slice.request.filter(|_| self.window > 0) else { return 0 };
        let bytes = if request.last { RequestState::WHOLE } else { request.offset + slice.range.len() as u64 };
        self.put(RequestState { id: request.id, time: slice.ingest_time, bytes });
        let mut forgotten = 0;
        while self.log.chunks.front().and_then(|oldest| oldest.last()).is_some_and(|newest| self.is_over(newest, slice.ingest_time))
            || self.log.chunks.len() > CHUNKS
        {
            forgotten += self.forget(slice.ingest_time);
        }
        forgotten
    }

    fn is_over(&self, entry: &RequestState, now: Timestamp) -> bool {
        now.saturating_sub(entry.time) >= self.window
    }

    fn put(&mut self, entry: RequestState) {
        self.places.put(entry.id, &self.log);
        self.log.push(entry);
    }

    /// Forgets the oldest chunk. Gives how many requests of it were not over.
    fn forget(&mut self, now: Timestamp) -> u64 {
        let Some(oldest) = self.log.chunks.pop_front() else { return 0 };
        let start = self.log.first * CHUNK as u64;
        self.log.first += 1;
        let mut early = 0;
        for (place, entry) in (start..).zip(oldest.iter()) {
            // Not those that came up again later.
            if self.places.remove(entry.id, place) {
                early += u64::from(!self.is_over(entry, now));
            }
        }
        early
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use eyas_event::{Partition, Request};

    use super::*;

    fn slice(id: u128, offset: u64, length: usize, last: bool, ingest_time: Timestamp) -> Slice {
        Slice {
            partition: Partition { source: 0, number: 0 },
            position: 0,
            ingest_time,
            buffer: Arc::default(),
            range: 0..length,
            header: None,
            oversize: false,
            turn_end: None,
            request: Some(Request { id, offset, last }),
        }
    }

    #[test]
    fn a_request_is_known_by_how_much_of_it_came_for_as_long_as_is_asked_for() {
        let mut requests = OfSource::new(100);
        assert_eq!(requests.seen(7, 0), Seen::New);
        requests.note(&slice(7, 0, 10, false, 0));
        assert_eq!(requests.seen(7, 5), Seen::Part(10));
        requests.note(&slice(7, 10, 5, true, 50));
        assert_eq!((requests.seen(7, 149), requests.seen(7, 150), requests.seen(8, 50)), (Seen::Whole, Seen::New, Seen::New));
        requests.note(&slice(7, 0, 4, false, 200));
        assert_eq!(requests.seen(7, 200), Seen::Part(4), "what is over begins anew");
        let mut never = OfSource::new(0);
        never.note(&slice(7, 0, 10, true, 0));
        assert_eq!(never.seen(7, 0), Seen::New);
    }

    #[test]
    fn what_a_checkpoint_keeps_restores_the_same_requests() {
        let mut requests = OfSource::new(1000);
        for number in 0..CHUNK as i64 * 2 + 10 {
            requests.note(&slice(number as u128 % 5000, 0, 3, number % 3 == 0, number / 10));
        }
        let kept = requests.tell(4);
        assert_eq!((kept.source, kept.chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>()), (4, vec![CHUNK, CHUNK, 10]));
        let mut restored = OfSource::new(1000);
        restored.restore(&kept);
        assert_eq!(restored.tell(4), kept);
        assert!((0..5001).all(|id| restored.seen(id, 900) == requests.seen(id, 900)));
    }

    #[test]
    fn memory_is_bounded_in_time_and_number_and_the_newest_stay() {
        let count = |requests: &OfSource| (requests.log.chunks.len(), requests.places.tables.iter().map(HashTable::len).sum::<usize>());
        let mut requests = OfSource::new(1000);
        for number in 0..1_000_000 {
            assert_eq!(requests.note(&slice(number as u128, 0, 1, true, number)), 0);
        }
        assert!(count(&requests).0 <= 1 && count(&requests).1 <= 2 * CHUNK, "{:?}", count(&requests));
        assert!((999_001..1_000_000).all(|id| requests.seen(id, 1_000_000) == Seen::Whole));
        let mut requests = OfSource::new(i64::MAX);
        let all = 1_500_000_u64;
        let forgotten: u64 = (0..all).map(|number| requests.note(&slice(u128::from(number), 0, 1, true, 0))).sum();
        assert_eq!(forgotten as usize + count(&requests).1, all as usize);
        assert!(count(&requests).0 <= CHUNKS);
        assert_eq!((requests.seen(0, 0), requests.seen(u128::from(all) - 1_000_000, 0)), (Seen::New, Seen::Whole));
    }
}
