//! How bodies are made smaller on their way.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::GzEncoder;

use super::{Failure, FailureKind};

/// Larger bodies are compressed on another thread: it takes longer than a connection may be kept waiting.
const AT_ONCE: usize = 16 << 10;
/// Of gzip and zstd: fast, as this is for every byte.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// Snappy's block format.
    Snappy,
}

impl Compression {
    /// What it is called in headers; nothing where nothing is compressed.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Snappy => Some("snappy"),
        }
    }

    /// Compresses a body.
    pub(crate) async fn pack(self, body: Bytes) -> Result<Bytes, Failure> {
        let packed = match self {
            Self::None => return Ok(body),
            _ if body.len() <= AT_ONCE => self.packed(&body),
            _ => tokio::task::spawn_blocking(move || self.packed(&body)).await.unwrap_or_else(|error| Err(io::Error::other(error))),
        };
        let failure = |error| Failure { kind: FailureKind::Broken, told: format!("cannot compress a request: {error}") };
        packed.map(Bytes::from).map_err(failure)
    }

    /// The same at once.
    fn packed(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(body.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::new(GZIP_LEVEL));
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
            Self::Snappy => snap::raw::Encoder::new().compress_vec(body).map_err(io::Error::other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Read;

    use super::Compression;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        for length in [0, 1, 1000, 1 << 20] {
            let body = b"{\"n\":1}\n".repeat(length / 8 + 1)[..length].to_vec();
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*Compression::Gzip.packed(&body).unwrap()).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, body);
            assert_eq!(zstd::bulk::decompress(&Compression::Zstd.packed(&body).unwrap(), length).unwrap(), body);
            assert_eq!(snap::raw::Decoder::new().decompress_vec(&Compression::Snappy.packed(&body).unwrap()).unwrap(), body);
        }
    }
}
