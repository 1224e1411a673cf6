//! The state folder of a run: opened, looked through, and replayed.

use std::sync::Arc;

use eyas_connect::{Recovered, Rereader, Stop};
use eyas_engine::{Admission, Recovery, State};
use eyas_event::{Buffer, Partition};
use eyas_state::{Folder, Journal, Logged, PartitionState, Record, Store};

use super::RunError;
use crate::config::StatePlan;

/// What to do with what is in the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beginning {
    /// Go on from it; refuse where its input had come to its end.
    #[default]
    GoOn,
    /// Go on from it, also behind the end of the input (`--resume`).
    Resume,
    /// Forget it (`--fresh`).
    Fresh,
}

/// A state folder in use.
pub struct Kept {
    folder: Folder,
    store: Store,
    /// The input log.
    pub journal: Journal,
    /// What was found.
    pub recovery: Recovery,
}

impl Kept {
    /// Takes hold of the folder and looks through it.
    pub fn open(plan: &StatePlan, beginning: Beginning) -> Result<Self, RunError> {
        let folder = Folder::open(&plan.dir)?;
        if beginning == Beginning::Fresh {
            folder.clear()?;
        }
        let store = Store::open(&folder)?;
        let checkpoint = store.checkpoint()?;
        if beginning == Beginning::GoOn && checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.finished) {
            return Err(RunError::Finished(plan.dir.clone()));
        }
        let needed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next);
        let journal = Journal::open(&folder, needed, plan.sync, plan.keep_log)?;
        let recovery = Recovery::scan(journal.read(needed, false)?, checkpoint)?;
        Ok(Self { folder, store, journal, recovery })
    }

    /// What a sink is to make good.
    pub fn recovered(&self, sink: &str) -> Recovered {
        let state = self.recovery.checkpoint.as_ref().and_then(|checkpoint| checkpoint.sinks.iter().find(|state| state.name == sink));
        let touched = self.recovery.touched.iter().filter(|(name, ..)| name == sink);
        Recovered { state: state.cloned(), touched: touched.map(|(_, path, length)| (path.clone(), *length)).collect() }
    }

    /// For the engine; the folder stays held as long as the other half lives.
    pub fn for_engine(self, plan: &StatePlan) -> (State, Folder) {
        let Self { folder, store, journal, recovery } = self;
        (State { store, journal: Some(journal), recovery, interval: plan.checkpoint }, folder)
    }
}

/// Takes everything in again that the input log holds behind the checkpoint.
pub fn replay(journal: &Journal, recovery: &Recovery, admission: &Admission, stop: &Stop) -> Result<(), RunError> {
    let from = recovery.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next);
    let mut all = Bytes::new(&recovery.partitions);
    for logged in journal.read(from, true)? {
        if stop.requested().is_some() {
            return Ok(());
        }
        let Logged { number, record, bytes } = logged?;
        let buffer = all.of(&record, bytes)?;
        if admission.replay(number, record, buffer).is_err() {
            return Ok(());
        }
    }
    admission.replayed();
    Ok(())
}

/// Gives the bytes of records again.
#[derive(Default)]
pub struct Bytes {
    rereader: Rereader,
}

impl Bytes {
    /// `known`: partitions whose beginning is not in what will be read.
    pub fn new(known: &[PartitionState]) -> Self {
        let mut bytes = Self::default();
        for known in known {
            if let Some(file) = &known.file {
                bytes.rereader.open(Partition { source: known.source, number: known.number }, file);
            }
        }
        bytes
    }

    /// Those that stood with the record, or those of its file.
    pub fn of(&mut self, record: &Record, journalled: Vec<u8>) -> Result<Arc<Buffer>, RunError> {
        match record {
            Record::Open { partition, file: Some(file), .. } => self.rereader.open(*partition, file),
            Record::Slice(slice) if !slice.journalled => return Ok(Arc::new(self.rereader.read(slice).map_err(RunError::Source)?)),
            _ => {}
        }
        Ok(Arc::new(Buffer::new(journalled)))
    }
}
