//! Vector's events in protobuf.
//!
//! An event is the whole field of an `EventWrapper`, tag and length included, so that its bytes alone are a `PushEventsRequest`. Of a log
//! the `value` counts; a log without one is the object of its `fields`, which is how Vector sends objects to this day. A value that is no
//! object is what an object with the one key `message` would hold. Metrics and traces are opaque, as is any kind of event to come.

mod encode;
mod stream;
mod value;

use std::ops::Range;

use super::proto::{Field, Fields, Wire, field};
use super::{exact, is_text};
use crate::Plan;
use crate::decode::{DeadReason, Line};
use crate::json::scan::Padded;
use crate::json::trie::{Node, ROOT, Trie};
use crate::json::walk::{MAX_DEPTH, Namesake};
use crate::json::{Kind, Slot};
use encode::VALUE;
pub(crate) use encode::{encode, event_json};
pub(crate) use stream::{cut, from_lines, halve, head};
use value::{ENTRIES, Entry, MESSAGE, kind, slot};
pub(crate) use value::{figure, json, text, time};

/// Reads the events of a slice.
#[derive(Debug)]
pub(crate) struct Walk {
    slots: Vec<Slot>,
    namesakes: Vec<Namesake>,
}

impl Walk {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { slots: vec![Slot::default(); plan.slots + 1], namesakes: Vec::new() }
    }

    #[inline]
    pub(crate) fn next(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
        if range.start >= range.end {
            return None;
        }
        let dead = |span: Range<usize>, reason| Some(Line::Dead { next: span.end, span, reason });
        let Some(outer) = field(&bytes, range.start, range.end).filter(|field| field.is(1)) else {
            return dead(range, DeadReason::Malformed { what: "no event", at: 0 });
        };
        let span = outer.start..outer.end;
        if span.len() > plan.decoding.max_event_bytes {
            return dead(span, DeadReason::TooLong { limit: plan.decoding.max_event_bytes });
        }
        self.slots.fill(Slot::default());
        self.namesakes.clear();
        let (key, slots, namesakes) = (plan.decoding.annotation_key.as_bytes(), &mut *self.slots, &mut self.namesakes);
        let mut reading = Reading { bytes, trie: &plan.trie, key, slots, namesakes, duplicate: false, wrong: ("", 0) };
        match reading.wrapper(outer) {
            Some(What::Log) => Some(Line::Event { next: span.end, span }),
            Some(What::Opaque) => Some(Line::Opaque { next: span.end, span }),
            None => {
                let (what, at) = reading.wrong;
                let at = at.saturating_sub(span.start);
                dead(span, DeadReason::Malformed { what, at })
            }
        }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn namesakes(&self) -> &[Namesake] {
        &self.namesakes
    }
}

/// What an event is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Log,
    Opaque,
}

/// One event being read. Where a function gives nothing, `wrong` says why.
struct Reading<'a> {
    bytes: Padded<'a>,
    trie: &'a Trie,
    /// The annotation key.
    key: &'a [u8],
    slots: &'a mut [Slot],
    namesakes: &'a mut Vec<Namesake>,
    /// An asked-for key came twice in one object.
    duplicate: bool,
    wrong: (&'static str, usize),
}

/// The one event of a wrapper, if it is one.
pub(super) fn wrapped(bytes: &[u8], outer: Field) -> Result<Option<Field>, (&'static str, usize)> {
    let mut event = None;
    let mut fields = Fields::new(bytes, outer.value, outer.end);
    for field in fields.by_ref() {
        if event.replace(field).is_some() {
            return Err(("more than one event in a wrapper", field.start));
        }
    }
    if fields.is_whole() { Ok(event) } else { Err((NO_FIELD, fields.at)) }
}

const NO_FIELD: &str = "no whole field";

impl Reading<'_> {
    #[cold]
    fn wrong<T>(&mut self, what: &'static str, at: usize) -> Option<T> {
        self.wrong = (what, at);
        None
    }

    #[inline(always)]
    fn wrapper(&mut self, outer: Field) -> Option<What> {
        match wrapped(&self.bytes, outer) {
            Ok(Some(event)) if event.is(1) => self.log(event).map(|()| What::Log),
            Ok(Some(event)) if event.number == 1 => self.wrong("a log that is no message", event.start),
            Ok(Some(_)) => Some(What::Opaque),
            Ok(None) => self.wrong("no event in a wrapper", outer.start),
            Err((what, at)) => self.wrong(what, at),
        }
    }

    #[inline(always)]
    fn log(&mut self, log: Field) -> Option<()> {
        let (mut value, mut seen) = (None, 0);
        let mut at = log.value;
        while at < log.end {
            // Beside a value there is a member that means nothing.
            if value.is_none() {
                match value::member(&self.bytes, at, log.end) {
                    Ok((Some(entry), next)) => {
                        self.member(entry, Some(ROOT), 1, &mut seen)?;
                        at = next;
                        continue;
                    }
                    Ok((None, _)) => {}
                    Err(at) => return self.wrong(NO_FIELD, at),
                }
            }
            let Some(field) = field(&self.bytes, at, log.end) else { return self.wrong(NO_FIELD, at) };
            at = field.end;
            match (field.number, field.wire) {
                (VALUE, Wire::Bytes) if value.is_none() => {
                    value = Some(field);
                    self.slots.fill(Slot::default());
                    self.namesakes.clear();
                    self.duplicate = false;
                    self.root(log, field)?;
                }
                (VALUE, Wire::Bytes) => return self.wrong("more than one value in a log", field.start),
                (1..=4, wire) if wire != Wire::Bytes => return self.wrong("a part of a log that is no message", field.start),
                _ => {}
            }
        }
        if self.duplicate {
            self.resolve(log, value);
        }
        Some(())
    }

    /// The value of a log.
    #[inline]
    fn root(&mut self, log: Field, value: Field) -> Option<()> {
        let place = (value.value, value.end);
        let kind = kind(&self.bytes, place).ok().flatten();
        match kind.filter(|kind| kind.is(value::MAP)) {
            Some(map) => self.object(map, Some(ROOT), 1),
            None => self.no_object(log, place),
        }
    }

    /// A value that is no object.
    #[cold]
    fn no_object(&mut self, log: Field, place: (usize, usize)) -> Option<()> {
        let node = self.trie.find(ROOT, MESSAGE).map(|found| found.0);
        let slot = self.value(place, node, 1)?;
        self.note(slot, node);
        // What there is to say stands in its metadata.
        let (bytes, key) = (self.bytes, self.key);
        if let Some(target) = encode::target(&bytes, log) {
            let namesakes = value::members(&bytes, target.object).filter(|member| member.key_bytes(&bytes) == key);
            self.namesakes.extend(namesakes.map(|member| member.namesake()));
        }
        Some(())
    }

    /// A member of an object, around which there are so many lists and objects, itself counted; where its key is looked up, if anywhere.
    #[inline(always)]
    fn member(&mut self, entry: Entry, node: Option<Node>, depth: usize, seen: &mut u64) -> Option<()> {
        let key = entry.key_bytes(&self.bytes);
        let namesake = depth == 1 && key == self.key;
        let found = node.and_then(|node| self.trie.find(node, key));
        if namesake {
            self.namesakes.push(entry.namesake());
        }
        let Some((to, number)) = found else {
            if !is_text(self.bytes, entry.key.0, entry.key.1) {
                return self.wrong("a key that is not UTF-8", entry.key.0);
            }
            return self.value(entry.value, None, depth).map(drop);
        };
        // More than 64 keys share bits: what looks like a duplicate then costs time, not truth.
        let bit = 1u64 << (number % 64);
        self.duplicate |= *seen & bit != 0;
        *seen |= bit;
        let slot = self.value(entry.value, Some(to), depth)?;
        self.note(slot, Some(to));
        Some(())
    }

    #[inline(always)]
    fn note(&mut self, value: Slot, node: Option<Node>) {
        if let Some(slot) = node.and_then(|node| self.trie.slot(node)).and_then(|slot| self.slots.get_mut(usize::from(slot))) {
            *slot = value;
        }
    }

    /// A value inside so many objects and lists, checked whole. Texts are looked at only where a path leads.
    #[inline(always)]
    fn value(&mut self, value: (usize, usize), node: Option<Node>, depth: usize) -> Option<Slot> {
        let kind = match kind(&self.bytes, value) {
            Ok(Some(kind)) => kind,
            Ok(None) => return Some(Slot::new(value.0, value.1, Kind::Null)),
            Err(at) => return self.wrong("no whole value", at),
        };
        match (kind.number, kind.wire) {
            (value::TEXT, Wire::Bytes) if node.is_none() => return Some(Slot::default()),
            (value::MAP, Wire::Bytes) => self.object(kind, node.filter(|&node| self.trie.leads_on(node)), depth + 1)?,
            (value::LIST, Wire::Bytes) => self.list(kind, depth + 1)?,
            (value::TEXT | value::TIME, Wire::Bytes)
            | (value::INTEGER | value::BOOLEAN | value::NULL, Wire::Varint)
            | (value::FLOAT, Wire::Fixed64) => {}
            (value::TEXT..=value::TIME | value::INTEGER..=value::NULL, _) => return self.wrong("a value of another wire type", kind.start),
            // Of a kind to come.
            _ => {}
        }
        Some(slot(self.bytes, value, kind))
    }

    fn object(&mut self, map: Field, node: Option<Node>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return self.wrong(TOO_DEEP, map.start);
        }
        let (mut seen, mut at) = (0, map.value);
        while at < map.end {
            if let Some(entry) = value::usual(&self.bytes, at, map.end) {
                self.member(entry, node, depth, &mut seen)?;
                at = entry.end;
            } else {
                at = self.any_member(at, map.end, node, depth, &mut seen)?;
            }
        }
        Some(())
    }

    /// A member of an unusual form, or another field: where it ends.
    #[inline(never)]
    fn any_member(&mut self, at: usize, end: usize, node: Option<Node>, depth: usize, seen: &mut u64) -> Option<usize> {
        match value::member(&self.bytes, at, end) {
            Ok((entry, next)) => {
                if let Some(entry) = entry {
                    self.member(entry, node, depth, seen)?;
                }
                Some(next)
            }
            Err(at) => self.wrong(NO_FIELD, at),
        }
    }

    fn list(&mut self, list: Field, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return self.wrong(TOO_DEEP, list.start);
        }
        let bytes = self.bytes;
        let mut fields = Fields::new(&bytes, list.value, list.end);
        for field in fields.by_ref() {
            if field.is(ENTRIES) {
                self.value((field.value, field.end), None, depth)?;
            }
        }
        if fields.is_whole() { Some(()) } else { self.wrong(NO_FIELD, fields.at) }
    }

    #[cold]
    fn resolve(&mut self, log: Field, value: Option<Field>) {
        let padded = self.bytes;
        let bytes: &[u8] = &padded;
        let list = |object: (usize, usize)| -> exact::Members<'_> {
            value::members(bytes, object).map(|member| (member.key_bytes(bytes), member.slot(padded))).collect()
        };
        let open = |object: Slot| {
            let (at, length) = object.place();
            kind(bytes, (at, at + length)).ok().flatten().map_or_else(Vec::new, |map| list((map.value, map.end)))
        };
        self.slots.fill(Slot::default());
        let members = match value {
            Some(value) => open(Slot::new(value.value, value.end, Kind::Object)),
            None => list((log.value, log.end)),
        };
        exact::resolve(self.trie, self.slots, ROOT, members, &open);
    }
}

const TOO_DEEP: &str = "lists and objects nested too deep";
