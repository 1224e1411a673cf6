//! Sinks: a thread each, which writes what its outlet gives, a delivery at a time.

pub(crate) mod outbox;

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use eyas_engine::{Delivery, Outlet};

use crate::{Cause, Stop};

/// Pieces handed to the operating system at once.
const PIECES: usize = 1024;

/// Where a sink writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appends to a file, which is created.
    File(PathBuf),
    /// Appends to a file, which is created once there is something to write.
    LateFile(PathBuf),
    /// Nowhere.
    Blackhole,
}

/// A sink that could not be opened or written to.
#[derive(Debug, thiserror::Error)]
#[error("sink {name:?}: cannot {what} {target}: {source}")]
pub struct SinkError {
    /// The sink's configured name.
    pub name: String,
    /// "open" or "write to".
    pub what: &'static str,
    /// The file or stream.
    pub target: String,
    /// Why.
    pub source: io::Error,
}

/// A sink that is ready to write.
#[derive(Debug)]
pub struct Writer {
    name: String,
    target: Target,
    file: Option<File>,
}

impl Writer {
    /// Opens what the sink writes to, so that what is wrong shows before anything is read.
    pub fn open(name: &str, target: Target) -> Result<Self, SinkError> {
        let mut writer = Self { name: name.to_owned(), target, file: None };
        let opened = match &writer.target {
            Target::Stdout => duplicate(io::stdout().as_fd()),
            Target::Stderr => duplicate(io::stderr().as_fd()),
            Target::File(path) => append_to(path),
            Target::LateFile(_) | Target::Blackhole => return Ok(writer),
        };
        match opened {
            Ok(file) => writer.file = Some(file),
            Err(error) => return Err(writer.error("open", error)),
        }
        Ok(writer)
    }

    /// The sink's configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes all that the outlet gives, until its end. When it cannot write any more it asks for a stop, so that the run ends.
    pub fn run(mut self, mut outlet: Outlet, stop: &Stop) -> Result<(), SinkError> {
        while let Some(delivery) = outlet.next_delivery() {
            match self.write(&delivery) {
                Ok(()) => delivery.accept(),
                // Whoever read it has seen enough, as `head` has.
                Err(error) if error.source.kind() == ErrorKind::BrokenPipe && self.target == Target::Stdout => {
                    stop.request(Cause::ReaderGone);
                    return Ok(());
                }
                Err(error) => {
                    stop.request(Cause::SinkFailed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, delivery: &Delivery) -> Result<(), SinkError> {
        if self.target == Target::Blackhole || delivery.is_empty() {
            return Ok(());
        }
        if let (Target::LateFile(path), None) = (&self.target, &self.file) {
            self.file = Some(append_to(path).map_err(|error| self.error("open", error))?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        write_all(file, delivery.slices()).map_err(|error| self.error("write to", error))
    }

    fn error(&self, what: &'static str, source: io::Error) -> SinkError {
        let target = match &self.target {
            Target::Stdout => "standard output".to_owned(),
            Target::Stderr => "standard error".to_owned(),
            Target::File(path) | Target::LateFile(path) => path.display().to_string(),
            Target::Blackhole => "nowhere".to_owned(),
        };
        SinkError { name: self.name.clone(), what, target, source }
    }
}

fn duplicate(stream: std::os::fd::BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from(stream.try_clone_to_owned()?))
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Writes all pieces, as many at once as the operating system takes.
fn write_all<'a>(file: &mut File, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut pieces = pieces.filter(|piece| !piece.is_empty()).map(IoSlice::new).peekable();
    let mut batch = Vec::with_capacity(64);
    while pieces.peek().is_some() {
        batch.clear();
        batch.extend(pieces.by_ref().take(PIECES));
        let mut left = batch.as_mut_slice();
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Target, Writer, append_to, write_all};

    #[test]
    fn all_pieces_are_written_in_order_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let pieces: Vec<_> = (0..5_000).map(|number| if number % 3 == 0 { String::new() } else { format!("{number}\n") }).collect();
        for _ in 0..2 {
            write_all(&mut append_to(&path).unwrap(), pieces.iter().map(String::as_bytes)).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), pieces.concat().repeat(2));
    }

    #[test]
    fn a_missing_folder_is_said_with_the_sinks_name_before_anything_runs() {
        let error = Writer::open("back", Target::File("/nowhere/at/all".into())).unwrap_err();
        assert!(error.to_string().starts_with("sink \"back\": cannot open /nowhere/at/all: "), "{error}");
    }
}
