//! Which files were read by earlier runs, and how far.

use std::io;
use std::path::{Path, PathBuf};

use eyas_event::Partition;
use eyas_state::{PartitionState, Standing};

use super::input::FileInput;
use super::merge::{FileError, MergedFile, State};

/// What is known of the files of one source.
pub struct Earlier<'a> {
    source: u16,
    /// Partitions that no file has been found for.
    known: Vec<&'a PartitionState>,
    /// The number of the next file that is new.
    next: u32,
}

impl<'a> Earlier<'a> {
    pub fn new(source: u16, resume: &'a [PartitionState]) -> Self {
        let known: Vec<_> = resume.iter().filter(|known| known.source == source).collect();
        let next = known.iter().map(|known| known.number + 1).max().unwrap_or(0);
        Self { source, known, next }
    }

    /// A file as it is to be read: from where it stood, or from its beginning if it is new; nothing if it has been read. One of the
    /// same path that has another number is another file.
    pub fn place(&mut self, input: FileInput, source: usize) -> Option<MergedFile> {
        let id = input.identity().ok();
        let known = id.as_ref().and_then(|id| self.known.iter().position(|known| known.file.as_ref() == Some(id)));
        let mut file = MergedFile {
            input,
            id,
            source,
            partition: Partition { source: self.source, number: self.next },
            known: known.is_some(),
            begun: None,
            header: None,
            state: State::Parked(0),
        };
        let Some(known) = known.map(|known| self.known.swap_remove(known)) else {
            self.next += 1;
            return Some(file);
        };
        // One that was read to its end is read on if it has grown. Of packed ones that cannot be told, and they do not.
        if known.standing == Standing::Closed && file.input.size() <= known.position {
            return None;
        }
        file.partition.number = known.number;
        file.begun = known.turn_end.filter(|end| *end > known.position);
        file.state = State::Parked(known.position);
        Some(file)
    }

    /// What was begun and has gone.
    pub fn lost(self) -> Vec<(Partition, FileError)> {
        let begun = self.known.into_iter().filter(|known| known.standing != Standing::Closed);
        let lost = begun.map(|known| {
            let path = known.file.as_ref().map_or_else(|| PathBuf::from(&known.name), |file| file.path.clone());
            let what = if Path::new(&path).exists() { "another file has taken its place" } else { "it has gone" };
            let position = known.position;
            let source = io::Error::new(io::ErrorKind::NotFound, format!("{what} since it was read up to byte {position}"));
            (Partition { source: known.source, number: known.number }, FileError { path, source })
        });
        lost.collect()
    }
}
