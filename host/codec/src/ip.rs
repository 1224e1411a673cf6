//! Addresses in any spelling as one number.

use std::net::IpAddr;

use crate::json::scan::{Native, Padded, Scan};

/// The address that the first `length` bytes at `at` are, as the bits of an IPv6 address, IPv4 mapped; `None` for what is none. Zone ids,
/// ports and leading zeros are none.
#[inline]
pub(crate) fn parse(bytes: Padded<'_>, at: usize, length: usize) -> Option<u128> {
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

/// Four numbers with points between them, without a branch that depends on how long they are.
#[inline(always)]
pub(crate) fn dotted(bytes: Padded<'_>, at: usize, length: usize) -> Option<u128> {
    let window: &[u8; 20] = bytes.chunk(at)?;
    if !(7..=15).contains(&length) {
        return None;
    }
    let inside = (1u32 << length) - 1;
    let points = Native::points(bytes, at) & inside;
    let mut wrong = Native::no_digits(bytes, at) & inside != points || points.count_ones() != 3;
    let mut stops = points | 1 << length;
    let (mut address, mut start) = (0, 0);
    for _ in 0..4 {
        let end = stops.trailing_zeros() as usize & 15;
        stops &= stops.wrapping_sub(1);
        let digits = u32::from_le_bytes(*window.get(start..)?.first_chunk()?);
        let count = end.wrapping_sub(start);
        wrong |= count.wrapping_sub(1) > 2;
        // The digits in the upper three bytes, the last one on top, zeros for those that are missing.
        let aligned = (digits & 0x0f0f_0f0f) << ((32 - 8 * (count & 3)) % 32);
        let value = (aligned >> 8 & 0xff) * 100 + (aligned >> 16 & 0xff) * 10 + (aligned >> 24);
        wrong |= value > 255 || (count > 1 && digits & 0x0f == 0);
        address = address << 8 | value & 0xff;
        start = (end + 1) & 15;
    }
    (!wrong).then_some(0xffff << 32 | u128::from(address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::{Padded, by_std, dotted, parse};

    /// Parses a text in the middle of other bytes.
    fn within(text: &str) -> Option<u128> {
        let bytes = format!("12.{text}.34\"{}", "9".repeat(64));
        parse(Padded::new(bytes.as_bytes()), 3, text.len())
    }

    #[test]
    fn spellings_of_one_address_are_one_key() {
        let wanted = Some(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().to_bits());
        for text in ["10.0.0.1", "::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:0a00:0001"] {
            assert_eq!(within(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4 ",
            "1..3.4",
            "1,2.3.4",
            "1.2.3.4:80",
            "fe80::1%eth0",
            "[::1]",
            "999.1.1.1",
            ".1.2.3.4",
            "1.2.3.",
            "-1.2.3.4",
        ] {
            assert_eq!(within(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_is_taken_for_every_ipv4_address(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let text = format!("{address}{}", "\"".repeat(64));
            prop_assert_eq!(dotted(Padded::new(text.as_bytes()), 0, text.len() - 64), Some(address.to_ipv6_mapped().to_bits()));
        }

        #[test]
        fn any_text_is_read_as_the_standard_library_reads_it(text in "[0-9]{0,4}([.,:][0-9]{0,4}){0,4}|[0-9a-f:.]{0,20}") {
            prop_assert_eq!(within(&text), by_std(text.as_bytes()));
        }

        #[test]
        fn any_ipv6_address_is_read(bits: u128) {
            prop_assert_eq!(within(&Ipv6Addr::from_bits(bits).to_string()), Some(bits));
        }
    }
}
