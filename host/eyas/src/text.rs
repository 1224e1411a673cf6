//! Text for people: on standard output and standard error, without secrets, and never failing for a reader who has gone.

use std::io::{IsTerminal, Write, stderr, stdout};

use eyas_event::Timestamp;

use crate::config::redact;

/// Writes a line to standard output.
pub fn say(text: &str) {
    // Whoever has stopped reading does not want to know.
    let _ = writeln!(stdout().lock(), "{}", redact(text));
}

/// Writes a line to standard error.
pub fn complain(text: &str) {
    let _ = writeln!(stderr().lock(), "{}", redact(text));
}

/// Whether standard error shows colours.
pub fn in_colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A number with its thousands apart: 1,234,567.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One thing, or so many of them.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// A time, RFC 3339.
pub fn time(time: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time)).map_or_else(|_| time.to_string(), |time| time.to_string())
}

/// Seconds, with as many digits as tell something.
pub fn seconds(nanos: i64) -> String {
    let seconds = nanos as f64 / 1e9;
    if seconds >= 100.0 { format!("{seconds:.0} s") } else { format!("{seconds:.3} s") }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
