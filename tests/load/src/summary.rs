//! How fast it was.

use std::time::Duration;

/// What was seen of some requests.
#[derive(Debug, Default)]
pub struct Summary {
    times: Vec<Duration>,
    /// Requests that were told "not now".
    pub refused: u64,
}

impl Summary {
    /// A request was acknowledged after so long.
    pub fn took(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.refused += other.refused;
    }

    /// One line: rate, percentiles of the acknowledgement's time in milliseconds, refusals.
    pub fn text(mut self, events: usize, time: Duration) -> String {
        self.times.sort();
        let at = |share: f64| {
            let index = ((self.times.len() as f64 * share) as usize).min(self.times.len().saturating_sub(1));
            self.times.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let rate = events as f64 / time.as_secs_f64();
        format!(
            "{rate:.0} events/s, {events} events in {:.2} s, {} requests; acknowledged after {:.2} ms (median), {:.2} (90 %), {:.2} (99 %), {:.2} (longest); {} told to come back",
            time.as_secs_f64(),
            self.times.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0),
            self.refused
        )
    }
}
