//! Going through segments record by record.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::format::{HEADER, Header, PREFIX, Prefix, VERSION};
use crate::StateError;

/// How much is read at once.
const BUFFER: usize = 256 << 10;

/// What to do with the bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Pass over them.
    Skip,
    /// See whether they are as they were written.
    Check,
    /// That, and keep them.
    Keep,
}

/// Why a walk cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// The file cannot be read, or by a newer version only.
    Error(StateError),
    /// What stands there is not what was written.
    Bad(Bad),
}

/// A place where something else stands than what was written.
#[derive(Clone, Debug)]
pub struct Bad {
    /// The segment.
    pub path: PathBuf,
    /// Where in it the record begins.
    pub offset: u64,
    /// Number of the record that should stand there.
    pub number: u64,
    /// What is wrong.
    pub why: &'static str,
}

impl From<Bad> for StateError {
    fn from(bad: Bad) -> Self {
        Self::Corrupt { path: bad.path, what: format!("record {} at byte {}: {}", bad.number, bad.offset, bad.why) }
    }
}

impl From<Stop> for StateError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Error(error) => error,
            Stop::Bad(bad) => bad.into(),
        }
    }
}

/// A walk through one segment.
#[derive(Debug)]
pub struct Walk {
    input: BufReader<File>,
    path: PathBuf,
    marker: u64,
    /// Length of the file when the walk began.
    length: u64,
    /// Where the next record begins, and its number.
    offset: u64,
    number: u64,
    header: Vec<u8>,
}

/// A record that a walk came to; its header is [`Walk::header`].
#[derive(Debug)]
pub struct Step {
    /// Its number.
    pub number: u64,
    /// Records before this number were safe when it was written.
    pub safe: u64,
    /// Its bytes, if they are to be kept.
    pub bytes: Vec<u8>,
}

impl Walk {
    /// Begins at the first record of a segment.
    pub fn open(path: &Path, first: u64) -> Result<Self, Stop> {
        let error = |source| Stop::Error(StateError::Io { what: "read", path: path.to_owned(), source });
        let mut file = File::open(path).map_err(error)?;
        let length = file.metadata().map_err(error)?.len();
        let header = read_header(&mut file, path)?.filter(|header| header.first == first);
        let Some(header) = header else {
            return Err(Stop::Bad(Bad {
                path: path.to_owned(),
                offset: 0,
                number: first,
                why: "the header of the file is not as written",
            }));
        };
        let input = BufReader::with_capacity(BUFFER, file);
        Ok(Self { input, path: path.to_owned(), marker: header.marker, length, offset: HEADER as u64, number: first, header: Vec::new() })
    }

    /// Marker of the segment's records.
    pub fn marker(&self) -> u64 {
        self.marker
    }

    /// The header of the record that the last step came to.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Comes to the next record; nothing at the end.
    pub fn step(&mut self, what: Bytes) -> Result<Option<Step>, Stop> {
        let left = self.length.saturating_sub(self.offset);
        if left == 0 {
            return Ok(None);
        }
        if left < PREFIX as u64 {
            return Err(self.bad("it is cut off"));
        }
        let mut start = [0; PREFIX];
        self.fill(&mut start)?;
        let prefix = Prefix::decode(&start);
        // Only a length that the file can have is believed before the checksum has been seen.
        if prefix.marker != self.marker || u64::from(prefix.header) > left {
            return Err(self.bad("no record begins here"));
        }
        self.header.resize(prefix.header as usize, 0);
        let mut header = std::mem::take(&mut self.header);
        let read = self.fill(&mut header);
        self.header = header;
        read?;
        if !prefix.fits(&start, &self.header) || prefix.number != self.number {
            return Err(self.bad("its header is not as written"));
        }
        let length = PREFIX as u64 + u64::from(prefix.header) + u64::from(prefix.bytes);
        if length > left {
            return Err(self.bad("it is cut off"));
        }
        let bytes = self.bytes(&prefix, what)?;
        self.offset += length;
        self.number += 1;
        Ok(Some(Step { number: prefix.number, safe: prefix.safe, bytes }))
    }

    fn bytes(&mut self, prefix: &Prefix, what: Bytes) -> Result<Vec<u8>, Stop> {
        let mut left = prefix.bytes as usize;
        let mut kept = Vec::new();
        let checksum = match what {
            Bytes::Skip => {
                let passed = self.input.seek_relative(i64::from(prefix.bytes));
                passed.map_err(|source| Stop::Error(StateError::Io { what: "read", path: self.path.clone(), source }))?;
                return Ok(kept);
            }
            Bytes::Keep => {
                kept.resize(left, 0);
                self.fill(&mut kept)?;
                crc32fast::hash(&kept)
            }
            Bytes::Check => {
                let mut hasher = crc32fast::Hasher::new();
                let mut buffer = [0; 16 << 10];
                while left > 0 {
                    let Some(part) = buffer.get_mut(..left.min(16 << 10)) else { break };
                    self.fill(part)?;
                    hasher.update(part);
                    left -= part.len();
                }
                hasher.finalize()
            }
        };
        if checksum == prefix.bytes_checksum { Ok(kept) } else { Err(self.bad("its bytes are not as written")) }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Stop> {
        match self.input.read_exact(buffer) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.bad("it is cut off")),
            Err(source) => Err(Stop::Error(StateError::Io { what: "read", path: self.path.clone(), source })),
        }
    }

    /// What is wrong with a record that is as it was written, and yet says nothing.
    pub fn unreadable(&self, number: u64) -> StateError {
        StateError::Corrupt { path: self.path.clone(), what: format!("record {number} says nothing that is known") }
    }

    fn bad(&self, why: &'static str) -> Stop {
        Stop::Bad(Bad { path: self.path.clone(), offset: self.offset, number: self.number, why })
    }
}

/// The header of a segment; nothing if there is none that can be read.
pub fn read_header(file: &mut File, path: &Path) -> Result<Option<Header>, Stop> {
    let mut bytes = [0; HEADER];
    match file.read_exact(&mut bytes) {
        Ok(()) => (),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(source) => return Err(Stop::Error(StateError::Io { what: "read", path: path.to_owned(), source })),
    }
    let header = Header::decode(&bytes);
    match header {
        Some(header) if header.version > VERSION => {
            Err(Stop::Error(StateError::Newer { path: path.to_owned(), found: header.version, known: VERSION }))
        }
        header => Ok(header),
    }
}
