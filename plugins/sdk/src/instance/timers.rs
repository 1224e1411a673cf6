//! Which keys are to be called when. Timers mostly share few times (the ends of windows), so they are kept in one list a time.

use std::collections::VecDeque;

use crate::detector::NEVER;

/// Lists of slots by time. An entry counts only if its slot's own timer still says that time: one that was moved stays behind.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    lists: VecDeque<(i64, Vec<u32>)>,
    /// Emptied lists, to be used again: they are large, and new ones come all the time.
    spare: Vec<Vec<u32>>,
}

/// How many emptied lists are kept.
const SPARE: usize = 4;

impl Timers {
    pub fn push(&mut self, at: i64, slot: u32) {
        // Most are asked for at the end of the latest window.
        let place = match self.lists.back() {
            Some((last, _)) if *last < at => self.lists.len(),
            Some((last, _)) if *last == at => self.lists.len() - 1,
            _ => self.lists.partition_point(|(time, _)| *time < at),
        };
        match self.lists.get_mut(place) {
            Some((time, list)) if *time == at => list.push(slot),
            _ => {
                let mut list = self.spare.pop().unwrap_or_default();
                list.push(slot);
                self.lists.insert(place, (at, list));
            }
        }
    }

    /// The earliest time; `NEVER` without any.
    #[inline]
    pub fn next(&self) -> i64 {
        self.lists.front().map_or(NEVER, |(at, _)| *at)
    }

    /// The earliest list, if its time is not after this.
    pub fn pop(&mut self, until: i64) -> Option<(i64, Vec<u32>)> {
        if self.lists.front()?.0 <= until { self.lists.pop_front() } else { None }
    }

    /// Takes back a list that was worked off.
    pub fn give_back(&mut self, mut list: Vec<u32>) {
        if self.spare.len() < SPARE {
            list.clear();
            self.spare.push(list);
        }
    }

    pub fn clear(&mut self) {
        self.lists.clear();
    }
}
