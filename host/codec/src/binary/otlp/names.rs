//! The names of the data model: which fields of a record and of its scope are asked for, and the reading of them.

use std::ops::Range;

use super::value::Reader;
use super::{record, scope};
use crate::Malformed;
use crate::binary::proto::{Field, Fields, Wire, field};
use crate::json::trie::{Node, ROOT, Trie};
use crate::json::walk::Namesake;
use crate::json::{Kind, Slot};

/// Where the names of the data model lead in the trie.
#[derive(Debug)]
pub(super) struct Names {
    /// By number the slots of the fields of a record that are plain values, and how each is written.
    own: [(u16, Wire); 13],
    /// What nobody asked for goes to the slot behind the last.
    spare: u16,
    body: Option<Node>,
    attributes: Option<Node>,
    pub(super) resource: Option<Node>,
    pub(super) scope: ScopeNames,
}

#[derive(Debug)]
pub(super) struct ScopeNames {
    pub(super) is_asked: bool,
    name: u16,
    version: u16,
    attributes: Option<Node>,
}

impl Names {
    pub(super) fn new(trie: &Trie, spare: u16) -> Self {
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
    pub(super) fn record(
        &self,
        reader: &mut Reader<'_>,
        namesakes: &mut Vec<Namesake>,
        key: &str,
        message: Field,
    ) -> Result<(), Malformed> {
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
    pub(super) fn read(&self, reader: &mut Reader<'_>, owner: Field) -> Result<(), Malformed> {
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

/// The field at `at`, if it is an attribute as nearly all are: shorter than 128 bytes.
#[inline(always)]
fn short(bytes: &[u8], at: usize, end: usize) -> Option<Field> {
    const ATTRIBUTE: u8 = (record::ATTRIBUTES << 3) as u8 | Wire::Bytes as u8;
    let [ATTRIBUTE, length @ 0..0x80, ..] = bytes.get(at..end)? else { return None };
    let field = Field { number: record::ATTRIBUTES, wire: Wire::Bytes, start: at, value: at + 2, end: at + 2 + usize::from(*length) };
    (field.end <= end).then_some(field)
}
