//! Parts that look like what a shard gives a detector, and the same columns for a native instance.

use std::sync::Arc;

use eyas_event::{Column, Part, Strings, Values, key_hash};
use eyas_sdk::{ColumnData, Rows};

/// Rows of a part.
pub const ROWS: usize = 4096;
const SECOND: i64 = 1_000_000_000;
const EVENTS_A_WINDOW: i64 = 3;

/// Which detector the rows are for.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Keyed by two addresses; reads no column.
    BruteForce,
    /// Keyed by one address; reads the other.
    Ddos,
}

/// All keys in an order that hops about, again and again, time going on.
pub struct Workload {
    parts: Vec<Part>,
    next: usize,
    time: i64,
    step: i64,
}

impl Workload {
    pub fn new(kind: Kind, keys: usize) -> Self {
        let window = match kind {
            Kind::BruteForce => 120 * SECOND,
            Kind::Ddos => 60 * SECOND,
        };
        // Prime to every number of keys here, so each comes once a round.
        let ids: Vec<u32> = (0..keys).map(|i| (i * 2_654_435_761 % keys) as u32).collect();
        let parts = ids.chunks(ROWS).filter(|ids| ids.len() == ROWS || keys < ROWS).map(|ids| part(kind, ids)).collect();
        Self { parts, next: 0, time: 1_700_000_000 * SECOND, step: (window / EVENTS_A_WINDOW / keys as i64).max(1) }
    }

    /// The next part, with times of its own.
    pub fn next_part(&mut self) -> Arc<Part> {
        let mut part = self.parts[self.next].clone();
        self.next = (self.next + 1) % self.parts.len();
        let rows = part.rows.len() as i64;
        part.times = Arc::new((0..rows).map(|row| self.time + row * self.step).collect());
        part.watermarks = Arc::new((0..rows).map(|row| self.time + row * self.step - 5 * SECOND).collect());
        self.time += rows * self.step;
        Arc::new(part)
    }

    /// All parts once.
    pub fn once_round(&mut self, process: &mut impl FnMut(&Arc<Part>)) {
        for _ in 0..self.parts.len() {
            process(&self.next_part());
        }
    }

    /// One part of so many rows.
    pub fn part_of(&mut self, rows: usize) -> Arc<Part> {
        self.parts = vec![part(Kind::Ddos, &(0..rows as u32).collect::<Vec<_>>())];
        self.next_part()
    }
}

fn address(id: u32) -> [u8; 16] {
    std::net::Ipv4Addr::from(id).to_ipv6_mapped().octets()
}

fn part(kind: Kind, ids: &[u32]) -> Part {
    let (mut offsets, mut data, mut hashes) = (vec![0], Vec::new(), Vec::new());
    let (mut sources, mut destinations) = (Vec::new(), Vec::new());
    for &id in ids {
        let start = data.len();
        // The source of a flood is one of many; of a guessing of passwords it belongs to the key.
        let (source, destination) = match kind {
            Kind::BruteForce => (id, id >> 3),
            Kind::Ddos => (id.wrapping_mul(2_654_435_761) >> 12, id),
        };
        let key: &[u32] = match kind {
            Kind::BruteForce => &[source, destination],
            Kind::Ddos => &[destination],
        };
        for &field in key {
            data.push(8);
            data.extend(16u32.to_le_bytes());
            data.extend(address(field));
        }
        hashes.push(key_hash(42, &data[start..]));
        offsets.push(data.len() as u32);
        sources.extend(address(source));
        destinations.extend(address(destination));
    }
    Part {
        rows: (0..ids.len() as u32).collect(),
        keys: Strings { offsets: Arc::new(offsets), data: Arc::new(data) },
        hashes: Arc::new(hashes),
        columns: [sources, destinations].map(|bytes| Column { values: Values::Ip(Arc::new(bytes)), states: Arc::default() }).to_vec(),
        ..Part::default()
    }
}

/// The rows of a part for a native instance: the columns that its guest would pull.
pub fn native_rows<T>(part: &Part, kind: Kind, call: impl FnOnce(&Rows<'_>) -> T) -> T {
    let sources = match (kind, &part.columns[0].values) {
        (Kind::Ddos, Values::Ip(bytes)) => ColumnData::Ip(bytes),
        _ => ColumnData::Unread,
    };
    let columns = [(sources, &[][..]), (ColumnData::Unread, &[][..])];
    call(&Rows {
        count: part.len(),
        times: &part.times,
        watermarks: &part.watermarks,
        keys: eyas_sdk::Strings { offsets: &part.keys.offsets, data: &part.keys.data },
        key_hashes: &part.hashes,
        columns: &columns,
    })
}
