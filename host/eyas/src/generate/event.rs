//! One event as a line of JSON.

use eyas_event::{NANOS_PER_SECOND, Timestamp};
use jiff::tz::TimeZone;

use super::world::Host;

/// What differs from event to event. Members that may be null are `None` where they are.
pub struct Draft<'a> {
    /// Since the start, in nanoseconds.
    pub time: u64,
    /// `event_id`.
    pub id: u64,
    /// `event_type`.
    pub kind: &'static str,
    /// `source_ip`, and where it stands.
    pub source: &'a Host,
    /// `destination_ip`.
    pub destination: &'a Host,
    /// `username`.
    pub user: Option<&'a str>,
    /// `result`.
    pub result: &'static str,
    /// `protocol`.
    pub protocol: &'static str,
    /// `port`.
    pub port: u16,
    /// `severity`.
    pub severity: &'static str,
    /// `failure_reason`.
    pub reason: Option<&'static str>,
    /// `bytes_transferred`.
    pub bytes: Option<u64>,
}

impl Draft<'_> {
    /// Appends the line.
    pub fn write(&self, clock: &mut Clock, line: &mut Vec<u8>) {
        let mut put = |text: &str| line.extend_from_slice(text.as_bytes());
        put(r#"{"timestamp":""#);
        put(clock.text(self.time));
        put(r#"","event_id":""#);
        put(hex(self.id, &mut [0; 16]));
        put(r#"","event_type":""#);
        put(self.kind);
        put(r#"","source_ip":""#);
        put(&self.source.address);
        put(r#"","destination_ip":""#);
        put(&self.destination.address);
        put(r#"","username":"#);
        put_text_or_null(self.user, &mut put);
        put(r#","result":""#);
        put(self.result);
        put(r#"","protocol":""#);
        put(self.protocol);
        put(r#"","port":"#);
        put(decimal(u64::from(self.port), &mut [0; 20]));
        put(r#","severity":""#);
        put(self.severity);
        put(r#"","failure_reason":"#);
        put_text_or_null(self.reason, &mut put);
        put(r#","bytes_transferred":"#);
        match self.bytes {
            Some(bytes) => put(decimal(bytes, &mut [0; 20])),
            None => put("null"),
        }
        put(r#","geo_location":{"#);
        put(self.source.city);
        put("}}\n");
    }
}

fn put_text_or_null(text: Option<&str>, put: &mut impl FnMut(&str)) {
    match text {
        Some(text) => {
            put("\"");
            put(text);
            put("\"");
        }
        None => put("null"),
    }
}

fn hex(number: u64, digits: &mut [u8; 16]) -> &str {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        let nibble = (number >> (4 * place) & 15) as u8;
        *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    }
    str::from_utf8(digits).unwrap_or_default()
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        length += 1;
        if number == 0 {
            break;
        }
    }
    let used = digits.get(20 - length..).unwrap_or_default();
    str::from_utf8(used).unwrap_or_default()
}

/// Writes times as text, a second's text once.
pub struct Clock {
    start: Timestamp,
    second: i64,
    text: String,
}

impl Clock {
    /// A clock whose time 0 is `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, second: i64::MIN, text: String::new() }
    }

    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    fn text(&mut self, time: u64) -> &str {
        let second = self.start.saturating_add_unsigned(time).div_euclid(NANOS_PER_SECOND);
        if second != self.second {
            self.second = second;
            let civil = jiff::Timestamp::from_second(second).map(|time| time.to_zoned(TimeZone::UTC));
            self.text = civil.map(|civil| civil.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
        }
        &self.text
    }
}
