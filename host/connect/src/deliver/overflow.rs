//! A sink that drops what it has no room for, so that it holds back nobody.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use eyas_engine::{Delivery, Outlet};
use eyas_state::SinkState;

use super::figures::NetSinkFigures;
use super::lane::Shared;
use super::request::Origin;

/// What one that waits costs beside its bytes: so many small ones are bounded, too.
const EACH: usize = 256;

/// What was taken of a delivery; it takes room for as long as it lives.
#[derive(Debug)]
pub struct Copied {
    pub bytes: Bytes,
    pub origin: Origin,
    /// How many events it is.
    pub events: u64,
    figures: Arc<NetSinkFigures>,
}

impl Copied {
    pub fn new(bytes: Bytes, origin: Origin, events: u64, figures: &Arc<NetSinkFigures>) -> Self {
        let copied = Self { bytes, origin, events, figures: figures.clone() };
        figures.held_bytes.fetch_add(copied.cost(), Relaxed);
        copied
    }

    fn cost(&self) -> u64 {
        (self.bytes.len() + EACH) as u64
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.figures.held_bytes.fetch_sub(self.cost(), Relaxed);
    }
}

/// Empties an outlet: accepts everything at once, and gives on what there is room for.
pub fn empty(shared: &Shared, max_bytes: usize, mut outlet: Outlet, give: impl Fn(Copied) -> bool) {
    while let Some(delivery) = outlet.next_delivery() {
        if delivery.wants_state() {
            delivery.save(SinkState { name: shared.name.clone(), ..SinkState::default() });
        }
        let copied = if delivery.is_empty() { None } else { copy(&shared.figures, max_bytes, &delivery) };
        delivery.accept();
        if copied.is_some_and(|copied| !give(copied)) {
            return;
        }
    }
}

/// Nothing where there is no room.
fn copy(figures: &Arc<NetSinkFigures>, max_bytes: usize, delivery: &Delivery) -> Option<Copied> {
    let length: usize = delivery.slices().map(<[u8]>::len).sum();
    let held = figures.held_bytes.load(Relaxed);
    // Where nothing waits, one that is larger alone is let in alone.
    if held > 0 && held + (length + EACH) as u64 > max_bytes as u64 {
        figures.dropped(delivery.events() as u64, length as u64);
        return None;
    }
    let mut bytes = Vec::with_capacity(length);
    delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
    let origin = Origin { source: delivery.source(), ingest_time: delivery.ingest_time() };
    Some(Copied::new(bytes.into(), origin, delivery.events() as u64, figures))
}
