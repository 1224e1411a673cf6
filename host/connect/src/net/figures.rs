//! What a source that is connected to counts. Read by anyone at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hyper::StatusCode;

/// Answers by the class of their status.
#[derive(Debug, Default)]
struct Statuses([AtomicU64; 5]);

impl Statuses {
    pub fn count(&self, status: StatusCode) {
        if let Some(count) = usize::from(status.as_u16() / 100).checked_sub(1).and_then(|class| self.0.get(class)) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub fn of_class(&self, class: usize) -> u64 {
        class.checked_sub(1).and_then(|class| self.0.get(class)).map_or(0, |count| count.load(Relaxed))
    }
}

/// The figures of a source.
#[derive(Debug, Default)]
pub struct NetFigures {
    statuses: Statuses,
    /// Bytes of bodies that were read, as they came.
    pub bytes: AtomicU64,
    /// Requests that are taken in and not answered yet.
    pub unacknowledged: AtomicU64,
    /// Requests that had come before, and of which nothing was taken in twice.
    pub repeated: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicU64,
    /// Connections that were one too many.
    pub refused_connections: AtomicU64,
    /// Connections whose TLS handshake failed.
    pub failed_handshakes: AtomicU64,
}

impl NetFigures {
    /// Requests answered with a status of this class, as HTTP has them: 2 for what was taken, 4 for what is wrong, 5 for what is to come
    /// again.
    pub fn requests(&self, class: usize) -> u64 {
        self.statuses.of_class(class)
    }

    /// A request has its answer; other protocols say the status that HTTP would have.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.statuses.count(status);
    }
}

/// A gauge that counts one up for as long as this lives.
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    pub fn new(gauge: &'a AtomicU64) -> Self {
        gauge.fetch_add(1, Relaxed);
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
