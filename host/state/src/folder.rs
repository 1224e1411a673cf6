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
    _lock: File,
}

impl Folder {
    /// Where the log is in it.
    pub(crate) const LOG: &str = "log";
    /// The store in it.
    pub(crate) const STORE: &str = "checkpoints.redb";
    const LOCK: &str = "lock";
    const FORMAT: &str = "format";

    /// Makes it if it is not there, and takes hold of it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        make(path)?;
        let lock = hold(path)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.check_format()?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets all checkpoints and the input log (`--fresh`).
    pub fn clear(&self) -> Result<(), StateError> {
        // A log without a checkpoint can be replayed, a checkpoint without its log cannot: so the store goes first.
        remove(&self.store())?;
        clear_log(&self.log())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join(Self::LOG)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path.join(Self::STORE)
    }

    fn check_format(&self) -> Result<(), StateError> {
        let path = self.path.join(Self::FORMAT);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
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

/// Locks the folder, and writes into the lock who we are.
fn hold(folder: &Path) -> Result<File, StateError> {
    let path = folder.join(Folder::LOCK);
    let error = |what| move |source| StateError::Io { what, path: folder.join(Folder::LOCK), source };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(error("open"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => (),
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            return Err(StateError::Held { path: folder.to_owned(), holder: holder(&text) });
        }
        Err(errno) => return Err(error("lock")(errno.into())),
    }
    let program = std::env::args().next().unwrap_or_default();
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{} {program}", std::process::id())
    };
    write(&mut file).map_err(error("write to"))?;
    Ok(file)
}

/// Who holds a lock that says so.
fn holder(text: &str) -> String {
    let (pid, program) = text.split_once(' ').unwrap_or((text, ""));
    let Ok(pid) = pid.parse::<u32>() else { return "another process".to_owned() };
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    match (command.trim(), program) {
        ("", "") => format!("process {pid}"),
        ("", program) => format!("process {pid} ({program})"),
        (command, _) => format!("process {pid} ({command})"),
    }
}
