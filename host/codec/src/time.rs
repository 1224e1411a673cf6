//! Event time: what a field says, as nanoseconds since the epoch (SEMANTICS 2.1).

mod civil;
mod guess;
mod layout;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use civil::rfc3339;
pub use guess::guess_time;
pub(crate) use read::Clock;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, Zoned};

use layout::Layout;

/// Where an event's time stands, and how it is written.
#[derive(Clone, Debug)]
pub struct TimeSpec {
    pub(crate) field: String,
    pub(crate) formats: Vec<Format>,
    pub(crate) zone: TimeZone,
}

/// One way to write a time.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// `2026-03-02T08:00:00.25Z`, with `T` or a space, and an offset.
    Rfc3339,
    /// Since the epoch, in units of 10^-`power` nanoseconds; a number, or a text that is one.
    Unix { power: u32 },
    /// By a strftime pattern.
    Pattern {
        pattern: String,
        /// How to read it fast, where it is one of the common ones.
        layout: Option<Layout>,
    },
}

impl TimeSpec {
    /// Formats are `rfc3339`, `unix`, `unix_ms`, `unix_us`, `unix_ns` or a strftime pattern, tried in this order; the zone is for texts
    /// that have no offset of their own. The error says which of them is wrong, and what would be right.
    ///
    /// A time that a zone skipped (the clock went forward) is read as if it had not; of one that came twice the first is meant.
    pub fn new(field: &str, formats: &[String], zone: &str) -> Result<Self, String> {
        if field.is_empty() {
            return Err("the time field has no name".to_owned());
        }
        if formats.is_empty() {
            return Err("no time format; give one, such as \"rfc3339\" or \"%Y-%m-%d %H:%M:%S\"".to_owned());
        }
        let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).map_err(|_| unknown_zone(zone))? };
        let formats = formats.iter().map(|format| Format::new(format, &zone)).collect::<Result<_, _>>()?;
        Ok(Self { field: field.to_owned(), formats, zone })
    }

    /// Path of the field in the event.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// RFC 3339 alone: how timestamp columns of a source without a time are read.
    pub(crate) fn plain() -> Self {
        Self { field: String::new(), formats: vec![Format::Rfc3339], zone: TimeZone::UTC }
    }
}

fn unknown_zone(zone: &str) -> String {
    format!("unknown time zone {zone:?}; an IANA name such as \"Europe/Berlin\" is meant")
}

impl Format {
    /// How to read it fast, if there is a way.
    pub(crate) fn layout(&self) -> Option<Layout> {
        match self {
            Self::Rfc3339 => Some(Layout::RFC3339),
            Self::Pattern { layout, .. } => *layout,
            Self::Unix { .. } => None,
        }
    }

    fn new(format: &str, zone: &TimeZone) -> Result<Self, String> {
        Ok(match format {
            "rfc3339" => Self::Rfc3339,
            "unix" => Self::Unix { power: 9 },
            "unix_ms" => Self::Unix { power: 6 },
            "unix_us" => Self::Unix { power: 3 },
            "unix_ns" => Self::Unix { power: 0 },
            pattern if pattern.contains('%') => {
                check(pattern, zone)?;
                Self::Pattern { pattern: pattern.to_owned(), layout: Layout::of(pattern) }
            }
            other => {
                let known = "rfc3339, unix, unix_ms, unix_us, unix_ns or a strftime pattern such as \"%Y-%m-%d %H:%M:%S\"";
                return Err(format!("unknown time format {other:?}; one of {known} is meant"));
            }
        })
    }
}

/// A pattern is one that reads what it wrote, and names a day.
fn check(pattern: &str, zone: &TimeZone) -> Result<(), String> {
    let sample: Zoned = Instant::UNIX_EPOCH.to_zoned(zone.clone());
    let written = strtime::format(pattern, &sample).map_err(|error| format!("time format {pattern:?}: {error}"))?;
    let read = strtime::parse(pattern, &written).map_err(|error| format!("time format {pattern:?}: {error}"))?;
    let complete = read.to_timestamp().is_ok() || read.to_datetime().is_ok();
    if complete { Ok(()) } else { Err(format!("time format {pattern:?} does not give year, month and day")) }
}

/// The time that a text in RFC 3339 says.
pub(crate) fn instant(text: &str) -> Option<eyas_event::Timestamp> {
    eyas_event::Timestamp::try_from(text.parse::<Instant>().ok()?.as_nanosecond()).ok()
}

/// Why an event has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// There is no such field, or it is null.
    #[error("no event time")]
    Missing,
    /// No format reads it.
    #[error("unreadable event time")]
    Unreadable,
    /// Before 1677-09-21 or after 2262-04-11.
    #[error("event time out of range")]
    OutOfRange,
    /// Further ahead of the ingest time than the source allows.
    #[error("event time too far in the future")]
    Future,
}
