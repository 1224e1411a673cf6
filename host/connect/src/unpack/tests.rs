//! What comes of packed bodies, however they are packed, and whoever packed them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;
use crate::intake::Pool;

/// All ways to pack something.
fn packed(bytes: &[u8]) -> Vec<(Packing, Vec<u8>)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    gzip.write_all(bytes).unwrap();
    zlib.write_all(bytes).unwrap();
    deflate.write_all(bytes).unwrap();
    framed.write_all(bytes).unwrap();
    vec![
        (Packing::Gzip, gzip.finish().unwrap()),
        (Packing::Deflate, zlib.finish().unwrap()),
        (Packing::Deflate, deflate.finish().unwrap()),
        (Packing::Zstd, zstd::encode_all(bytes, 3).unwrap()),
        (Packing::Zstd, zstd::bulk::compress(bytes, 3).unwrap()),
        (Packing::Snappy, snap::raw::Encoder::new().compress_vec(bytes).unwrap()),
        (Packing::Snappy, framed.into_inner().unwrap()),
    ]
}

/// Unpacks on this thread. With what was held meanwhile at the end.
fn unpack_now(packing: Packing, body: &[u8], most: usize, room: usize) -> (Result<Vec<u8>, NotUnpacked>, usize) {
    let mut held = Pool::new(room).hold();
    let unpacked = unpack_within(packing, body, most, &mut held);
    (unpacked, held.bytes())
}

#[test]
fn what_is_unpacked_is_what_was_packed_and_is_held() {
    for length in [1, 1000, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
        let bytes: Vec<u8> = (0..length).map(|i| (i * i / 7) as u8).collect();
        for (packing, body) in packed(&bytes) {
            let (unpacked, held) = unpack_now(packing, &body, length, length);
            assert_eq!(unpacked.unwrap(), bytes, "{packing:?}");
            assert_eq!(held, length, "{packing:?}");
        }
    }
}

#[test]
fn a_bomb_is_given_up_at_the_bound_and_at_what_may_wait() {
    let bytes = vec![b' '; 50 << 20];
    for (packing, body) in packed(&bytes) {
        let (unpacked, held) = unpack_now(packing, &body, 1 << 20, usize::MAX);
        assert!(matches!(unpacked, Err(NotUnpacked::TooLarge(most)) if most == 1 << 20), "{packing:?}");
        assert!(held <= (1 << 20) + PIECE, "{packing:?}: {held}");
        let (unpacked, held) = unpack_now(packing, &body, usize::MAX, 1 << 20);
        assert!(matches!(unpacked, Err(NotUnpacked::NoRoom)), "{packing:?}");
        assert!(packing == Packing::Snappy || held <= (1 << 20) + PIECE, "{packing:?}: {held}");
    }
}

#[test]
fn what_is_cut_off_or_goes_on_behind_its_end_is_no_body() {
    let bytes: Vec<u8> = (0..10_000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    for (packing, body) in packed(&bytes) {
        for cut in [1, 2, 5, 10, body.len() / 2, body.len() - 1] {
            let (unpacked, _) = unpack_now(packing, &body[..body.len() - cut], usize::MAX, usize::MAX);
            assert!(matches!(unpacked, Err(NotUnpacked::Broken(..))), "{packing:?} without its last {cut} bytes");
        }
        let behind = [&body[..], b"garbage"].concat();
        let (unpacked, _) = unpack_now(packing, &behind, usize::MAX, usize::MAX);
        assert!(matches!(unpacked, Err(NotUnpacked::Broken(..))), "{packing:?} with something behind");
    }
}

#[test]
fn windows_that_would_take_too_much_memory_are_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(ZSTD_WINDOW + 1).unwrap();
    encoder.write_all(&[7; 1000]).unwrap();
    let body = encoder.finish().unwrap();
    assert!(matches!(unpack_now(Packing::Zstd, &body, usize::MAX, usize::MAX).0, Err(NotUnpacked::Broken(..))));
}

#[test]
fn names_are_those_of_http() {
    for (name, packing) in [("", None), ("identity", None), ("GZIP", Some(Packing::Gzip)), (" zstd ", Some(Packing::Zstd))] {
        assert_eq!(Packing::by_name(name), Ok(packing));
    }
    for name in Packing::NAMES.split(", ") {
        assert!(Packing::by_name(name).is_ok(), "{name}");
    }
    assert_eq!([Packing::by_name("br"), Packing::by_name("gzip, gzip")], [Err(()), Err(())]);
}

proptest! {
    #[test]
    fn anything_is_unpacked_or_refused_within_bounds(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        raw: bool,
    ) {
        for (packing, mut body) in packed(&bytes) {
            if raw {
                body.clone_from(&bytes);
            }
            for (at, byte) in &changes {
                if !body.is_empty() {
                    *at.get_mut(&mut body) = *byte;
                }
            }
            let (unpacked, held) = unpack_now(packing, &body, 10_000, 100_000);
            if let Ok(unpacked) = unpacked {
                prop_assert!(unpacked.len() <= 10_000);
            }
            prop_assert!(held <= 10_000 + PIECE);
        }
    }
}
