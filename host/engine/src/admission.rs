//! The way in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eyas_codec::{Encoding, cut};
use eyas_event::{Buffer, Partition, Request, Slice, Timestamp};
use eyas_state::{FileId, Journal, Record, SliceRecord, StateError};

use crate::barrier::Barrier;
use crate::checkpoint::Checkpoints;
use crate::credit::{Credit, CreditFigures, NoCredit, Ticket};
use crate::sequencer::{Entry, Failure, Item, NotPushed, Sequencer, note};
use crate::watch::Watch;
use crate::{Logging, Partitions, Receipt, Seen};

/// How long an item waits first when the disk of the input log is full, and at the most: twice as long each time.
const FULL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

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

impl From<NoCredit> for Closed {
    fn from(_: NoCredit) -> Self {
        Self
    }
}

pub(crate) struct SourceEntry {
    pub(crate) credit: Arc<Credit>,
    pub(crate) encoding: Encoding,
    pub(crate) logging: Logging,
}

/// What an admission is made of.
pub(crate) struct Parts {
    pub(crate) sequencer: Sequencer,
    pub(crate) failure: Failure,
    pub(crate) sources: Vec<SourceEntry>,
    /// For the items that no source brings.
    pub(crate) house: Arc<Credit>,
    pub(crate) journal: Option<Journal>,
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
    pub(crate) watch: Watch,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) batch_events: usize,
}

struct Shared {
    sequencer: Mutex<Sequencer>,
    failure: Failure,
    sources: Vec<SourceEntry>,
    house: Arc<Credit>,
    journal: Option<Journal>,
    checkpoints: Option<Arc<Checkpoints>>,
    watch: Mutex<Watch>,
    partitions: Arc<Partitions>,
    batch_events: usize,
    /// Nobody waits for room on a full disk any more.
    given_up: AtomicBool,
}

/// Takes slices in. Cheap to clone: each source holds one.
#[derive(Clone)]
pub struct Admission {
    shared: Arc<Shared>,
}

impl Admission {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { sequencer, failure, sources, house, journal, checkpoints, watch, partitions, batch_events } = parts;
        let (sequencer, watch) = (Mutex::new(sequencer), Mutex::new(watch));
        let batch_events = batch_events.max(1);
        Self {
            shared: Arc::new(Shared {
                sequencer,
                failure,
                sources,
                house,
                journal,
                checkpoints,
                watch,
                partitions,
                batch_events,
                given_up: AtomicBool::new(false),
            }),
        }
    }

    /// Announces a partition by its name (a path, an address), with the event time of its first event if it is known, and the file that
    /// it is. Partitions that must hold each other back (files read once) are all opened before the first slice. One that a checkpoint or
    /// the input log knows goes on as it was. Waits for credit.
    pub fn open(&self, partition: Partition, name: &str, first: Option<Timestamp>, file: Option<&FileId>) -> Result<(), Closed> {
        if self.sequencer().is_open(partition) {
            return Ok(());
        }
        self.shared.partitions.add(partition, name, file);
        self.watch().begins(partition, false);
        let ticket = self.source(partition)?.credit.take(0, None, None)?;
        self.push(Item::Open(partition, first), &Entry::Open { name, file }, Some(ticket)).map(drop)
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

    /// What is known of a request that comes now, once what stands in the input log has been replayed: of one that comes again only the
    /// part that was not taken in is to be, and its sender is to be told only what can be said of the first one ([`Admission::fence`]).
    pub fn seen(&self, source: u16, id: u128, now: Timestamp) -> Seen {
        self.sequencer().requests.seen(source, id, now)
    }

    /// Holds a receipt until all that has been taken in of a source has left the engine, and refuses it where not every sink took all.
    /// Waits for nothing itself. Gives the last place in the input log, for [`Admission::wait_logged`].
    pub fn fence(&self, source: u16, receipt: &Arc<Receipt>) -> Option<u64> {
        self.shared.sources.get(usize::from(source)).into_iter().for_each(|source| source.credit.fence(receipt));
        self.shared.journal.as_ref().and_then(|journal| journal.next().checked_sub(1))
    }

    /// Waits until a place in the input log is as safe as the log promises. Errors where that cannot be had any more.
    pub fn wait_logged(&self, number: Option<u64>) -> Result<(), Closed> {
        match (&self.shared.journal, number) {
            (Some(journal), Some(number)) => journal.wait(number).map_err(|error| {
                note(&self.shared.failure, error);
                Closed
            }),
            _ => Ok(()),
        }
    }

    fn admit_until(
        &self,
        mut slice: Slice,
        receipt: Option<&Arc<Receipt>>,
        mut until: Option<Instant>,
    ) -> Result<Option<u64>, NotAdmitted> {
        let source = self.source(slice.partition)?;
        let (end, mut logged) = (slice.range.end, None);
        let last = slice.request.is_some_and(|request| request.last);
        while slice.range.start < end {
            slice.range.end = end;
            let bytes = slice.bytes();
            let length = if slice.oversize { bytes.len() } else { cut(&source.encoding, bytes, self.shared.batch_events) };
            let length = length.clamp(1, bytes.len());
            slice.range.end = slice.range.start + length;
            slice.request = slice.request.map(|request| Request { last: last && slice.range.end == end, ..request });
            let ticket = source.credit.take(length, receipt, until)?;
            logged = self.push_until(Item::Slice(slice.clone()), &Entry::Plain(source.logging), Some(ticket), until.take())?;
            slice.range.start = slice.range.end;
            slice.position += length as u64;
            slice.request = slice.request.map(|request| Request { offset: request.offset + length as u64, ..request });
        }
        self.watch().saw(slice.partition);
        Ok(logged)
    }

    /// Says that a partition has ended. Waits for credit.
    pub fn close(&self, partition: Partition) -> Result<(), Closed> {
        let ticket = self.source(partition)?.credit.take(0, None, None)?;
        self.push(Item::Close(partition), &Entry::Plain(Logging::Positions), Some(ticket))?;
        self.watch().forget(partition);
        Ok(())
    }

    /// Takes in again what stands in the input log: a record, with the bytes of its slice if it is one. Waits for credit.
    pub fn replay(&self, number: u64, record: Record, bytes: Arc<Buffer>) -> Result<(), Closed> {
        let detector = |name: &str| self.sequencer().detector(name);
        let item = match record {
            Record::Open { partition, name, first, file } => {
                self.shared.partitions.add(partition, &name, file.as_ref());
                Some(Item::Open(partition, first))
            }
            Record::Slice(record) => Some(Item::Slice(slice(record, bytes))),
            Record::Close { partition } => Some(Item::Close(partition)),
            Record::Idle { partition } => Some(Item::Idle(partition)),
            Record::Clock { source, elapsed, limit } => Some(Item::Clock { source: source.into(), elapsed, limit }),
            Record::Flush => Some(Item::Flush),
            Record::Quarantine { detector: name, reason } => detector(&name).map(|index| Item::Quarantine(index, reason)),
            Record::Resume { detector: name } => detector(&name).map(Item::Resume),
            Record::Skip { .. } | Record::Checkpoint | Record::Touch { .. } => None,
        };
        item.map_or(Ok(()), |item| self.again(item, number))
    }

    /// All that stands in the input log has been replayed: what comes now is new.
    pub fn replayed(&self) {
        self.sequencer().replaying = false;
    }

    fn again(&self, item: Item, number: u64) -> Result<(), Closed> {
        self.sequencer().replaying = true;
        let ticket = match &item {
            Item::Slice(slice) => self.source(slice.partition)?.credit.take(slice.range.len(), None, None)?,
            Item::Flush => {
                // The state that is kept is the one before it.
                self.begin_checkpoint(Some(number.saturating_sub(1)))?;
                self.shared.house.take(0, None, None)?
            }
            _ => self.shared.house.take(0, None, None)?,
        };
        self.watch().replayed(&item);
        self.push(item, &Entry::Replayed(number), Some(ticket)).map(drop)
    }

    /// To be called often with the time since some start, which never jumps, and with the clock's, which may: silent partitions go idle,
    /// silent watermarks go on, checkpoints begin, detectors come out of quarantine. Waits only while the disk of the input log is full.
    pub fn tick(&self, steady: Duration, clock: Timestamp) -> Result<(), Closed> {
        let now = i64::try_from(steady.as_nanos()).unwrap_or(i64::MAX);
        let mut watch = self.watch();
        for item in watch.due(now, clock) {
            let Ok(ticket) = self.shared.house.take(0, None, Some(Instant::now())) else { return Ok(()) };
            watch.did(&item, now);
            self.push(item, &Entry::Plain(Logging::Positions), Some(ticket))?;
        }
        drop(watch);
        let due = |checkpoints: &Arc<Checkpoints>| checkpoints.is_due(self.sequencer().items());
        if self.shared.checkpoints.as_ref().is_some_and(due) { self.begin_checkpoint(None) } else { Ok(()) }
    }

    /// Asks for a detector to be put in quarantine, from the next tick on.
    pub(crate) fn ask_quarantine(&self, detector: usize, reason: &str) {
        self.watch().quarantine(detector, reason);
    }

    /// Begins a checkpoint. `logged`: at this place of the log, not at its end.
    fn begin_checkpoint(&self, logged: Option<u64>) -> Result<(), Closed> {
        let Some(checkpoints) = &self.shared.checkpoints else { return Ok(()) };
        if logged.is_none() && self.sequencer().replaying {
            // A run that is stopped before it has caught up begins from the same checkpoint again.
            return Ok(());
        }
        let barrier = Arc::new(checkpoints.barrier(self.watch().clock()));
        let receipt = checkpoints.receipt(&barrier, false);
        let ticket = self.shared.house.take(0, Some(&receipt), None)?;
        let entry = logged.map_or(Entry::Plain(Logging::Positions), Entry::Replayed);
        checkpoints.began(self.sequencer().items());
        self.push(Item::Barrier(barrier), &entry, Some(ticket)).map(drop)
    }

    /// Ends the input: open windows are closed as they stand (SEMANTICS 2.6), then everything runs out.
    pub fn finish(&self) {
        // Already ended is as good; and without a log there is no end of the input that could be gone on from.
        let flushed = self.flush().is_ok();
        let _ = self.end(flushed);
        self.close_credit();
    }

    /// Stops: what was admitted runs out, open windows stay as they are.
    pub fn stop(&self) {
        // Without a last checkpoint, the one before it stands.
        let _ = self.begin_checkpoint(None);
        let _ = self.end(false);
        self.close_credit();
    }

    fn flush(&self) -> Result<(), Closed> {
        if self.sequencer().is_flushed() {
            return Ok(());
        }
        self.begin_checkpoint(None)?;
        self.push(Item::Flush, &Entry::Plain(Logging::Positions), None).map(drop)
    }

    fn end(&self, finished: bool) -> Result<(), Closed> {
        let barrier = Arc::new(Barrier::default());
        let closing = self.shared.checkpoints.as_ref().filter(|_| finished).map(|checkpoints| checkpoints.receipt(&barrier, true));
        let ticket = closing.map(|receipt| self.shared.house.take(0, Some(&receipt), None)).transpose()?;
        let barrier = ticket.is_some().then_some(barrier);
        self.push(Item::End(barrier), &Entry::Plain(Logging::Nothing), ticket).map(drop)
    }

    /// How much of each source is inside.
    pub fn credit(&self) -> Vec<CreditFigures> {
        self.shared.sources.iter().map(|source| source.credit.figures()).collect()
    }

    /// Why the input log cannot be written any more, once.
    pub fn failure(&self) -> Option<StateError> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn close_credit(&self) {
        self.shared.sources.iter().for_each(|source| source.credit.close());
    }

    fn source(&self, partition: Partition) -> Result<&SourceEntry, Closed> {
        self.shared.sources.get(usize::from(partition.source)).ok_or(Closed)
    }

    fn push(&self, item: Item, entry: &Entry<'_>, ticket: Option<Ticket>) -> Result<Option<u64>, Closed> {
        self.push_until(item, entry, ticket, None).map_err(|_| Closed)
    }

    /// Waits while the disk of the input log is full, or until a deadline, but holds nobody up meanwhile.
    fn push_until(
        &self,
        mut item: Item,
        entry: &Entry<'_>,
        mut ticket: Option<Ticket>,
        until: Option<Instant>,
    ) -> Result<Option<u64>, NotAdmitted> {
        let (mut pause, mut waiting) = (FULL.0, false);
        loop {
            let pushed = self.sequencer().push(item, entry, ticket);
            match pushed {
                Ok(number) => {
                    if waiting {
                        tracing::info!("there is room for the input log again");
                    }
                    return Ok(number);
                }
                Err(NotPushed::Closed) => return Err(NotAdmitted::Closed),
                Err(NotPushed::Full(..)) if self.shared.given_up.load(Ordering::Acquire) => return Err(NotAdmitted::Closed),
                Err(NotPushed::Full(again)) if until.is_some_and(|until| Instant::now() >= until) => {
                    again.1.into_iter().for_each(Ticket::give_back);
                    return Err(NotAdmitted::NoRoom);
                }
                Err(NotPushed::Full(again)) => (item, ticket) = *again,
            }
            if !std::mem::replace(&mut waiting, true) {
                tracing::error!("the disk of the state folder is full: what comes in waits until there is room");
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(FULL.1);
        }
    }

    /// Whoever waits for room on a full disk waits no longer: the run is to end.
    pub fn give_up(&self) {
        self.shared.given_up.store(true, Ordering::Release);
        if let Some(journal) = &self.shared.journal {
            journal.give_up();
        }
    }

    fn sequencer(&self) -> MutexGuard<'_, Sequencer> {
        self.shared.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.shared.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slice as it was, from the log.
fn slice(record: SliceRecord, buffer: Arc<Buffer>) -> Slice {
    Slice {
        partition: record.partition,
        position: record.position,
        ingest_time: record.ingest_time,
        range: 0..buffer.len(),
        buffer,
        header: record.header.map(Arc::from),
        oversize: record.oversize,
        turn_end: record.turn_end,
        request: record.request,
    }
}
