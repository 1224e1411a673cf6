//! The keyed store: from a routing key to its slot, with bounds a key group, and what changed since the last snapshot.

use hashbrown::HashTable;

use super::key::KeyBytes;
use super::order::Order;
use super::slab::{Slab, Slot};
use crate::Rows;
use crate::detector::NEVER;

/// How many key groups there are.
pub(crate) const GROUPS: usize = 256;
/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// The group of a key, by its hash (SEMANTICS 3).
#[inline]
pub(crate) fn group(hash: u64) -> usize {
    (hash >> 32) as usize & (GROUPS - 1)
}

/// What is kept of a key group as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// How many keys it has.
    pub keys: u32,
    /// The end of the latest window that it evicted.
    pub evicted_until: i64,
    /// How many keys were evicted with something open.
    pub evictions: u32,
    pub dirty: bool,
}

/// In the table: part of the key's hash, so that neither growing nor a miss needs to look at a slot, and the slot.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u32,
    slot: u32,
}

impl Entry {
    /// hashbrown takes the place from the low bits and its own tags from the high ones.
    fn hash(tag: u32) -> u64 {
        u64::from(tag) << 32 | u64::from(tag)
    }
}

/// All keys with their state.
#[derive(Debug)]
pub(crate) struct Store<S> {
    table: HashTable<Entry>,
    table_seed: u64,
    pub slab: Slab<S>,
    free: Vec<u32>,
    pub groups: Vec<Group>,
    pub order: Order,
    /// Slots that changed since the last snapshot; a slot is in it once.
    pub dirty: Vec<u32>,
    /// Keys of the last snapshot that are no more, with their hashes.
    pub gone: Vec<(u64, KeyBytes)>,
    /// How often a slot was given up: as long as this stays, a slot that was looked up is still right.
    pub removals: u64,
}

impl<S: Default> Store<S> {
    pub fn new(table_seed: u64) -> Self {
        let group = Group { keys: 0, evicted_until: i64::MIN, evictions: 0, dirty: false };
        Store {
            table: HashTable::new(),
            table_seed,
            slab: Slab::new(),
            free: Vec::new(),
            groups: vec![group; GROUPS],
            order: Order::default(),
            dirty: Vec::new(),
            gone: Vec::new(),
            removals: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    fn tag(&self, hash: u64) -> u32 {
        ((hash ^ self.table_seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }

    /// The slot of a key, `NONE` if it has none.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> u32 {
        let tag = self.tag(hash);
        let is = |e: &Entry| e.tag == tag && self.slab.get(e.slot).is_some_and(|s| s.key.is(key));
        self.table.find(Entry::hash(tag), is).map_or(NONE, |e| e.slot)
    }

    /// Whether a slot is this key's.
    #[inline]
    pub fn holds(&self, slot: u32, key: &[u8]) -> bool {
        self.slab.get(slot).is_some_and(|s| s.live && s.key.is(key))
    }

    /// The slots of all rows before any state is touched, in two tight loops: so the cache misses of many rows overlap, first those of
    /// the table, then those of the slots. `warm` reads what the rows' keys will need.
    pub fn find_all(&self, rows: &Rows<'_>, slots: &mut Vec<u32>, warm: impl Fn(&S) -> u64) {
        slots.clear();
        if rows.key_hashes.len() < rows.count {
            slots.resize(rows.count, self.find(0, &[]));
            return;
        }
        slots.extend(rows.key_hashes.iter().map(|&hash| {
            let tag = self.tag(hash);
            self.table.find(Entry::hash(tag), |e| e.tag == tag).map_or(NONE, |e| e.slot)
        }));
        let mut touched = 0;
        for (i, found) in slots.iter_mut().enumerate() {
            let Some(slot) = self.slab.get(*found) else { continue };
            touched ^= slot.timer as u64 ^ warm(&slot.state);
            if !slot.key.is(rows.keys.get(i)) {
                // Two keys of one tag.
                *found = rows.key_hashes.get(i).map_or(NONE, |&hash| self.find(hash, rows.keys.get(i)));
            }
        }
        std::hint::black_box(touched);
    }

    /// A slot for a key that has none. Room in its group is the caller's business.
    pub fn insert(&mut self, hash: u64, key: &[u8], last: u64) -> u32 {
        let mut slot = Slot { key: KeyBytes::new(key), hash, last, timer: NEVER, live: true, ..Slot::default() };
        let of = group(hash);
        slot.suspect_before = i64::MIN;
        if let Some(group) = self.groups.get_mut(of) {
            group.keys += 1;
            slot.suspect_before = group.evicted_until;
        }
        let i = match self.free.pop() {
            Some(i) => {
                if let Some(old) = self.slab.get_mut(i) {
                    slot.dirty = old.dirty;
                    *old = slot;
                }
                i
            }
            None => self.slab.push(slot),
        };
        let tag = self.tag(hash);
        self.table.insert_unique(Entry::hash(tag), Entry { tag, slot: i }, |e| Entry::hash(e.tag));
        self.order.enter(of, last, i);
        i
    }

    /// Forgets a key.
    pub fn remove(&mut self, i: u32) {
        let Some(slot) = self.slab.get_mut(i).filter(|s| s.live) else { return };
        let hash = slot.hash;
        let key = std::mem::take(&mut slot.key);
        if slot.saved {
            self.gone.push((hash, key));
        }
        // Still in the list of changed slots if it was: the flag says so to the next key here.
        *slot = Slot { dirty: slot.dirty, timer: NEVER, ..Slot::default() };
        if let Some(group) = self.groups.get_mut(group(hash)) {
            group.keys -= 1;
        }
        let tag = self.tag(hash);
        if let Ok(entry) = self.table.find_entry(Entry::hash(tag), |e| e.slot == i) {
            entry.remove();
        }
        self.free.push(i);
        self.removals += 1;
    }
}
