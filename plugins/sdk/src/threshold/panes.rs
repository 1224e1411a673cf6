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

    #[inline]
    fn one(time: i64) -> Self {
        Totals { count: 1, first: time, last: time, extra: E::default() }
    }
}

/// Panes that are kept in place; most keys never have more at once.
const INLINE: usize = 2;

/// The panes of a key that hold events, by time. A pane starts at the slide of its first event; it is never told apart by anything else.
#[derive(Clone, Debug, Default)]
pub(super) struct Panes<E> {
    /// The older ones that do not fit below.
    older: VecDeque<Totals<E>>,
    newer: [Totals<E>; INLINE],
    /// How many of `newer` there are.
    len: u8,
}

impl<E: Aggregate> Panes<E> {
    #[inline]
    fn newer(&self) -> &[Totals<E>] {
        self.newer.get(..self.len as usize).unwrap_or_default()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Totals<E>> {
        self.older.iter().chain(self.newer())
    }

    /// The one with the latest events.
    #[inline]
    pub fn newest(&self) -> Option<&Totals<E>> {
        self.newer.get((self.len as usize).wrapping_sub(1))
    }

    #[inline]
    pub fn newest_mut(&mut self) -> Option<&mut Totals<E>> {
        self.newer.get_mut((self.len as usize).wrapping_sub(1))
    }

    /// A new pane after all others.
    #[inline]
    pub fn push(&mut self, time: i64) -> &mut Totals<E> {
        if self.len as usize == INLINE {
            self.spill();
        }
        let at = (self.len as usize).min(INLINE - 1);
        self.len = at as u8 + 1;
        let [first, second] = &mut self.newer;
        let pane = if at == 0 { first } else { second };
        *pane = Totals::one(time);
        pane
    }

    fn spill(&mut self) {
        // A deque: dropping from its front moves nothing.
        let [first, second] = &mut self.newer;
        self.older.push_back(std::mem::replace(first, std::mem::take(second)));
        self.len = 1;
    }

    /// The pane from `start` to `end`, made empty if there is none. For what came out of order.
    pub fn at(&mut self, start: i64, end: i64, time: i64) -> Option<&mut Totals<E>> {
        let place = self.iter().take_while(|p| p.first < start).count();
        if self.get_mut(place).is_none_or(|p| p.first >= end) {
            self.insert(place, Totals { count: 0, first: time, last: time, extra: E::default() });
        }
        self.get_mut(place)
    }

    fn insert(&mut self, place: usize, pane: Totals<E>) {
        let [first, second] = &mut self.newer;
        if self.len == 1 && self.older.is_empty() {
            *second = if place == 0 { std::mem::replace(first, pane) } else { pane };
            self.len = 2;
            return;
        }
        self.older.extend(self.newer.iter_mut().take(self.len as usize).map(std::mem::take));
        self.older.insert(place.min(self.older.len()), pane);
        self.settle();
    }

    /// Puts the newest of the list in place.
    fn settle(&mut self) {
        self.len = self.older.len().min(INLINE) as u8;
        for to in self.newer.iter_mut().take(self.len as usize).rev() {
            *to = self.older.pop_back().unwrap_or_default();
        }
    }

    fn get_mut(&mut self, i: usize) -> Option<&mut Totals<E>> {
        let older = self.older.len();
        if i < older { self.older.get_mut(i) } else { self.newer.get_mut(..self.len as usize)?.get_mut(i - older) }
    }

    /// Forgets panes before this time.
    pub fn drop_before(&mut self, time: i64) {
        while self.older.front().is_some_and(|p| p.first < time) {
            self.older.pop_front();
        }
        while self.older.is_empty() && self.newer().first().is_some_and(|p| p.first < time) {
            let [first, second] = &mut self.newer;
            *first = std::mem::take(second);
            self.len -= 1;
        }
    }

    /// The events of panes from a time up to another.
    #[inline]
    pub fn count(&self, from: i64, to: i64) -> u64 {
        let within = |p: &Totals<E>| if from <= p.first && p.first < to { p.count } else { 0 };
        self.older.iter().map(within).sum::<u64>() + self.newer().iter().map(within).sum::<u64>()
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
        let mut list = serializer.serialize_seq(Some(self.older.len() + self.len as usize))?;
        self.iter().try_for_each(|pane| list.serialize_element(pane))?;
        list.end()
    }
}

impl<'de, E: Aggregate> Deserialize<'de> for Panes<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut panes = Panes { older: VecDeque::deserialize(deserializer)?, ..Panes::default() };
        panes.settle();
        Ok(panes)
    }
}
