//! Panes: what was counted within each slide. A window is a run of them, so an event is counted once and not once a window.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq};

use crate::Aggregate;

/// What was counted of some stretch of time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals<E> {
    /// Events.
    pub count: u64,
    /// The earliest event time among them.
    pub first: i64,
    /// The latest.
    pub last: i64,
    /// What the rule collects.
    pub extra: E,
}

impl<E: Aggregate> Totals<E> {
    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.extra.merge(&other.extra);
    }

    /// Counts one event more.
    #[inline]
    pub(super) fn add(&mut self, time: i64) {
        self.count += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }

    #[inline]
    fn one(time: i64) -> Self {
        Totals { count: 1, first: time, last: time, extra: E::default() }
    }
}

/// Panes that are kept in place; most keys never have more at once.
const RING: usize = 3;

/// The panes of a key that hold events, by time. A pane starts at the slide of its first event; it is never told apart by anything else.
#[derive(Clone, Debug, Default)]
pub(super) struct Panes<E> {
    /// The latest, in a ring: nothing moves when one comes or goes.
    ring: [Totals<E>; RING],
    /// Where the oldest of the ring is.
    head: u8,
    /// How many of the ring there are. None only if there are no older ones either.
    len: u8,
    /// Those before.
    #[expect(clippy::box_collection, reason = "rare: in every other key it is one word instead of four")]
    older: Option<Box<VecDeque<Totals<E>>>>,
}

impl<E: Aggregate> Panes<E> {
    /// The place in the ring of its pane `i`.
    #[inline]
    fn place(&self, i: usize) -> usize {
        let at = self.head as usize + i;
        if at < RING { at } else { at - RING }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Totals<E>> {
        let ring = (0..self.len as usize).filter_map(|i| self.ring.get(self.place(i)));
        self.older.iter().flat_map(|older| older.iter()).chain(ring)
    }

    /// Reads something of each line of memory.
    #[inline]
    pub fn warm(&self) -> u64 {
        self.ring.iter().fold(u64::from(self.len), |all, pane| all ^ pane.count)
    }

    /// The one with the latest events.
    #[inline]
    pub fn newest(&self) -> Option<&Totals<E>> {
        self.ring.get(self.place((self.len as usize).checked_sub(1)?))
    }

    #[inline]
    pub fn newest_mut(&mut self) -> Option<&mut Totals<E>> {
        let place = self.place((self.len as usize).checked_sub(1)?);
        self.ring.get_mut(place)
    }

    /// A new pane after all others, with one event.
    #[inline]
    pub fn push(&mut self, time: i64) -> Option<&mut Totals<E>> {
        if self.len as usize == RING
            && let Some(oldest) = self.pop()
        {
            self.older.get_or_insert_default().push_back(oldest);
        }
        let place = self.place(self.len as usize);
        self.len += 1;
        let pane = self.ring.get_mut(place)?;
        *pane = Totals::one(time);
        Some(pane)
    }

    /// Takes the oldest out of the ring.
    fn pop(&mut self) -> Option<Totals<E>> {
        if self.len == 0 {
            return None;
        }
        let place = self.head as usize;
        self.head = self.place(1) as u8;
        self.len -= 1;
        self.ring.get_mut(place).map(std::mem::take)
    }

    /// The pane from `start` to `end`, made empty if there is none. For what came out of order.
    pub fn at(&mut self, start: i64, end: i64, time: i64) -> Option<&mut Totals<E>> {
        let i = self.iter().take_while(|p| p.first < start).count();
        if self.iter().nth(i).is_none_or(|p| p.first >= end) {
            let mut all: VecDeque<Totals<E>> = self.iter().cloned().collect();
            all.insert(i, Totals { count: 0, first: time, last: time, extra: E::default() });
            *self = Self::of(all);
        }
        let older = self.older.as_ref().map_or(0, |older| older.len());
        if i < older {
            return self.older.as_mut()?.get_mut(i);
        }
        let place = self.place(i - older);
        self.ring.get_mut(place)
    }

    /// Of these, oldest first.
    fn of(mut all: VecDeque<Totals<E>>) -> Self {
        let mut panes = Panes { len: all.len().min(RING) as u8, ..Panes::default() };
        for to in panes.ring.iter_mut().take(panes.len as usize).rev() {
            *to = all.pop_back().unwrap_or_default();
        }
        panes.older = if all.is_empty() { None } else { Some(Box::new(all)) };
        panes
    }

    /// Forgets panes before this time.
    #[inline]
    pub fn drop_before(&mut self, time: i64) {
        if let Some(older) = &mut self.older {
            while older.front().is_some_and(|p| p.first < time) {
                older.pop_front();
            }
            // Its room is kept: a key that once had this many panes has them all the time.
            if !older.is_empty() {
                return;
            }
        }
        while self.len > 0 && self.ring.get(self.head as usize).is_some_and(|p| p.first < time) {
            self.pop();
        }
    }

    /// The events of panes from a time up to another.
    #[inline]
    pub fn count(&self, from: i64, to: i64) -> u64 {
        let within = |p: &Totals<E>| if from <= p.first && p.first < to { p.count } else { 0 };
        self.iter().map(within).sum()
    }

    /// All of the panes from a time up to another.
    pub fn totals(&self, from: i64, to: i64) -> Totals<E> {
        let mut totals = Totals::default();
        self.between(from, to).for_each(|p| totals.merge(p));
        totals
    }

    fn between(&self, from: i64, to: i64) -> impl Iterator<Item = &Totals<E>> {
        self.iter().skip_while(move |p| p.first < from).take_while(move |p| p.first < to)
    }
}

/// As the list of panes that there are.
impl<E: Aggregate> Serialize for Panes<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.iter().count()))?;
        self.iter().try_for_each(|pane| list.serialize_element(pane))?;
        list.end()
    }
}

impl<'de, E: Aggregate> Deserialize<'de> for Panes<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Panes::of(VecDeque::deserialize(deserializer)?))
    }
}
