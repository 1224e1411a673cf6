//! Journal, store and folder, on real files.

mod folder;
mod journal;
mod store;

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
    })
}
