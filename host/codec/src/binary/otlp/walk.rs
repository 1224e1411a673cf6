//! The walk: record by record, the values of the envelopes before those of the record.

use std::ops::Range;

use eyas_event::Frame;

use super::value::Reader;
use super::{CHILD, OWNER, RESOURCE_ATTRIBUTES, record, scope};
use crate::binary::proto::{Field, Fields, Wire, field};
use crate::decode::{DeadReason, Line};
use crate::json::scan::Padded;
use crate::json::trie::{Node, ROOT, Trie};
use crate::json::walk::Namesake;
use crate::json::{Kind, LONGEST, Slot};
use crate::{Malformed, Plan};

/// Reads the events of a slice.
#[derive(Debug)]
pub(crate) struct Walk {
    slots: Vec<Slot>,
    namesakes: Vec<Namesake>,
    names: Names,
    /// The slots as the resource leaves them, and as the scope does: each of its records begins with them.
    of_resource: Vec<Slot>,
    of_scope: Vec<Slot>,
    /// The envelope at hand, and where its scope at hand ends; both are behind us where there is none.
    frame: Range<usize>,
    scope_end: usize,
    /// The first row of the envelope at hand, whether all in it so far are rows, and the row that comes next.
    first: u32,
    whole: bool,
    row: u32,
    frames: Vec<Frame>,
}

impl Walk {
    pub(crate) fn new(plan: &Plan) -> Self {
        let slots = vec![Slot::default(); plan.slots + 1];
        Self {
            of_resource: slots.clone(),
            of_scope: slots.clone(),
            slots,
            namesakes: Vec::new(),
            names: Names::new(&plan.trie, plan.slots as u16),
            frame: 0..0,
            scope_end: 0,
            first: 0,
            whole: true,
            row: 0,
            frames: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn next(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
        let mut at = range.start;
        loop {
            if at < self.scope_end {
                let Some(field) = field(&bytes, at, self.scope_end) else { return Some(self.broken(at)) };
                if field.is(CHILD) {
                    return Some(self.record(plan, &bytes, field));
                }
                at = field.end;
                continue;
            }
            if at < self.frame.end {
                let Some(field) = field(&bytes, at, self.frame.end) else { return Some(self.broken(at)) };
                at = field.end;
                if field.is(CHILD) {
                    self.enter_scope(plan, &bytes, field);
                    at = field.value;
                }
                continue;
            }
            self.leave_frame();
            if at >= range.end {
                return None;
            }
            let Some(field) = field(&bytes, at, range.end) else {
                return Some(dead(at..range.end, range.end, Malformed::new("no field of protobuf", 0)));
            };
            match (field.number, field.wire) {
                (1, Wire::Bytes) => {
                    self.enter_frame(plan, &bytes, field);
                    at = field.value;
                }
                (2 | 3, Wire::Bytes) => {
                    self.row += 1;
                    return Some(Line::Opaque { span: field.start..field.end, next: field.end });
                }
                _ => return Some(dead(field.start..field.end, field.end, Malformed::new("neither logs nor metrics nor spans", 0))),
            }
        }
    }

    /// A record: an event, if it is whole inside and not too long.
    #[inline(always)]
    fn record(&mut self, plan: &Plan, bytes: &[u8], field: Field) -> Line {
        let (span, next) = (field.value..field.end, field.end);
        if span.len() > plan.decoding.max_event_bytes {
            self.whole = false;
            return Line::Dead { span, next, reason: DeadReason::TooLong { limit: plan.decoding.max_event_bytes } };
        }
        let mut read = self.read(plan, bytes, field, false);
        if let Ok(true) = read {
            read = self.read(plan, bytes, field, true);
        }
        match read {
            Ok(_) => {
                self.row += 1;
                Line::Event { span, next }
            }
            Err(Malformed { what, at }) => {
                self.whole = false;
                dead(span, next, Malformed::new(what, at - field.value))
            }
        }
    }

    /// Reads a record; gives whether that must be done once more, exactly.
    #[inline(always)]
    fn read(&mut self, plan: &Plan, bytes: &[u8], field: Field, exact: bool) -> Result<bool, Malformed> {
        self.slots.copy_from_slice(&self.of_scope);
        self.namesakes.clear();
        let mut reader = Reader::new(&plan.trie, bytes, &mut self.slots, exact);
        self.names.record(&mut reader, &mut self.namesakes, &plan.decoding.annotation_key, field)?;
        Ok(reader.duplicate)
    }

    /// The rest of the envelope, in which something is no field.
    #[cold]
    fn broken(&mut self, at: usize) -> Line {
        self.whole = false;
        dead(at..self.frame.end, self.frame.end, Malformed::new("no field of protobuf", 0))
    }

    fn enter_frame(&mut self, plan: &Plan, bytes: &[u8], field: Field) {
        (self.frame, self.first, self.whole) = (field.start..field.end, self.row, true);
        self.of_resource.fill(Slot::default());
        if let Some(node) = self.names.resource {
            self.slots.fill(Slot::default());
            outside(plan, bytes, field, &self.slots, &mut self.of_resource, |reader, owner| {
                if let Some(slot) = plan.trie.slot(node)
                    && Fields::new(bytes, owner.value, owner.end).any(|field| field.is(RESOURCE_ATTRIBUTES))
                {
                    reader.put(slot, Slot::new(owner.start, owner.end, Kind::Object));
                }
                reader.attributes(owner, RESOURCE_ATTRIBUTES, Some(node), 2)
            });
        }
        self.of_scope.copy_from_slice(&self.of_resource);
    }

    fn enter_scope(&mut self, plan: &Plan, bytes: &[u8], field: Field) {
        self.scope_end = field.end;
        if self.names.scope.is_asked {
            outside(plan, bytes, field, &self.of_resource, &mut self.of_scope, |reader, owner| self.names.scope.read(reader, owner));
        }
    }

    fn leave_frame(&mut self) {
        if !self.frame.is_empty() {
            let range = (self.frame.start as u32, self.frame.end as u32);
            self.frames.push(Frame { range, rows: (self.first, self.row), whole: self.whole });
        }
        (self.frame, self.scope_end) = (0..0, 0);
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn namesakes(&self) -> &[Namesake] {
        &self.namesakes
    }

    pub(crate) fn take_frames(&mut self) -> Vec<Frame> {
        self.leave_frame();
        self.row = 0;
        std::mem::take(&mut self.frames)
    }
}

fn dead(span: Range<usize>, next: usize, malformed: Malformed) -> Line {
    Line::Dead { span, next, reason: malformed.into() }
}

/// The field at `at`, if it is an attribute as nearly all are: shorter than 128 bytes.
#[inline(always)]
fn short(bytes: &[u8], at: usize, end: usize) -> Option<Field> {
    const ATTRIBUTE: u8 = (record::ATTRIBUTES << 3) as u8 | Wire::Bytes as u8;
    let [ATTRIBUTE, length @ 0..0x80, ..] = bytes.get(at..end)? else { return None };
    let field = Field { number: record::ATTRIBUTES, wire: Wire::Bytes, start: at, value: at + 2, end: at + 2 + usize::from(*length) };
    (field.end <= end).then_some(field)
}

/// Reads the resource of a `ResourceLogs` or the scope of a `ScopeLogs`, wherever it stands, into slots that hold what is around it. The
/// door let in none that is broken inside; of one that is, what can be read counts.
fn outside(
    plan: &Plan,
    bytes: &[u8],
    field: Field,
    around: &[Slot],
    slots: &mut [Slot],
    read: impl Fn(&mut Reader<'_>, Field) -> Result<(), Malformed>,
) {
    // What is too long for a slot is not looked into.
    let owners = || Fields::new(bytes, field.value, field.end).filter(|field| field.is(OWNER) && field.end - field.start <= LONGEST);
    for exact in [false, true] {
        slots.copy_from_slice(around);
        let mut reader = Reader::new(&plan.trie, bytes, slots, exact);
        for owner in owners() {
            let _ = read(&mut reader, owner);
        }
        if !reader.duplicate {
            break;
        }
    }
}

/// Checks the inside of the resource of a `ResourceLogs` (`attributes` 1) or of the scope of a `ScopeLogs` (3).
pub(crate) fn check(bytes: &[u8], owner: Field, attributes: u32) -> Result<(), Malformed> {
    Reader::new(Trie::NOTHING, bytes, &mut [], false).attributes(owner, attributes, None, 2 + usize::from(attributes == scope::ATTRIBUTES))
}

/// Where the names of the data model lead in the trie.
#[derive(Debug)]
struct Names {
    /// By number the slots of the fields of a record that are plain values, and how each is written.
    own: [(u16, Wire); 13],
    /// What nobody asked for goes to the slot behind the last.
    spare: u16,
    body: Option<Node>,
    attributes: Option<Node>,
    resource: Option<Node>,
    scope: ScopeNames,
}

#[derive(Debug)]
struct ScopeNames {
    is_asked: bool,
    name: u16,
    version: u16,
    attributes: Option<Node>,
}

impl Names {
    fn new(trie: &Trie, spare: u16) -> Self {
        let node = |from: Option<Node>, name: &str| Some(trie.find(from?, name.as_bytes())?.0);
        let slot = |from, name| node(from, name).and_then(|node| trie.slot(node)).unwrap_or(spare);
        let mut own = [(spare, Wire::Fixed64); 13];
        for (number, name, wire) in OWN {
            if let Some(entry) = own.get_mut(number as usize) {
                *entry = (slot(Some(ROOT), name), wire);
            }
        }
        let scope = node(Some(ROOT), "scope");
        let (name, version) = (slot(scope, "name"), slot(scope, "version"));
        let scope = ScopeNames { is_asked: scope.is_some(), name, version, attributes: node(scope, "attributes") };
        let [body, attributes, resource] = ["body", "attributes", "resource"].map(|name| node(Some(ROOT), name));
        Self { own, spare, body, attributes, resource, scope }
    }

    /// Reads a record.
    #[inline(always)]
    fn record(&self, reader: &mut Reader<'_>, namesakes: &mut Vec<Namesake>, key: &str, message: Field) -> Result<(), Malformed> {
        let (time, observed) = (self.own_slot(record::TIME), self.own_slot(record::OBSERVED_TIME));
        let mut times = (Slot::default(), Slot::default());
        let mut any = false;
        let mut keys = reader.keys(message, record::ATTRIBUTES, self.attributes);
        let mut at = message.value;
        while at < message.end {
            let field = match short(reader.bytes, at, message.end) {
                Some(field) => field,
                None => match field(reader.bytes, at, message.end) {
                    Some(field) => field,
                    None => return Err(Malformed::new("no field of protobuf", at)),
                },
            };
            at = field.end;
            if field.is(record::ATTRIBUTES) {
                let member = reader.member(field, self.attributes, &mut keys, 2)?;
                if reader.bytes.get(member.clone()) == Some(key.as_bytes()) {
                    let range = |range: Range<usize>| (range.start as u32, range.end as u32);
                    namesakes.push(Namesake { key: range(member), value: range(field.start..field.end) });
                }
                any = true;
            } else if field.is(record::BODY) {
                reader.any(field.value, field.end, self.body, 1)?;
            } else if field.wire == Wire::Fixed64 {
                match field.number {
                    record::TIME => times.0 = reader.own(field),
                    record::OBSERVED_TIME => times.1 = reader.own(field),
                    _ => {}
                }
            } else if let Some(&(slot, own)) = self.own.get(field.number as usize)
                && own == field.wire
                && slot != self.spare
            {
                let value = reader.own(field);
                reader.put(slot, value);
            }
        }
        reader.put(observed, times.1);
        reader.put(time, if times.0.kind() == Kind::Absent { times.1 } else { times.0 });
        if any && let Some(slot) = self.attributes.and_then(|node| reader.trie.slot(node)) {
            reader.put(slot, Slot::new(message.start, message.end, Kind::Object));
        }
        Ok(())
    }

    #[inline(always)]
    fn own_slot(&self, number: u32) -> u16 {
        self.own.get(number as usize).map_or(self.spare, |own| own.0)
    }
}

/// The plain values of a record, with their names in paths.
const OWN: [(u32, &str, Wire); 9] = [
    (record::TIME, "time", Wire::Fixed64),
    (record::SEVERITY_NUMBER, "severity_number", Wire::Varint),
    (record::SEVERITY_TEXT, "severity_text", Wire::Bytes),
    (record::DROPPED, "dropped_attributes_count", Wire::Varint),
    (record::FLAGS, "flags", Wire::Fixed32),
    (record::TRACE_ID, "trace_id", Wire::Bytes),
    (record::SPAN_ID, "span_id", Wire::Bytes),
    (record::OBSERVED_TIME, "observed_time", Wire::Fixed64),
    (record::EVENT_NAME, "event_name", Wire::Bytes),
];

impl ScopeNames {
    fn read(&self, reader: &mut Reader<'_>, owner: Field) -> Result<(), Malformed> {
        for field in Fields::new(reader.bytes, owner.value, owner.end) {
            let slot = match (field.number, field.wire) {
                (scope::NAME, Wire::Bytes) => self.name,
                (scope::VERSION, Wire::Bytes) => self.version,
                _ => continue,
            };
            let value = reader.text(field);
            reader.put(slot, if field.value == field.end { Slot::default() } else { value });
        }
        reader.attributes(owner, scope::ATTRIBUTES, self.attributes, 3)
    }
}
