//! Numbers: where one ends, and what it is worth, exactly.

use super::Kind;
use super::fault::FaultKind;
use super::scan::{Padded, Scan};
use super::string::Wrong;

/// Reads a number at `at`: where it ends, and `Integer` or `Number`. What stands behind it is not looked at.
#[inline(always)]
pub(crate) fn number<S: Scan>(bytes: Padded<'_>, at: usize) -> Result<(usize, Kind), Wrong> {
    let first = at + usize::from(bytes.byte(at) == b'-');
    let stops = S::no_digits(bytes, first);
    let whole = stops.trailing_zeros() as usize;
    if stops == 0 || whole == 0 || (whole > 1 && bytes.byte(first) == b'0') {
        return uncommon(bytes, at);
    }
    match bytes.byte(first + whole) {
        b'.' => {
            let stops = stops & (stops - 1);
            let end = stops.trailing_zeros() as usize;
            if stops == 0 || end == whole + 1 || bytes.byte(first + end) | 0x20 == b'e' {
                return uncommon(bytes, at);
            }
            Ok((first + end, Kind::Number))
        }
        b'e' | b'E' => uncommon(bytes, at),
        _ => Ok((first + whole, Kind::Integer)),
    }
}

/// Any number: the grammar, byte by byte.
#[cold]
#[inline(never)]
fn uncommon(bytes: Padded<'_>, at: usize) -> Result<(usize, Kind), Wrong> {
    let digits = |at: usize| {
        let count = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let kind = if bytes.byte(at) == b'\n' { FaultKind::EndsEarly } else { FaultKind::NoValue };
        if count == 0 { Err((kind, at)) } else { Ok(at + count) }
    };
    let mut kind = Kind::Integer;
    let first = at + usize::from(bytes.byte(at) == b'-');
    let mut end = if bytes.byte(first) == b'0' { first + 1 } else { digits(first)? };
    if bytes.byte(end) == b'.' {
        kind = Kind::Number;
        end = digits(end + 1)?;
    }
    if bytes.byte(end) | 0x20 == b'e' {
        kind = Kind::Number;
        let sign = matches!(bytes.byte(end + 1), b'+' | b'-');
        end = digits(end + 1 + usize::from(sign))?;
    }
    Ok((end, kind))
}

/// A number times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaled {
    /// Whole.
    Whole(i128),
    /// Not whole; what is behind the point is cut off.
    Cut(i128),
    /// Further from 0 than anything that is asked for.
    Huge { negative: bool },
}

/// What a number (valid JSON, or digits with leading zeros) times 10^`power` is, by its digits and so exactly.
pub(crate) fn scaled(text: &[u8], power: i64) -> Scaled {
    let negative = text.first() == Some(&b'-');
    let unsigned = text.get(usize::from(negative)..).unwrap_or_default();
    let (mantissa, exponent) = match unsigned.iter().position(|byte| byte | 0x20 == b'e') {
        Some(e) => (unsigned.get(..e).unwrap_or_default(), exponent(unsigned.get(e + 1..).unwrap_or_default())),
        None => (unsigned, 0),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
    // How many of the digits stand before the point once it is moved.
    let whole = (point as i64).saturating_add(exponent).saturating_add(power);
    let (mut value, mut cut) = (0i128, false);
    let mut place = 0;
    for &digit in mantissa.iter().filter(|byte| byte.is_ascii_digit()) {
        place += 1;
        if place > whole {
            cut |= digit != b'0';
        } else if value < LARGE {
            value = value * 10 + i128::from(digit - b'0');
        }
    }
    while place < whole && value != 0 && value < LARGE {
        place += 1;
        value *= 10;
    }
    match (value >= LARGE, cut) {
        (true, _) => Scaled::Huge { negative },
        (false, true) => Scaled::Cut(if negative { -value } else { value }),
        (false, false) => Scaled::Whole(if negative { -value } else { value }),
    }
}

/// Beyond every integer type that is asked for, and ten times it is still an `i128`.
const LARGE: i128 = 1 << 100;

/// An exponent; one that is out of any range as far out as it takes.
fn exponent(text: &[u8]) -> i64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits.fold(0i64, |size, &digit| (size * 10 + i64::from(digit - b'0')).min(1 << 40));
    if text.first() == Some(&b'-') { -size } else { size }
}

/// A whole number of at most 18 digits; `None` for everything else.
#[inline]
pub(crate) fn short_integer(text: &[u8]) -> Option<i64> {
    let negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(negative)..)?;
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}
