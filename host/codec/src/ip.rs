//! Addresses in any spelling as one number.

use std::net::IpAddr;

use crate::json::scan::{Native, Scan, chunk};

/// The address that the first `length` bytes at `at` are, as the bits of an IPv6 address, IPv4 mapped; `None` for what is none. Zone ids,
/// ports and leading zeros are none.
#[inline]
pub(crate) fn parse(bytes: &[u8], at: usize, length: usize) -> Option<u128> {
    dotted(bytes, at, length).or_else(|| by_std(bytes.get(at..at + length)?))
}

/// The same of a text without anything behind it.
#[cold]
#[inline(never)]
pub(crate) fn by_std(text: &[u8]) -> Option<u128> {
    Some(match std::str::from_utf8(text).ok()?.parse().ok()? {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    })
}

/// Four numbers with points between them, without a branch that depends on how long they are. `None` if it is not that, or if there are
/// no sixteen bytes to look at.
#[inline(always)]
fn dotted(bytes: &[u8], at: usize, length: usize) -> Option<u128> {
    if !(7..=15).contains(&length) {
        return None;
    }
    let inside = (1u32 << length) - 1;
    let mut stops = Native::no_digits(bytes, at) & inside | 1 << length;
    let (mut address, mut wrong) = (0, stops.count_ones() != 4);
    let mut start = 0;
    for _ in 0..4 {
        let end = stops.trailing_zeros() as usize & 15;
        stops &= stops.wrapping_sub(1);
        let digits = u32::from_le_bytes(*chunk(bytes, at + start)?);
        let count = end.wrapping_sub(start);
        wrong |= !(1..=3).contains(&count);
        // The digits in the upper three bytes, the last one on top, zeros for those that are missing.
        let aligned = (digits & 0x0f0f_0f0f) << (32 - 8 * (count & 3)) % 32;
        let value = (aligned >> 8 & 0xff) * 100 + (aligned >> 16 & 0xff) * 10 + (aligned >> 24);
        let leading_zero = count > 1 && digits & 0xff == u32::from(b'0');
        // What stopped the digits is a point, but for the last.
        let stop = digits >> (8 * (count & 3)) & 0xff;
        wrong |= value > 255 || leading_zero || (end != length && stop != u32::from(b'.'));
        address = address << 8 | u128::from(value);
        start = end + 1;
    }
    (!wrong).then_some(0xffff << 32 | address)
}
