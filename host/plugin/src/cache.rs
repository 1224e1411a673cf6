//! Compiled plugins, kept between runs. Whatever is wrong with it costs time and nothing else: plugins are compiled anew.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use xxhash_rust::xxh3::Xxh3;

use crate::trusted;

const FILES: usize = 64;
const EXTENSION: &str = "compiled";

/// The folder.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// The user as whom we run.
    owner: u32,
}

/// Names one plugin, compiled for one engine: SHA-256 of the plugin's bytes, and what wasmtime's code depends on.
#[derive(Debug)]
pub(crate) struct Key([u8; 40]);

impl Key {
    pub fn new(engine: &Engine, bytes: &[u8]) -> Self {
        let mut compatibility = Xxh3::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        let parts = Sha256::digest(bytes).into_iter().chain(compatibility.finish().to_le_bytes());
        let mut key = [0; 40];
        key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Self(key)
    }

    fn file(&self) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}.{EXTENSION}")
    }
}

impl Cache {
    /// Opens or makes the folder `compiled` in `directory`. The error says why it is not used.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let folder = directory.join("compiled");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let metadata = fs::symlink_metadata(&folder)?;
        let owner = own_user(&folder)?;
        if !metadata.is_dir() || metadata.uid() != owner || metadata.mode() & 0o077 != 0 {
            let reason = format!("{} must be a folder of this user that no other user may enter (chmod 700)", folder.display());
            return Err(io::Error::other(reason));
        }
        Ok(Self { folder, owner })
    }

    /// What was kept under this key.
    pub fn get(&self, key: &Key, engine: &Engine) -> Option<Component> {
        let path = self.folder.join(key.file());
        if !path.try_exists().is_ok_and(|exists| exists) {
            return None;
        }
        let component = trusted::read(&path, self.owner, &key.0, engine);
        component.inspect_err(|reason| tracing::warn!("{}: not used: {reason}; the plugin is compiled anew", path.display())).ok()
    }

    /// Keeps a component. The file comes whole or not at all.
    pub fn put(&self, key: &Key, component: &Component) {
        let kept = self.write(key, component).and_then(|()| self.prune());
        if let Err(error) = kept {
            tracing::warn!("{}: compiled plugins are not kept: {error}", self.folder.display());
        }
    }

    fn write(&self, key: &Key, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(|error| io::Error::other(format!("{error:#}")))?;
        let (path, mut file) = temporary(&self.folder)?;
        let written = file.write_all(&trusted::head(&key.0, &code)).and_then(|()| file.write_all(&code));
        let renamed = written.and_then(|()| fs::rename(&path, self.folder.join(key.file())));
        if renamed.is_err() {
            // What stays behind is never read.
            let _ = fs::remove_file(&path);
        }
        renamed
    }

    /// Removes the oldest files where there are too many.
    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES);
        files.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// The user as whom we run, seen from a file that we make.
fn own_user(folder: &Path) -> io::Result<u32> {
    let (path, file) = temporary(folder)?;
    let owner = file.metadata()?.uid();
    fs::remove_file(path)?;
    Ok(owner)
}

/// A new file that only we can read and write, under a name that no other thread or process uses.
fn temporary(folder: &Path) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".{}-{number}.new", std::process::id()));
    // One of this name is left over from a process of the same number that was killed.
    let _ = fs::remove_file(&path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    Ok((path, file))
}
