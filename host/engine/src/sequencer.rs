//! The sequencer: whoever holds it gives the next item its place in the input order, and in the input log where there is one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use eyas_event::{Partition, Slice, Timestamp};
use eyas_state::{FileId, Journal, Record, SliceRecord, StateError};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use crate::Logging;
use crate::barrier::Barrier;
use crate::bell::Bell;
use crate::credit::Ticket;
use crate::requests::Requests;

/// One entry of the input order.
#[derive(Debug)]
pub(crate) enum Item {
    /// A partition begins; nothing older than this is to be expected of it, if it could be known.
    Open(Partition, Option<Timestamp>),
    /// Events.
    Slice(Slice),
    /// A partition has ended and holds back nobody any more.
    Close(Partition),
    /// A partition has been silent for too long and holds back nobody until its next slice.
    Idle(Partition),
    /// All is silent: the watermark goes on, by so many nanoseconds, but not past a limit.
    Clock { source: usize, elapsed: i64, limit: Timestamp },
    /// A detector sees nothing from here on; why.
    Quarantine(usize, String),
    /// It is tried again from here on.
    Resume(usize),
    /// A checkpoint: what is known here is what it says.
    Barrier(Arc<Barrier>),
    /// End of input: open windows close as they stand.
    Flush,
    /// Nothing comes after this. With a barrier: the sinks say where they stand.
    End(Option<Arc<Barrier>>),
}

/// An item with what must be given back after it.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Its place in the input order of this run.
    pub(crate) number: u64,
    /// Its place in the input log.
    pub(crate) logged: Option<u64>,
    pub(crate) item: Item,
    pub(crate) ticket: Option<Ticket>,
}

/// What the input log says of an item beside what the item itself does.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// It stands in the log already: this is a replay.
    Replayed(u64),
    /// A partition begins.
    Open { name: &'a str, file: Option<&'a FileId> },
    /// Nothing more; of a slice as its source says.
    Plain(Logging),
}

/// Why an item did not get its place.
#[derive(Debug)]
pub(crate) enum NotPushed {
    Closed,
    /// The disk of the input log is full: here it is again.
    Full(Box<(Item, Option<Ticket>)>),
}

/// Where an item stands in the input log.
enum Place {
    At(u64),
    Unlogged,
    Full,
}

pub(crate) struct Sequencer {
    /// One a home shard; item k goes to shard k modulo their number.
    rings: Vec<HeapProd<Admitted>>,
    bells: Vec<Arc<Bell>>,
    journal: Option<Journal>,
    detectors: Vec<String>,
    next: u64,
    /// Partitions that have begun and not ended.
    open: HashSet<Partition>,
    flushed: bool,
    /// What stands in the log already has not come again to its end: where the log ends is not where the items end.
    pub(crate) replaying: bool,
    ended: bool,
    /// All that have come.
    pub(crate) requests: Requests,
    /// Why the input log cannot be written any more.
    failure: Failure,
}

/// Why the input log cannot be written any more, for whoever ends the run: it may be asked for while an append waits.
pub(crate) type Failure = Arc<Mutex<Option<StateError>>>;

/// Notes a failure, unless there was one before.
pub(crate) fn note(failure: &Failure, error: StateError) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

impl Sequencer {
    pub(crate) fn new(
        rings: Vec<HeapProd<Admitted>>,
        bells: Vec<Arc<Bell>>,
        journal: Option<Journal>,
        detectors: Vec<String>,
        open: HashSet<Partition>,
        requests: Requests,
        failure: Failure,
    ) -> Self {
        Self { rings, bells, journal, detectors, next: 0, open, flushed: false, replaying: false, ended: false, requests, failure }
    }

    /// Whether a partition has begun and not ended.
    pub(crate) fn is_open(&self, partition: Partition) -> bool {
        self.open.contains(&partition)
    }

    /// Whether the end of the input has been said.
    pub(crate) fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// The number of a detector.
    pub(crate) fn detector(&self, name: &str) -> Option<usize> {
        self.detectors.iter().position(|known| known == name)
    }

    /// How many items there were.
    pub(crate) fn items(&self) -> u64 {
        self.next
    }

    /// Gives an item its place: first in the log, then to its home shard. Gives its place in the log.
    pub(crate) fn push(&mut self, item: Item, entry: &Entry<'_>, ticket: Option<Ticket>) -> Result<Option<u64>, NotPushed> {
        if self.ended {
            return Err(NotPushed::Closed);
        }
        let logged = match self.log(&item, entry)? {
            Place::Full => return Err(NotPushed::Full(Box::new((item, ticket)))),
            Place::Unlogged => None,
            Place::At(number) => Some(number),
        };
        match &item {
            Item::Open(partition, _) => drop(self.open.insert(*partition)),
            Item::Close(partition) => drop(self.open.remove(partition)),
            Item::Slice(slice) => self.requests.note(slice),
            Item::Barrier(barrier) => barrier.begin(logged, self.requests.tell()),
            Item::Flush => self.flushed = true,
            Item::End(_) => self.ended = true,
            _ => {}
        }
        let number = self.next;
        let home = (number % self.rings.len().max(1) as u64) as usize;
        self.next += 1;
        let ring = self.rings.get_mut(home).ok_or(NotPushed::Closed)?;
        // Rings have room for all the credit there is, and for the items that need none.
        ring.try_push(Admitted { number, logged, item, ticket }).map_err(|_| NotPushed::Closed)?;
        self.bells.get(home).into_iter().for_each(|bell| bell.ring());
        Ok(logged)
    }

    fn log(&mut self, item: &Item, entry: &Entry<'_>) -> Result<Place, NotPushed> {
        if let Entry::Replayed(number) = entry {
            return Ok(Place::At(*number));
        }
        let Some(journal) = &self.journal else { return Ok(Place::Unlogged) };
        let Some((record, bytes)) = self.record(item, entry) else { return Ok(Place::Unlogged) };
        match journal.try_append(&record, bytes) {
            Ok(Some(number)) => Ok(Place::At(number)),
            // A checkpoint makes room, and a replay does not need to know of it: it passes.
            Ok(None) if matches!(item, Item::Barrier(_)) => Ok(journal.next().checked_sub(1).map_or(Place::Unlogged, Place::At)),
            Ok(None) => Ok(Place::Full),
            Err(error) => {
                note(&self.failure, error);
                Err(NotPushed::Closed)
            }
        }
    }

    /// How an item stands in the log, with its bytes; nothing where it does not.
    fn record<'a>(&self, item: &'a Item, entry: &Entry<'_>) -> Option<(Record, &'a [u8])> {
        let detector = |index: &usize| self.detectors.get(*index).cloned().unwrap_or_default();
        let record = match item {
            Item::Open(partition, first) => {
                let Entry::Open { name, file } = entry else { return None };
                Record::Open { partition: *partition, name: (*name).to_owned(), first: *first, file: file.cloned() }
            }
            Item::Slice(slice) => return slice_record(slice, entry),
            Item::Close(partition) => Record::Close { partition: *partition },
            Item::Idle(partition) => Record::Idle { partition: *partition },
            Item::Clock { source, elapsed, limit } => {
                Record::Clock { source: u16::try_from(*source).ok()?, elapsed: *elapsed, limit: *limit }
            }
            Item::Quarantine(index, reason) => Record::Quarantine { detector: detector(index), reason: reason.clone() },
            Item::Resume(index) => Record::Resume { detector: detector(index) },
            Item::Barrier(_) => Record::Checkpoint,
            Item::Flush => Record::Flush,
            Item::End(_) => return None,
        };
        Some((record, &[]))
    }
}

fn slice_record<'a>(slice: &'a Slice, entry: &Entry<'_>) -> Option<(Record, &'a [u8])> {
    let Entry::Plain(logging) = entry else { return None };
    let journalled = match logging {
        Logging::Nothing => return None,
        Logging::Positions => false,
        Logging::Bytes => true,
    };
    let record = SliceRecord {
        partition: slice.partition,
        position: slice.position,
        length: slice.range.len() as u64,
        ingest_time: slice.ingest_time,
        header: slice.header.as_ref().map(|header| header.to_vec()),
        oversize: slice.oversize,
        turn_end: slice.turn_end,
        journalled,
        request: slice.request,
    };
    Some((Record::Slice(record), if journalled { slice.bytes() } else { &[] }))
}
