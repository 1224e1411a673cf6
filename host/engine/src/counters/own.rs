//! What a detector counts and measures itself, by names of its own choice.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many names a detector may use, of counters and of gauges each. What goes by more of them is summed up as [`OTHER`].
const NAMES: usize = 64;
/// The name for the names that are too many.
const OTHER: &str = "other";

/// The figures of one detector. Each of its instances has a share, so nobody waits for another.
#[derive(Debug, Default)]
pub struct OwnFigures {
    /// By shard.
    shares: Vec<Mutex<Share>>,
}

#[derive(Debug, Default)]
struct Share {
    counts: BTreeMap<String, u64>,
    gauges: BTreeMap<String, i64>,
}

impl OwnFigures {
    pub(super) fn new(shards: usize) -> Self {
        Self { shares: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// What it has counted, by name, over all shards.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::<String, u64>::new();
        for share in self.shares.iter().map(lock) {
            share.counts.iter().for_each(|(name, count)| add(&mut sums, name, |sum| *sum = sum.saturating_add(*count)));
        }
        sums
    }

    /// What it measures, by name: the sums of what its instances say.
    pub fn gauges(&self) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::<String, i64>::new();
        for share in self.shares.iter().map(lock) {
            share.gauges.iter().for_each(|(name, gauge)| add(&mut sums, name, |sum| *sum = sum.saturating_add(*gauge)));
        }
        sums
    }

    /// Takes in what an instance says.
    pub(crate) fn take(&self, shard: usize, counts: &mut Vec<(String, u64)>, gauges: &mut Vec<(String, i64)>) {
        let Some(share) = self.shares.get(shard).filter(|_| !counts.is_empty() || !gauges.is_empty()) else { return };
        let mut share = lock(share);
        counts.drain(..).for_each(|(name, count)| add(&mut share.counts, &name, |sum| *sum = sum.saturating_add(count)));
        gauges.drain(..).for_each(|(name, gauge)| add(&mut share.gauges, &name, |last| *last = gauge));
    }

    /// There is no instance any more that could measure anything.
    pub(crate) fn forget_gauges(&self, shard: usize) {
        self.shares.get(shard).into_iter().for_each(|share| lock(share).gauges.clear());
    }
}

fn lock(share: &Mutex<Share>) -> MutexGuard<'_, Share> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add<T: Default>(sums: &mut BTreeMap<String, T>, name: &str, change: impl FnOnce(&mut T)) {
    match sums.get_mut(name) {
        Some(sum) => change(sum),
        None => {
            let name = if sums.len() < NAMES { name } else { OTHER };
            change(sums.entry(name.to_owned()).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn counts_and_gauges_are_summed_over_the_shards_and_a_gauge_is_what_was_said_last() {
        let own = OwnFigures::new(2);
        for (shard, keys) in [(0, 5), (0, 7), (1, 10)] {
            own.take(shard, &mut vec![("ignored".to_owned(), 2)], &mut vec![("keys".to_owned(), keys)]);
        }
        assert_eq!(own.counts(), [("ignored".to_owned(), 6)].into());
        assert_eq!(own.gauges(), [("keys".to_owned(), 17)].into());
        own.forget_gauges(1);
        assert_eq!(own.gauges(), [("keys".to_owned(), 7)].into());
    }

    #[test]
    fn a_detector_that_always_finds_new_names_takes_no_more_memory_and_nothing_goes_uncounted() {
        let own = OwnFigures::new(1);
        for number in 0..1000 {
            own.take(0, &mut vec![(format!("n{number}"), 1)], &mut Vec::new());
        }
        let counts = own.counts();
        assert_eq!((counts.len(), counts.values().sum::<u64>()), (NAMES + 1, 1000));
        assert_eq!(counts["other"], 1000 - NAMES as u64);
    }
}
