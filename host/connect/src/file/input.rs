//! The bytes of one file, unpacked if they are packed: that is known by their first bytes, whatever the name.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How much packed data is read at once.
const PACKED: usize = 128 * 1024;

/// Something that can be read as a file.
#[derive(Debug)]
pub enum FileInput {
    /// A file, by its path.
    Path(PathBuf),
    /// An open file without a name: a standard input that is a regular file.
    Stdin(File),
}

impl FileInput {
    /// What it is called in messages and in the order of files.
    pub fn name(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Stdin(_) => Path::new("standard input"),
        }
    }

    /// Its size on disk; 0 where it cannot be told.
    pub fn size(&self) -> u64 {
        let metadata = match self {
            Self::Path(path) => std::fs::metadata(path),
            Self::Stdin(file) => file.metadata(),
        };
        metadata.map_or(0, |metadata| metadata.len())
    }

    /// Opens it so that the next byte read is the one at `position`, counted after unpacking.
    pub fn open(&self, position: u64, read: &Arc<AtomicU64>) -> io::Result<Unpacked> {
        let file = match self {
            Self::Path(path) => {
                let file = File::open(path)?;
                if !file.metadata()?.is_file() {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"));
                }
                file
            }
            Self::Stdin(file) => file.try_clone()?,
        };
        let mut first = [0; 4];
        let length = read_first(&file, &mut first)?;
        let first = first.get(..length).unwrap_or_default();
        let mut counted = Counted { file, read: Arc::clone(read) };
        // A standard input may have been read from before, to look into it.
        counted.file.seek(SeekFrom::Start(0))?;
        let mut unpacked = if first.starts_with(&GZIP) {
            Unpacked::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED, counted))))
        } else if first == ZSTD {
            Unpacked::Zstd(Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(PACKED, counted))?))
        } else {
            counted.file.seek(SeekFrom::Start(position))?;
            return Ok(Unpacked::Plain(counted));
        };
        io::copy(&mut unpacked.by_ref().take(position), &mut io::sink())?;
        Ok(unpacked)
    }
}

/// What a file that begins so is packed with, if it is.
pub fn packing(first: &[u8]) -> Option<&'static str> {
    if first.starts_with(&GZIP) {
        Some("gzip")
    } else if first.starts_with(&ZSTD) {
        Some("zstd")
    } else {
        None
    }
}

fn read_first(file: &File, first: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = first.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// Counts the bytes that come off the disk, for progress.
#[derive(Debug)]
pub struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// The bytes of a file as they were before they were packed.
pub enum Unpacked {
    /// Not packed.
    Plain(Counted),
    /// Any number of gzip members.
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
    /// Any number of zstd frames.
    Zstd(Box<zstd::Decoder<'static, BufReader<Counted>>>),
}

impl Unpacked {
    /// Appends at most so many bytes; fewer only at the end of the file, or before an error.
    pub fn fill(&mut self, bytes: &mut Vec<u8>, most: u64) -> io::Result<usize> {
        match self {
            // Straight from the file: `Counted` could only read into memory that was zeroed before.
            Self::Plain(counted) => {
                let length = (&counted.file).take(most).read_to_end(bytes)?;
                counted.read.fetch_add(length as u64, Ordering::Relaxed);
                Ok(length)
            }
            Self::Gzip(decoder) => decoder.take(most).read_to_end(bytes),
            Self::Zstd(decoder) => decoder.take(most).read_to_end(bytes),
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(counted) => counted.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}
