//! JSON out: strings, numbers, values.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use eyas_event::{Timestamp, Value};

/// Appends a string with its quotes.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends bytes as a string with its quotes; what is no UTF-8 in them is replaced.
pub(crate) fn text(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_ascii() || simdutf8::basic::from_utf8(bytes).is_ok() {
        out.push(b'"');
        escaped(bytes, out);
        out.push(b'"');
    } else {
        string(&String::from_utf8_lossy(bytes), out);
    }
}

/// Appends the inside of a string; all but quotes, backslashes and control characters stays as it is.
pub(crate) fn escaped(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let (plain, rest) = text.split_at_checked(plain(text)).unwrap_or((text, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = rest.split_first() else { return };
        text = behind;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => display(format_args!("\\u{byte:04x}"), out),
        }
    }
}

/// How many leading bytes need no escape; eight are looked at at once.
fn plain(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The high bit of the first byte below a bound, and perhaps of some behind it.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
    let mut at = 0;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*chunk);
        let special = below(word, 0x20) | below(word ^ (ONES * u64::from(b'"')), 1) | below(word ^ (ONES * u64::from(b'\\')), 1);
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += chunk.len();
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

/// Appends what is displayed, as it is.
pub(crate) fn display(what: impl std::fmt::Display, out: &mut Vec<u8>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl std::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing into memory does not fail.
    let _ = write!(Bytes(out), "{what}");
}

/// Appends a point in time as RFC 3339, UTC, with as many digits behind the second as it has.
pub(crate) fn time(time: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    display(crate::time::rfc3339(time), out);
    out.push(b'"');
}

/// Appends an address in its shortest form: RFC 5952, IPv4 dotted.
pub(crate) fn ip(address: [u8; 16], out: &mut Vec<u8>) {
    let address = Ipv6Addr::from(address);
    match address.to_ipv4_mapped() {
        Some(v4) => display(format_args!("\"{v4}\""), out),
        None => display(format_args!("\"{address}\""), out),
    }
}

/// Appends any value.
pub(crate) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => string(text, out),
        Value::S64(number) => display(number, out),
        Value::U64(number) => display(number, out),
        Value::F64(number) => float(*number, out),
        Value::Boolean(truth) => display(truth, out),
        Value::Time(at) => time(*at, out),
        Value::Ip(address) => ip(*address, out),
        Value::Json(json) => out.extend_from_slice(json.as_bytes()),
    }
}

/// Appends a number so that it reads back as the same; `null` for what JSON has no number for.
pub(crate) fn float(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() { display(format_args!("{number:?}"), out) } else { out.extend_from_slice(b"null") }
}
