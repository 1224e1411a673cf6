//! The files of one sink: one is open at a time, which changes with the date and when it is full.
//!
//! Before it writes to a file that it had not open it says so in the input log, and a checkpoint keeps how long those are that it wrote
//! to. So after a crash all can be cut back to the checkpoint ([`super::recovery`]), and the replay writes the rest again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use eyas_event::Timestamp;
use eyas_state::{Journal, Record, SinkFile, SinkState};

use super::place::{Place, rotated};

/// Pieces handed to the operating system at once.
const PIECES: usize = 1024;

#[derive(Debug)]
pub struct Files {
    sink: String,
    place: Place,
    max_bytes: u64,
    journal: Option<Journal>,
    rotations: u64,
    /// Where what came last went: what has no time goes there, too.
    path: Option<PathBuf>,
    open: Option<Open>,
    /// Closed since the sink was last asked where it stands.
    closed: Vec<SinkFile>,
    /// Stops everything at a step, as a crash would.
    #[cfg(test)]
    pub fuse: Option<u32>,
}

#[derive(Debug)]
struct Open {
    file: Arc<File>,
    length: u64,
    /// Devices and pipes can neither be cut nor renamed.
    regular: bool,
}

/// Where a sink stands: which files it wrote to since it was last asked, and how long they are.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub files: Vec<SinkFile>,
    pub rotations: u64,
    /// The one that may not be safe against a power cut yet.
    unsynced: Option<Arc<File>>,
}

impl Standing {
    /// Makes what has been written safe against a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.unsynced.as_ref().map_or(Ok(()), |file| file.sync_data())
    }
}

impl Files {
    /// Goes on from where the sink stood.
    pub fn new(sink: &str, path: &Path, max_bytes: Option<u64>, journal: Option<Journal>, state: Option<&SinkState>) -> Self {
        let place = Place::new(path);
        let last = state.and_then(|state| state.files.last()).map(|file| file.path.clone());
        Self {
            sink: sink.to_owned(),
            path: last.filter(|_| place.is_dated()),
            place,
            max_bytes: max_bytes.unwrap_or(u64::MAX),
            journal,
            rotations: state.map_or(0, |state| state.rotations),
            open: None,
            closed: Vec::new(),
            #[cfg(test)]
            fuse: None,
        }
    }

    /// Finds out early what would be wrong later: opens the file if its path is known, else looks whether its folder is there.
    pub fn try_open(&mut self) -> io::Result<()> {
        if !self.place.is_dated() {
            return self.switch(self.place.pattern().to_owned());
        }
        let root = fs::metadata(self.place.root())?;
        if root.is_dir() { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
    }

    /// Whether the path depends on the date.
    pub fn is_dated(&self) -> bool {
        self.place.is_dated()
    }

    /// What is written to, for messages.
    pub fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(self.place.pattern())
    }

    /// Whether so many bytes can go to where they belong as things are; else [`Files::change`] comes first.
    pub fn fits(&self, time: Option<Timestamp>, bytes: u64) -> bool {
        self.open.as_ref().is_some_and(|open| self.has_room(open, bytes)) && !self.leads_elsewhere(time)
    }

    /// Makes room for so many bytes where they belong: opens another file, and rotates the one that is there if it is full.
    pub fn change(&mut self, time: Option<Timestamp>, bytes: u64) -> io::Result<()> {
        if self.open.is_none() || self.leads_elsewhere(time) {
            let path = self.path_for(time);
            self.switch(path)?;
        }
        // A line that is longer than a file may be has one of its own.
        if self.open.as_ref().is_some_and(|open| open.length > 0 && !self.has_room(open, bytes)) {
            self.rotate()?;
            self.switch(self.path().to_owned())?;
        }
        Ok(())
    }

    /// Appends pieces that are whole lines altogether. After an error nothing of them is there.
    pub fn append<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        self.step()?;
        let Some(open) = &mut self.open else { return Err(ErrorKind::NotFound.into()) };
        match write_all(&open.file, pieces) {
            Ok(written) => open.length += written,
            Err(error) => {
                if open.regular {
                    open.file.set_len(open.length)?;
                }
                return Err(error);
            }
        }
        self.step()
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        let regular = self.open.as_ref().filter(|open| open.regular);
        let path = full(self.path());
        let length = match regular {
            Some(open) => Some(open.length),
            // What comes without a time will go there, so it is to be known after a restart.
            None if self.open.is_none() && self.is_dated() && self.path.is_some() => {
                Some(fs::metadata(&path).map_or(0, |metadata| metadata.len()))
            }
            None => None,
        };
        let mut files = self.closed.clone();
        if let Some(length) = length {
            files.retain(|closed| closed.path != path);
            files.push(SinkFile { path, length });
        }
        Standing { files, rotations: self.rotations, unsynced: regular.map(|open| Arc::clone(&open.file)) }
    }

    /// A checkpoint has listed these: what of them is closed need not be listed again.
    pub fn listed(&mut self, files: &[SinkFile]) {
        self.closed.retain(|file| !files.contains(file));
    }

    fn has_room(&self, open: &Open, bytes: u64) -> bool {
        !open.regular || open.length.saturating_add(bytes) <= self.max_bytes
    }

    fn leads_elsewhere(&self, time: Option<Timestamp>) -> bool {
        self.place.is_dated() && time.is_some_and(|time| self.path.as_ref() != Some(&self.place.at(time)))
    }

    fn path_for(&self, time: Option<Timestamp>) -> PathBuf {
        match (time, &self.path) {
            (Some(time), _) => self.place.at(time),
            (None, Some(path)) => path.clone(),
            // Nothing is known yet: now is as good as any time.
            (None, None) => self.place.at(crate::ingest_time()),
        }
    }

    /// Opens a file, in place of the one that is open.
    fn switch(&mut self, path: PathBuf) -> io::Result<()> {
        self.close()?;
        if let Some(folder) = path.parent().filter(|_| self.place.is_dated()) {
            let root = self.place.root();
            if !root.is_dir() {
                return Err(io::Error::new(ErrorKind::NotFound, format!("there is no folder {}", root.display())));
            }
            fs::create_dir_all(folder)?;
        }
        let known = fs::metadata(&path).ok();
        let regular = known.as_ref().is_none_or(fs::Metadata::is_file);
        if regular {
            self.touch(&path, known.as_ref().map_or(0, fs::Metadata::len))?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        self.step()?;
        if known.is_none() {
            self.sync_folder(&path)?;
        }
        let length = if regular { file.metadata()?.len() } else { 0 };
        // It is listed as the one that is open from here on.
        let listed = full(&path);
        self.closed.retain(|closed| closed.path != listed);
        self.open = Some(Open { file: Arc::new(file), length, regular });
        self.path = Some(path);
        Ok(())
    }

    /// Closes what is open, safe against a power cut.
    fn close(&mut self) -> io::Result<()> {
        if let Some(open) = &self.open
            && open.regular
        {
            if self.journal.is_some() {
                open.file.sync_data()?;
            }
            self.closed.push(SinkFile { path: full(self.path()), length: open.length });
        }
        self.open = None;
        Ok(())
    }

    /// Renames the file that is open, to a name that nobody has.
    fn rotate(&mut self) -> io::Result<()> {
        let path = self.path().to_owned();
        let mut number = self.rotations + 1;
        while fs::symlink_metadata(rotated(&path, number)).is_ok() {
            number += 1;
        }
        let away = rotated(&path, number);
        self.touch(&away, 0)?;
        self.close()?;
        self.closed.pop();
        fs::rename(&path, &away)?;
        self.rotations = number;
        self.step()?;
        self.sync_folder(&path)
    }

    /// Says in the input log that a file is about to be written to.
    fn touch(&mut self, path: &Path, length: u64) -> io::Result<()> {
        self.step()?;
        if let Some(journal) = &self.journal {
            let record = Record::Touch { sink: self.sink.clone(), path: full(path), length };
            let number = journal.append(&record, &[]).map_err(io::Error::other)?;
            journal.wait(number).map_err(io::Error::other)?;
        }
        self.step()
    }

    /// Makes a name safe against a power cut.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if self.journal.is_none() {
            return Ok(());
        }
        sync_folder(path)
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests stop here")]
    fn step(&mut self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => Err(io::Error::other("burnt")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Makes the names in a file's folder safe against a power cut.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// So that it is found from any working folder.
fn full(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Writes all pieces, as many at once as the operating system takes. Gives how many bytes they are.
pub fn write_all<'a>(mut file: &File, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<u64> {
    let mut pieces = pieces.filter(|piece| !piece.is_empty()).map(IoSlice::new).peekable();
    let mut batch = Vec::with_capacity(64);
    let mut total = 0;
    while pieces.peek().is_some() {
        batch.clear();
        batch.extend(pieces.by_ref().take(PIECES));
        let mut left = batch.as_mut_slice();
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    total += written as u64;
                    IoSlice::advance_slices(&mut left, written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(total)
}
