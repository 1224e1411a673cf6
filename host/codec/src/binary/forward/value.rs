//! One value in MessagePack, as it stands in a buffer: what it is, and what it is as JSON.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use eyas_event::{NANOS_PER_SECOND, Timestamp};

use crate::dialect::Figure;
use crate::forward::msgpack::{Head, Reader, Shape, Token, head, number, skip};
use crate::json::walk::MAX_DEPTH;
use crate::json::{Kind, Slot, write};

/// The names of what stands beside a record.
pub(super) const TIMESTAMP: &[u8] = b"@timestamp";
pub(super) const TAG: &[u8] = b"@tag";
pub(super) const METADATA: &[u8] = b"@metadata";

/// Whether what an extension contains, its type first, is an EventTime: seconds and nanoseconds in 32 bits each.
#[inline(always)]
pub(super) fn is_event_time(content: &[u8]) -> bool {
    content.len() == 9 && content.first() == Some(&0)
}

fn event_time(data: &[u8]) -> Option<(u32, u32)> {
    let (seconds, rest) = data.split_first_chunk()?;
    Some((u32::from_be_bytes(*seconds), u32::from_be_bytes(rest.try_into().ok()?)))
}

/// Whether a time is the mark that Fluent Bit puts at the start or end of a group of records.
#[inline(always)]
pub(super) fn is_mark(time: &[u8]) -> bool {
    // Most times are told by their first bytes.
    !matches!(time, [0xd7, 0x00, seconds, ..] if *seconds != 0xff) && is_marked(time)
}

#[inline(never)]
fn is_marked(time: &[u8]) -> bool {
    matches!(Reader::new(time).token(), Ok(Token::Ext(0, data)) if matches!(event_time(data), Some((u32::MAX | 0xffff_fffe, 0))))
}

/// The slot of the value at `at`.
#[inline(always)]
pub(super) fn slot(bytes: &[u8], at: usize, head: Head, end: usize) -> Slot {
    let kind = match head.shape {
        Shape::Str | Shape::Bin => return text_slot(bytes, head.at, end).unwrap_or_else(|| Slot::new(at, end, Kind::Binary)),
        Shape::Nil => Kind::Null,
        Shape::True => Kind::True,
        Shape::False => Kind::False,
        Shape::Array => Kind::List,
        Shape::Map => Kind::Object,
        Shape::Number | Shape::Ext => Kind::Binary,
    };
    Slot::new(at, end, kind)
}

/// The slot of the text between these places, if it is UTF-8.
#[inline(always)]
pub(super) fn text_slot(bytes: &[u8], start: usize, end: usize) -> Option<Slot> {
    let text = bytes.get(start..end).unwrap_or_default();
    let utf8 = text.is_ascii() || simdutf8::basic::from_utf8(text).is_ok();
    utf8.then(|| Slot::new(start, end, Kind::Text))
}

/// A member of an object.
pub(super) struct Member<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Slot,
}

/// The members, whose keys are texts, of the object at `at`, which is whole.
pub(super) fn members(bytes: &[u8], at: usize) -> impl Iterator<Item = Member<'_>> {
    let map = head(bytes, at).filter(|head| head.shape == Shape::Map);
    let mut left = map.map_or(0, |map| map.len);
    let mut at = map.map_or(at, |map| map.at);
    std::iter::from_fn(move || {
        while left > 0 {
            left -= 1;
            let key = head(bytes, at)?;
            let key_end = skip(bytes, at)?;
            let end = skip(bytes, key_end)?;
            let value = slot(bytes, key_end, head(bytes, key_end)?, end);
            at = end;
            if matches!(key.shape, Shape::Str | Shape::Bin) {
                return Some(Member { key: bytes.get(key.at..key_end)?, value });
            }
        }
        None
    })
}

pub(crate) fn figure(value: &[u8]) -> Option<Figure<'static>> {
    match number(value)? {
        Token::Integer(number) => Some(Figure::Whole(number)),
        Token::Float(number) => Some(Figure::Float(number)),
        _ => None,
    }
}

/// The time that an EventTime is, or the beginning of an entry up to its time.
pub(crate) fn time(value: &[u8]) -> Option<Option<Timestamp>> {
    let mut reader = Reader::new(value);
    let mut seconds = reader.token().ok()?;
    if let Token::Ext(0, data) = seconds {
        let (seconds, nanos) = event_time(data)?;
        return Some(i64::from(seconds).checked_mul(NANOS_PER_SECOND).and_then(|time| time.checked_add(i64::from(nanos))));
    }
    if !matches!(seconds, Token::Array(2)) {
        return None;
    }
    while let Token::Array(2) = seconds {
        seconds = reader.token().ok()?;
    }
    Some(match seconds {
        Token::Integer(seconds) => seconds.checked_mul(i128::from(NANOS_PER_SECOND)).and_then(|time| Timestamp::try_from(time).ok()),
        // In two parts, since there are no whole nanoseconds that far from zero.
        Token::Float(seconds) if seconds.abs() < (i64::MAX / NANOS_PER_SECOND) as f64 => {
            let nanos = ((seconds - seconds.floor()) * NANOS_PER_SECOND as f64).round();
            Some(seconds.floor() as i64 * NANOS_PER_SECOND + nanos as i64)
        }
        _ => None,
    })
}

/// Bytes that are no UTF-8 are replaced, as Vector does it where it writes JSON; a time is written as one, another extension as base64.
pub(crate) fn text(value: &[u8], out: &mut Vec<u8>) -> bool {
    if let Some(time) = time(value) {
        return match time {
            Some(time) => {
                write::display(crate::time::rfc3339(time), out);
                true
            }
            None => false,
        };
    }
    match Reader::new(value).token() {
        Ok(Token::Str(bytes) | Token::Bin(bytes)) => out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes()),
        Ok(Token::Ext(_, data)) => write::display(Base64Display::new(data, &STANDARD), out),
        _ => return false,
    }
    true
}

pub(crate) fn json(value: &[u8], out: &mut Vec<u8>) {
    // The beginning of an entry is no whole value.
    if skip(value, 0).is_none()
        && let Some(time) = time(value)
    {
        return put_time(time, out);
    }
    let before = out.len();
    if put(&mut Reader::new(value), MAX_DEPTH, out).is_none() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

fn put_time(time: Option<Timestamp>, out: &mut Vec<u8>) {
    match time {
        Some(time) => write::time(time, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends the next value as JSON, in which lists and objects may be nested so deep: what is deeper is null. Nothing where there is none.
pub(super) fn put(reader: &mut Reader<'_>, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let whole = reader.clone();
    match reader.token().ok()? {
        Token::Nil => out.extend_from_slice(b"null"),
        Token::Bool(truth) => write::display(truth, out),
        Token::Integer(number) => write::display(number, out),
        Token::Float(number) => write::float(number, out),
        Token::Str(bytes) | Token::Bin(bytes) => write::string(&String::from_utf8_lossy(bytes), out),
        Token::Ext(0, data) if data.len() == 8 => {
            let time = event_time(data).map(|(seconds, nanos)| i64::from(seconds) * NANOS_PER_SECOND + i64::from(nanos));
            put_time(time, out);
        }
        Token::Ext(_, data) => {
            out.push(b'"');
            write::display(Base64Display::new(data, &STANDARD), out);
            out.push(b'"');
        }
        Token::Array(_) | Token::Map(_) if depth == 0 => {
            *reader = whole;
            reader.value().ok()?;
            out.extend_from_slice(b"null");
        }
        Token::Array(items) => {
            out.push(b'[');
            for i in 0..items {
                if i > 0 {
                    out.push(b',');
                }
                put(reader, depth - 1, out)?;
            }
            out.push(b']');
        }
        Token::Map(members) => {
            out.push(b'{');
            put_members(reader, members, depth, false, out)?;
            out.push(b'}');
        }
    }
    Some(())
}

/// Appends members of an object; `any` says whether some stand there already.
pub(super) fn put_members(reader: &mut Reader<'_>, members: usize, depth: usize, mut any: bool, out: &mut Vec<u8>) -> Option<()> {
    for _ in 0..members {
        if std::mem::replace(&mut any, true) {
            out.push(b',');
        }
        match reader.peek().ok()? {
            Token::Str(key) | Token::Bin(key) => {
                reader.token().ok()?;
                write::string(&String::from_utf8_lossy(key), out);
            }
            // A key that is no text is written as the text of what it is.
            _ => {
                let mut key = Vec::new();
                put(reader, depth - 1, &mut key)?;
                write::string(&String::from_utf8_lossy(&key), out);
            }
        }
        out.push(b':');
        put(reader, depth - 1, out)?;
    }
    Some(())
}
