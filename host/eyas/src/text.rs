//! Text for people: on standard output and standard error, without secrets, and never failing for a reader who has gone.

use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::OnceLock;

use eyas_event::Timestamp;

use crate::config::redact;

/// The first line that could not be written.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to standard output. What goes wrong with it is what the program ends with, by [`unsaid`].
pub fn say(text: &str) {
    match writeln!(stdout().lock(), "{}", redact(text)) {
        // Whoever has stopped reading does not want to know.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(UNSAID.set(error)),
        _ => {}
    }
}

/// Why something that was to be said could not be, if that was so.
pub fn unsaid() -> Option<&'static io::Error> {
    UNSAID.get()
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

/// So many bytes, in the unit that suits them.
pub fn bytes(number: u64) -> String {
    let thousands = number.checked_ilog(1000).unwrap_or_default();
    let unit = ["kB", "MB", "GB", "TB", "PB", "EB"].get((thousands as usize).wrapping_sub(1));
    let size = number as f64 / 1000f64.powf(thousands.into());
    unit.map_or_else(|| count(number, "byte", "bytes"), |unit| format!("{size:.1} {unit}"))
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
    use super::{bytes, thousands};

    #[test]
    fn bytes_are_said_in_the_unit_that_suits_them() {
        assert_eq!([1, 999, 1_000, 1_250_000].map(bytes), ["1 byte", "999 bytes", "1.0 kB", "1.2 MB"]);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
