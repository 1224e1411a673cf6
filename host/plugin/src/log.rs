//! What guests log: escaped, rate-limited, with a count of what was left out.

use std::sync::Arc;

use crate::abi::Level;
use crate::text::escape;
use crate::ticker::Ticks;

const LINE_BYTES: usize = 4096;
const TICKS_A_LINE: u64 = 10;

/// The log of one instance. It has an allowance of lines that fills up with time; the engine's ticks are its clock.
#[derive(Debug)]
pub(crate) struct Log {
    detector: Arc<str>,
    ticks: Ticks,
    capacity: u64,
    allowance: u64,
    filled_at: u64,
    left_out: u64,
    /// The last error that the guest logged in this call: the message of a panic is one.
    last_error: Option<String>,
}

impl Log {
    pub fn new(detector: Arc<str>, ticks: Ticks, lines: u32) -> Self {
        let filled_at = ticks.now();
        Self { detector, ticks, capacity: lines.into(), allowance: lines.into(), filled_at, left_out: 0, last_error: None }
    }

    /// A new call begins.
    pub fn begin(&mut self) {
        self.last_error = None;
    }

    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    pub fn line(&mut self, level: Level, message: &str) {
        if matches!(level, Level::Error) {
            self.last_error = Some(escape(message, LINE_BYTES));
        }
        if !self.allowed() {
            self.left_out += 1;
            return;
        }
        self.tell_left_out();
        let (detector, message) = (&*self.detector, escape(message, LINE_BYTES));
        match level {
            Level::Debug => tracing::debug!(target: "eyas::guest", detector, "{message}"),
            Level::Info => tracing::info!(target: "eyas::guest", detector, "{message}"),
            Level::Warn => tracing::warn!(target: "eyas::guest", detector, "{message}"),
            Level::Error => tracing::error!(target: "eyas::guest", detector, "{message}"),
        }
    }

    fn allowed(&mut self) -> bool {
        let lines = self.ticks.now().saturating_sub(self.filled_at) / TICKS_A_LINE;
        self.filled_at += lines * TICKS_A_LINE;
        self.allowance = self.allowance.saturating_add(lines).min(self.capacity);
        let allowed = self.allowance > 0;
        self.allowance = self.allowance.saturating_sub(1);
        allowed
    }

    fn tell_left_out(&mut self) {
        if self.left_out > 0 {
            tracing::warn!(target: "eyas::guest", detector = &*self.detector, "{} lines left out: it logs too much", self.left_out);
            self.left_out = 0;
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.tell_left_out();
    }
}
