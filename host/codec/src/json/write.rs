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

/// Appends the inside of a string; all but quotes, backslashes and control characters stays as it is.
pub(crate) fn escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => display(format_args!("\\u{byte:04x}"), out),
        }
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
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
