//! Slots in chunks: growing never moves nor doubles anything, since the memory of a WebAssembly instance never shrinks.

use super::key::KeyBytes;

const CHUNK_BITS: u32 = 10;

/// What is kept of a key beside the detector's own state. In the order in which it is used: what a row touches lies together.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Slot<S> {
    pub hash: u64,
    pub key: KeyBytes,
    /// When its last event came, in rows of this instance.
    pub last: u64,
    /// When its timer fires; `NEVER` for none.
    pub timer: i64,
    /// What begins before this may have lost events: where its group's evictions reached when this key was first seen.
    pub suspect_before: i64,
    pub live: bool,
    pub open: bool,
    /// In the list of what the next increment holds.
    pub dirty: bool,
    /// In an earlier snapshot, so that its end has to be told.
    pub saved: bool,
    pub state: S,
}

/// All slots by number.
#[derive(Debug)]
pub(crate) struct Slab<S> {
    chunks: Vec<Vec<Slot<S>>>,
}

impl<S> Slab<S> {
    pub fn new() -> Self {
        Slab { chunks: Vec::new() }
    }

    #[inline]
    pub fn get(&self, i: u32) -> Option<&Slot<S>> {
        self.chunks.get((i >> CHUNK_BITS) as usize)?.get((i & ((1 << CHUNK_BITS) - 1)) as usize)
    }

    #[inline]
    pub fn get_mut(&mut self, i: u32) -> Option<&mut Slot<S>> {
        self.chunks.get_mut((i >> CHUNK_BITS) as usize)?.get_mut((i & ((1 << CHUNK_BITS) - 1)) as usize)
    }

    /// Puts a slot at the end and gives its number.
    pub fn push(&mut self, slot: Slot<S>) -> u32 {
        let at = self.len();
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < 1 << CHUNK_BITS => chunk.push(slot),
            _ => {
                let mut chunk = Vec::with_capacity(1 << CHUNK_BITS);
                chunk.push(slot);
                self.chunks.push(chunk);
            }
        }
        at
    }

    pub fn len(&self) -> u32 {
        let full = self.chunks.len().saturating_sub(1) << CHUNK_BITS;
        (full + self.chunks.last().map_or(0, Vec::len)) as u32
    }
}
