//! What sources that speak HTTP count. Read by anyone at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hyper::StatusCode;

/// Answers by the class of their status.
#[derive(Debug, Default)]
struct Statuses([AtomicU64; 5]);

impl Statuses {
    fn count(&self, status: StatusCode) {
        if let Some(count) = usize::from(status.as_u16() / 100).checked_sub(1).and_then(|class| self.0.get(class)) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn of_class(&self, class: usize) -> u64 {
        class.checked_sub(1).and_then(|class| self.0.get(class)).map_or(0, |count| count.load(Relaxed))
    }
}

/// The figures of a source.
#[derive(Debug, Default)]
pub struct HttpFigures {
    statuses: Statuses,
    /// Bytes of bodies that were read.
    pub bytes: AtomicU64,
    /// Requests that are taken in and not answered yet.
    pub unacknowledged: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicU64,
    /// Connections that were one too many.
    pub refused_connections: AtomicU64,
}

impl HttpFigures {
    /// Requests answered with a status of this class: 2 for 200 to 299.
    pub fn requests(&self, class: usize) -> u64 {
        self.statuses.of_class(class)
    }

    pub(super) fn answered(&self, status: StatusCode) {
        self.statuses.count(status);
    }
}

/// A gauge that counts one up for as long as this lives.
pub(super) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    pub(super) fn new(gauge: &'a AtomicU64) -> Self {
        gauge.fetch_add(1, Relaxed);
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
