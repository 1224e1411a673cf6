//! Packed messages and bodies: unpacked up to a bound.

use std::io::{self, Read};

use eyas_event::PADDING;
use flate2::bufread::MultiGzDecoder;

/// What is set aside at once for what will be unpacked, for each packed byte.
const USUALLY: usize = 8;
/// The window of zstd that everybody may ask for (8 MiB): who writes in a stream asks for it, however little follows.
const USUAL_WINDOW_LOG: u32 = 23;

/// How messages are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As `gzip` does.
    Gzip,
    /// As `zstd` does.
    Zstd,
}

/// Why something is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum BadPack {
    /// There is more in it than is taken.
    #[error("there are more than {0} bytes in it once it is unpacked: send fewer events at once")]
    TooLarge(usize),
    /// It is not packed that way.
    #[error("it cannot be unpacked by {0}: {1}")]
    Broken(&'static str, io::Error),
}

impl Packing {
    /// By its name in headers.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Unpacks to at most so many bytes.
    pub fn unpack(self, packed: &[u8], most: usize) -> Result<Vec<u8>, BadPack> {
        let unpacked = match self {
            Self::Gzip => drain(MultiGzDecoder::new(packed), packed.len(), most),
            Self::Zstd => zstd_reader(packed, most).and_then(|reader| drain(reader, packed.len(), most)),
        };
        match unpacked {
            Ok(bytes) if bytes.len() > most => Err(BadPack::TooLarge(most)),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(BadPack::Broken(self.name(), error)),
        }
    }
}

/// Nobody needs a much larger window than everything that is taken.
fn zstd_reader(packed: &[u8], most: usize) -> io::Result<impl Read> {
    let mut reader = zstd::Decoder::with_buffer(packed)?;
    reader.window_log_max((most.max(1).ilog2() + 1).clamp(USUAL_WINDOW_LOG, 27))?;
    Ok(reader)
}

/// Reads one byte more than may be, at the most.
fn drain(reader: impl Read, packed: usize, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(packed.saturating_mul(USUALLY).min(most) + 1 + PADDING);
    reader.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::{BadPack, Packing};
    use crate::grpc::tests::support::packed;

    const BOTH: [Packing; 2] = [Packing::Gzip, Packing::Zstd];

    #[test]
    fn what_is_packed_is_unpacked_up_to_the_bound() {
        let bytes = b"a line of a log\n".repeat(10_000);
        for packing in BOTH {
            let packed = packed(packing, &bytes);
            assert!(packed.len() < bytes.len() / 10);
            assert_eq!(packing.unpack(&packed, bytes.len()).unwrap(), bytes);
            assert!(matches!(packing.unpack(&packed, bytes.len() - 1), Err(BadPack::TooLarge(_))));
            assert!(matches!(packing.unpack(&packed[..packed.len() - 1], bytes.len()), Err(BadPack::Broken(..))), "{packing:?}");
            assert_eq!(Packing::named(packing.name()), Some(packing));
        }
    }

    #[test]
    fn a_bomb_takes_no_more_memory_than_is_allowed() {
        let zeros = vec![0; 64 << 20];
        for packing in BOTH {
            let bomb = packed(packing, &zeros);
            assert!(matches!(packing.unpack(&bomb, 1 << 20), Err(BadPack::TooLarge(_))));
        }
        // A window of 2 GiB.
        let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        assert!(matches!(Packing::Zstd.unpack(&window, 1 << 20), Err(BadPack::Broken(..))));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_unpacked_or_refused(mut bytes: Vec<u8>, at: prop::sample::Index, with: u8, garbage: Vec<u8>) {
            bytes.push(0);
            for packing in BOTH {
                let mut packed = packed(packing, &bytes);
                prop_assert_eq!(packing.unpack(&packed, bytes.len()).unwrap(), bytes.clone());
                let at = at.index(packed.len());
                packed[at] ^= with;
                for damaged in [&packed, &garbage] {
                    prop_assert!(packing.unpack(damaged, 1000).is_ok_and(|bytes| bytes.len() <= 1000) || packing.unpack(damaged, 1000).is_err());
                }
            }
        }
    }
}
