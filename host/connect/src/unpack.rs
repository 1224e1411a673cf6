//! Packed bodies of requests: unpacked within bounds of size, memory and time.
//!
//! A few bytes may unpack to very many. So what comes out is counted as it comes, against the most that a body may have and against what
//! may wait altogether; and only so many are unpacked at once, beside the threads that serve connections.

use std::io::{Cursor, Read};
use std::sync::LazyLock;

use eyas_event::PADDING;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use tokio::sync::Semaphore;

use crate::intake::Held;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; or RFC 1951 alone, as some take that name for it.
    Deflate,
    /// RFC 8878.
    Zstd,
    /// One block, or framed.
    Snappy,
}

/// Why a body is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum NotUnpacked {
    /// It holds more bytes than that.
    #[error("the body unpacks to more than {0} bytes: send fewer events at once")]
    TooLarge(usize),
    /// There is no room for what it holds.
    #[error("there is no room at the moment: send it again later")]
    NoRoom,
    /// It is not what it is said to be, is cut off, or goes on behind its end.
    #[error("the body is no {0}: {1}")]
    Broken(&'static str, String),
}

impl Packing {
    /// All that there are, as HTTP calls them.
    pub const NAMES: &str = "gzip, deflate, zstd, snappy, identity";

    /// By the name that HTTP has for it. Nothing: it is not packed; an error: we do not know that name.
    pub fn by_name(name: &str) -> Result<Option<Self>, ()> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            "zstd" => Ok(Some(Self::Zstd)),
            "snappy" | "x-snappy-framed" => Ok(Some(Self::Snappy)),
            _ => Err(()),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
        }
    }
}

/// Packed bodies that are at most so long are unpacked at once: what it takes to hand them to another thread takes longer.
const SMALL: usize = 4 << 10;
/// What is unpacked between two looks at how much it is by now.
const PIECE: usize = 64 << 10;
/// Windows of zstd are of at most so many bits: 8 MB, as RFC 8878 asks of everybody.
const ZSTD_WINDOW: u32 = 23;
/// How framed snappy begins.
const SNAPPY_STREAM: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// Unpacks a body to at most so many bytes. What it holds, and not what it was, is held then.
pub async fn unpack(packing: Packing, body: Vec<u8>, most: usize, mut held: Held) -> Result<(Vec<u8>, Held), NotUnpacked> {
    static PLACES: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)));
    if body.is_empty() {
        return Ok((body, held));
    }
    if body.len() <= SMALL {
        let unpacked = unpack_within(packing, &body, most, &mut held)?;
        return Ok((unpacked, held));
    }
    // It is never closed.
    let place = PLACES.acquire().await;
    let task = tokio::task::spawn_blocking(move || {
        let _place = place;
        unpack_within(packing, &body, most, &mut held).map(|unpacked| (unpacked, held))
    });
    task.await.unwrap_or_else(|error| Err(NotUnpacked::Broken(packing.name(), error.to_string())))
}

/// The same on this thread.
pub fn unpack_within(packing: Packing, body: &[u8], most: usize, held: &mut Held) -> Result<Vec<u8>, NotUnpacked> {
    let broken = |error: &dyn std::fmt::Display| NotUnpacked::Broken(packing.name(), error.to_string());
    match packing {
        Packing::Gzip => read_all(MultiGzDecoder::new(body), most, held, packing),
        Packing::Deflate => {
            // What is behind the end is no error to the decoder.
            let mut rest = Cursor::new(body);
            let unpacked = if is_zlib(body) {
                read_all(ZlibDecoder::new(&mut rest), most, held, packing)
            } else {
                read_all(DeflateDecoder::new(&mut rest), most, held, packing)
            }?;
            if rest.position() < body.len() as u64 {
                return Err(broken(&"it goes on behind its end"));
            }
            Ok(unpacked)
        }
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|error| broken(&error))?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|error| broken(&error))?;
            read_all(decoder, most, held, packing)
        }
        Packing::Snappy if body.starts_with(SNAPPY_STREAM) => read_all(snap::read::FrameDecoder::new(body), most, held, packing),
        Packing::Snappy => {
            let length = snap::raw::decompress_len(body).map_err(|error| broken(&error))?;
            if length > most {
                return Err(NotUnpacked::TooLarge(most));
            }
            if !held.take(length) {
                return Err(NotUnpacked::NoRoom);
            }
            let mut unpacked = Vec::with_capacity(length + 1 + PADDING);
            unpacked.resize(length, 0);
            snap::raw::Decoder::new().decompress(body, &mut unpacked).map_err(|error| broken(&error))?;
            Ok(unpacked)
        }
    }
}

/// Whether bytes begin as zlib's do.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

fn read_all(mut reader: impl Read, most: usize, held: &mut Held, packing: Packing) -> Result<Vec<u8>, NotUnpacked> {
    let mut unpacked = Vec::with_capacity(PIECE + 1 + PADDING);
    loop {
        let read = (&mut reader).take(PIECE as u64).read_to_end(&mut unpacked);
        let read = read.map_err(|error| NotUnpacked::Broken(packing.name(), error.to_string()))?;
        if unpacked.len() > most {
            return Err(NotUnpacked::TooLarge(most));
        }
        if !held.take(read) {
            return Err(NotUnpacked::NoRoom);
        }
        if read < PIECE {
            return Ok(unpacked);
        }
    }
}

#[cfg(test)]
mod tests;
