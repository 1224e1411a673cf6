//! The file of the store: opening it, and what becomes of it when something fails.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::StateError;

/// What is kept in memory of the file. Little is read twice: it is read when it is restored.
const CACHE_BYTES: usize = 16 << 20;

/// A database, or what is to be opened again after an error.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    open: Open,
}

enum Open {
    Write(redb::Database),
    Read(ReadOnlyDatabase),
    /// After an error redb wants to be opened again; that failed, too.
    Failed,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Write(_) => "Write",
            Self::Read(_) => "Read",
            Self::Failed => "Failed",
        })
    }
}

impl Database {
    /// Opens it, or makes it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let database = open(path, true)?;
        Ok(Self { path: path.to_owned(), open: Open::Write(database) })
    }

    /// Opens it to read only; nothing if there is none.
    pub fn look(path: &Path) -> Result<Option<Self>, StateError> {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { what: "open", path: path.to_owned(), source }),
            Ok(_) => (),
        }
        let database = Builder::new().set_cache_size(CACHE_BYTES).open_read_only(path);
        let database = database.map_err(|error| state_error(path, "open", error.into()))?;
        Ok(Some(Self { path: path.to_owned(), open: Open::Read(database) }))
    }

    /// Reads.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, StateError> {
        let tx = match &self.open {
            Open::Write(database) => database.begin_read(),
            Open::Read(database) => database.begin_read(),
            Open::Failed => Err(redb::StorageError::DatabaseClosed.into()),
        };
        let result = tx.map_err(redb::Error::from).and_then(|tx| work(&tx));
        result.map_err(|error| state_error(&self.path, "read", error))
    }

    /// Writes all or nothing, and has it safe when this returns.
    pub fn write<T>(&mut self, work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>) -> Result<T, StateError> {
        if let Open::Failed = self.open {
            self.open = Open::Write(open(&self.path, false)?);
        }
        let Open::Write(database) = &self.open else {
            let source = io::Error::new(io::ErrorKind::PermissionDenied, "it has been opened to be read");
            return Err(StateError::Io { what: "write to", path: self.path.clone(), source });
        };
        write(database, work).map_err(|error| {
            let error = state_error(&self.path, "write to", error);
            // One has to be gone before the next can lock the file.
            self.open = Open::Failed;
            if let Ok(again) = open(&self.path, false) {
                self.open = Open::Write(again);
            }
            error
        })
    }

    /// Something in it is not as it was written.
    pub fn corrupt(&self, what: &str) -> StateError {
        StateError::Corrupt { path: self.path.clone(), what: what.to_owned() }
    }
}

/// `check` reads all of it, so that what has been damaged is found before it is believed.
fn open(path: &Path, check: bool) -> Result<redb::Database, StateError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|source| StateError::Io { what: "open", path: path.to_owned(), source })?;
    let backend = FileBackend::new(file).map_err(|error| state_error(path, "open", error.into()))?;
    let database = Builder::new().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(check).create_with_backend(backend);
    database.map_err(|error| state_error(path, "open", error.into()))
}

fn write<T>(database: &redb::Database, work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    let mut tx = database.begin_write()?;
    tx.set_quick_repair(true);
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
        redb::Error::Io(source) => StateError::Io { what, path, source },
        redb::Error::Corrupted(what) => StateError::Corrupt { path, what },
        redb::Error::DatabaseAlreadyOpen => StateError::Held { path, holder: "another process".to_owned() },
        error @ (redb::Error::TableTypeMismatch { .. } | redb::Error::UpgradeRequired(_) | redb::Error::TypeDefinitionChanged { .. }) => {
            StateError::Corrupt { path, what: error.to_string() }
        }
        error => StateError::Io { what, path, source: io::Error::other(error) },
    }
}
