//! Strings: where one ends, whether it is valid, and its text where it has escapes.

use super::Kind;
use super::fault::FaultKind;
use super::scan::{Padded, Scan};

/// What is wrong, and where.
pub(crate) type Wrong = (FaultKind, usize);

/// Reads a string from behind its opening quote: where its closing quote is, and `Text` or `Escaped`.
#[inline(always)]
pub(crate) fn string<S: Scan>(bytes: Padded<'_>, at: usize) -> Result<(usize, Kind), Wrong> {
    let end = S::special(bytes, at);
    if bytes.byte(end) == b'"' { Ok((end, Kind::Text)) } else { uncommon::<S>(bytes, at, end) }
}

/// A string with escapes or bytes above 127 in it, the first of them at `at`.
#[cold]
#[inline(never)]
fn uncommon<S: Scan>(bytes: Padded<'_>, start: usize, mut at: usize) -> Result<(usize, Kind), Wrong> {
    let (mut kind, mut ascii) = (Kind::Text, true);
    loop {
        match bytes.byte(at) {
            b'"' => break,
            b'\\' => {
                kind = Kind::Escaped;
                at = escape(bytes, at)?;
            }
            b'\n' => return Err((FaultKind::EndsEarly, at)),
            0..0x20 => return Err((FaultKind::Control, at)),
            _ => {
                ascii = false;
                at += bytes.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte >= 0x80).count().max(1);
            }
        }
        at = S::special(bytes, at);
    }
    let text = bytes.get(start..at).unwrap_or_default();
    if ascii || simdutf8::basic::from_utf8(text).is_ok() {
        return Ok((at, kind));
    }
    let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    Err((FaultKind::Utf8, start + valid))
}

/// Checks the escape whose backslash is at `at`; gives what is behind it.
fn escape(bytes: Padded<'_>, at: usize) -> Result<usize, Wrong> {
    match bytes.byte(at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => {
            let unit = hex4(&bytes, at + 2).ok_or((FaultKind::Escape, at))?;
            match unit & 0xfc00 {
                0xd800 => {
                    let low = if bytes.get(at + 6..at + 8) == Some(b"\\u") { hex4(&bytes, at + 8) } else { None };
                    let paired = low.is_some_and(|low| low & 0xfc00 == 0xdc00);
                    if paired { Ok(at + 12) } else { Err((FaultKind::Surrogate, at)) }
                }
                0xdc00 => Err((FaultKind::Surrogate, at)),
                _ => Ok(at + 6),
            }
        }
        b'\n' => Err((FaultKind::EndsEarly, at + 1)),
        _ => Err((FaultKind::Escape, at)),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// Appends the text of a valid string's inside.
#[cold]
pub(crate) fn unescape(mut inside: &[u8], text: &mut Vec<u8>) {
    while let Some(backslash) = memchr::memchr(b'\\', inside) {
        text.extend_from_slice(inside.get(..backslash).unwrap_or_default());
        let escape = inside.get(backslash + 1).copied().unwrap_or_default();
        let mut length = 2;
        match escape {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                let mut code = hex4(inside, backslash + 2).unwrap_or_default();
                length = 6;
                if code & 0xfc00 == 0xd800 {
                    let low = hex4(inside, backslash + 8).unwrap_or_default();
                    code = 0x10000 + ((code & 0x3ff) << 10 | low & 0x3ff);
                    length = 12;
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => text.push(other),
        }
        inside = inside.get(backslash + length..).unwrap_or_default();
    }
    text.extend_from_slice(inside);
}
