//! The file of the store: opening it, and what becomes of it when something fails.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction};

use super::overlay::Overlay;
use crate::StateError;

/// What is kept in memory of the file. Little is read twice: it is read when it is restored.
const CACHE_BYTES: usize = 16 << 20;

/// A file that is smaller than this is not worth shrinking.
const ROOMY: u64 = 16 << 20;
/// Nor one of which a larger share than one in so many is in use.
const ROOMIER: u64 = 4;

/// A database in a file.
pub struct Database {
    path: PathBuf,
    /// Nothing after an error: redb wants to be opened again then, and that failed, too.
    database: Option<redb::Database>,
    /// Whether it may be written to.
    ours: bool,
}

impl Database {
    /// Opens it, or makes it. All of it is read, so that what has been damaged is found before it is believed.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let mut opened = Self::over(path, file(path)?)?;
        opened.shrink().map_err(|error| state_error(path, "shrink", error))?;
        Ok(opened)
    }

    /// Gives room back that the file has grown to and does not need: each kill leaves some.
    fn shrink(&mut self) -> Result<(), redb::Error> {
        let length = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        let Some(database) = self.database.as_mut().filter(|_| length > ROOMY) else { return Ok(()) };
        let tx = database.begin_write()?;
        let stats = tx.stats()?;
        tx.abort()?;
        let used = stats.allocated_pages().saturating_mul(stats.page_size() as u64);
        if length / ROOMIER > used {
            database.compact()?;
        }
        Ok(())
    }

    /// Opens it to read only; nothing if there is none.
    pub fn look(path: &Path) -> Result<Option<Self>, StateError> {
        let overlay = match File::open(path).and_then(Overlay::new) {
            Ok(overlay) => overlay,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { what: "open", path: path.to_owned(), source }),
        };
        Ok(Some(Self { ours: false, ..Self::over(path, overlay)? }))
    }

    /// The same over something that acts as a file.
    pub fn over(path: &Path, backend: impl StorageBackend) -> Result<Self, StateError> {
        let database = Builder::new().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).create_with_backend(backend);
        let database = database.map_err(|error| state_error(path, "open", error.into()))?;
        Ok(Self { path: path.to_owned(), database: Some(database), ours: true })
    }

    /// Reads.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, StateError> {
        let result = match &self.database {
            Some(database) => database.begin_read().map_err(redb::Error::from).and_then(|tx| work(&tx)),
            None => Err(redb::Error::DatabaseClosed),
        };
        result.map_err(|error| state_error(&self.path, "read", error))
    }

    /// Writes all or nothing, and has it safe when this returns.
    pub fn write<T>(&mut self, work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>) -> Result<T, StateError> {
        if !self.ours {
            let source = io::Error::new(io::ErrorKind::PermissionDenied, "it has been opened to look at it only");
            return Err(StateError::Io { what: "write to", path: self.path.clone(), source });
        }
        let database = match &self.database {
            Some(database) => database,
            None => self.database.insert(again(&self.path)?),
        };
        let result = write(database, work);
        if result.is_err() {
            // The one has to be gone before the next can lock the file.
            self.database = None;
            self.database = again(&self.path).ok();
        }
        result.map_err(|error| state_error(&self.path, "write to", error))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Something in it is not as it was written.
    pub fn corrupt(&self, what: &str) -> StateError {
        StateError::Corrupt { path: self.path.clone(), what: what.to_owned() }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}

fn file(path: &Path) -> Result<FileBackend, StateError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|source| StateError::Io { what: "open", path: path.to_owned(), source })?;
    FileBackend::new(file).map_err(|error| state_error(path, "open", error.into()))
}

/// Opens it again, after an error; it has been checked before.
fn again(path: &Path) -> Result<redb::Database, StateError> {
    let database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(file(path)?);
    database.map_err(|error| state_error(path, "open", error.into()))
}

fn write<T>(database: &redb::Database, work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    let mut tx = database.begin_write()?;
    // In two phases: what was committed before can be told from what is half written without trusting a checksum.
    tx.set_two_phase_commit(true);
    let result = work(&tx)?;
    tx.commit()?;
    Ok(result)
}

/// What is in the database is not what was put there.
pub fn broken(what: String) -> redb::Error {
    redb::Error::Corrupted(what)
}

fn state_error(path: &Path, what: &'static str, error: redb::Error) -> StateError {
    let path = path.to_owned();
    match error {
        redb::Error::Io(source) if matches!(source.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => {
            StateError::Corrupt { path, what: source.to_string() }
        }
        redb::Error::Io(source) => StateError::Io { what, path, source },
        redb::Error::Corrupted(what) => StateError::Corrupt { path, what },
        redb::Error::DatabaseAlreadyOpen => StateError::Held { path, holder: "another process".to_owned() },
        error @ (redb::Error::TableTypeMismatch { .. } | redb::Error::UpgradeRequired(_) | redb::Error::TypeDefinitionChanged { .. }) => {
            StateError::Corrupt { path, what: error.to_string() }
        }
        error => StateError::Io { what, path, source: io::Error::other(error) },
    }
}
