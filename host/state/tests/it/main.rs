//! Journal, store and folder, on real files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod damage;
mod folder;
mod full;
mod journal;
mod kill;
mod power;
mod store;

use std::thread;
use std::time::{Duration, Instant};

use eyas_event::{Partition, Position};
use eyas_state::{Record, SliceRecord};

/// A journalled slice of so many bytes, read at some second.
fn slice(length: usize, second: i64) -> Record {
    Record::Slice(SliceRecord {
        partition: Partition { source: 0, number: 0 },
        position: Position::default(),
        length: length as u64,
        ingest_time: second * eyas_event::NANOS_PER_SECOND,
        header: None,
        oversize: false,
        turn_end: None,
        journalled: true,
        request: None,
    })
}

/// A folder in memory where there is one, for tests that sync often and do not mean the disk.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Waits until something has come to be.
fn until(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(Instant::now() < end, "it never came to be");
        thread::yield_now();
    }
}

/// Numbers that look like chance, from a seed.
struct Chance(u64);

impl Chance {
    /// One below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}
