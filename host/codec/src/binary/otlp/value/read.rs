//! Values in their place: checked, and noted where they are asked for.

use std::ops::Range;

use super::super::{ITEMS, MEMBERS, any, member, record};
use crate::binary::proto::{Field, Fields, Wire};
use crate::json::trie::{Node, Trie};
use crate::json::{Kind, Slot};
use crate::{MAX_DEPTH, Malformed};

type Read<T> = Result<T, Malformed>;

/// Reads values into slots.
pub(crate) struct Reader<'a> {
    pub(crate) trie: &'a Trie,
    pub(crate) bytes: &'a [u8],
    slots: &'a mut [Slot],
    /// A key that leads on came twice among the members of one object: then the slots may hold what a later one took back.
    pub(crate) duplicate: bool,
    /// Of each key only the last counts, with all that is in it (SEMANTICS 7.3).
    exact: bool,
}

/// The first bytes of the fields of a `KeyValue` and of an `AnyValue`: number and wire type.
const KEY: u8 = (member::KEY << 3) as u8 | Wire::Bytes as u8;
const VALUE: u8 = (member::VALUE << 3) as u8 | Wire::Bytes as u8;
const TEXT: u8 = (any::TEXT << 3) as u8 | Wire::Bytes as u8;
const TRUTH: u8 = (any::TRUTH << 3) as u8 | Wire::Varint as u8;
const INTEGER: u8 = (any::INTEGER << 3) as u8 | Wire::Varint as u8;
const DOUBLE: u8 = (any::DOUBLE << 3) as u8 | Wire::Fixed64 as u8;

/// What is known of the keys of one object.
pub(crate) struct Keys {
    /// A bit for each; more than 64 share bits: what looks like a duplicate then costs time, not truth.
    seen: u64,
    /// By the key's number where the last of it stands; only where it matters.
    last: Vec<usize>,
}

impl<'a> Reader<'a> {
    #[inline(always)]
    pub(crate) fn new(trie: &'a Trie, bytes: &'a [u8], slots: &'a mut [Slot], exact: bool) -> Self {
        Self { trie, bytes, slots, duplicate: false, exact }
    }

    /// Puts a value into a slot.
    #[inline(always)]
    pub(crate) fn put(&mut self, slot: u16, value: Slot) {
        if let Some(slot) = self.slots.get_mut(usize::from(slot)) {
            *slot = value;
        }
    }

    /// The value of a field of a record that is no `AnyValue`. What is 0 or empty might as well not be there.
    #[inline(always)]
    pub(crate) fn own(&self, field: Field) -> Slot {
        let value = field.bytes(self.bytes);
        match field.wire {
            Wire::Bytes if value.is_empty() => Slot::default(),
            Wire::Bytes if matches!(field.number, record::TRACE_ID | record::SPAN_ID) => as_it_stands(field, Kind::Binary),
            Wire::Bytes => self.text(field),
            Wire::Varint | Wire::Fixed64 | Wire::Fixed32 if field.number_in(self.bytes) == 0 => Slot::default(),
            Wire::Varint | Wire::Fixed64 | Wire::Fixed32 => as_it_stands(field, Kind::Binary),
        }
    }

    /// A text.
    #[inline(always)]
    pub(crate) fn text(&self, field: Field) -> Slot {
        let text = field.bytes(self.bytes);
        if text.is_ascii() || simdutf8::basic::from_utf8(text).is_ok() {
            Slot::new(field.value, field.end, Kind::Text)
        } else {
            as_it_stands(field, Kind::Binary)
        }
    }

    /// A text that stands in a slot, if it is UTF-8; else the field that it is, whose head is two bytes long.
    #[inline(always)]
    fn text_at(&self, slot: Slot) -> Slot {
        let (start, length) = slot.place();
        let text = slot.bytes(self.bytes);
        if text.is_ascii() || simdutf8::basic::from_utf8(text).is_ok() { slot } else { Slot::new(start - 2, start + length, Kind::Binary) }
    }

    /// What must be known of the keys of an object before its members are read: they are the fields `number` of `message`.
    #[inline(always)]
    pub(crate) fn keys(&self, message: Field, number: u32, node: Option<Node>) -> Keys {
        let last = if self.exact { self.last(message, number, node) } else { Vec::new() };
        Keys { seen: 0, last }
    }

    #[cold]
    fn last(&self, message: Field, number: u32, node: Option<Node>) -> Vec<usize> {
        let mut last = Vec::new();
        for field in Fields::new(self.bytes, message.value, message.end).filter(|field| field.is(number)) {
            let found = self.split(field).ok().and_then(|(key, _)| self.trie.find(node?, self.bytes.get(key)?));
            if let Some((_, number)) = found {
                last.resize(last.len().max(number + 1), 0);
                if let Some(last) = last.get_mut(number) {
                    *last = field.start;
                }
            }
        }
        last
    }

    /// The attributes that a message has as its fields `number`: the members of an object that has `depth` around it, itself counted.
    pub(crate) fn attributes(&mut self, message: Field, number: u32, node: Option<Node>, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep(message.start));
        }
        let mut keys = self.keys(message, number, node);
        let mut fields = Fields::new(self.bytes, message.value, message.end);
        for field in fields.by_ref() {
            if field.is(number) {
                self.member(field, node, &mut keys, depth)?;
            }
        }
        whole(&fields)
    }

    /// A member of an object, a `KeyValue`, whose keys are looked up at `node`; gives where its key is.
    #[inline(always)]
    pub(crate) fn member(&mut self, field: Field, node: Option<Node>, keys: &mut Keys, depth: usize) -> Read<Range<usize>> {
        if let Some((key, value)) = self.usual(field) {
            if let Some(node) = node
                && let Some(to) = self.look_up(field, &key, node, keys)
                && let Some(slot) = self.trie.slot(to)
            {
                let value = if value.kind() == Kind::Text { self.text_at(value) } else { value };
                self.put(slot, value);
            }
            return Ok(key);
        }
        self.any_member(field, node, keys, depth)
    }

    /// A member of any kind.
    #[inline(never)]
    fn any_member(&mut self, field: Field, node: Option<Node>, keys: &mut Keys, depth: usize) -> Read<Range<usize>> {
        let (key, value) = self.split(field)?;
        let to = node.and_then(|node| self.look_up(field, &key, node, keys));
        self.any(value.start, value.end, to, depth)?;
        Ok(key)
    }

    /// Where a key leads from a node, if its value counts.
    #[inline(always)]
    fn look_up(&mut self, field: Field, key: &Range<usize>, node: Node, keys: &mut Keys) -> Option<Node> {
        let (to, number) = self.trie.find(node, self.bytes.get(key.clone())?)?;
        let bit = 1 << (number % 64);
        self.duplicate |= keys.seen & bit != 0 && self.trie.leads_on(to);
        keys.seen |= bit;
        Some(to).filter(|_| keys.last.get(number).is_none_or(|&last| last == field.start))
    }

    /// Key and value of a `KeyValue` as nearly all are: both there, in this order and short, the value plain. A text may yet be none.
    #[inline(always)]
    fn usual(&self, field: Field) -> Option<(Range<usize>, Slot)> {
        let [KEY, key @ 0..0x80, rest @ ..] = self.bytes.get(field.value..field.end)? else { return None };
        let [VALUE, value @ 0..0x80, rest @ ..] = rest.get(usize::from(*key)..)? else { return None };
        let start = field.end - rest.len();
        if usize::from(*value) != rest.len() {
            return None;
        }
        let value = match rest {
            [TEXT, length @ 0..0x80, text @ ..] if usize::from(*length) == text.len() => Slot::new(start + 2, field.end, Kind::Text),
            [INTEGER, 0..0x80] | [INTEGER, 0x80..=0xff, 0..0x80] | [DOUBLE, _, _, _, _, _, _, _, _] => {
                Slot::new(start, field.end, Kind::Binary)
            }
            [TRUTH, 0] => Slot::new(start, start, Kind::False),
            [TRUTH, 1] => Slot::new(start, start, Kind::True),
            [] => Slot::new(start, start, Kind::Null),
            _ => return None,
        };
        let key_at = field.value + 2;
        Some((key_at..key_at + usize::from(*key), value))
    }

    /// Key and value of a `KeyValue`.
    #[inline(always)]
    fn split(&self, field: Field) -> Read<(Range<usize>, Range<usize>)> {
        let (mut key, mut value) = (field.value..field.value, field.end..field.end);
        let mut fields = Fields::new(self.bytes, field.value, field.end);
        for field in fields.by_ref() {
            match (field.number, field.wire) {
                (member::KEY, Wire::Bytes) => key = field.value..field.end,
                (member::VALUE, Wire::Bytes) => value = field.value..field.end,
                _ => {}
            }
        }
        whole(&fields).map(|()| (key, value))
    }

    /// An `AnyValue`, inside `depth` objects and lists, whose key leads to `node`.
    #[inline(always)]
    pub(crate) fn any(&mut self, at: usize, end: usize, node: Option<Node>, depth: usize) -> Read<()> {
        let asked = node.and_then(|node| self.trie.slot(node));
        let mut value = Slot::new(at, at, Kind::Null);
        let mut fields = Fields::new(self.bytes, at, end);
        for field in fields.by_ref() {
            value = match (field.number, field.wire) {
                (any::TEXT, Wire::Bytes) if asked.is_some() => self.text(field),
                (any::TRUTH, Wire::Varint) if field.number_in(self.bytes) == 0 => Slot::new(at, at, Kind::False),
                (any::TRUTH, Wire::Varint) => Slot::new(at, at, Kind::True),
                (any::INTEGER, Wire::Varint) | (any::DOUBLE, Wire::Fixed64) | (any::BYTES, Wire::Bytes) => {
                    as_it_stands(field, Kind::Binary)
                }
                (any::LIST, Wire::Bytes) => {
                    self.list(field, depth + 1)?;
                    as_it_stands(field, Kind::List)
                }
                (any::KVLIST, Wire::Bytes) => {
                    self.object(field, node.filter(|&node| self.trie.leads_on(node)), depth + 1)?;
                    as_it_stands(field, Kind::Object)
                }
                _ => continue,
            }
        }
        if let Some(asked) = asked {
            self.put(asked, value);
        }
        whole(&fields)
    }

    /// A kvlist.
    #[inline(never)]
    fn object(&mut self, field: Field, node: Option<Node>, depth: usize) -> Read<()> {
        self.attributes(field, MEMBERS, node, depth)
    }

    #[inline(never)]
    fn list(&mut self, field: Field, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep(field.start));
        }
        let mut fields = Fields::new(self.bytes, field.value, field.end);
        for field in fields.by_ref() {
            if field.is(ITEMS) {
                self.any(field.value, field.end, None, depth)?;
            }
        }
        whole(&fields)
    }
}

#[inline(always)]
fn as_it_stands(field: Field, kind: Kind) -> Slot {
    Slot::new(field.start, field.end, kind)
}

#[inline(always)]
fn whole(fields: &Fields<'_>) -> Read<()> {
    if fields.is_whole() { Ok(()) } else { Err(Malformed::new("no field of protobuf", fields.at)) }
}

#[cold]
fn too_deep(at: usize) -> Malformed {
    Malformed::new("values nested more than 127 deep", at)
}
