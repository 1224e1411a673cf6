//! Checkpoints, each in one transaction.
//!
//! The entries of a detector on a shard are a log of chunks: a full snapshot, then what changed at each checkpoint, until the next full
//! snapshot replaces them all. So a checkpoint costs what it says, whatever its keys are: it rewrites nothing that is there.

mod chunk;
mod database;
mod overlay;
mod pending;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod power;
mod requests;

use std::fs;

use eyas_event::Entries;
use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};

use self::database::{Database, broken};
use crate::folder::{remove, sync_folder};
use crate::{Change, Checkpoint, Folder, StateError};

/// How a value is cut: with what stands before it, a piece is just within pages that redb takes from its file by powers of two.
const PIECE: usize = (256 << 10) - 128;
/// The version of what is in the tables.
const FORMAT: u32 = 1;

/// What there is once: [`CHECKPOINT`] and [`VERSION`].
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// The last checkpoint as JSON.
const CHECKPOINT: &str = "checkpoint";
/// [`FORMAT`].
const VERSION: &str = "format";
/// By detector, shard, number of the chunk and of the piece: a piece of a chunk.
const CHUNKS: TableDefinition<(&str, u16, u64, u32), &[u8]> = TableDefinition::new("chunks");
/// By detector and shard: number of the next chunk, then chunks, entries, bytes, and bytes of the full snapshot, as there are now.
const SHARDS: TableDefinition<(&str, u16), [u64; 5]> = TableDefinition::new("shards");

/// How much there is of a detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Chunks of entries.
    pub chunks: u64,
    /// Entries, counting each again that has changed.
    pub entries: u64,
    /// Bytes.
    pub bytes: u64,
    /// Of these, the bytes of full snapshots; the others are of what changed since.
    pub full_bytes: u64,
}

/// The store of a folder.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens it, or makes it. All of it is checked.
    pub fn open(folder: &Folder) -> Result<Self, StateError> {
        folder.ours()?;
        let path = folder.store();
        let there = path.try_exists().map_err(|source| StateError::Io { what: "open", path: path.clone(), source })?;
        if !there {
            // A power cut while it is made leaves something that is no store: so it gets its name when it is one.
            let unfinished = folder.unfinished_store();
            remove(&unfinished)?;
            drop(Self::with(Database::open(&unfinished)?)?);
            fs::rename(&unfinished, &path).map_err(|source| StateError::Io { what: "create", path: path.clone(), source })?;
            sync_folder(folder.path())?;
        }
        Self::with(Database::open(&path)?)
    }

    /// Opens it to look at it; nothing is changed. Nothing if there is none.
    pub fn look(folder: &Folder) -> Result<Option<Self>, StateError> {
        let Some(database) = Database::look(&folder.store())? else { return Ok(None) };
        let store = Self { database };
        store.version()?;
        Ok(Some(store))
    }

    fn with(database: Database) -> Result<Self, StateError> {
        let mut store = Self { database };
        if !store.version()? {
            store.database.write(|tx| {
                tx.open_table(META)?.insert(VERSION, FORMAT.to_le_bytes().as_slice())?;
                Ok(())
            })?;
        }
        Ok(store)
    }

    /// Sees whether the version is ours; false if there is none yet.
    fn version(&self) -> Result<bool, StateError> {
        let Some(bytes) = self.meta(VERSION)? else { return Ok(false) };
        match bytes.try_into().map(u32::from_le_bytes) {
            Ok(FORMAT) => Ok(true),
            Ok(found) if found > FORMAT => Err(StateError::Newer { path: self.database.path().to_owned(), found, known: FORMAT }),
            _ => Err(self.database.corrupt("its version cannot be read")),
        }
    }

    /// The last committed checkpoint.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StateError> {
        let Some(json) = self.meta(CHECKPOINT)? else { return Ok(None) };
        let checkpoint = serde_json::from_slice(&json);
        let mut checkpoint: Checkpoint = checkpoint.map_err(|error| self.database.corrupt(&format!("the checkpoint: {error}")))?;
        for sink in &mut checkpoint.sinks {
            sink.pending = self.database.read(|tx| pending::get(tx, &sink.name))?;
        }
        checkpoint.requests = self.database.read(requests::get)?;
        Ok(Some(checkpoint))
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.database.read(|tx| match tx.open_table(META) {
            Ok(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    /// All entries of a detector, of all shards, the oldest of each shard first.
    pub fn entries(&self, detector: &str) -> Result<Vec<Entries>, StateError> {
        self.database.read(|tx| {
            let table = match tx.open_table(CHUNKS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let mut all = Vec::new();
            let mut chunk: Option<((u16, u64), Vec<u8>)> = None;
            for row in table.range((detector, 0, 0, 0)..=(detector, u16::MAX, u64::MAX, u32::MAX))? {
                let (key, piece) = row?;
                let (_, shard, number, _) = key.value();
                match &mut chunk {
                    Some((name, bytes)) if *name == (shard, number) => bytes.extend_from_slice(piece.value()),
                    chunk => {
                        let before = chunk.replace(((shard, number), piece.value().to_vec()));
                        before.map(|(name, bytes)| entries(detector, name, &bytes).map(|entries| all.push(entries))).transpose()?;
                    }
                }
            }
            chunk.map(|(name, bytes)| entries(detector, name, &bytes).map(|entries| all.push(entries))).transpose()?;
            Ok(all)
        })
    }

    /// How much there is of a detector.
    pub fn sizes(&self, detector: &str) -> Result<Sizes, StateError> {
        self.database.read(|tx| {
            let mut sizes = Sizes::default();
            let table = match tx.open_table(SHARDS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(sizes),
                table => table?,
            };
            for row in table.range((detector, 0)..=(detector, u16::MAX))? {
                let [_, chunks, entries, bytes, full_bytes] = row?.1.value();
                sizes.chunks += chunks;
                sizes.entries += entries;
                sizes.bytes += bytes;
                sizes.full_bytes += full_bytes;
            }
            Ok(sizes)
        })
    }

    /// Commits a checkpoint; it is safe against a power cut when this returns. `anew`: nothing of what was there of any detector remains
    /// (the first one after a start, whose changes are all full). If it fails, the one before is still there, and it can be tried again.
    pub fn commit(&mut self, checkpoint: &Checkpoint, changes: &[Change], anew: bool) -> Result<(), StateError> {
        self.database.write(|tx| {
            if anew {
                tx.delete_table(CHUNKS)?;
                tx.delete_table(SHARDS)?;
            }
            for change in changes {
                put_change(tx, change)?;
            }
            pending::put(tx, &checkpoint.sinks)?;
            requests::put(tx, &checkpoint.requests)?;
            put_checkpoint(tx, checkpoint)
        })
    }

    /// Forgets the state of a detector; gives whether there was some.
    pub fn drop_detector(&mut self, detector: &str) -> Result<bool, StateError> {
        let mut checkpoint = self.checkpoint()?.unwrap_or_default();
        let before = checkpoint.detectors.len();
        checkpoint.detectors.retain(|state| state.name != detector);
        let named = checkpoint.detectors.len() < before;
        let some = named || self.sizes(detector)? != Sizes::default();
        if some {
            self.database.write(|tx| {
                tx.open_table(CHUNKS)?.retain_in((detector, 0, 0, 0)..=(detector, u16::MAX, u64::MAX, u32::MAX), |_, _| false)?;
                tx.open_table(SHARDS)?.retain_in((detector, 0)..=(detector, u16::MAX), |_, _| false)?;
                if named { put_checkpoint(tx, &checkpoint) } else { Ok(()) }
            })?;
        }
        Ok(some)
    }
}

fn entries(detector: &str, (shard, number): (u16, u64), bytes: &[u8]) -> Result<Entries, redb::Error> {
    chunk::decode(bytes).ok_or_else(|| broken(format!("chunk {number} of detector {detector} on shard {shard} is not as written")))
}

fn put_checkpoint(tx: &WriteTransaction, checkpoint: &Checkpoint) -> Result<(), redb::Error> {
    let json = serde_json::to_vec(checkpoint).map_err(std::io::Error::from)?;
    tx.open_table(META)?.insert(CHECKPOINT, json.as_slice())?;
    Ok(())
}

fn put_change(tx: &WriteTransaction, change: &Change) -> Result<(), redb::Error> {
    let (name, shard) = (change.detector.as_str(), change.shard);
    let mut shards = tx.open_table(SHARDS)?;
    let mut table = tx.open_table(CHUNKS)?;
    let sizes = shards.get((name, shard))?.map(|sizes| sizes.value());
    let [mut next, mut chunks, mut rows, mut bytes, mut full_bytes] = sizes.unwrap_or_default();
    if change.full {
        table.retain_in((name, shard, 0, 0)..=(name, shard, u64::MAX, u32::MAX), |_, _| false)?;
        (chunks, rows, bytes, full_bytes) = (0, 0, 0, 0);
    }
    for entries in change.chunks.iter().filter(|entries| entries.rows() > 0) {
        let encoded = chunk::encode(entries).map_err(std::io::Error::other)?;
        for (piece, part) in (0..).zip(encoded.chunks(PIECE)) {
            table.insert((name, shard, next, piece), part)?;
        }
        next += 1;
        chunks += 1;
        rows += entries.rows() as u64;
        bytes += encoded.len() as u64;
    }
    if change.full {
        full_bytes = bytes;
    }
    shards.insert((name, shard), [next, chunks, rows, bytes, full_bytes])?;
    Ok(())
}
