//! The folder itself: made where it is missing, and held by one process at a time.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StateError;
use crate::journal::clear_log;

/// The version of how the folder is laid out.
const FORMAT: u32 = 1;

/// A state folder, held until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
    /// Whether it may be changed.
    ours: bool,
}

impl Folder {
    const LOG: &str = "log";
    const STORE: &str = "checkpoints.redb";
    const UNFINISHED_STORE: &str = "checkpoints.new";
    const LOCK: &str = "lock";
    const FORMAT: &str = "format";

    /// Makes it if it is not there, and takes hold of it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        if !path.is_dir() {
            make(path)?;
            // Where the folder above may not be read, its names get safe in their own time.
            path.parent().map(sync_folder);
        }
        let folder = Self { path: path.to_owned(), lock: hold(path)?, ours: true };
        folder.check_format()?;
        Ok(folder)
    }

    /// Takes hold of one that is there, to look into it; nothing is changed. Several may look at once, but not while it is in use.
    pub fn look(path: &Path) -> Result<Self, StateError> {
        let place = path.join(Self::LOCK);
        let mut lock = File::open(&place).map_err(|source| StateError::Io { what: "open", path: place, source })?;
        take(path, &mut lock, FlockOperation::NonBlockingLockShared)?;
        let folder = Self { path: path.to_owned(), lock, ours: false };
        folder.check_format()?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets all checkpoints and the input log (`--fresh`).
    pub fn clear(&self) -> Result<(), StateError> {
        self.ours()?;
        // A log without a checkpoint can be replayed, a checkpoint without its log cannot: so the store goes first.
        remove(&self.store())?;
        remove(&self.unfinished_store())?;
        clear_log(&self.log())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join(Self::LOG)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path.join(Self::STORE)
    }

    pub(crate) fn unfinished_store(&self) -> PathBuf {
        self.path.join(Self::UNFINISHED_STORE)
    }

    /// Sees whether it may be changed.
    pub(crate) fn ours(&self) -> Result<(), StateError> {
        let source = || io::Error::new(io::ErrorKind::PermissionDenied, "it has been opened to look at it only");
        if self.ours { Ok(()) } else { Err(StateError::Io { what: "change", path: self.path.clone(), source: source() }) }
    }

    fn check_format(&self) -> Result<(), StateError> {
        let path = self.path.join(Self::FORMAT);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.ours => {
                return fs::write(&path, format!("{FORMAT}\n")).map_err(|source| StateError::Io { what: "write to", path, source });
            }
            Err(source) => return Err(StateError::Io { what: "read", path, source }),
        };
        match text.trim().parse::<u32>() {
            Ok(found) if found > FORMAT => Err(StateError::Newer { path, found, known: FORMAT }),
            Ok(_) => Ok(()),
            Err(_) => Err(StateError::Corrupt { path, what: format!("it should say {FORMAT}, the version of the folder's format") }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing it is not enough, should a process have been started meanwhile that has not closed its copy yet.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// Makes a folder that only we can look into.
pub(crate) fn make(path: &Path) -> Result<(), StateError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StateError::Io { what: "create the folder", path: path.to_owned(), source })
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| StateError::Io { what: "remove", path: path.to_owned(), source }),
    }
}

/// Makes the names in a folder safe.
pub(crate) fn sync_folder(dir: &Path) -> Result<(), StateError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| StateError::Io { what: "sync", path: dir.to_owned(), source })
}

/// Locks the folder, and writes into the lock who we are.
fn hold(folder: &Path) -> Result<File, StateError> {
    let error = |what| move |source| StateError::Io { what, path: folder.join(Folder::LOCK), source };
    let file = File::options().read(true).write(true).create(true).truncate(false).open(folder.join(Folder::LOCK));
    let mut file = file.map_err(error("open"))?;
    take(folder, &mut file, FlockOperation::NonBlockingLockExclusive)?;
    let program = std::env::args().next().unwrap_or_default();
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{} {program}", std::process::id())
    };
    write(&mut file).map_err(error("write to"))?;
    Ok(file)
}

fn take(folder: &Path, file: &mut File, how: FlockOperation) -> Result<(), StateError> {
    match flock(&*file, how) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Err(StateError::Held { path: folder.to_owned(), holder: holder(&text) })
        }
        Err(errno) => Err(StateError::Io { what: "lock", path: folder.join(Folder::LOCK), source: errno.into() }),
    }
}

/// Who holds a lock, by what its last owner wrote into it. That may be over, and who holds it now only look at it; or it cannot be seen
/// from here, as in another container.
fn holder(text: &str) -> String {
    let (pid, program) = text.split_once(' ').unwrap_or((text, "eyas"));
    let Ok(pid) = pid.parse::<u32>() else { return "another process".to_owned() };
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(command) => format!("process {pid} ({})", String::from_utf8_lossy(&command).replace('\0', " ").trim()),
        Err(_) => format!("another process (its last owner was process {pid}, {program})"),
    }
}
