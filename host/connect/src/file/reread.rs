//! What was read before, read again: for slices that stand in the input log by their position alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use eyas_event::{Buffer, PADDING, Partition, Position};
use eyas_state::{FileId, SliceRecord};

use super::identity::{find, key};
use super::input::{STDIN, Unpacked, unpack};

/// Files that are open at once.
const OPEN_AT_ONCE: usize = 128;

/// Reads slices again. It is quick where those of a file are asked for in order, packed or not.
#[derive(Default)]
pub struct Rereader {
    files: BTreeMap<Partition, Again>,
    /// How often something was read; says which file was read last.
    reads: u64,
    open: usize,
}

struct Again {
    id: FileId,
    /// With the position of its next byte.
    input: Option<(Unpacked, Position)>,
    last: u64,
}

impl Rereader {
    /// Says which file a partition is.
    pub fn open(&mut self, partition: Partition, file: &FileId) {
        let known = self.files.insert(partition, Again { id: file.clone(), input: None, last: 0 });
        self.open -= usize::from(known.is_some_and(|known| known.input.is_some()));
    }

    /// The bytes of a slice as they were the first time. The message says which file is not what it was.
    pub fn read(&mut self, slice: &SliceRecord) -> Result<Buffer, String> {
        self.reads += 1;
        let reads = self.reads;
        let Some(file) = self.files.get_mut(&slice.partition) else {
            let Partition { source, number } = slice.partition;
            return Err(format!("the input log does not say which file partition {number} of source {source} is"));
        };
        let (was_open, result) = (file.input.is_some(), file.read(slice));
        file.last = reads;
        let path = file.id.path.clone();
        self.open = self.open + usize::from(file.input.is_some()) - usize::from(was_open);
        self.close_oldest();
        result.map_err(|error| format!("cannot read {} again from byte {} on: {error}", path.display(), slice.position))
    }

    fn close_oldest(&mut self) {
        if self.open <= OPEN_AT_ONCE {
            return;
        }
        if let Some(oldest) = self.files.values_mut().filter(|file| file.input.is_some()).min_by_key(|file| file.last) {
            oldest.input = None;
            self.open -= 1;
        }
    }
}

impl Again {
    fn read(&mut self, slice: &SliceRecord) -> io::Result<Buffer> {
        let mut input = self.at(slice.position)?;
        let length = usize::try_from(slice.length).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(length + PADDING + 1);
        let read = input.fill(&mut bytes, slice.length)?;
        // A last line without a newline was given one.
        if read + 1 == length && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        if bytes.len() < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than it was"));
        }
        self.input = Some((input, slice.position + read as u64));
        Ok(Buffer::new(bytes))
    }

    /// The file, so that its next byte is the one at a position.
    fn at(&mut self, position: Position) -> io::Result<Unpacked> {
        match self.input.take() {
            Some((input, at)) if at == position => Ok(input),
            // What lies between was no event, such as the header of a CSV file.
            Some((mut input, at)) if at < position && !matches!(input, Unpacked::Plain(_)) => {
                input.skip(position - at)?;
                Ok(input)
            }
            _ => unpack(self.file()?, position, &Default::default()),
        }
    }

    fn file(&self) -> io::Result<File> {
        let wanted = (self.id.device, self.id.inode);
        let other = || io::Error::new(io::ErrorKind::NotFound, "the file that was read has gone: it was replaced, moved or removed");
        let file = if self.id.path == Path::new(STDIN) {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            let (path, _) = find(&self.id.path, wanted).ok_or_else(other)?;
            File::open(path)?
        };
        if key(&file.metadata()?) == wanted { Ok(file) } else { Err(other()) }
    }
}
