//! One value of Vector's, as it stands in a buffer: what it is, and what it is as JSON.

use eyas_event::Timestamp;

use crate::binary::proto::{Field, Fields, Wire, field};
use crate::dialect::Figure;
use crate::json::walk::{MAX_DEPTH, Namesake};
use crate::json::{Kind, Slot, write};

/// The kinds of a value, by their fields.
pub(super) const TEXT: u32 = 1;
pub(super) const TIME: u32 = 2;
pub(super) const INTEGER: u32 = 4;
pub(super) const FLOAT: u32 = 5;
pub(super) const BOOLEAN: u32 = 6;
pub(super) const MAP: u32 = 7;
pub(super) const LIST: u32 = 8;
pub(super) const NULL: u32 = 9;

/// The members of an object, the items of a list: the field in which they stand.
pub(super) const ENTRIES: u32 = 1;

/// The key of a log's value that is no object.
pub(super) const MESSAGE: &[u8] = b"message";

/// What a value holds, as the field that says so: the last one; none where it holds nothing. Where it is no message: at which byte.
#[inline(always)]
pub(super) fn kind(bytes: &[u8], at: usize, end: usize) -> Result<Option<Field>, usize> {
    match field(bytes, at, end) {
        Some(kind) if kind.end == end => Ok(Some(kind)),
        _ => last(bytes, at, end),
    }
}

#[cold]
fn last(bytes: &[u8], at: usize, end: usize) -> Result<Option<Field>, usize> {
    let mut fields = Fields::new(bytes, at, end);
    let last = fields.by_ref().last();
    if fields.is_whole() { Ok(last) } else { Err(fields.at) }
}

/// The slot of a value that holds this kind.
#[inline(always)]
pub(super) fn slot(bytes: &[u8], value: Field, kind: Field) -> Slot {
    let whole = |of| Slot::new(value.value, value.end, of);
    match kind.number {
        TEXT if is_text(kind.bytes(bytes)) => Slot::new(kind.value, kind.end, Kind::Text),
        BOOLEAN => whole(if kind.number_in(bytes) == 0 { Kind::False } else { Kind::True }),
        MAP => whole(Kind::Object),
        LIST => whole(Kind::List),
        NULL => whole(Kind::Null),
        _ => whole(Kind::Binary),
    }
}

/// Whether bytes are UTF-8.
#[inline(always)]
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || simdutf8::basic::from_utf8(bytes).is_ok()
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// All of it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The text of the key.
    pub(super) key: (usize, usize),
    pub(super) value: Field,
}

impl Entry {
    #[inline(always)]
    pub(super) fn key_bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.key.0..self.key.1).unwrap_or_default()
    }

    pub(super) fn namesake(&self) -> Namesake {
        Namesake { key: (self.key.0 as u32, self.key.1 as u32), value: (self.start as u32, self.end as u32) }
    }

    pub(super) fn slot(&self, bytes: &[u8]) -> Slot {
        match kind(bytes, self.value.value, self.value.end) {
            Ok(Some(kind)) => slot(bytes, self.value, kind),
            _ => Slot::new(self.value.value, self.value.end, Kind::Null),
        }
    }
}

/// The member that a field is.
#[inline(always)]
pub(super) fn entry(bytes: &[u8], outer: Field) -> Option<Entry> {
    let key = field(bytes, outer.value, outer.end);
    if let Some(key) = key.filter(|key| key.is(1))
        && let Some(value) = field(bytes, key.end, outer.end).filter(|value| value.is(2) && value.end == outer.end)
    {
        return Some(Entry { start: outer.start, end: outer.end, key: (key.value, key.end), value });
    }
    unusual(bytes, outer)
}

/// A member without a key or value, or with several, of which the last count.
#[cold]
fn unusual(bytes: &[u8], outer: Field) -> Option<Entry> {
    let nothing = Field { number: 2, wire: Wire::Bytes, start: outer.end, value: outer.end, end: outer.end };
    let mut entry = Entry { start: outer.start, end: outer.end, key: (outer.end, outer.end), value: nothing };
    let mut fields = Fields::new(bytes, outer.value, outer.end);
    for field in fields.by_ref() {
        match (field.number, field.wire) {
            (1, Wire::Bytes) => entry.key = (field.value, field.end),
            (2, Wire::Bytes) => entry.value = field,
            (1 | 2, _) => return None,
            _ => {}
        }
    }
    fields.is_whole().then_some(entry)
}

/// The members of an object, or of a log: what stands between these places.
pub(super) fn members(bytes: &[u8], (at, end): (usize, usize)) -> impl Iterator<Item = Entry> {
    Fields::new(bytes, at, end).filter(|field| field.is(ENTRIES)).filter_map(|field| entry(bytes, field))
}

/// What a value holds, and as which kind.
fn held(value: &[u8]) -> Option<(u32, Field)> {
    let kind = kind(value, 0, value.len()).ok()??;
    Some((kind.number, kind))
}

pub(crate) fn figure(value: &[u8]) -> Option<Figure<'static>> {
    match held(value)? {
        (INTEGER, number) => Some(Figure::Whole(i128::from(number.number_in(value) as i64))),
        (FLOAT, number) => Some(Figure::Float(f64::from_bits(number.number_in(value)))),
        _ => None,
    }
}

pub(crate) fn time(value: &[u8]) -> Option<Option<Timestamp>> {
    match held(value)? {
        (TIME, time) => Some(timestamp(value, time)),
        _ => None,
    }
}

/// A `google.protobuf.Timestamp`; nothing where it is out of range.
fn timestamp(bytes: &[u8], time: Field) -> Option<Timestamp> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::new(bytes, time.value, time.end) {
        match (field.number, field.wire) {
            (1, Wire::Varint) => seconds = field.number_in(bytes) as i64,
            (2, Wire::Varint) => nanos = i64::from(field.number_in(bytes) as i32),
            _ => {}
        }
    }
    Timestamp::try_from(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)).ok()
}

/// Bytes that are no UTF-8 are replaced, as Vector does it where it writes JSON; a time is written as one.
pub(crate) fn text(value: &[u8], out: &mut Vec<u8>) -> bool {
    match held(value) {
        Some((TEXT, text)) => out.extend_from_slice(String::from_utf8_lossy(text.bytes(value)).as_bytes()),
        Some((TIME, time)) => match timestamp(value, time) {
            Some(time) => write::display(crate::time::rfc3339(time), out),
            None => return false,
        },
        _ => return false,
    }
    true
}

pub(crate) fn json(value: &[u8], out: &mut Vec<u8>) {
    put(value, MAX_DEPTH, out);
}

/// Appends a value as JSON, in which lists and objects may be nested so deep: what is deeper is null.
fn put(value: &[u8], depth: usize, out: &mut Vec<u8>) {
    let Some((number, held)) = held(value) else { return out.extend_from_slice(b"null") };
    match number {
        TEXT => write::string(&String::from_utf8_lossy(held.bytes(value)), out),
        TIME => match timestamp(value, held) {
            Some(time) => write::time(time, out),
            None => out.extend_from_slice(b"null"),
        },
        INTEGER => write::display(held.number_in(value) as i64, out),
        FLOAT => write::float(f64::from_bits(held.number_in(value)), out),
        BOOLEAN => write::display(held.number_in(value) != 0, out),
        MAP if depth > 0 => object(value, (held.value, held.end), depth, out),
        LIST if depth > 0 => {
            out.push(b'[');
            let items = Fields::new(value, held.value, held.end).filter(|field| field.is(ENTRIES));
            for (i, item) in items.enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put(item.bytes(value), depth - 1, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(b"null"),
    }
}

/// Appends what stands between these places as an object, in which so many may be nested, itself counted.
pub(super) fn object(bytes: &[u8], place: (usize, usize), depth: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, member) in members(bytes, place).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write::string(&String::from_utf8_lossy(member.key_bytes(bytes)), out);
        out.push(b':');
        put(member.value.bytes(bytes), depth.saturating_sub(1), out);
    }
    out.push(b'}');
}
