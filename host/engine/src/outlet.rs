//! Where a sink gets what it has to write, in input order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eyas_codec::Output;
use eyas_event::Timestamp;
use eyas_state::{Journal, SinkState};
use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use crate::barrier::Barrier;
use crate::bell::Bell;
use crate::credit::Ticket;

/// What one batch brings to one sink. Its credit comes back to the source when all sinks are done with theirs: so accept it once it is
/// safe. One that is dropped without was not taken, and the source is told so.
#[derive(Debug, Default)]
pub struct Delivery {
    pub(crate) pieces: Vec<Arc<Output>>,
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// Its place in the input log.
    pub(crate) logged: Option<u64>,
    /// The source of its batch.
    pub(crate) source: Option<usize>,
    /// How many events its batch has.
    pub(crate) events: usize,
    /// Ingest time of its batch.
    pub(crate) ingest_time: Option<Timestamp>,
    /// A checkpoint is being taken: the sink is to say where it stands.
    pub(crate) barrier: Option<(Arc<Barrier>, usize)>,
    pub(crate) last: bool,
}

impl Delivery {
    /// Says that it is safe: the sink will not ask for it again.
    pub fn accept(mut self) {
        self.ticket = None;
    }

    /// Whether its source is out of credit: a sink that gathers deliveries does not wait for more of them then.
    pub fn holds_back(&self) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| ticket.holds_back())
    }

    /// The source of its events, by its place in the topology; nothing where it has none.
    pub fn source(&self) -> Option<usize> {
        self.source
    }

    /// How many events came in with it, of which detectors may have dropped some.
    pub fn events(&self) -> usize {
        self.events
    }

    /// When its events were read; nothing where it has none.
    pub fn ingest_time(&self) -> Option<Timestamp> {
        self.ingest_time
    }

    /// Whether a checkpoint is being taken here. Then the sink makes all that it took before safe, says where it stands with
    /// [`Delivery::save`], and accepts.
    pub fn wants_state(&self) -> bool {
        self.barrier.is_some()
    }

    /// Says where the sink stands, now that it has taken all before.
    pub fn save(&self, state: SinkState) {
        if let Some((barrier, sink)) = &self.barrier {
            barrier.put(*sink, state);
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.slices().all(<[u8]>::is_empty)
    }

    /// The bytes to write, in order: whole lines altogether.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().flat_map(|output| output.slices())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            ticket.refuse();
        }
    }
}

/// What the two sides of an outlet know of each other.
#[derive(Debug, Default)]
pub(crate) struct Hatch {
    pub(crate) bell: Bell,
    /// The sink has given up.
    closed: AtomicBool,
    /// The engine has broken down: nothing more will come.
    abandoned: AtomicBool,
}

impl Hatch {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.bell.ring();
    }
}

/// What a sink gets that does not wait for ever.
#[derive(Debug)]
pub enum Next {
    /// The next delivery.
    Delivery(Delivery),
    /// There was none in time.
    Late,
    /// There will be none any more.
    End,
}

/// The engine's end that a sink reads from.
pub struct Outlet {
    /// One a home shard: batch k comes from shard k modulo their number.
    pub(crate) rings: Vec<HeapCons<Delivery>>,
    pub(crate) next: usize,
    pub(crate) hatch: Arc<Hatch>,
    pub(crate) finished: bool,
    /// The input log: nothing is given out before it is as safe there as the log promises.
    pub(crate) journal: Option<Journal>,
}

impl Outlet {
    /// The next delivery, waiting for it; `None` after the last.
    pub fn next_delivery(&mut self) -> Option<Delivery> {
        while !self.finished {
            match self.try_next() {
                Some(delivery) => return Some(delivery),
                None if self.finished || self.hatch.abandoned.load(Ordering::Acquire) => return None,
                None => self.hatch.bell.wait(),
            }
        }
        None
    }

    /// The same, but not longer than so long.
    pub fn next_delivery_within(&mut self, within: Duration) -> Next {
        let deadline = Instant::now() + within;
        while !self.finished {
            match self.try_next() {
                Some(delivery) => return Next::Delivery(delivery),
                None if self.finished || self.hatch.abandoned.load(Ordering::Acquire) => return Next::End,
                None if self.hatch.bell.wait_until(deadline) => {}
                None => return Next::Late,
            }
        }
        Next::End
    }

    fn try_next(&mut self) -> Option<Delivery> {
        let shards = self.rings.len();
        let delivery = self.rings.get_mut(self.next)?.try_pop()?;
        self.next = (self.next + 1) % shards;
        self.finished = delivery.last;
        if let (Some(journal), Some(number)) = (&self.journal, delivery.logged)
            && journal.wait(number).is_err()
        {
            // Admission meets the same error, and says it.
            self.finished = true;
            return None;
        }
        Some(delivery)
    }
}

impl Drop for Outlet {
    /// A sink that gives up holds nobody back: what is under way to it is dropped, and so its credit goes back.
    fn drop(&mut self) {
        self.hatch.closed.store(true, Ordering::Release);
        while self.rings.iter_mut().any(|ring| ring.try_pop().is_some()) {}
    }
}
