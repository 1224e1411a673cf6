//! The way in, and the sequencer: whoever holds its lock gives the next slice its place in the input order.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eyas_codec::{Encoding, cut};
use eyas_event::{Partition, Slice, Timestamp};
use eyas_state::FileId;
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use crate::bell::Bell;
use crate::credit::{Credit, NoCredit, Ticket};
use crate::{Partitions, Receipt};

/// The engine takes nothing in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine takes nothing in any more")]
pub struct Closed;

/// Why a slice was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The engine takes nothing in any more.
    #[error("the engine takes nothing in any more")]
    Closed,
    /// There was no room for it in time; nothing of it has been taken in.
    #[error("there is no room at the moment")]
    NoRoom,
}

impl From<NoCredit> for NotAdmitted {
    fn from(why: NoCredit) -> Self {
        match why {
            NoCredit::Closed => Self::Closed,
            NoCredit::Late => Self::NoRoom,
        }
    }
}

impl From<Closed> for NotAdmitted {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// One entry of the input order.
#[derive(Debug)]
pub(crate) enum Item {
    /// A partition begins; nothing older than this is to be expected of it, if it could be known.
    Open(Partition, Option<Timestamp>),
    /// Events.
    Slice(Slice),
    /// A partition has ended and holds back nobody any more.
    Close(Partition),
    /// End of input: open windows close as they stand.
    Flush,
    /// Nothing comes after this.
    End,
}

/// An item with what must be given back after it.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Its place in the input order.
    pub(crate) number: u64,
    pub(crate) item: Item,
    pub(crate) ticket: Option<Ticket>,
}

struct Sequencer {
    /// One a home shard; item k goes to shard k modulo their number.
    rings: Vec<HeapProd<Admitted>>,
    next: u64,
    ended: bool,
}

pub(crate) struct SourceEntry {
    pub(crate) credit: Arc<Credit>,
    pub(crate) encoding: Encoding,
}

struct Shared {
    sequencer: Mutex<Sequencer>,
    sources: Vec<SourceEntry>,
    bells: Vec<Arc<Bell>>,
    partitions: Arc<Partitions>,
    batch_events: usize,
}

/// Takes slices in. Cheap to clone: each source holds one.
#[derive(Clone)]
pub struct Admission {
    shared: Arc<Shared>,
}

impl Admission {
    pub(crate) fn new(
        rings: Vec<HeapProd<Admitted>>,
        bells: Vec<Arc<Bell>>,
        sources: Vec<SourceEntry>,
        partitions: Arc<Partitions>,
        batch_events: usize,
    ) -> Self {
        let sequencer = Mutex::new(Sequencer { rings, next: 0, ended: false });
        let shared = Shared { sequencer, sources, bells, partitions, batch_events: batch_events.max(1) };
        Self { shared: Arc::new(shared) }
    }

    /// Announces a partition by its name (a path, an address), with the event time of its first event if it is known. Partitions that
    /// must hold each other back (files read once) are all opened before the first slice. Waits for credit.
    pub fn open(&self, partition: Partition, name: &str, first: Option<Timestamp>, _file: Option<&FileId>) -> Result<(), Closed> {
        self.shared.partitions.add(partition, name);
        self.mark(partition, Item::Open(partition, first))
    }

    /// Takes a slice in, cut into batches by the number of events; how many bytes a batch has is for the source to bound. Waits until there
    /// is credit for each.
    pub fn admit(&self, slice: Slice) -> Result<(), Closed> {
        self.admit_until(slice, None, None).map(drop).map_err(|_| Closed)
    }

    /// The same for a request: its first batch is taken in within this time or nothing of it is; its others follow as credit comes back.
    /// The receipt is held until all of it has left the engine. Gives the place of its last batch in the input log, for
    /// [`Admission::wait_logged`]; nothing where there is no log.
    pub fn admit_within(&self, slice: Slice, receipt: &Arc<Receipt>, within: Duration) -> Result<Option<u64>, NotAdmitted> {
        self.admit_until(slice, Some(receipt), Some(Instant::now() + within))
    }

    /// Waits until a place in the input log is as safe as the log promises. Errors where that cannot be had any more.
    pub fn wait_logged(&self, _number: Option<u64>) -> Result<(), Closed> {
        Ok(())
    }

    fn admit_until(
        &self,
        mut slice: Slice,
        receipt: Option<&Arc<Receipt>>,
        mut until: Option<Instant>,
    ) -> Result<Option<u64>, NotAdmitted> {
        let source = self.source(slice.partition)?;
        let end = slice.range.end;
        while slice.range.start < end {
            slice.range.end = end;
            let bytes = slice.bytes();
            let length = if slice.oversize { bytes.len() } else { cut(&source.encoding, bytes, self.shared.batch_events) };
            let length = length.clamp(1, bytes.len());
            slice.range.end = slice.range.start + length;
            let ticket = source.credit.take(length, receipt, until.take())?;
            self.push(Item::Slice(slice.clone()), Some(ticket))?;
            slice.range.start = slice.range.end;
            slice.position += length as u64;
        }
        Ok(None)
    }

    /// Says that a partition has ended. Waits for credit.
    pub fn close(&self, partition: Partition) -> Result<(), Closed> {
        self.mark(partition, Item::Close(partition))
    }

    /// Ends the input: open windows are closed as they stand (SEMANTICS 2.6), then everything runs out.
    pub fn finish(&self) {
        // Already ended is as good.
        let _ = self.push(Item::Flush, None).and_then(|()| self.push(Item::End, None));
        self.close_credit();
    }

    /// Stops: what was admitted runs out, open windows stay as they are.
    pub fn stop(&self) {
        let _ = self.push(Item::End, None);
        self.close_credit();
    }

    fn close_credit(&self) {
        self.shared.sources.iter().for_each(|source| source.credit.close());
    }

    fn source(&self, partition: Partition) -> Result<&SourceEntry, Closed> {
        self.shared.sources.get(usize::from(partition.source)).ok_or(Closed)
    }

    fn mark(&self, partition: Partition, item: Item) -> Result<(), Closed> {
        let ticket = self.source(partition)?.credit.take(0, None, None).map_err(|_| Closed)?;
        self.push(item, Some(ticket))
    }

    fn push(&self, item: Item, ticket: Option<Ticket>) -> Result<(), Closed> {
        let mut sequencer = self.shared.sequencer.lock().unwrap_or_else(PoisonError::into_inner);
        if sequencer.ended {
            return Err(Closed);
        }
        sequencer.ended = matches!(item, Item::End);
        let number = sequencer.next;
        let home = (number % sequencer.rings.len().max(1) as u64) as usize;
        sequencer.next += 1;
        let ring = sequencer.rings.get_mut(home).ok_or(Closed)?;
        // Rings have room for all the credit there is, and for the two items that need none.
        ring.try_push(Admitted { number, item, ticket }).map_err(|_| Closed)?;
        drop(sequencer);
        self.shared.bells.get(home).into_iter().for_each(|bell| bell.ring());
        Ok(())
    }
}
