//! One value in MessagePack, as it stands in a buffer: what it is, and what it is as JSON.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use eyas_event::{NANOS_PER_SECOND, Timestamp};

use crate::binary::is_text;
use crate::dialect::Figure;
use crate::forward::msgpack::{Head, Reader, Shape, Token, head, number, skip};
use crate::json::scan::Padded;
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
pub(super) fn slot(bytes: Padded<'_>, at: usize, head: Head, end: usize) -> Slot {
    let kind = match head.shape {
        Shape::Str | Shape::Bin if is_text(bytes, head.at, end) => return Slot::new(head.at, end, Kind::Text),
        Shape::Nil => Kind::Null,
        Shape::True => Kind::True,
        Shape::False => Kind::False,
        Shape::Array => Kind::List,
        Shape::Map => Kind::Object,
        Shape::Number | Shape::Str | Shape::Bin | Shape::Ext => Kind::Binary,
    };
    Slot::new(at, end, kind)
}

/// The members, whose keys are texts, of the object at `at`, which is whole: their keys, and where their values stand.
pub(super) fn members(bytes: &[u8], at: usize) -> impl Iterator<Item = (&[u8], (usize, usize))> {
    let map = head(bytes, at).filter(|head| head.shape == Shape::Map);
    let mut left = map.map_or(0, |map| map.len);
    let mut at = map.map_or(at, |map| map.at);
    std::iter::from_fn(move || {
        while left > 0 {
            left -= 1;
            let key = head(bytes, at)?;
            let value = skip(bytes, at)?;
            at = skip(bytes, value)?;
            if matches!(key.shape, Shape::Str | Shape::Bin) {
                return Some((bytes.get(key.at..value)?, (value, at)));
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
    if put(value, 0, MAX_DEPTH, out).is_none() {
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

/// Appends the value at `at` as JSON, in which lists and objects may be nested so deep: what is deeper is null. Gives where it ends; nothing
/// where there is none.
fn put(bytes: &[u8], at: usize, depth: usize, out: &mut Vec<u8>) -> Option<usize> {
    let head = head(bytes, at)?;
    let mut end = head.at + head.follows().1;
    let content = bytes.get(head.at..end)?;
    match head.shape {
        Shape::Nil => out.extend_from_slice(b"null"),
        Shape::True => out.extend_from_slice(b"true"),
        Shape::False => out.extend_from_slice(b"false"),
        Shape::Str | Shape::Bin => write::text(content, out),
        Shape::Number => match number(bytes.get(at..end)?)? {
            Token::Integer(whole) => match u64::try_from(whole) {
                Ok(whole) => write::display(whole, out),
                Err(_) => write::display(whole, out),
            },
            Token::Float(number) => write::float(number, out),
            _ => return None,
        },
        Shape::Ext if is_event_time(content) => put_time(time(bytes.get(at..end)?)?, out),
        Shape::Ext => {
            out.push(b'"');
            write::display(Base64Display::new(content.get(1..)?, &STANDARD), out);
            out.push(b'"');
        }
        Shape::Array | Shape::Map if depth == 0 => {
            end = skip(bytes, at)?;
            out.extend_from_slice(b"null");
        }
        Shape::Array => {
            out.push(b'[');
            for i in 0..head.len {
                if i > 0 {
                    out.push(b',');
                }
                end = put(bytes, end, depth - 1, out)?;
            }
            out.push(b']');
        }
        Shape::Map => {
            out.push(b'{');
            end = put_members(bytes, head, depth, false, out)?;
            out.push(b'}');
        }
    }
    Some(end)
}

/// Appends the members of an object with this head; `any` says whether some stand there already. Gives where they end.
pub(super) fn put_members(bytes: &[u8], map: Head, depth: usize, mut any: bool, out: &mut Vec<u8>) -> Option<usize> {
    let mut at = map.at;
    for _ in 0..map.len {
        if std::mem::replace(&mut any, true) {
            out.push(b',');
        }
        let key = head(bytes, at)?;
        if matches!(key.shape, Shape::Str | Shape::Bin) {
            at = key.at + key.len;
            write::text(bytes.get(key.at..at)?, out);
        } else {
            // A key that is no text is written as the text of what it is.
            let mut text = Vec::new();
            at = put(bytes, at, depth - 1, &mut text)?;
            write::text(&text, out);
        }
        out.push(b':');
        at = put(bytes, at, depth - 1, out)?;
    }
    Some(at)
}
