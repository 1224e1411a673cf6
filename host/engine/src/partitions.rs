//! The names of partitions, for people: of evidence, of dead letters, of what moved a watermark.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use eyas_event::Partition;
use eyas_state::FileId;

/// Partitions by number, with their names. Grows with the number of partitions, not of events.
#[derive(Debug, Default)]
pub struct Partitions {
    names: RwLock<HashMap<Partition, (String, Option<FileId>)>>,
}

impl Partitions {
    pub(crate) fn add(&self, partition: Partition, name: &str, file: Option<&FileId>) {
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(partition, (name.to_owned(), file.cloned()));
    }

    /// The name of a partition, and the file that it is.
    pub(crate) fn get(&self, partition: Partition) -> (String, Option<FileId>) {
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(&partition).cloned().unwrap_or_default()
    }

    /// The name of a partition; empty if there is none such.
    pub fn name(&self, partition: Partition) -> String {
        self.get(partition).0
    }
}
