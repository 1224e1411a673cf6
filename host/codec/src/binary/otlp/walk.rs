//! The walk: record by record, the values of the envelopes before those of the record.

use std::ops::Range;

use eyas_event::Frame;

use super::names::Names;
use super::value::Reader;
use super::{CHILD, OWNER, RESOURCE_ATTRIBUTES, scope};
use crate::binary::proto::{Field, Fields, Wire, field};
use crate::decode::{DeadReason, Line};
use crate::json::scan::Padded;
use crate::json::trie::Trie;
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
