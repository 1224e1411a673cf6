//! Power cuts while checkpoints are committed: of what was written since the last sync, any sector may be there or not.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use eyas_event::{Entries, Strings};
use redb::StorageBackend;

use super::{Database, Store};
use crate::{Change, Checkpoint, SinkState};

const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
}

/// A file in memory that remembers how it came to be.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, Vec<Step>)>>);

fn apply(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(offset, data) => {
            let offset = *offset as usize;
            image.resize(image.len().max(offset + data.len()), 0);
            image[offset..][..data.len()].copy_from_slice(data);
        }
        Step::Length(length) => image.resize(*length as usize, 0),
        Step::Sync => (),
    }
}

impl Disk {
    fn step(&self, step: Step) -> io::Result<()> {
        let (image, steps) = &mut *self.0.lock().unwrap();
        apply(image, &step);
        steps.push(step);
        Ok(())
    }

    fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap().1.clone()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let image = &self.0.lock().unwrap().0;
        let there = image.get(offset as usize..offset as usize + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(there);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step(Step::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step(Step::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step(Step::Write(offset, data.to_vec()))
    }
}

/// Numbers that look like chance.
fn chance(seed: &mut u64, limit: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % limit
}

/// What may be left if the power goes after some steps.
fn cut(steps: &[Step], seed: &mut u64) -> Disk {
    let synced = steps.iter().rposition(|step| matches!(step, Step::Sync)).map_or(0, |at| at + 1);
    let mut image = Vec::new();
    steps[..synced].iter().for_each(|step| apply(&mut image, step));
    for step in &steps[synced..] {
        match (step, chance(seed, 4)) {
            (_, 0) => (),
            (Step::Write(offset, data), 1 | 2) => {
                for (number, sector) in data.chunks(SECTOR).enumerate().filter(|_| chance(seed, 2) == 0) {
                    apply(&mut image, &Step::Write(offset + (number * SECTOR) as u64, sector.to_vec()));
                }
            }
            (step, _) => apply(&mut image, step),
        }
    }
    Disk(Arc::new(Mutex::new((image, Vec::new()))))
}

fn chunk(round: u64, rows: usize) -> Entries {
    let strings = |length: usize| Strings {
        offsets: Arc::new((0..=rows as u32).map(|row| row * length as u32).collect()),
        data: Arc::new(vec![round as u8; rows * length]),
    };
    Entries { groups: vec![1; rows], keys: strings(8), sub_keys: strings(0), values: strings(40), deleted: Vec::new() }
}

/// What is committed in a round, and all entries that there are then.
fn round(number: u64, before: &[Entries]) -> (Checkpoint, Change, Vec<Entries>) {
    let rows = 1 + (number as usize * 7919) % 9000;
    let full = number % 4 == 1;
    let chunks = vec![chunk(number, rows), chunk(number, 3)];
    let pending = (0..number * 50).map(|line| format!("{number} {line}")).collect();
    let sink = SinkState { name: "s".to_owned(), pending, ..SinkState::default() };
    let all = if full { chunks.clone() } else { [before, &chunks].concat() };
    let change = Change { detector: "x".to_owned(), shard: 0, full, chunks };
    (Checkpoint { next: number, sinks: vec![sink], ..Checkpoint::default() }, change, all)
}

#[test]
fn a_power_cut_leaves_the_last_checkpoint_or_the_one_being_committed() {
    let path = Path::new("/nowhere/checkpoints.redb");
    let disk = Disk::default();
    let mut store = Store::with(Database::over(path, disk.clone()).unwrap()).unwrap();
    // How many steps there were when each was committed, and what there was then.
    let mut rounds = vec![(disk.steps().len(), None, Vec::new())];
    for number in 1..=12 {
        let (checkpoint, change, all) = round(number, &rounds[number as usize - 1].2);
        store.commit(&checkpoint, &[change], false).unwrap();
        rounds.push((disk.steps().len(), Some(checkpoint), all));
    }
    drop(store);
    let steps = disk.steps();
    let (mut seed, mut old, mut new) = (1, 0, 0);
    for at in rounds[0].0..steps.len() {
        let store = Store::with(Database::over(path, cut(&steps[..at], &mut seed)).unwrap()).unwrap();
        let last = rounds.iter().rposition(|(count, ..)| *count <= at).unwrap();
        let (checkpoint, entries) = (store.checkpoint().unwrap(), store.entries("x").unwrap());
        let fits = |round: usize| rounds.get(round).is_some_and(|(_, there, all)| *there == checkpoint && *all == entries);
        old += usize::from(fits(last));
        new += usize::from(fits(last + 1));
        assert!(fits(last) || fits(last + 1), "after step {at}");
    }
    assert!(old > 50 && new > 5, "{old} {new}");
}
