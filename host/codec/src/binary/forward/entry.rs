//! One entry: its parts, and where the asked-for values in it stand.

use super::value::{self, METADATA, TAG, TIMESTAMP, is_event_time, members, slot};
use crate::binary::{exact, is_text};
use crate::forward::msgpack::{Shape, head as head_at, skip};
use crate::json::scan::Padded;
use crate::json::trie::{Node, ROOT, Trie};
use crate::json::walk::{MAX_DEPTH, Namesake};
use crate::json::{Kind, Slot};

/// What an entry is.
pub(super) enum What {
    Log,
    Opaque,
}

/// What is wrong, and where.
pub(super) type Wrong = (&'static str, usize);

/// The parts of an entry: where its time is, its metadata if it has any, and its record.
pub(super) struct Parts {
    pub(super) time: (usize, usize),
    pub(super) metadata: Option<usize>,
    pub(super) record: usize,
}

impl Parts {
    /// Whether it is a mark of Fluent Bit's around a group of records.
    #[inline(always)]
    pub(super) fn is_mark(&self, bytes: &[u8]) -> bool {
        value::is_mark(bytes.get(self.time.0..self.time.1).unwrap_or_default())
    }
}

/// The parts of the entry at `at`. What follows its metadata is not looked at.
#[inline(always)]
pub(super) fn parts(bytes: &[u8], at: usize) -> Result<Parts, Wrong> {
    let pair = |at: usize| head_at(bytes, at).filter(|head| head.shape == Shape::Array);
    let Some(entry) = pair(at).filter(|head| head.len == 2) else { return Err(("an entry that is no list of time and record", at)) };
    let (mut time, mut metadata) = (entry.at, None);
    if let Some(first) = pair(time) {
        if first.len != 2 {
            return Err(("an entry whose time is no list of time and metadata", time));
        }
        time = first.at;
    }
    let inner = time != entry.at;
    let end = match head_at(bytes, time) {
        Some(head) if matches!(head.shape, Shape::Number | Shape::Nil) => head.at + head.len,
        Some(head) if head.shape == Shape::Ext && is_event_time(bytes.get(head.at..head.at + head.len).unwrap_or_default()) => {
            head.at + head.len
        }
        _ => return Err(("an entry without a time", time)),
    };
    let mut record = end;
    if inner {
        metadata = Some(end);
        match head_at(bytes, end) {
            Some(head) if head.shape == Shape::Map && head.len == 0 => record = head.at,
            Some(head) if head.shape == Shape::Map => record = skip(bytes, end).ok_or(("metadata that ends early", end))?,
            _ => return Err(("metadata that is no map", end)),
        }
    }
    Ok(Parts { time: (time, end), metadata, record })
}

/// One entry being read. Where a function gives nothing, `wrong` says why.
pub(super) struct Reading<'a> {
    pub(super) bytes: &'a [u8],
    /// The same, and what is behind.
    pub(super) padded: Padded<'a>,
    pub(super) trie: &'a Trie,
    /// The annotation key.
    pub(super) key: &'a [u8],
    pub(super) slots: &'a mut [Slot],
    pub(super) namesakes: &'a mut Vec<Namesake>,
    /// An asked-for key came twice in one object.
    pub(super) duplicate: bool,
    pub(super) wrong: Wrong,
}

impl Reading<'_> {
    #[cold]
    fn wrong<T>(&mut self, what: &'static str, at: usize) -> Option<T> {
        self.wrong = (what, at);
        None
    }

    /// Reads the entry at `at`: what it is, and where it ends. `tag` is where the tag is, if something beside the record is asked for.
    #[inline(always)]
    pub(super) fn entry(mut self, at: usize, tag: Option<(usize, usize)>) -> Result<(What, usize), Wrong> {
        let parts = parts(self.bytes, at)?;
        if parts.is_mark(self.bytes) {
            let end = skip(self.bytes, parts.record).ok_or((ENDS_EARLY, parts.record))?;
            return Ok((What::Opaque, end));
        }
        let mut seen = 0;
        let beside = tag.map(|tag| self.beside(at, &parts, tag, &mut seen));
        if beside == Some(None) {
            return Err(self.wrong);
        }
        match head_at(self.bytes, parts.record) {
            Some(head) if head.shape == Shape::Map => match self.object(head.at, head.len, Some(ROOT), 1, seen) {
                Some(end) if self.duplicate => {
                    self.resolve(at, &parts, tag);
                    Ok((What::Log, end))
                }
                Some(end) => Ok((What::Log, end)),
                None => Err(self.wrong),
            },
            _ => Err(("a record that is no map", parts.record)),
        }
    }

    /// What stands beside the record, as members before its own.
    fn beside(&mut self, at: usize, parts: &Parts, tag: (usize, usize), seen: &mut u64) -> Option<()> {
        for (name, value) in beside(self.padded, at, parts, tag) {
            let Some((node, number)) = self.trie.find(ROOT, name) else { continue };
            *seen |= 1 << (number % 64);
            self.note(value, Some(node));
            if value.kind() == Kind::Object && self.trie.leads_on(node) {
                let metadata = head_at(self.bytes, value.place().0)?;
                self.object(metadata.at, metadata.len, Some(node), 2, 0)?;
            }
        }
        Some(())
    }

    /// So many members from `at` on: where they end. `depth` lists and objects are around them, of which the last is theirs.
    #[inline(always)]
    fn object(&mut self, mut at: usize, members: usize, node: Option<Node>, depth: usize, mut seen: u64) -> Option<usize> {
        for _ in 0..members {
            let key_at = at;
            let Some(key) = head_at(self.bytes, at) else { return self.wrong(ENDS_EARLY, at) };
            if !matches!(key.shape, Shape::Str | Shape::Bin) {
                let value = self.pass(at, depth)?;
                at = self.pass(value, depth)?;
                continue;
            }
            at = key.at + key.len;
            let Some(name) = self.bytes.get(key.at..at) else { return self.wrong(ENDS_EARLY, key.at) };
            let found = node.and_then(|node| self.trie.find(node, name));
            let namesake = depth == 1 && name == self.key;
            match found {
                Some((to, number)) => {
                    // More than 64 keys share bits: what looks like a duplicate then costs time, not truth.
                    let bit = 1u64 << (number % 64);
                    self.duplicate |= seen & bit != 0;
                    seen |= bit;
                    at = self.asked(at, to, depth)?;
                }
                None => at = self.pass(at, depth)?,
            }
            if namesake {
                self.namesakes.push(Namesake { key: (key.at as u32, (key.at + key.len) as u32), value: (key_at as u32, at as u32) });
            }
        }
        Some(at)
    }

    /// A value to which a path leads.
    #[inline(always)]
    fn asked(&mut self, at: usize, node: Node, depth: usize) -> Option<usize> {
        let Some(head) = head_at(self.bytes, at) else { return self.wrong(ENDS_EARLY, at) };
        let end = match head.shape {
            Shape::Map if self.trie.leads_on(node) && depth < MAX_DEPTH => self.deeper(head.at, head.len, node, depth + 1)?,
            Shape::Map | Shape::Array => self.pass(at, depth)?,
            _ => head.at + head.len,
        };
        if end > self.bytes.len() {
            return self.wrong(ENDS_EARLY, at);
        }
        self.note(slot(self.padded, at, head, end), Some(node));
        Some(end)
    }

    #[inline(never)]
    fn deeper(&mut self, at: usize, members: usize, node: Node, depth: usize) -> Option<usize> {
        self.object(at, members, Some(node), depth, 0)
    }

    #[inline(always)]
    fn note(&mut self, value: Slot, node: Option<Node>) {
        if let Some(slot) = node.and_then(|node| self.trie.slot(node)).and_then(|slot| self.slots.get_mut(usize::from(slot))) {
            *slot = value;
        }
    }

    /// A value that nobody asked for, inside so many lists and objects: where it ends.
    #[inline(always)]
    fn pass(&mut self, at: usize, depth: usize) -> Option<usize> {
        let Some(head) = head_at(self.bytes, at) else { return self.wrong(ENDS_EARLY, at) };
        let (values, length) = head.follows();
        if values > 0 {
            return self.pass_all(head.at, values, depth + 1);
        }
        let end = head.at + length;
        if end > self.bytes.len() { self.wrong(ENDS_EARLY, at) } else { Some(end) }
    }

    #[inline(never)]
    fn pass_all(&mut self, mut at: usize, values: u64, depth: usize) -> Option<usize> {
        if depth > MAX_DEPTH {
            return self.wrong("lists and objects nested too deep", at);
        }
        for _ in 0..values {
            at = self.pass(at, depth)?;
        }
        Some(at)
    }

    #[cold]
    fn resolve(&mut self, at: usize, parts: &Parts, tag: Option<(usize, usize)>) {
        let (bytes, padded) = (self.bytes, self.padded);
        let value = |(at, end): (usize, usize)| head_at(bytes, at).map_or_else(Slot::default, |head| slot(padded, at, head, end));
        let list = |at: usize| -> exact::Members<'_> { members(bytes, at).map(|(key, place)| (key, value(place))).collect() };
        self.slots.fill(Slot::default());
        let mut all: exact::Members<'_> = tag.map_or_else(Vec::new, |tag| beside(padded, at, parts, tag).collect());
        all.extend(list(parts.record));
        exact::resolve(self.trie, self.slots, ROOT, all, &|object| list(object.place().0));
    }
}

const ENDS_EARLY: &str = "a value that ends early";

/// What stands beside the record of the entry at `at`, with the names that it has there.
pub(super) fn beside<'a>(
    bytes: Padded<'_>,
    at: usize,
    parts: &Parts,
    (start, end): (usize, usize),
) -> impl Iterator<Item = (&'a [u8], Slot)> {
    let (from, to) = parts.time;
    let time = match head_at(&bytes, from).map(|head| head.shape) {
        Some(Shape::Nil) => Slot::new(from, to, Kind::Null),
        Some(Shape::Ext) => Slot::new(from, to, Kind::Binary),
        // A number alone would be a number. What begins with the entry's own head, and ends before the entry does, is a time.
        _ => Slot::new(at, to, Kind::Binary),
    };
    let tag = if is_text(bytes, start, end) { Slot::new(start, end, Kind::Text) } else { Slot::default() };
    let metadata = parts.metadata.map(|metadata| (METADATA, Slot::new(metadata, parts.record, Kind::Object)));
    [(TIMESTAMP, time), (TAG, tag)].into_iter().chain(metadata)
}
