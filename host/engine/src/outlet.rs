//! Where a sink gets what it has to write, in input order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eyas_codec::Output;
use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use crate::bell::Bell;
use crate::credit::Ticket;

/// What one batch brings to one sink. Its credit comes back to the source when the delivery is dropped: so drop it once it is written.
#[derive(Debug, Default)]
pub struct Delivery {
    pub(crate) pieces: Vec<Arc<Output>>,
    /// Held, not read: dropping the last one gives the credit back.
    pub(crate) _ticket: Option<Arc<Ticket>>,
    pub(crate) last: bool,
}

impl Delivery {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.slices().all(<[u8]>::is_empty)
    }

    /// The bytes to write, in order: whole lines altogether.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().flat_map(|output| output.slices())
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

/// The engine's end that a sink reads from.
pub struct Outlet {
    /// One a home shard: batch k comes from shard k modulo their number.
    pub(crate) rings: Vec<HeapCons<Delivery>>,
    pub(crate) next: usize,
    pub(crate) hatch: Arc<Hatch>,
    pub(crate) finished: bool,
}

impl Outlet {
    /// The next delivery, waiting for it; `None` after the last.
    pub fn next_delivery(&mut self) -> Option<Delivery> {
        while !self.finished {
            match self.try_next() {
                Some(delivery) => return Some(delivery),
                None if self.hatch.abandoned.load(Ordering::Acquire) => return None,
                None => self.hatch.bell.wait(),
            }
        }
        None
    }

    fn try_next(&mut self) -> Option<Delivery> {
        let shards = self.rings.len();
        let delivery = self.rings.get_mut(self.next)?.try_pop()?;
        self.next = (self.next + 1) % shards;
        self.finished = delivery.last;
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
