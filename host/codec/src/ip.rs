//! Addresses in any spelling as one 16-byte key.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An address as 16 bytes, IPv4 mapped; `None` for what is none. Zone ids, ports and leading zeros are none.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<[u8; 16]> {
    if let Some(v4) = dotted(text) {
        let [a, b, c, d] = v4;
        return Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]);
    }
    uncommon(text)
}

#[cold]
#[inline(never)]
fn uncommon(text: &[u8]) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<Ipv4Addr>() {
        Ok(v4) => Some(v4.to_ipv6_mapped().octets()),
        Err(_) => text.parse::<Ipv6Addr>().ok().map(|v6| v6.octets()),
    }
}

/// Four numbers and three points, nothing else.
#[inline(always)]
fn dotted(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut at = 0;
    for (i, octet) in octets.iter_mut().enumerate() {
        if i > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let start = at;
        let mut value = 0u32;
        while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
            value = value * 10 + u32::from(digit);
            at += 1;
            if at - start > 3 {
                return None;
            }
        }
        if at == start || value > 255 || (at - start > 1 && text.get(start) == Some(&b'0')) {
            return None;
        }
        *octet = value as u8;
    }
    (at == text.len()).then_some(octets)
}
