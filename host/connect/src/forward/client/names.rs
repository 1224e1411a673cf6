//! What requests are called. One that is sent again has the name that it had, so that the server can know it; one that only looks like an
//! earlier one has another, so that the server does not take it for that.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

/// So many requests that failed are remembered. No more than that are ever sent again side by side.
const MOST: usize = 1024;

/// The names of the requests of one sink.
#[derive(Debug)]
pub struct Names {
    /// Another for each request, and for each run of the program.
    next: AtomicU64,
    /// Requests that were not taken when they were sent last: the hash of their bytes, and their name.
    failed: Mutex<VecDeque<(u128, u128)>>,
}

/// A request's name, while it is being sent.
#[derive(Debug)]
pub struct Name<'a> {
    names: &'a Names,
    hash: u128,
    value: u128,
    taken: bool,
}

impl Names {
    /// Nothing was sent yet.
    pub fn new() -> Self {
        Self { next: AtomicU64::new(fastrand::u64(..)), failed: Mutex::default() }
    }

    /// The name of a request that is sent now.
    pub fn name(&self, body: &[u8]) -> Name<'_> {
        let hash = xxh3_128(body);
        let mut failed = self.failed();
        let known = failed.iter().position(|(other, _)| *other == hash).and_then(|at| failed.remove(at));
        let value = known.map_or_else(|| xxh3_128_with_seed(&hash.to_le_bytes(), self.next.fetch_add(1, Relaxed)), |(_, value)| value);
        Name { names: self, hash, value, taken: false }
    }

    fn failed(&self) -> MutexGuard<'_, VecDeque<(u128, u128)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name<'_> {
    /// The name.
    pub fn value(&self) -> u128 {
        self.value
    }

    /// The request was taken: the next one that looks like it is another.
    pub fn taken(mut self) {
        self.taken = true;
    }
}

impl Drop for Name<'_> {
    /// However sending it ended, if it was not taken it is sent again.
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut failed = self.names.failed();
        if failed.len() >= MOST {
            failed.pop_front();
        }
        failed.push_back((self.hash, self.value));
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_request_that_is_sent_again_has_its_name_and_one_that_looks_like_it_has_not() {
        let names = Names::new();
        let first = names.name(b"one");
        let beside = names.name(b"one");
        assert_ne!(first.value(), beside.value(), "both under way");
        let (value, other) = (first.value(), beside.value());
        drop(first);
        let again = names.name(b"one");
        assert_eq!(again.value(), value);
        again.taken();
        beside.taken();
        let new = names.name(b"one").value();
        assert!(new != value && new != other);
        (0..3000_u32).for_each(|number| drop(names.name(&number.to_le_bytes())));
        assert_eq!(names.failed().len(), super::MOST);
    }
}
