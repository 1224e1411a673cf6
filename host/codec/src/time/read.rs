//! Reads times, each format in turn, remembering the last date and the last stretch of a zone's offset.

use eyas_event::Timestamp;
use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::layout::{Civil, LastDate, Layout};
use super::{BadTime, Format, TimeSpec};
use crate::dialect::{Dialect, Figure};
use crate::json::number::{Scaled, scaled, short_integer};
use crate::json::string::unescape;
use crate::json::{Kind, Slot};

/// Reads the times of one source.
#[derive(Debug)]
pub(crate) struct Clock {
    spec: TimeSpec,
    date: LastDate,
    stretch: Stretch,
    text: Vec<u8>,
    /// The layout of the first format.
    first: Option<Layout>,
    /// How values that are no JSON are read.
    dialect: Dialect,
}

/// A stretch of UTC seconds over which the zone's offset is known to be the same, and no civil time ambiguous.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    from: i64,
    to: i64,
    offset: i64,
}

impl Clock {
    pub(crate) fn new(spec: TimeSpec, dialect: Dialect) -> Self {
        let stretch = if spec.zone == TimeZone::UTC { Stretch { from: i64::MIN, to: i64::MAX, offset: 0 } } else { Stretch::default() };
        let first = spec.formats.first().and_then(Format::layout);
        Self { spec, date: LastDate::default(), stretch, text: Vec::new(), first, dialect }
    }

    /// The time that a value of an event says.
    #[inline(always)]
    pub(crate) fn read(&mut self, value: Slot, buffer: &[u8]) -> Result<Timestamp, BadTime> {
        if value.kind() == Kind::Text
            && let Some(civil) = self.first.and_then(|layout| layout.read(value.bytes(buffer), &mut self.date))
        {
            return self.place(civil);
        }
        self.by_any(value, buffer)
    }

    #[inline(never)]
    fn by_any(&mut self, value: Slot, buffer: &[u8]) -> Result<Timestamp, BadTime> {
        match value.kind() {
            Kind::Absent | Kind::Null => Err(BadTime::Missing),
            Kind::Text => self.text(value.bytes(buffer)),
            Kind::Integer | Kind::Number => self.number(value.bytes(buffer)),
            Kind::Escaped => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                unescape(value.bytes(buffer), &mut text);
                let time = self.text(&text);
                self.text = text;
                time
            }
            Kind::Binary => self.binary(value.bytes(buffer)),
            Kind::True | Kind::False | Kind::List | Kind::Object => Err(BadTime::Unreadable),
        }
    }

    /// A value that is a time in itself needs no format; a number is one of seconds, or whatever the formats say.
    fn binary(&self, value: &[u8]) -> Result<Timestamp, BadTime> {
        if let Some(time) = self.dialect.time(value) {
            return time.ok_or(BadTime::OutOfRange);
        }
        match self.dialect.figure(value) {
            Some(Figure::Whole(number)) => self.number(number.to_string().as_bytes()),
            Some(Figure::Float(number)) if number.is_finite() => self.number(format!("{number}").as_bytes()),
            _ => Err(BadTime::Unreadable),
        }
    }

    fn number(&self, digits: &[u8]) -> Result<Timestamp, BadTime> {
        let mut unix = self.spec.formats.iter().filter_map(|format| if let Format::Unix { power } = format { Some(*power) } else { None });
        unix.next().map_or(Err(BadTime::Unreadable), |power| nanos(digits, power))
    }

    fn text(&mut self, text: &[u8]) -> Result<Timestamp, BadTime> {
        let mut worst = BadTime::Unreadable;
        for i in 0..self.spec.formats.len() {
            match self.by_format(i, text) {
                Ok(time) => return Ok(time),
                Err(BadTime::OutOfRange) => worst = BadTime::OutOfRange,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn by_format(&mut self, i: usize, text: &[u8]) -> Result<Timestamp, BadTime> {
        let format = self.spec.formats.get(i);
        if let Some(Format::Unix { power }) = format {
            return if is_number(text) { nanos(text, *power) } else { Err(BadTime::Unreadable) };
        }
        match format.and_then(Format::layout).and_then(|layout| layout.read(text, &mut self.date)) {
            Some(civil) => self.place(civil),
            None => self.by_jiff(i, text),
        }
    }

    /// Puts a civil time on the time line.
    #[inline(always)]
    fn place(&mut self, civil: Civil) -> Result<Timestamp, BadTime> {
        if let Some(offset) = civil.offset {
            return civil.at(offset).ok_or(BadTime::OutOfRange);
        }
        let utc = civil.seconds - self.stretch.offset;
        if utc < self.stretch.from || utc >= self.stretch.to {
            return self.in_zone(civil);
        }
        civil.at(self.stretch.offset).ok_or(BadTime::OutOfRange)
    }

    #[cold]
    fn in_zone(&mut self, civil: Civil) -> Result<Timestamp, BadTime> {
        let unzoned = Instant::new(civil.seconds, civil.nanos as i32).map_err(|_| BadTime::OutOfRange)?;
        let local = TimeZone::UTC.to_datetime(unzoned);
        let time = self.spec.zone.to_timestamp(local).map_err(|_| BadTime::OutOfRange)?;
        self.stretch = Stretch::around(&self.spec.zone, time);
        timestamp(time)
    }

    #[cold]
    fn by_jiff(&mut self, i: usize, text: &[u8]) -> Result<Timestamp, BadTime> {
        let text = std::str::from_utf8(text).map_err(|_| BadTime::Unreadable)?;
        let pattern = match self.spec.formats.get(i) {
            Some(Format::Pattern { pattern, .. }) => pattern,
            _ => return text.parse::<Instant>().map_err(|_| BadTime::Unreadable).and_then(timestamp),
        };
        let read = strtime::parse(pattern, text).map_err(|_| BadTime::Unreadable)?;
        if let Ok(time) = read.to_timestamp() {
            return timestamp(time);
        }
        let local: DateTime = read.to_datetime().map_err(|_| BadTime::Unreadable)?;
        self.spec.zone.to_timestamp(local).map_err(|_| BadTime::OutOfRange).and_then(timestamp)
    }
}

impl Stretch {
    /// The stretch around a time, two days clear of the zone's changes, so that no civil time in it is skipped or comes twice.
    fn around(zone: &TimeZone, time: Instant) -> Self {
        const CLEAR: i64 = 2 * 86_400;
        let seconds = |transition: Option<jiff::tz::TimeZoneTransition<'_>>| transition.map(|change| change.timestamp().as_second());
        let from = seconds(zone.preceding(time).next()).map_or(i64::MIN, |change| change + CLEAR);
        let to = seconds(zone.following(time).next()).map_or(i64::MAX, |change| change - CLEAR);
        Self { from, to, offset: i64::from(zone.to_offset(time).seconds()) }
    }
}

fn timestamp(time: Instant) -> Result<Timestamp, BadTime> {
    Timestamp::try_from(time.as_nanosecond()).map_err(|_| BadTime::OutOfRange)
}

/// A number of units of 10^`power` nanoseconds, exactly; what is finer than a nanosecond is cut off.
#[inline]
fn nanos(number: &[u8], power: u32) -> Result<Timestamp, BadTime> {
    if let Some(whole) = short_integer(number) {
        return whole.checked_mul(10i64.pow(power.min(9))).ok_or(BadTime::OutOfRange);
    }
    match scaled(number, i64::from(power)) {
        Scaled::Whole(nanos) | Scaled::Cut(nanos) => Timestamp::try_from(nanos).map_err(|_| BadTime::OutOfRange),
        Scaled::Huge { .. } => Err(BadTime::OutOfRange),
    }
}

/// Whether a text is a plain number: digits, perhaps behind a minus, perhaps with a fraction.
fn is_number(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = unsigned.splitn(2, |&byte| byte == b'.');
    parts.all(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}
