//! What the input log says a detector must not see: after a restart the same events are skipped as before it.

use std::collections::HashMap;
use std::sync::Arc;

use eyas_event::{Part, Partition, Position, group_of};

use super::Skipped;
use crate::recovery::KnownSkip;

#[derive(Debug)]
struct Stretch {
    /// Both ends included, as of the groups.
    positions: (Position, Position),
    groups: (u8, u8),
    reason: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    partitions: HashMap<Partition, Vec<Stretch>>,
}

impl Known {
    pub(crate) fn add(&mut self, skip: &KnownSkip) {
        let stretch = Stretch { positions: skip.positions, groups: skip.groups, reason: skip.reason.as_str().into() };
        self.partitions.entry(skip.partition).or_default().push(stretch);
    }

    /// The rows of a part that are to be skipped, in order.
    pub(crate) fn rows(&self, part: &Part) -> Vec<Skipped> {
        let reference = |row: usize| part.event(row).map(|event| event.reference);
        let (Some(first), Some(last)) = (reference(0), reference(part.len().saturating_sub(1))) else { return Vec::new() };
        let all = self.partitions.get(&first.partition).map_or(&[][..], Vec::as_slice);
        let is_near = |stretch: &&Stretch| stretch.positions.0 <= last.position && stretch.positions.1 >= first.position;
        let near: Vec<&Stretch> = all.iter().filter(is_near).collect();
        if near.is_empty() {
            return Vec::new();
        }
        let skipped = |row: u32| {
            let group = part.hashes.get(row as usize).map_or(0, |hash| group_of(*hash));
            let position = reference(row as usize)?.position;
            let holds = |stretch: &&&Stretch| {
                let Stretch { positions: (from, to), groups: (low, high), .. } = stretch;
                (*from..=*to).contains(&position) && (*low..=*high).contains(&group)
            };
            Some(Skipped { row, reason: near.iter().find(holds)?.reason.clone() })
        };
        (0..part.len() as u32).filter_map(skipped).collect()
    }
}
