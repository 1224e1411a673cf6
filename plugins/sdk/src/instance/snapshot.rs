//! State on its way out and in (SEMANTICS 9). One entry a key, made by postcard; one a key group that has evicted, without a key.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::store::group;
use super::{Instance, NONE};
use crate::config::{Config, Json};
use crate::{Detector, Entries, OwnedStrings, Routing, Scope};

/// A chunk's size, all lists of it together.
const CHUNK: usize = 1 << 20;
/// What an entry takes in a chunk beside its bytes: three offsets, its group, its bit.
const OVERHEAD: usize = 14;
/// The sub-key of a group's own state; a key's has none.
const GROUP: &[u8] = b"group";

/// What is kept of a key beside the detector's own state.
#[derive(Serialize, Deserialize)]
struct Kept {
    last: u64,
    timer: i64,
    suspect_before: i64,
    open: bool,
}

/// Entries on their way out.
struct Out<'a> {
    chunk: Entries,
    size: usize,
    put: &'a mut dyn FnMut(Entries),
}

fn empty() -> Entries {
    let strings = || OwnedStrings { offsets: vec![0], data: Vec::new() };
    Entries { groups: Vec::new(), keys: strings(), sub_keys: strings(), values: strings(), deleted: Vec::new() }
}

fn push(strings: &mut OwnedStrings, bytes: &[u8]) {
    strings.data.extend_from_slice(bytes);
    strings.offsets.push(strings.data.len() as u32);
}

impl Out<'_> {
    fn entry(&mut self, group: usize, key: &[u8], sub_key: &[u8], value: Option<&[u8]>) {
        let size = key.len() + sub_key.len() + value.map_or(0, <[u8]>::len) + OVERHEAD;
        if self.size + size > CHUNK {
            self.give();
        }
        self.size += size;
        let at = self.chunk.groups.len();
        if value.is_none() {
            self.chunk.deleted.resize(at / 8 + 1, 0);
            if let Some(bits) = self.chunk.deleted.last_mut() {
                *bits |= 1 << (at % 8);
            }
        }
        self.chunk.groups.push(group as u8);
        push(&mut self.chunk.keys, key);
        push(&mut self.chunk.sub_keys, sub_key);
        push(&mut self.chunk.values, value.unwrap_or_default());
    }

    fn give(&mut self) {
        let mut chunk = std::mem::replace(&mut self.chunk, empty());
        let rows = chunk.groups.len();
        if rows > 0 {
            if !chunk.deleted.is_empty() {
                chunk.deleted.resize(rows.div_ceil(8), 0);
            }
            (self.put)(chunk);
        }
        self.size = 3 * 4;
    }
}

impl<D: Detector> Instance<D> {
    /// Gives all entries, or those that changed since the last snapshot. A stateless detector has none.
    pub fn snapshot(&mut self, scope: Scope, put: &mut dyn FnMut(Entries)) {
        if self.setup.routing == Routing::Stateless {
            return;
        }
        let mut out = Out { chunk: empty(), size: 3 * 4, put };
        let gone = std::mem::take(&mut self.store.gone);
        let mut slots = std::mem::take(&mut self.store.dirty);
        let full = scope == Scope::Full;
        if full {
            slots.clear();
            slots.extend(0..self.store.slab.len());
        }
        if !full {
            // A key that is back has an entry below.
            for (hash, key) in gone.iter().filter(|(hash, key)| self.store.find(*hash, key.get()) == NONE) {
                out.entry(group(*hash), key.get(), &[], None);
            }
        }
        let mut value = Vec::new();
        for (of, group) in self.store.groups.iter_mut().enumerate() {
            if group.dirty || full && (group.evictions > 0 || group.evicted_until > i64::MIN) {
                encode(&mut value, &(group.evicted_until, group.evictions));
                out.entry(of, &[], GROUP, Some(&value));
            }
            group.dirty = false;
        }
        for i in slots {
            let Some(slot) = self.store.slab.get_mut(i) else { continue };
            slot.dirty = false;
            if !slot.live {
                continue;
            }
            slot.saved = true;
            let kept = Kept { last: slot.last, timer: slot.timer, suspect_before: slot.suspect_before, open: slot.open };
            encode(&mut value, &(kept, &slot.state));
            out.entry(group(slot.hash), slot.key.get(), &[], Some(&value));
        }
        out.give();
    }

    /// Takes the entries of a snapshot, chunk by chunk, each with the hashes of its keys. `version` and `config` are those that they were made
    /// with. An error refuses them; the instance is of no use then.
    pub fn restore(&mut self, version: u32, config: &str, next: &mut dyn FnMut() -> Option<(Entries, Vec<u64>)>) -> Result<(), String> {
        if version != D::INFO.state_version {
            return Err(format!("the state is of version {version}; this plugin reads version {}", D::INFO.state_version));
        }
        let then = D::Config::parse(config).map_err(|_| "the state's configuration cannot be read".to_owned())?;
        fits(&self.config.json(), &then.json(), D::MAY_CHANGE)?;
        while let Some((chunk, hashes)) = next() {
            self.take(&chunk, &hashes)?;
        }
        // What a later chunk replaced was never put.
        self.store.gone.clear();
        Ok(())
    }

    fn take(&mut self, chunk: &Entries, hashes: &[u64]) -> Result<(), String> {
        for (i, &of) in chunk.groups.iter().enumerate() {
            let field =
                |strings: &OwnedStrings| -> Vec<u8> { crate::Strings { offsets: &strings.offsets, data: &strings.data }.get(i).to_vec() };
            let (key, value) = (field(&chunk.keys), field(&chunk.values));
            let deleted = chunk.deleted.get(i / 8).is_some_and(|b| b >> (i % 8) & 1 == 1);
            if field(&chunk.sub_keys) == GROUP {
                let (until, evictions) = decode(&value)?;
                if let Some(group) = self.store.groups.get_mut(of as usize) {
                    group.evicted_until = until;
                    group.evictions = evictions;
                }
                continue;
            }
            let hash = hashes.get(i).copied().unwrap_or(0);
            let old = self.store.find(hash, &key);
            if old != NONE {
                self.store.remove(old);
            }
            if !deleted {
                self.put(hash, &key, decode(&value)?);
            }
        }
        Ok(())
    }

    fn put(&mut self, hash: u64, key: &[u8], (kept, state): (Kept, D::State)) {
        let i = self.store.insert(hash, key, kept.last);
        self.rows = self.rows.max(kept.last);
        let Some(slot) = self.store.slab.get_mut(i) else { return };
        slot.timer = kept.timer;
        slot.suspect_before = kept.suspect_before;
        slot.open = kept.open;
        slot.saved = true;
        slot.state = state;
        if kept.timer != crate::detector::NEVER {
            self.timers.push(kept.timer, i);
        }
    }
}

fn encode(into: &mut Vec<u8>, value: &impl Serialize) {
    into.clear();
    let taken = std::mem::take(into);
    // Writing to memory does not fail, and no type of state has a length that is not known.
    *into = postcard::to_extend(value, taken).unwrap_or_default();
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    postcard::from_bytes(value).map_err(|error| format!("an entry of the state cannot be read: {error}"))
}

/// State goes on only if nothing that shaped it has changed.
fn fits(now: &Json, then: &Json, may_change: &[&str]) -> Result<(), String> {
    let (Some(now), Some(then)) = (now.as_object(), then.as_object()) else { return Ok(()) };
    match now.iter().find(|(key, value)| !may_change.contains(&key.as_str()) && then.get(*key) != Some(value)) {
        Some((key, _)) => Err(format!("`{key}` has changed since the state was made, and the state does not fit it")),
        None => Ok(()),
    }
}
