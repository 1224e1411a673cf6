//! How a segment of the log looks on disk; all numbers are little-endian.
//!
//! A segment begins with its header: `eyas-log`, the format's version (u32), a checksum of the header (u32), the number of its first
//! record (u64), the number up to which the log was safe when it was begun (u64), its marker (u64).
//!
//! Then come records, each of them: the marker (u64), its number (u64), the number up to which the log was safe when it was written (u64),
//! the length of its bytes (u32) and of its header (u32), a checksum of its bytes (u32), a checksum of all that stands before and of its
//! header (u32), its header ([`crate::Record`] by postcard), its bytes.
//!
//! The marker is a random number of the segment's own. Behind something unreadable, records are found by it; and what somebody puts into
//! an event cannot pass for a record, since he does not know it.

use std::hash::{BuildHasher, RandomState};

/// The version that is written, and the newest that can be read. The segment's header stays as it is in all versions.
pub const VERSION: u32 = 1;
/// Length of a segment's header.
pub const HEADER: usize = 40;
/// Length of what stands before a record's header.
pub const PREFIX: usize = 40;

const MAGIC: &[u8; 8] = b"eyas-log";

/// Begins a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format.
    pub version: u32,
    /// Number of its first record.
    pub first: u64,
    /// Records before this number were safe when it was begun.
    pub safe: u64,
    /// Begins each of its records.
    pub marker: u64,
}

impl Header {
    /// Of a new segment.
    pub fn new(first: u64, safe: u64) -> Self {
        Self { version: VERSION, first, safe, marker: RandomState::new().hash_one(first) }
    }

    /// As it stands on disk.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &self.version.to_le_bytes());
        put(&mut bytes, 16, &self.first.to_le_bytes());
        put(&mut bytes, 24, &self.safe.to_le_bytes());
        put(&mut bytes, 32, &self.marker.to_le_bytes());
        let checksum = crc32fast::hash(&bytes);
        put(&mut bytes, 12, &checksum.to_le_bytes());
        bytes
    }

    /// Nothing if it is not one.
    pub fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let mut unsigned = *bytes;
        put(&mut unsigned, 12, &[0; 4]);
        let good = bytes.starts_with(MAGIC) && crc32fast::hash(&unsigned) == u32_at(bytes, 12);
        good.then(|| Self { version: u32_at(bytes, 8), first: u64_at(bytes, 16), safe: u64_at(bytes, 24), marker: u64_at(bytes, 32) })
    }
}

/// Begins a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The segment's.
    pub marker: u64,
    /// The record's number.
    pub number: u64,
    /// Records before this number were safe when it was written.
    pub safe: u64,
    /// Length of its bytes.
    pub bytes: u32,
    /// Length of its header.
    pub header: u32,
    /// Checksum of its bytes.
    pub bytes_checksum: u32,
    checksum: u32,
}

impl Prefix {
    /// Puts a prefix into the first bytes of `frame`, behind which the record's header stands.
    pub fn seal(frame: &mut [u8], marker: u64, number: u64, safe: u64, bytes: u32, bytes_checksum: u32) {
        let header = u32::try_from(frame.len().saturating_sub(PREFIX)).unwrap_or(u32::MAX);
        put(frame, 0, &marker.to_le_bytes());
        put(frame, 8, &number.to_le_bytes());
        put(frame, 16, &safe.to_le_bytes());
        put(frame, 24, &bytes.to_le_bytes());
        put(frame, 28, &header.to_le_bytes());
        put(frame, 32, &bytes_checksum.to_le_bytes());
        let checksum = checksum(frame, frame.get(PREFIX..).unwrap_or_default());
        put(frame, 36, &checksum.to_le_bytes());
    }

    /// What a prefix says; whether it is one, [`Prefix::fits`] tells.
    pub fn decode(bytes: &[u8; PREFIX]) -> Self {
        Self {
            marker: u64_at(bytes, 0),
            number: u64_at(bytes, 8),
            safe: u64_at(bytes, 16),
            bytes: u32_at(bytes, 24),
            header: u32_at(bytes, 28),
            bytes_checksum: u32_at(bytes, 32),
            checksum: u32_at(bytes, 36),
        }
    }

    /// Whether the prefix and the header behind it are as they were written.
    pub fn fits(&self, prefix: &[u8; PREFIX], header: &[u8]) -> bool {
        self.checksum == checksum(prefix, header)
    }
}

/// The checksum of a prefix, without itself, and a header.
fn checksum(prefix: &[u8], header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(prefix.get(..PREFIX - 4).unwrap_or_default());
    hasher.update(header);
    hasher.finalize()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
