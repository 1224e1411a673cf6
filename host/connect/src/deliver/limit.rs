//! How many requests may be under way at once, found by trying.
//!
//! The rule is additive increase, multiplicative decrease on what the answers tell. The mean round trip of each interval (as long as a
//! round trip is expected to take) is compared with the expected one, an exponentially weighted mean of the intervals before. If a request was
//! put off (not now, too late, no connection), or the mean is longer than expected by more than [`DEVIATIONS`] mean deviations, the limit
//! becomes [`DECREASE`] of itself. Else, if as many requests were under way as there may be, it grows by one. So an idle sink's limit
//! stays where it is, and a receiver that slows down gets less to do before it has to refuse.

use std::time::{Duration, Instant};

/// More are never under way.
pub const MOST: usize = 128;
/// How much an interval counts against those before.
const WEIGHT: f64 = 0.4;
/// How many mean deviations are still no slowing down.
const DEVIATIONS: f64 = 2.5;
/// Smaller differences of round trips are nothing, however regular they are.
const NOISE: f64 = 0.001;
/// What is left of the limit where it was too high.
const DECREASE: f64 = 0.9;

/// A limit that follows what the receiver bears.
#[derive(Debug, Default)]
pub struct Adaptive {
    /// One less than the limit.
    more: f64,
    /// Expected seconds of a round trip, and their mean deviation.
    expected: Option<(f64, f64)>,
    interval: Interval,
}

/// What was seen since the limit was last looked at.
#[derive(Debug, Default)]
struct Interval {
    begun: Option<Instant>,
    seconds: f64,
    answers: u32,
    /// As many were under way as there may be.
    full: bool,
    /// Something was put off.
    put_off: bool,
}

impl Adaptive {
    /// How many there may be.
    pub fn limit(&self) -> usize {
        1 + self.more as usize
    }

    /// So many are under way.
    pub fn under_way(&mut self, requests: usize) {
        self.interval.full |= requests >= self.limit();
    }

    /// One came back, at a time, after so long. `put_off`: it was not taken now, but may be later.
    pub fn answered(&mut self, now: Instant, after: Duration, put_off: bool) {
        let begun = *self.interval.begun.get_or_insert(now);
        self.interval.put_off |= put_off;
        if !put_off {
            self.interval.seconds += after.as_secs_f64();
            self.interval.answers += 1;
        }
        let expected = self.expected.map_or(0.0, |(expected, _)| expected);
        if now.saturating_duration_since(begun).as_secs_f64() >= expected {
            self.look();
            self.interval.begun = Some(now);
        }
    }

    /// The end of an interval.
    fn look(&mut self) {
        let interval = std::mem::take(&mut self.interval);
        let mean = (interval.answers > 0).then(|| interval.seconds / f64::from(interval.answers));
        let slower = |mean: f64, (expected, deviation): (f64, f64)| mean > expected + (deviation * DEVIATIONS).max(NOISE);
        let slow = mean.zip(self.expected).is_some_and(|(mean, expected)| slower(mean, expected));
        if interval.put_off || slow {
            self.more = ((1.0 + self.more) * DECREASE - 1.0).max(0.0).floor();
        } else if interval.full {
            self.more = (self.more + 1.0).min((MOST - 1) as f64);
        }
        if let Some(mean) = mean {
            let (expected, deviation) = self.expected.unwrap_or((mean, 0.0));
            let difference = mean - expected;
            self.expected = Some((expected + WEIGHT * difference, deviation + WEIGHT * (difference.abs() - deviation)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Adaptive, MOST};

    /// A receiver that takes so many at once in the same time, and serves more of them one after the other.
    fn settled(at_once: usize) -> usize {
        let (mut adaptive, mut now, trip) = (Adaptive::default(), Instant::now(), 0.02);
        for _ in 0..2000 {
            let limit = adaptive.limit();
            let queue = (limit as f64 / at_once as f64).max(1.0);
            now += Duration::from_secs_f64(trip * queue);
            for _ in 0..limit {
                adaptive.under_way(limit);
                adaptive.answered(now, Duration::from_secs_f64(trip * queue), limit > at_once * 2);
            }
        }
        adaptive.limit()
    }

    #[test]
    fn the_limit_grows_to_what_the_receiver_bears_and_not_far_beyond() {
        for at_once in [1, 4, 16] {
            let limit = settled(at_once);
            assert!((at_once..=at_once * 2 + 1).contains(&limit), "{limit} for a receiver of {at_once}");
        }
        assert_eq!(settled(10_000), MOST);
    }

    #[test]
    fn it_does_not_grow_where_it_is_not_used_and_falls_to_one_where_nothing_is_taken() {
        let (mut adaptive, mut now) = (Adaptive::default(), Instant::now());
        let mut answer = |adaptive: &mut Adaptive, put_off| {
            now += Duration::from_millis(10);
            adaptive.answered(now, Duration::from_millis(10), put_off);
        };
        for _ in 0..100 {
            adaptive.under_way(0);
            answer(&mut adaptive, false);
        }
        assert_eq!(adaptive.limit(), 1);
        for _ in 0..100 {
            let limit = adaptive.limit();
            adaptive.under_way(limit);
            answer(&mut adaptive, false);
        }
        assert!(adaptive.limit() > 50);
        for _ in 0..1000 {
            answer(&mut adaptive, true);
        }
        assert_eq!(adaptive.limit(), 1);
    }
}
