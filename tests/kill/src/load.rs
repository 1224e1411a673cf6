//! The load: events through every kind of live source, at some thousand a second altogether, in event time that goes sixty times as fast as
//! real time.

mod follow;
mod line;
mod pipe;
mod post;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use follow::{Followed, follow};
pub use pipe::{Pipe, feed};
pub use post::{Posted, post};

/// Event time of the first events, in seconds since the beginning of the month.
const START: u64 = 24 * 3600 + 8 * 3600;
/// Seconds of event time in a second.
const FASTER: f64 = 60.0;

/// What time it is in events.
pub struct Clock(Instant);

impl Clock {
    /// Begins now.
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Now, in seconds.
    pub fn now(&self) -> u64 {
        START + (self.0.elapsed().as_secs_f64() * FASTER) as u64
    }

    /// A time as it stands in events.
    pub fn written(seconds: u64, between: char) -> String {
        let (day, hour, minute) = (1 + seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        format!("2026-03-{day:02}{between}{hour:02}:{minute:02}:{:02}", seconds % 60)
    }
}

/// What all threads of a round look at.
pub struct Load {
    /// The time.
    pub clock: Clock,
    /// No further events are to be made.
    pub enough: AtomicBool,
    /// The round has failed: all end at once.
    pub over: AtomicBool,
}

impl Load {
    /// Begins.
    pub fn new() -> Self {
        Self { clock: Clock::new(), enough: AtomicBool::new(false), over: AtomicBool::new(false) }
    }

    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        !self.enough.load(Ordering::Acquire) && !self.is_over()
    }

    /// Whether nothing matters any more.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// Between two bursts: some are right after each other.
fn rest(rng: &mut fastrand::Rng) {
    if rng.u8(..10) > 1 {
        std::thread::sleep(Duration::from_millis(rng.u64(1..40)));
    }
}
