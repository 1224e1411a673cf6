//! Times of fixed layout, `YYYY-MM-DD hh:mm:ss` and what may follow, read without a parser for patterns.
//!
//! Only an acceleration: what is not exactly so laid out is left to `jiff`, which knows all the rest.

use eyas_event::NANOS_PER_SECOND;

use super::civil::days;

/// A layout: date, separator, time of day, fraction, tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Between date and time.
    separator: Separator,
    fraction: Fraction,
    tail: Tail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    One(u8),
    /// `T`, `t` or a space.
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fraction {
    None,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Nothing,
    /// The letter Z, which is text and no offset.
    Letter,
    /// `Z` or an offset.
    Offset,
    /// An offset with a colon (true) or without.
    Numeric(bool),
}

/// What a text of fixed layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    /// Seconds since the epoch, as if it were UTC.
    pub(crate) seconds: i64,
    pub(crate) nanos: i64,
    /// Seconds east of Greenwich, where the text says so.
    pub(crate) offset: Option<i64>,
}

/// The date read last: most events are of the same day as the one before.
#[derive(Debug, Default)]
pub(crate) struct LastDate {
    text: [u8; 10],
    seconds: i64,
}

impl Layout {
    pub(crate) const RFC3339: Self = Self { separator: Separator::Any, fraction: Fraction::Optional, tail: Tail::Offset };

    /// The layout of a strftime pattern, if it is one of those read here.
    pub(crate) fn of(pattern: &str) -> Option<Self> {
        let pattern = pattern.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S");
        let rest = pattern.strip_prefix("%Y-%m-%d")?;
        let (&separator, _) = rest.as_bytes().split_first()?;
        let rest = rest.get(1..)?.strip_prefix("%H:%M:%S")?;
        if !matches!(separator, b' ' | b'T' | b'_') {
            return None;
        }
        let (fraction, rest) = rest.strip_prefix("%.f").map_or((Fraction::None, rest), |rest| (Fraction::Optional, rest));
        let tail = match rest {
            "" => Tail::Nothing,
            "Z" => Tail::Letter,
            "%z" => Tail::Numeric(false),
            "%:z" => Tail::Numeric(true),
            _ => return None,
        };
        Some(Self { separator: Separator::One(separator), fraction, tail })
    }

    /// Reads a text; `None` where it is not laid out exactly so.
    #[inline(always)]
    pub(crate) fn read(self, text: &[u8], last: &mut LastDate) -> Option<Civil> {
        let date = text.first_chunk::<10>()?;
        if *date != last.text {
            (last.text, last.seconds) = (*date, date_seconds(date)?);
        }
        let separator = *text.get(10)?;
        let separated = match self.separator {
            Separator::One(wanted) => separator == wanted,
            Separator::Any => matches!(separator, b'T' | b't' | b' '),
        };
        let seconds = last.seconds + time_of_day(text.get(11..)?.first_chunk()?)?;
        let mut rest = text.get(19..)?;
        let mut nanos = 0;
        if self.fraction == Fraction::Optional && rest.first() == Some(&b'.') {
            (nanos, rest) = fraction(rest.get(1..)?)?;
        }
        let offset = match (self.tail, rest) {
            (Tail::Nothing, []) | (Tail::Letter, b"Z") => None,
            (Tail::Offset, b"Z" | b"z") => Some(0),
            (Tail::Offset, _) => Some(offset(rest, true).or_else(|| offset(rest, false))?),
            (Tail::Numeric(colon), _) => Some(offset(rest, colon)?),
            _ => return None,
        };
        separated.then_some(Civil { seconds, nanos, offset })
    }
}

impl Civil {
    /// As nanoseconds since the epoch, with an offset of so many seconds; `None` outside `i64`.
    #[inline(always)]
    pub(crate) fn at(self, offset: i64) -> Option<i64> {
        let seconds = self.seconds - offset;
        match seconds.checked_mul(NANOS_PER_SECOND) {
            Some(nanos) => nanos.checked_add(self.nanos),
            // In the first second of all, the fraction brings back what the seconds overshoot.
            None => (seconds + 1).checked_mul(NANOS_PER_SECOND)?.checked_add(self.nanos - NANOS_PER_SECOND),
        }
    }
}

/// The number that two digits are.
fn two(digits: &[u8]) -> Option<i64> {
    match *digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

#[cold]
fn date_seconds(text: &[u8; 10]) -> Option<i64> {
    let [c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = two(&[c1, c2])? * 100 + two(&[y1, y2])?;
    Some(days(year, two(&[m1, m2])?, two(&[d1, d2])?)? * 86_400)
}

/// Seconds since midnight of `hh:mm:ss`, all eight bytes at once. A second 60 is left to `jiff`.
#[inline(always)]
fn time_of_day(text: &[u8; 8]) -> Option<i64> {
    // Digits become their values and colons zero; then a byte above its digit's 9 or a colon's 0 carries into its top bit.
    let values = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*b"00:00:00");
    let wrong = (values.wrapping_add(0x7676_7f76_767f_7676) | values) & 0x8080_8080_8080_8080;
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let (hour, minute, second) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
    let valid = wrong == 0 && hour < 24 && minute < 60 && second < 60;
    valid.then_some((hour * 3600 + minute * 60 + second) as i64)
}

/// Nanoseconds of one to nine digits, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let (fraction, rest) = text.split_at(digits);
    let value = fraction.iter().fold(0, |value, &digit| value * 10 + i64::from(digit - b'0'));
    Some((value * 10i64.pow(9 - digits as u32), rest))
}

/// Seconds of `+hh:mm` or `+hhmm`.
fn offset(text: &[u8], colon: bool) -> Option<i64> {
    let (sign, hours, minutes) = match (colon, text) {
        (true, [sign, h1, h2, b':', m1, m2]) | (false, [sign, h1, h2, m1, m2]) => (sign, two(&[*h1, *h2])?, two(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' if hours < 24 && minutes < 60 => Some(seconds),
        b'-' if hours < 24 && minutes < 60 => Some(-seconds),
        _ => None,
    }
}
