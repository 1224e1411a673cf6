//! How old the oldest slice is that no checkpoint covers; for people.

use std::collections::VecDeque;

use eyas_event::{NANOS_PER_SECOND, Timestamp};

/// When the slices were read that no checkpoint covers, to the second.
#[derive(Debug, Default)]
pub struct Ages {
    /// A slice's number and time; it stands for those behind it of the same second.
    times: VecDeque<(u64, Timestamp)>,
    last: Option<u64>,
}

impl Ages {
    /// A slice has come.
    pub fn push(&mut self, number: u64, time: Timestamp) {
        self.last = Some(number);
        if self.times.back().is_none_or(|(_, last)| time.saturating_sub(*last) >= NANOS_PER_SECOND) {
            self.times.push_back((number, time));
        }
    }

    /// All before a number are covered.
    pub fn cut(&mut self, next: u64) {
        while self.times.get(1).is_some_and(|(number, _)| *number <= next) {
            self.times.pop_front();
        }
        if self.last.is_some_and(|last| last < next) {
            *self = Self::default();
        }
    }

    /// The oldest.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.times.front().map(|(_, time)| *time)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_oldest_is_never_younger_than_it_is() {
        let mut ages = Ages::default();
        let time = |number: u64| number as i64 * NANOS_PER_SECOND / 3;
        (0..100).for_each(|number| ages.push(number, time(number)));
        for next in 0..100 {
            ages.cut(next);
            let oldest = ages.oldest().unwrap();
            assert!(oldest <= time(next) && oldest > time(next) - NANOS_PER_SECOND);
        }
        ages.cut(100);
        assert_eq!(ages.oldest(), None);
    }
}
