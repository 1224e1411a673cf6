//! A routing key (SEMANTICS 3) back to what it was made from: entities for an alert, and the text that names its key.
//!
//! Field by field: one tag byte, the length as u32 little-endian, the bytes.

use std::fmt::Write;
use std::net::Ipv6Addr;

use crate::{Fact, Value};

/// The fields of a routing key, none where the field was null or absent. Ends at the first field that cannot be read.
fn fields(mut key: &[u8]) -> impl Iterator<Item = Option<Value>> {
    std::iter::from_fn(move || {
        let (&[tag, a, b, c, d], rest) = key.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes([a, b, c, d]) as usize)?;
        key = rest;
        let word = || bytes.first_chunk::<8>().copied().unwrap_or_default();
        Some(Some(match tag {
            0 => return Some(None),
            3 => Value::S64(i64::from_le_bytes(word())),
            4 => Value::U64(u64::from_le_bytes(word())),
            5 => Value::F64(f64::from_le_bytes(word())),
            6 => Value::Boolean(bytes.first().is_some_and(|b| *b != 0)),
            7 => Value::Time(i64::from_le_bytes(word())),
            8 => Value::Ip(bytes.to_vec()),
            _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        }))
    })
}

/// The key's fields by name, as an alert's entities; null ones are left out.
pub(crate) fn entities(key: &[u8], names: &[String]) -> Vec<Fact> {
    let named = names.iter().zip(fields(key));
    named.filter_map(|(name, value)| Some(Fact { name: name.clone(), value: value? })).collect()
}

/// The key as text, a JSON list: different keys of one subscription have different texts.
pub(crate) fn text(key: &[u8]) -> String {
    let mut out = String::from("[");
    for (i, value) in fields(key).enumerate() {
        if i > 0 {
            out.push(',');
        }
        match value {
            None => out.push_str("null"),
            Some(Value::Text(text) | Value::Json(text)) => quoted(&text, &mut out),
            Some(value) => {
                let plain = matches!(value, Value::S64(_) | Value::U64(_) | Value::F64(_) | Value::Boolean(_) | Value::Time(_));
                let quote = if plain { "" } else { "\"" };
                let _ = write!(out, "{quote}{}{quote}", shown(&value));
            }
        }
    }
    out.push(']');
    out
}

/// Text as JSON.
pub(crate) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A value as people write it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::S64(n) | Value::Time(n) => n.to_string(),
        Value::U64(n) => n.to_string(),
        // Not `to_string`, which brings 17 kB of code into every detector.
        Value::F64(n) => serde_json::Number::from_f64(*n).map_or_else(|| "?".to_owned(), |n| n.to_string()),
        Value::Boolean(b) => b.to_string(),
        Value::Ip(bytes) => match <[u8; 16]>::try_from(bytes.as_slice()) {
            Ok(bytes) => Ipv6Addr::from(bytes).to_canonical().to_string(),
            Err(_) => "?".to_owned(),
        },
    }
}
