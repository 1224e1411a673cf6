//! The bytes of one file, unpacked if they are packed: that is known by their first bytes, whatever the name.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eyas_state::FileId;
use flate2::read::MultiGzDecoder;

use super::identity::{identify, key};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How much packed data is read at once.
const PACKED: usize = 128 * 1024;

/// What a standard input that is a file is called.
pub const STDIN: &str = "standard input";

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
            Self::Stdin(_) => Path::new(STDIN),
        }
    }

    /// Its size on disk; 0 where it cannot be told.
    pub fn size(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Which file it is now.
    pub fn identity(&self) -> io::Result<FileId> {
        Ok(identify(self.name(), &self.metadata()?))
    }

    /// Opens it so that the next byte read is the one at `position`, counted after unpacking. `wanted`: it must be this file still.
    pub fn open(&self, position: u64, wanted: Option<&FileId>, read: &Arc<AtomicU64>) -> io::Result<Unpacked> {
        let file = match self {
            Self::Path(path) => File::open(path)?,
            Self::Stdin(file) => file.try_clone()?,
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"));
        }
        if wanted.is_some_and(|wanted| (wanted.device, wanted.inode) != key(&metadata)) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "another file has taken its place since it was begun"));
        }
        unpack(file, position, read)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Path(path) => std::fs::metadata(path),
            Self::Stdin(file) => file.metadata(),
        }
    }
}

/// Unpacks a file, if it is packed, so that the next byte is the one at `position`.
pub fn unpack(file: File, position: u64, read: &Arc<AtomicU64>) -> io::Result<Unpacked> {
    let mut first = [0; 4];
    let length = read_first(&file, &mut first)?;
    let size = file.metadata()?.len();
    let mut counted = Counted { file, read: Arc::clone(read) };
    // A standard input may have been read from before, to look into it.
    counted.file.seek(SeekFrom::Start(0))?;
    let mut unpacked = match packing(first.get(..length).unwrap_or_default()) {
        Some("gzip") => Unpacked::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED, counted)))),
        Some(_) => Unpacked::Zstd(Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(PACKED, counted))?)),
        None => {
            counted.file.seek(SeekFrom::Start(position))?;
            // The newline that a last line was given counts, too.
            return if position > size + 1 { Err(shorter(position)) } else { Ok(Unpacked::Plain(counted)) };
        }
    };
    if unpacked.skip(position)? + 1 < position {
        return Err(shorter(position));
    }
    Ok(unpacked)
}

fn shorter(position: u64) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("is shorter than it was when it was read up to byte {position}"))
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
    /// Goes over so many bytes; gives how many there were.
    pub fn skip(&mut self, bytes: u64) -> io::Result<u64> {
        io::copy(&mut self.by_ref().take(bytes), &mut io::sink())
    }

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
