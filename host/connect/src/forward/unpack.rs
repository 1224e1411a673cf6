//! Entries that come packed, unpacked within bounds. They may have been packed in several pieces, one behind the other.

use std::io::{self, Read};

use eyas_codec::forward::Compression;
use flate2::bufread::MultiGzDecoder;

/// What a sender may have zstd keep of what is behind: 2 to the power of this. Usual levels need less.
const WINDOW_LOG: u32 = 23;

/// Entries that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Unpackable {
    #[error("longer than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Wrong(#[from] io::Error),
}

/// Unpacks entries of at most so many bytes.
pub fn unpack(compression: Compression, packed: &[u8], most: usize) -> Result<Vec<u8>, Unpackable> {
    match compression {
        Compression::Gzip => read(MultiGzDecoder::new(packed), packed.len(), most),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
            decoder.window_log_max(WINDOW_LOG)?;
            read(decoder, packed.len(), most)
        }
    }
}

fn read(decoder: impl Read, packed: usize, most: usize) -> Result<Vec<u8>, Unpackable> {
    // A guess: logs pack well.
    let mut entries = Vec::with_capacity(packed.saturating_mul(4).min(most) + 1);
    decoder.take(most as u64 + 1).read_to_end(&mut entries)?;
    if entries.len() > most { Err(Unpackable::TooLarge(most)) } else { Ok(entries) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Read;

    use eyas_codec::forward::Compression;
    use proptest::prelude::{any, prop, proptest};

    use super::{Unpackable, unpack};

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
                assert!(matches!(unpack(compression, &pieces, both.len() - 1), Err(Unpackable::TooLarge(_))));
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
