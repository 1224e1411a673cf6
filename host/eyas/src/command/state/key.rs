//! A routing key (SEMANTICS 3) back to the values that it was made of.

use std::net::Ipv6Addr;

use serde_json::{Value, json};

/// The values of the fields of a key; nothing if that is not what it is.
pub fn fields(mut key: &[u8]) -> Option<Value> {
    let mut fields = Vec::new();
    while let Some((&kind, rest)) = key.split_first() {
        let (length, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        fields.push(field(kind, bytes)?);
        key = rest;
    }
    Some(Value::Array(fields))
}

fn field(kind: u8, bytes: &[u8]) -> Option<Value> {
    let eight = || <[u8; 8]>::try_from(bytes).ok();
    Some(match kind {
        0 => Value::Null,
        1 | 2 | 9 | 10 => text(bytes),
        3 => i64::from_le_bytes(eight()?).into(),
        4 => u64::from_le_bytes(eight()?).into(),
        5 => f64::from_le_bytes(eight()?).into(),
        6 => Value::Bool(bytes != [0]),
        7 => crate::text::time(i64::from_le_bytes(eight()?)).into(),
        8 => {
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            address.to_canonical().to_string().into()
        }
        _ => return None,
    })
}

/// A text, or an object with `hex` where it is none.
pub fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => json!({ "hex": hex(bytes) }),
    }
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::fields;

    #[test]
    fn a_key_is_the_values_of_its_fields() {
        let mut key = b"\x00\0\0\0\0\x01\x05\0\0\0alice\x03\x08\0\0\0".to_vec();
        key.extend((-5i64).to_le_bytes());
        key.extend(b"\x06\x01\0\0\0\x01\x08\x10\0\0\0");
        key.extend(std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets());
        key.extend(b"\x0a\x01\0\0\0\xff");
        assert_eq!(fields(&key).unwrap(), json!([null, "alice", -5, true, "10.0.0.1", { "hex": "ff" }]));
    }

    #[test]
    fn what_is_no_key_is_known_as_such() {
        for key in [&b"\x01"[..], b"\x01\x05\0\0\0abc", b"\x03\x01\0\0\0a", b"\x63\0\0\0\0", b"\x01\xff\xff\xff\xffa"] {
            assert_eq!(fields(key), None, "{key:?}");
        }
    }
}
