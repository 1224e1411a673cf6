//! Entries that come packed, unpacked within bounds. They may have been packed in several pieces, one behind the other.

use eyas_codec::forward::Compression;

use crate::intake::Pool;
use crate::unpack::{NotUnpacked, Packing, unpack_within};

/// Unpacks entries of at most so many bytes. What is read of a connection has its room already: here it waits for none.
pub fn unpack(compression: Compression, packed: &[u8], most: usize) -> Result<Vec<u8>, NotUnpacked> {
    let packing = match compression {
        Compression::Gzip => Packing::Gzip,
        Compression::Zstd => Packing::Zstd,
    };
    unpack_within(packing, packed, most, &mut Pool::new(usize::MAX).hold())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Read;

    use eyas_codec::forward::Compression;
    use proptest::prelude::{any, prop, proptest};

    use super::{NotUnpacked, unpack};

    fn packed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Zstd => zstd::bulk::compress(bytes, 1).unwrap(),
            Compression::Gzip => {
                let mut packed = Vec::new();
                flate2::bufread::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
                packed
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out_in_one_piece_or_several_within_its_bound_and_noise_does_not(
            one in prop::collection::vec(0..4_u8, 1..500),
            other in prop::collection::vec(0..4_u8, 0..500),
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let both = [one.clone(), other.clone()].concat();
            for compression in [Compression::Gzip, Compression::Zstd] {
                let mut pieces = [packed(compression, &one), packed(compression, &other)].concat();
                assert_eq!(unpack(compression, &pieces, both.len()).unwrap(), both);
                assert!(matches!(unpack(compression, &pieces, both.len() - 1), Err(NotUnpacked::TooLarge(_))));
                assert!(unpack(compression, &pieces[..pieces.len() - 1], both.len()).is_err());
                let at = at.index(pieces.len());
                pieces[at] = to;
                for noise in [&pieces, &both] {
                    assert!(unpack(compression, noise, 2000).map_or(0, |out| out.len()) <= 2000);
                }
            }
        }
    }
}
