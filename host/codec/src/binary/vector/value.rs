//! One value of Vector's, as it stands in a buffer: what it is, and what it is as JSON.

use eyas_event::Timestamp;

use crate::binary::is_text;
use crate::binary::proto::{Field, Fields, Wire, field};
use crate::dialect::Figure;
use crate::json::scan::Padded;
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
pub(super) fn kind(bytes: &[u8], (at, end): (usize, usize)) -> Result<Option<Field>, usize> {
    // Mostly it is one field, of a length below 128.
    let Some(&[tag, first]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return last(bytes, at, end) };
    let field = |wire, value| Ok(Some(Field { number: u32::from(tag >> 3), wire, start: at, value, end }));
    match tag {
        0x0a | 0x3a | 0x42 if first < 0x80 && at + 2 + usize::from(first) == end => field(Wire::Bytes, at + 2),
        0x20 | 0x30 | 0x48 if first < 0x80 && at + 2 == end => field(Wire::Varint, at + 1),
        0x29 if at + 9 == end => field(Wire::Fixed64, at + 1),
        _ => last(bytes, at, end),
    }
}

#[inline(never)]
fn last(bytes: &[u8], at: usize, end: usize) -> Result<Option<Field>, usize> {
    if let Some(only) = field(bytes, at, end).filter(|only| only.end == end) {
        return Ok(Some(only));
    }
    let mut fields = Fields::new(bytes, at, end);
    let last = fields.by_ref().last();
    if fields.is_whole() { Ok(last) } else { Err(fields.at) }
}

/// The slot of a value that holds this kind.
#[inline(always)]
pub(super) fn slot(bytes: Padded<'_>, value: (usize, usize), kind: Field) -> Slot {
    let whole = |of| Slot::new(value.0, value.1, of);
    match kind.number {
        TEXT if is_text(bytes, kind.value, kind.end) => Slot::new(kind.value, kind.end, Kind::Text),
        BOOLEAN => whole(if kind.number_in(&bytes) == 0 { Kind::False } else { Kind::True }),
        MAP => whole(Kind::Object),
        LIST => whole(Kind::List),
        NULL => whole(Kind::Null),
        _ => whole(Kind::Binary),
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// All of it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The text of the key.
    pub(super) key: (usize, usize),
    /// The content of the value.
    pub(super) value: (usize, usize),
}

impl Entry {
    #[inline(always)]
    pub(super) fn key_bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.key.0..self.key.1).unwrap_or_default()
    }

    /// What the value holds.
    #[inline(always)]
    pub(super) fn value_bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.value.0..self.value.1).unwrap_or_default()
    }

    pub(super) fn namesake(&self) -> Namesake {
        Namesake { key: (self.key.0 as u32, self.key.1 as u32), value: (self.start as u32, self.end as u32) }
    }

    pub(super) fn slot(&self, bytes: Padded<'_>) -> Slot {
        match kind(&bytes, self.value) {
            Ok(Some(kind)) => slot(bytes, self.value, kind),
            _ => Slot::new(self.value.0, self.value.1, Kind::Null),
        }
    }
}

/// The member at `at`, if one stands there, and where the next field does. Where there is no whole field: at which byte.
#[inline(always)]
pub(super) fn member(bytes: &[u8], at: usize, end: usize) -> Result<(Option<Entry>, usize), usize> {
    if let Some(entry) = usual(bytes, at, end) {
        return Ok((Some(entry), entry.end));
    }
    any_member(bytes, at, end)
}

/// The member at `at` in the form that it mostly has: a key and a value, and no length above 127.
#[inline(always)]
pub(super) fn usual(bytes: &[u8], at: usize, end: usize) -> Option<Entry> {
    let &[tag, length, key_tag, key_length] = bytes.get(at..)?.first_chunk()?;
    let (stop, key) = (at + 2 + usize::from(length), (at + 4, at + 4 + usize::from(key_length)));
    let &[value_tag, value_length] = bytes.get(key.1..)?.first_chunk()?;
    let value = (key.1 + 2, key.1 + 2 + usize::from(value_length));
    let tags = u32::from_le_bytes([tag, key_tag, value_tag, 0]) == u32::from_le_bytes([0x0a, 0x0a, 0x12, 0]);
    let usual = tags && (length | key_length | value_length) < 0x80 && value.1 == stop && stop <= end;
    usual.then_some(Entry { start: at, end: stop, key, value })
}

#[inline(never)]
fn any_member(bytes: &[u8], at: usize, end: usize) -> Result<(Option<Entry>, usize), usize> {
    let outer = field(bytes, at, end).ok_or(at)?;
    if !outer.is(ENTRIES) {
        return Ok((None, outer.end));
    }
    let key = field(bytes, outer.value, outer.end).filter(|key| key.is(1));
    let value = key.and_then(|key| field(bytes, key.end, outer.end)).filter(|value| value.is(2) && value.end == outer.end);
    let entry = match (key, value) {
        (Some(key), Some(value)) => {
            Entry { start: outer.start, end: outer.end, key: (key.value, key.end), value: (value.value, value.end) }
        }
        _ => unusual(bytes, outer).ok_or(outer.value)?,
    };
    Ok((Some(entry), outer.end))
}

/// A member without a key or value, or with several, of which the last count.
#[cold]
fn unusual(bytes: &[u8], outer: Field) -> Option<Entry> {
    let nothing = (outer.end, outer.end);
    let mut entry = Entry { start: outer.start, end: outer.end, key: nothing, value: nothing };
    let mut fields = Fields::new(bytes, outer.value, outer.end);
    for field in fields.by_ref() {
        match (field.number, field.wire) {
            (1, Wire::Bytes) => entry.key = (field.value, field.end),
            (2, Wire::Bytes) => entry.value = (field.value, field.end),
            (1 | 2, _) => return None,
            _ => {}
        }
    }
    fields.is_whole().then_some(entry)
}

/// The members of an object, or of a log: what stands between these places, up to what is no field.
pub(super) fn members(bytes: &[u8], (mut at, end): (usize, usize)) -> impl Iterator<Item = Entry> {
    std::iter::from_fn(move || {
        while at < end {
            let (member, next) = member(bytes, at, end).ok()?;
            at = next;
            if member.is_some() {
                return member;
            }
        }
        None
    })
}

/// What a value holds, and as which kind.
fn held(value: &[u8]) -> Option<(u32, Field)> {
    let kind = kind(value, (0, value.len())).ok()??;
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
        TEXT => write::text(held.bytes(value), out),
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
        write::text(member.key_bytes(bytes), out);
        out.push(b':');
        put(member.value_bytes(bytes), depth.saturating_sub(1), out);
    }
    out.push(b'}');
}
