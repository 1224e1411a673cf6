//! The three scans that the walk spends its time in, sixteen bytes at a time.
//!
//! All of them are safe and total: a read past the end of the bytes answers as a newline would. Since a slice ends in a newline and
//! readable bytes stand behind it, that never happens on the hot path; no scan of a line goes on behind its newline.

#![cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "vector instructions take pointers"))]

/// The scans, for one instruction set.
pub(crate) trait Scan {
    /// The first of: a quote, a backslash, a control character, a byte above 127; at or behind `at`.
    fn special(bytes: &[u8], at: usize) -> usize;

    /// Which of the sixteen bytes at `at` are no digits, a bit each.
    fn no_digits(bytes: &[u8], at: usize) -> u32;

    /// Which of the 32 bytes at `at` differ from `literal`, a bit each.
    fn differs(bytes: &[u8], at: usize, literal: &[u8; 32]) -> u32;
}

/// The best that this processor surely has.
#[cfg(target_arch = "x86_64")]
pub(crate) type Native = Sse2;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Native = Portable;

/// The byte at `at`; a newline where there is none.
#[inline(always)]
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(b'\n')
}

/// N bytes at `at`.
#[inline(always)]
pub(crate) fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..).and_then(|rest| rest.first_chunk())
}

/// Sixteen bytes a step by SSE2, which every x86-64 processor has.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Sse2;

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    use super::{Scan, Sse2, chunk};

    #[inline(always)]
    fn specials(chunk: &[u8; 16]) -> u32 {
        // SAFETY: the load is of the sixteen bytes that the reference is to, unaligned; every x86-64 processor has SSE2.
        unsafe {
            let v = _mm_loadu_si128(chunk.as_ptr().cast());
            let marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x22)), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x5c)));
            // A signed comparison: control characters and all bytes above 127 at once.
            _mm_movemask_epi8(_mm_or_si128(marks, _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)))) as u32
        }
    }

    #[inline(always)]
    fn no_digits(chunk: &[u8; 16]) -> u32 {
        // SAFETY: as above.
        unsafe {
            // Digits become -128 to -119.
            let shifted = _mm_add_epi8(_mm_loadu_si128(chunk.as_ptr().cast()), _mm_set1_epi8(0x50));
            _mm_movemask_epi8(_mm_cmpgt_epi8(shifted, _mm_set1_epi8(-119))) as u32
        }
    }

    #[inline(always)]
    fn equal(a: &[u8; 16], b: &[u8; 16]) -> u32 {
        // SAFETY: as above.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a.as_ptr().cast()), _mm_loadu_si128(b.as_ptr().cast()))) as u32 }
    }

    impl Scan for Sse2 {
        #[inline(always)]
        fn special(bytes: &[u8], mut at: usize) -> usize {
            // Two at a time: most strings are shorter than that, and how many times this turns is hard to predict.
            while let Some(chunk) = chunk::<32>(bytes, at) {
                let (Some(low), Some(high)) = (chunk.first_chunk(), chunk.last_chunk()) else { break };
                let found = specials(low) | specials(high) << 16;
                if found != 0 {
                    return at + found.trailing_zeros() as usize;
                }
                at += 32;
            }
            bytes.len()
        }

        #[inline(always)]
        fn no_digits(bytes: &[u8], at: usize) -> u32 {
            chunk(bytes, at).map_or(0, no_digits)
        }

        #[inline(always)]
        fn differs(bytes: &[u8], at: usize, literal: &[u8; 32]) -> u32 {
            let Some(chunk) = chunk::<32>(bytes, at) else { return u32::MAX };
            let (Some(low), Some(high)) = (chunk.first_chunk(), chunk.last_chunk()) else { return u32::MAX };
            let (Some(wanted_low), Some(wanted_high)) = (literal.first_chunk(), literal.last_chunk()) else { return u32::MAX };
            !(equal(low, wanted_low) | equal(high, wanted_high) << 16)
        }
    }
}

/// Plain Rust, for all other processors.
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "the tests compare it with the other"))]
pub(crate) struct Portable;

/// A bit for each byte of the chunk that the test holds for.
#[inline(always)]
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "as above"))]
fn bits<const N: usize>(chunk: &[u8; N], test: impl Fn(usize, u8) -> bool) -> u32 {
    chunk.iter().enumerate().fold(0, |bits, (i, &byte)| bits | u32::from(test(i, byte)) << i)
}

impl Scan for Portable {
    fn special(bytes: &[u8], at: usize) -> usize {
        let rest = bytes.get(at..).unwrap_or_default();
        let special = |&byte: &u8| byte == b'"' || byte == b'\\' || !(0x20..0x80).contains(&byte);
        rest.iter().position(special).map_or(bytes.len(), |ahead| at + ahead)
    }

    fn no_digits(bytes: &[u8], at: usize) -> u32 {
        chunk::<16>(bytes, at).map_or(0, |chunk| bits(chunk, |_, byte| !byte.is_ascii_digit()))
    }

    fn differs(bytes: &[u8], at: usize, literal: &[u8; 32]) -> u32 {
        chunk::<32>(bytes, at).map_or(u32::MAX, |chunk| bits(chunk, |i, byte| literal.get(i) != Some(&byte)))
    }
}
