//! Who is evicted next (SEMANTICS 3): the key of the group whose last event is earliest in input order, keys with something open last.
//!
//! Nothing of this is kept until the first eviction, and a row of a known key never touches it: heaps hold each key at the place of an
//! earlier event of it, and one that comes up too early goes back to where it belongs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Slab;
use super::store::{GROUPS, group};

type Heap = BinaryHeap<Reverse<(u64, u32)>>;

#[derive(Debug, Default)]
struct Queues {
    /// Every key that is not open is here; an open one may be.
    closed: Heap,
    /// Every open key that is not above.
    open: Heap,
}

/// The order of eviction, once there was one.
#[derive(Debug, Default)]
pub(crate) struct Order(Vec<Queues>);

impl Order {
    /// A key is new, or what it had open has closed.
    pub fn enter(&mut self, group: usize, last: u64, slot: u32) {
        if let Some(queues) = self.0.get_mut(group) {
            queues.closed.push(Reverse((last, slot)));
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The slot to evict from a group that holds `keys` keys.
    pub fn victim<S>(&mut self, of: usize, keys: u32, slab: &Slab<S>) -> Option<u32> {
        if self.0.is_empty() {
            self.0.resize_with(GROUPS, Queues::default);
            for i in 0..slab.len() {
                if let Some(slot) = slab.get(i).filter(|s| s.live) {
                    self.enter(group(slot.hash), slot.last, i);
                }
            }
        }
        let queues = self.0.get_mut(of)?;
        let here = |i: u32| slab.get(i).filter(|s| s.live && group(s.hash) == of);
        if queues.closed.len() + queues.open.len() > 2 * keys as usize + 64 {
            let slots: BinaryHeap<u32> = queues.closed.drain().chain(queues.open.drain()).map(|Reverse((_, i))| i).collect();
            let mut slots = slots.into_sorted_vec();
            slots.dedup();
            queues.closed.extend(slots.into_iter().filter_map(|i| Some(Reverse((here(i)?.last, i)))));
        }
        while let Some(Reverse((last, i))) = queues.closed.pop() {
            match here(i) {
                Some(slot) if slot.last > last => queues.closed.push(Reverse((slot.last, i))),
                Some(slot) if slot.open => queues.open.push(Reverse((last, i))),
                Some(_) => return Some(i),
                None => {}
            }
        }
        while let Some(Reverse((last, i))) = queues.open.pop() {
            match here(i) {
                Some(slot) if slot.last > last => queues.open.push(Reverse((slot.last, i))),
                Some(_) => return Some(i),
                None => {}
            }
        }
        None
    }
}
