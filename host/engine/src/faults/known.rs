//! What the input log says a detector must not see: after a restart the same events are skipped as before it.

use std::collections::HashMap;

use eyas_event::{Part, Partition, Position, group_of};

/// Positions and key groups of skipped events, all ends included.
type Stretch = ((Position, Position), (u8, u8));

#[derive(Debug, Default)]
pub(crate) struct Known {
    partitions: HashMap<Partition, Vec<Stretch>>,
}

impl Known {
    pub(crate) fn add(&mut self, partition: Partition, positions: (Position, Position), groups: (u8, u8)) {
        self.partitions.entry(partition).or_default().push((positions, groups));
    }

    /// The rows of a part that are to be skipped, in order.
    pub(crate) fn rows(&self, part: &Part) -> Vec<u32> {
        let position = |row: usize| part.event(row).map(|event| event.reference);
        let (Some(first), Some(last)) = (position(0), position(part.len().saturating_sub(1))) else { return Vec::new() };
        let all = self.partitions.get(&first.partition).map_or(&[][..], Vec::as_slice);
        let near = all.iter().filter(|((from, to), _)| *from <= last.position && *to >= first.position);
        let near: Vec<&Stretch> = near.collect();
        let is_skipped = |row: &u32| {
            let group = part.hashes.get(*row as usize).map_or(0, |hash| group_of(*hash));
            let of = |position: Position| {
                near.iter().any(|((from, to), (low, high))| (*from..=*to).contains(&position) && (*low..=*high).contains(&group))
            };
            position(*row as usize).is_some_and(|reference| of(reference.position))
        };
        if near.is_empty() { Vec::new() } else { (0..part.len() as u32).filter(is_skipped).collect() }
    }
}
