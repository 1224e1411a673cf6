//! What there is to do after a start on a state folder: what the checkpoint knows, and what the input log holds behind it.

use std::collections::HashMap;
use std::path::PathBuf;

use eyas_event::{Entries, Partition, Strings};
use eyas_state::{Checkpoint, FileId, PartitionState, Reader, Record, SliceRecord, Standing, StateError};

/// A skip of an earlier run: events that a detector must not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownSkip {
    pub(crate) detector: String,
    pub(crate) partition: Partition,
    /// The positions of the first and the last of them.
    pub(crate) positions: (u64, u64),
    /// Of these, those whose key is of one of these groups.
    pub(crate) groups: (u8, u8),
    pub(crate) reason: String,
}

/// A last checkpoint, and what stands in the input log behind it.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The checkpoint, if there is one.
    pub checkpoint: Option<Checkpoint>,
    /// Where all partitions stand at the end of the input log.
    pub partitions: Vec<PartitionState>,
    /// Sinks and the files that they began to write to since, with their lengths then, in order.
    pub touched: Vec<(String, PathBuf, u64)>,
    /// Whether the input came to its end.
    pub flushed: bool,
    /// How many records there are behind the checkpoint.
    pub records: u64,
    pub(crate) skips: Vec<KnownSkip>,
}

impl Recovery {
    /// Reads the input log behind the checkpoint through once; its bytes are not needed.
    pub fn scan(records: Reader, checkpoint: Option<Checkpoint>) -> Result<Self, StateError> {
        let partitions = checkpoint.as_ref().map_or_else(Vec::new, |checkpoint| checkpoint.partitions.clone());
        let mut places: HashMap<Partition, usize> =
            partitions.iter().enumerate().map(|(index, known)| (Partition { source: known.source, number: known.number }, index)).collect();
        let mut recovery = Self { checkpoint, partitions, ..Self::default() };
        for logged in records {
            recovery.note(logged?.record, &mut places);
        }
        Ok(recovery)
    }

    fn note(&mut self, record: Record, places: &mut HashMap<Partition, usize>) {
        self.records += 1;
        match record {
            Record::Open { partition, name, file, .. } => match places.get(&partition).and_then(|index| self.partitions.get_mut(*index)) {
                // It had ended and goes on: its positions, too.
                Some(known) => {
                    known.standing = Standing::Active;
                    (known.name, known.file) = (name, file);
                }
                None => {
                    places.insert(partition, self.partitions.len());
                    self.partitions.push(opened(partition, name, file));
                }
            },
            Record::Slice(SliceRecord { partition, position, length, turn_end, .. }) => {
                self.change(places, partition, |known| {
                    known.position = position + length;
                    known.turn_end = turn_end;
                    known.standing = Standing::Active;
                });
            }
            Record::Close { partition } => self.change(places, partition, |known| known.standing = Standing::Closed),
            Record::Idle { partition } => self.change(places, partition, |known| known.standing = Standing::Idle),
            Record::Flush => self.flushed = true,
            Record::Skip { detector, partition, positions, groups, reason } => {
                self.skips.push(KnownSkip { detector, partition, positions, groups, reason });
            }
            Record::Touch { sink, path, length } => self.touched.push((sink, path, length)),
            Record::Clock { .. } | Record::Quarantine { .. } | Record::Resume { .. } | Record::Checkpoint => {}
        }
    }

    fn change(&mut self, places: &HashMap<Partition, usize>, partition: Partition, change: impl FnOnce(&mut PartitionState)) {
        if let Some(known) = places.get(&partition).and_then(|index| self.partitions.get_mut(*index)) {
            change(known);
        }
    }

    /// The partitions of a source.
    pub fn partitions_of(&self, source: u16) -> Vec<PartitionState> {
        self.partitions.iter().filter(|known| known.source == source).cloned().collect()
    }
}

fn opened(partition: Partition, name: String, file: Option<FileId>) -> PartitionState {
    PartitionState {
        source: partition.source,
        number: partition.number,
        name,
        file,
        position: 0,
        turn_end: None,
        watermark: None,
        standing: Standing::Active,
    }
}

/// Deals entries out to the shards: `owner` says whose a key group is.
pub(crate) fn deal(entries: Vec<Entries>, shards: usize, owner: impl Fn(u8) -> usize) -> Vec<Vec<Entries>> {
    let mut dealt: Vec<Vec<Entries>> = (0..shards).map(|_| Vec::new()).collect();
    for chunk in entries {
        let first = chunk.groups.first().map_or(0, |group| owner(*group));
        if chunk.groups.iter().all(|group| owner(*group) == first) {
            dealt.iter_mut().skip(first).take(1).for_each(|of_shard| of_shard.push(chunk.clone()));
            continue;
        }
        for (shard, of_shard) in dealt.iter_mut().enumerate() {
            let rows: Vec<usize> = (0..).zip(&chunk.groups).filter(|(_, group)| owner(**group) == shard).map(|(row, _)| row).collect();
            if !rows.is_empty() {
                of_shard.push(select(&chunk, &rows));
            }
        }
    }
    dealt
}

fn select(chunk: &Entries, rows: &[usize]) -> Entries {
    let strings = |from: &Strings| {
        let (mut offsets, mut data) = (vec![0], Vec::new());
        for &row in rows {
            data.extend_from_slice(from.get(row));
            offsets.push(data.len() as u32);
        }
        Strings { offsets: offsets.into(), data: data.into() }
    };
    let mut deleted = Vec::new();
    if !chunk.deleted.is_empty() {
        deleted.resize(rows.len().div_ceil(8), 0);
        let gone = |row: usize| chunk.deleted.get(row / 8).is_some_and(|bits| bits >> (row % 8) & 1 == 1);
        for (to, _) in rows.iter().enumerate().filter(|(_, row)| gone(**row)) {
            deleted.iter_mut().skip(to / 8).take(1).for_each(|bits: &mut u8| *bits |= 1 << (to % 8));
        }
    }
    Entries {
        groups: rows.iter().filter_map(|row| chunk.groups.get(*row).copied()).collect(),
        keys: strings(&chunk.keys),
        sub_keys: strings(&chunk.sub_keys),
        values: strings(&chunk.values),
        deleted,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_partition_that_ended_and_was_opened_again_goes_on_at_its_position() {
        let partition = Partition { source: 1, number: 0 };
        let open = || Record::Open { partition, name: "standard input".to_owned(), first: None, file: None };
        let slice = |position| {
            let (ingest_time, length, header, turn_end, request) = (0, 10, None, None, None);
            let (oversize, journalled) = (false, true);
            Record::Slice(SliceRecord { partition, position, ingest_time, length, header, oversize, journalled, turn_end, request })
        };
        let (mut recovery, mut places) = (Recovery::default(), HashMap::new());
        let known =
            |recovery: &Recovery| recovery.partitions_of(1).iter().map(|known| (known.position, known.standing)).collect::<Vec<_>>();
        for record in [open(), slice(0), slice(10), Record::Close { partition }, open()] {
            recovery.note(record, &mut places);
        }
        assert_eq!(known(&recovery), [(20, Standing::Active)]);
        recovery.note(slice(20), &mut places);
        assert_eq!(known(&recovery), [(30, Standing::Active)]);
    }

    fn strings(rows: &[&str]) -> Strings {
        let (mut offsets, mut data) = (vec![0], Vec::new());
        for row in rows {
            data.extend_from_slice(row.as_bytes());
            offsets.push(data.len() as u32);
        }
        Strings { offsets: offsets.into(), data: data.into() }
    }

    #[test]
    fn each_entry_goes_to_the_shard_of_its_group_and_the_order_stays() {
        let groups: Vec<u8> = vec![0, 200, 3, 255, 0, 128, 7, 9, 250];
        let names: Vec<String> = (0..groups.len()).map(|row| "k".repeat(row)).collect();
        let rows: Vec<&str> = names.iter().map(String::as_str).collect();
        let chunk = Entries {
            groups: groups.clone(),
            keys: strings(&rows),
            sub_keys: strings(&[""; 9]),
            values: strings(&rows),
            deleted: vec![0b0010_0010, 0b1],
        };
        let dealt = deal(vec![chunk.clone(), chunk], 2, |group| usize::from(group) * 2 / 256);
        for (shard, of_shard) in dealt.iter().enumerate() {
            assert_eq!(of_shard.len(), 2);
            let expected: Vec<usize> = (0..9).filter(|row| usize::from(groups[*row]) * 2 / 256 == shard).collect();
            let got: Vec<usize> = (0..of_shard[0].rows()).map(|row| of_shard[0].keys.get(row).len()).collect();
            assert_eq!(got, expected);
            let gone: Vec<usize> =
                (0..got.len()).filter(|row| of_shard[0].deleted[row / 8] >> (row % 8) & 1 == 1).map(|row| got[row]).collect();
            assert_eq!(gone, [1, 5, 8].into_iter().filter(|row| expected.contains(row)).collect::<Vec<_>>());
        }
    }
}
