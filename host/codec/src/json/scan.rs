//! The three scans that the walk spends its time in, sixteen bytes at a time.
//!
//! All of them are total: a read past the end of the bytes answers as a newline would. Since a slice ends in a newline, that never
//! happens on the hot path; no scan of a line goes on behind its newline.

#![allow(unsafe_code, reason = "one check a read instead of two, and vector instructions, which take pointers")]

use std::ops::Deref;

use eyas_event::PADDING;

/// The scans, for one instruction set.
pub(crate) trait Scan {
    /// The first of: a quote, a backslash, a control character, a byte above 127; at or behind `at`.
    fn special(bytes: Padded<'_>, at: usize) -> usize;

    /// Which of the sixteen bytes at `at` are no digits, a bit each.
    fn no_digits(bytes: Padded<'_>, at: usize) -> u32;

    /// Which of the sixteen bytes at `at` are points, a bit each.
    fn points(bytes: Padded<'_>, at: usize) -> u32;

    /// Whether the literal stands at `at`.
    fn stands(bytes: Padded<'_>, at: usize, literal: &Literal) -> bool;
}

/// Up to 32 bytes to be compared at once.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    bytes: [u8; 32],
    /// Which of them count, a bit each.
    mask: u32,
    length: u8,
}

impl Literal {
    /// The longest there is.
    pub(crate) const LONGEST: usize = 32;

    /// What is beyond [`Self::LONGEST`] is left out.
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        let length = text.len().min(Self::LONGEST);
        Self { bytes, mask: u32::MAX.checked_shr(32 - length as u32).unwrap_or(0), length: length as u8 }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.length)
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }
}

/// The best that this processor surely has.
#[cfg(target_arch = "x86_64")]
pub(crate) type Native = Sse2;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Native = Portable;

/// Bytes with [`PADDING`] more behind them, as [`Buffer::padded`](eyas_event::Buffer::padded) gives them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Padded<'a> {
    all: &'a [u8],
    /// How many stand before the padding. Never more than the length of `all` less `PADDING`, or 0.
    end: usize,
}

impl<'a> Padded<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Self { all, end: all.len().saturating_sub(PADDING) }
    }

    /// The byte at `at`; a newline where there is none before the padding.
    #[inline(always)]
    pub(crate) fn byte(self, at: usize) -> u8 {
        // SAFETY: what is below `end` is below the length of `all`.
        if at < self.end { unsafe { *self.all.get_unchecked(at) } } else { b'\n' }
    }

    /// N bytes from `at` on, if `at` stands before the padding.
    #[inline(always)]
    pub(crate) fn chunk<const N: usize>(self, at: usize) -> Option<&'a [u8; N]> {
        const { assert!(N <= PADDING) };
        // SAFETY: `at` is below `end`, so the N bytes from there on end below `end + PADDING`, which is the length of `all`.
        (at < self.end).then(|| unsafe { &*self.all.as_ptr().add(at).cast() })
    }
}

impl Deref for Padded<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.all
    }
}

/// Sixteen bytes a step by SSE2, which every x86-64 processor has.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Sse2;

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    use super::{Literal, Padded, Scan, Sse2};

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
    fn points(chunk: &[u8; 16]) -> u32 {
        // SAFETY: as above.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(chunk.as_ptr().cast()), _mm_set1_epi8(b'.' as i8))) as u32 }
    }

    #[inline(always)]
    fn same(bytes: &[u8; 32], literal: &Literal) -> bool {
        // SAFETY: as above, of both halves of 32 bytes.
        unsafe {
            let half = |bytes: &[u8; 32], i: usize| -> __m128i { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>().add(i)) };
            let equal = |i| _mm_movemask_epi8(_mm_cmpeq_epi8(half(bytes, i), half(&literal.bytes, i))) as u32;
            !(equal(0) | equal(1) << 16) & literal.mask == 0
        }
    }

    impl Scan for Sse2 {
        #[inline(always)]
        fn special(bytes: Padded<'_>, mut at: usize) -> usize {
            // Two at a time: most strings are shorter than that, and how many times this turns is hard to predict.
            while let Some(chunk) = bytes.chunk::<32>(at) {
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
        fn no_digits(bytes: Padded<'_>, at: usize) -> u32 {
            bytes.chunk(at).map_or(0, no_digits)
        }

        #[inline(always)]
        fn points(bytes: Padded<'_>, at: usize) -> u32 {
            bytes.chunk(at).map_or(0, points)
        }

        #[inline(always)]
        fn stands(bytes: Padded<'_>, at: usize, literal: &Literal) -> bool {
            bytes.chunk(at).is_some_and(|chunk| same(chunk, literal))
        }
    }
}

/// Plain Rust, for all other processors.
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "the tests compare it with the other"))]
pub(crate) struct Portable;

/// For which of sixteen bytes the test holds, a bit each.
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "as above"))]
fn bits(bytes: Padded<'_>, at: usize, test: impl Fn(u8) -> bool) -> u32 {
    bytes.chunk::<16>(at).map_or(0, |chunk| chunk.iter().rev().fold(0, |bits, &byte| bits << 1 | u32::from(test(byte))))
}

impl Scan for Portable {
    fn special(bytes: Padded<'_>, at: usize) -> usize {
        let rest = bytes.get(at..).unwrap_or_default();
        let special = |&byte: &u8| byte == b'"' || byte == b'\\' || !(0x20..0x80).contains(&byte);
        rest.iter().position(special).map_or(bytes.len(), |ahead| at + ahead)
    }

    fn no_digits(bytes: Padded<'_>, at: usize) -> u32 {
        bits(bytes, at, |byte| !byte.is_ascii_digit())
    }

    fn points(bytes: Padded<'_>, at: usize) -> u32 {
        bits(bytes, at, |byte| byte == b'.')
    }

    fn stands(bytes: Padded<'_>, at: usize, literal: &Literal) -> bool {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(literal.text()))
    }
}
