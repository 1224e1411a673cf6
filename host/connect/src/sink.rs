//! Sinks: a thread each, which writes what its outlet gives, a delivery at a time.
//!
//! What goes through an [`Outbox`] has two threads: one takes from the outlet at once, so that a sink that cannot write holds nobody
//! back, the other writes.

mod files;
pub(crate) mod outbox;
mod place;
mod recovery;
mod relay;
mod room;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyas_engine::{Delivery, Outlet};
use eyas_event::Timestamp;
use eyas_state::{Journal, SinkState};

use self::files::{Files, write_all};
use self::outbox::Outbox;
pub use self::place::check_path;
pub use self::recovery::Recovered;
use self::room::Room;
pub use self::room::WriterFigures;
use crate::{Cause, Stop};

/// Where a sink writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appends to a file, which is created. The path may hold strftime conversions ([`check_path`]): they take the ingest time, in UTC.
    File(PathBuf),
    /// Appends to a file, which is created once there is something to write.
    LateFile(PathBuf),
    /// Nowhere.
    Blackhole,
}

/// What else there is to say of a sink.
#[derive(Debug, Default)]
pub struct SinkSetup {
    /// A file that would grow over this is renamed to `PATH.N`, and a new one begun.
    pub max_bytes: Option<u64>,
    /// What it takes goes through an outbox of so many bytes.
    pub outbox: Option<usize>,
    /// The input log, where there is one.
    pub journal: Option<Journal>,
    /// What is known from before.
    pub recovered: Recovered,
}

/// A sink that could not be opened or written to.
#[derive(Debug, thiserror::Error)]
#[error("sink {name:?}: cannot {what} {target}: {source}")]
pub struct SinkError {
    /// The sink's configured name.
    pub name: String,
    /// "open", "recover" or "write to".
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
    output: Output,
    outbox: Option<Outbox>,
    figures: Arc<WriterFigures>,
}

#[derive(Debug)]
enum Output {
    /// By the name that people know it by.
    Stream(&'static str, File),
    Files(Box<Files>),
    Nowhere,
}

impl Writer {
    /// Makes the sink's files what they were when they were last safe, and opens what it writes to, so that what is wrong shows before
    /// anything is read.
    pub fn open(name: &str, target: Target, setup: SinkSetup) -> Result<Self, SinkError> {
        let SinkSetup { max_bytes, outbox, journal, recovered } = setup;
        let error = |what, target: &Path, source| SinkError { name: name.to_owned(), what, target: target.display().to_string(), source };
        recovered.recover(name).map_err(|(path, source)| error("recover", &path, source))?;
        let files = |path: &Path| Box::new(Files::new(name, path, max_bytes, journal, recovered.state.as_ref()));
        let stream =
            |name, stream: io::Result<File>| Ok(Output::Stream(name, stream.map_err(|source| error("open", Path::new(name), source))?));
        let output = match &target {
            Target::Stdout => stream(STDOUT, duplicate(io::stdout().as_fd()))?,
            Target::Stderr => stream("standard error", duplicate(io::stderr().as_fd()))?,
            Target::File(path) => {
                let mut files = files(path);
                files.try_open().map_err(|source| error("open", path, source))?;
                Output::Files(files)
            }
            Target::LateFile(path) => Output::Files(files(path)),
            Target::Blackhole => Output::Nowhere,
        };
        let mut pending = recovered.state.map(|state| state.pending).unwrap_or_default();
        if !matches!(&output, Output::Files(files) if files.is_dated()) {
            pending.iter_mut().for_each(relay::forget_time);
        }
        let outbox = outbox.map(|bytes| Outbox::new(bytes, &pending));
        Ok(Self { name: name.to_owned(), output, outbox, figures: Arc::default() })
    }

    /// The sink's configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it writes goes through this, if it has one.
    pub fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// The figures, while it runs and after.
    pub fn figures(&self) -> Arc<WriterFigures> {
        self.figures.clone()
    }

    /// Writes all that the outlet gives, until its end. When it cannot write any more it asks for a stop, so that the run ends.
    pub fn run(mut self, outlet: Outlet, stop: &Stop) -> Result<(), SinkError> {
        let result = match self.outbox.take() {
            Some(outbox) => relay::run(&mut self, outbox, outlet, stop),
            None => self.write_all(outlet, stop),
        };
        match result {
            // Whoever read it has seen enough, as `head` has.
            Err(error) if error.source.kind() == ErrorKind::BrokenPipe && matches!(self.output, Output::Stream(STDOUT, _)) => {
                stop.request(Cause::ReaderGone);
                Ok(())
            }
            Err(error) => {
                stop.request(Cause::SinkFailed);
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    fn write_all(&mut self, mut outlet: Outlet, stop: &Stop) -> Result<(), SinkError> {
        while let Some(delivery) = outlet.next_delivery() {
            if !delivery.is_empty() {
                self.write(&delivery, stop).map_err(|error| self.error(error))?;
            }
            if delivery.wants_state() {
                delivery.save(self.state().map_err(|error| self.error(error))?);
            }
            delivery.accept();
        }
        Ok(())
    }

    fn write(&mut self, delivery: &Delivery, stop: &Stop) -> io::Result<()> {
        let room = Room { name: &self.name, figures: &self.figures, stop };
        match &mut self.output {
            Output::Stream(_, file) => room.wrote(write_all(file, delivery.slices())?),
            Output::Files(files) => {
                let pieces: Vec<_> = delivery.slices().collect();
                write_delivery(files, &pieces, delivery.ingest_time(), room)?;
            }
            Output::Nowhere => {}
        }
        Ok(())
    }

    /// Where it stands, safe against a power cut.
    fn state(&mut self) -> io::Result<SinkState> {
        let mut state = SinkState { name: self.name.clone(), ..SinkState::default() };
        if let Output::Files(files) = &mut self.output {
            let standing = files.standing();
            standing.sync()?;
            files.listed(&standing.files);
            state.files = standing.files;
            state.rotations = standing.rotations;
        }
        Ok(state)
    }

    fn error(&self, source: io::Error) -> SinkError {
        let target = match &self.output {
            Output::Stream(name, _) => (*name).to_owned(),
            Output::Files(files) => files.path().display().to_string(),
            Output::Nowhere => "nowhere".to_owned(),
        };
        SinkError { name: self.name.clone(), what: "write to", target, source }
    }
}

/// Writes pieces that are whole lines altogether, into several files only where one gets full.
fn write_delivery(files: &mut Files, pieces: &[&[u8]], time: Option<Timestamp>, room: Room<'_>) -> io::Result<()> {
    let length = pieces.iter().map(|piece| piece.len() as u64).sum();
    if !files.fits(time, length) {
        // Another date; a file that is too full is another matter.
        room.make(|| files.change(time, 0))?;
    }
    if files.fits(time, length) {
        room.make(|| files.append(pieces.iter().copied()))?;
    } else {
        for line in lines(pieces) {
            let length = line.iter().map(|piece| piece.len() as u64).sum();
            if !files.fits(time, length) {
                room.make(|| files.change(time, length))?;
            }
            room.make(|| files.append(line.iter().copied()))?;
        }
    }
    room.wrote(length);
    Ok(())
}

/// The lines that pieces make up, each as its pieces.
fn lines<'a>(pieces: &[&'a [u8]]) -> Vec<Vec<&'a [u8]>> {
    let mut lines = vec![Vec::new()];
    for part in pieces.iter().flat_map(|piece| piece.split_inclusive(|&byte| byte == b'\n')) {
        if let Some(line) = lines.last_mut() {
            line.push(part);
        }
        if part.ends_with(b"\n") {
            lines.push(Vec::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

const STDOUT: &str = "standard output";

fn duplicate(stream: std::os::fd::BorrowedFd<'_>) -> io::Result<File> {
    Ok(File::from(stream.try_clone_to_owned()?))
}

#[cfg(test)]
mod tests;
