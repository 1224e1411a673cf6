//! Bytes of requests that wait for admission: bounded for all connections together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A request's share of the bytes that may wait for admission; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    waiting: Arc<AtomicUsize>,
    most: usize,
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub(super) fn new(waiting: &Arc<AtomicUsize>, most: usize) -> Self {
        Self { waiting: waiting.clone(), most, bytes: 0 }
    }

    /// Takes more. Gives whether there was so much.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.waiting.fetch_add(bytes, Relaxed) + bytes <= self.most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Relaxed);
    }
}
