//! How much recovering from faults takes: over a limit, the detector is not worth it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// A fifth of a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

/// The recoveries of the last minute: when, on which shard, how long it took.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    recent: VecDeque<(Instant, usize, Duration)>,
}

impl Toll {
    /// Adds one; gives why it is too much, if it is.
    pub(crate) fn add(&mut self, now: Instant, shard: usize, spent: Duration, max_faults: u32) -> Option<String> {
        self.recent.push_back((now, shard, spent));
        while self.recent.front().is_some_and(|(when, ..)| now.duration_since(*when) > MINUTE) {
            self.recent.pop_front();
        }
        let of_shard = self.recent.iter().filter(|(_, other, _)| *other == shard);
        let total: Duration = of_shard.map(|(_, _, spent)| *spent).sum();
        if self.recent.len() > max_faults as usize {
            return Some(format!("it failed more than {max_faults} times within a minute"));
        }
        (total > PATIENCE).then(|| format!("recovering it took {} s of a minute", total.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_recoveries_than_allowed_within_a_minute_are_too_many() {
        let (mut toll, begun) = (Toll::default(), Instant::now());
        let at = |second: u64| begun + Duration::from_secs(second);
        assert!((0..100).all(|second| toll.add(at(second * 30), 0, Duration::ZERO, 3).is_none()));
        assert!(toll.add(at(2971), 1, Duration::ZERO, 3).is_none());
        assert!(toll.add(at(2972), 1, Duration::ZERO, 3).unwrap_or_default().contains("more than 3 times"));
    }

    #[test]
    fn a_fifth_of_a_minute_on_one_shard_is_too_long() {
        let (mut toll, now) = (Toll::default(), Instant::now());
        let spent = Duration::from_secs(5);
        assert!((0..4).all(|shard| toll.add(now, shard / 2, spent, 50).is_none()));
        assert!(toll.add(now, 1, spent, 50).unwrap_or_default().contains("15 s of a minute"));
    }
}
