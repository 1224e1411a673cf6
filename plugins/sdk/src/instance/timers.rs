//! Which keys are to be called when. Timers mostly share few times (the ends of windows), so they are kept in one list a time.

use std::collections::VecDeque;

use crate::detector::NEVER;

/// Lists of slots by time. An entry counts only if its slot's own timer still says that time: one that was moved stays behind.
#[derive(Debug, Default)]
pub(crate) struct Timers(VecDeque<(i64, Vec<u32>)>);

impl Timers {
    pub fn push(&mut self, at: i64, slot: u32) {
        // Most are asked for at the end of the latest window.
        let place = match self.0.back() {
            Some((last, _)) if *last < at => self.0.len(),
            Some((last, _)) if *last == at => self.0.len() - 1,
            _ => self.0.partition_point(|(time, _)| *time < at),
        };
        match self.0.get_mut(place) {
            Some((time, list)) if *time == at => list.push(slot),
            _ => self.0.insert(place, (at, vec![slot])),
        }
    }

    /// The earliest time; `NEVER` without any.
    #[inline]
    pub fn next(&self) -> i64 {
        self.0.front().map_or(NEVER, |(at, _)| *at)
    }

    /// The earliest list, if its time is not after this.
    pub fn pop(&mut self, until: i64) -> Option<(i64, Vec<u32>)> {
        if self.0.front()?.0 <= until { self.0.pop_front() } else { None }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
