//! Watermarks (SEMANTICS 2): of partitions, of sources, and of the groups of sources that detectors go by.
//!
//! The clocks are one token that goes from home shard to home shard in input order. What a batch needs of them is small, so the token
//! is quickly passed on; the rows' own watermarks are worked out afterwards, beside each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eyas_event::{Events, Timestamp};

use crate::Farthest;

/// No watermark yet: holds back everybody.
pub(crate) const NEVER: Timestamp = Timestamp::MIN;

#[derive(Debug, Default)]
struct SourceClock {
    max_lateness: i64,
    /// Watermark of each active partition.
    partitions: HashMap<u32, Timestamp>,
    /// The same, in order.
    ordered: BTreeSet<(Timestamp, u32)>,
}

impl SourceClock {
    fn set(&mut self, partition: u32, watermark: Timestamp) {
        if let Some(before) = self.partitions.insert(partition, watermark) {
            self.ordered.remove(&(before, partition));
        }
        self.ordered.insert((watermark, partition));
    }

    fn remove(&mut self, partition: u32) {
        if let Some(before) = self.partitions.remove(&partition) {
            self.ordered.remove(&(before, partition));
        }
    }

    /// The least watermark of the active partitions but one; `None` where there are no others.
    fn least(&self, but: Option<u32>) -> Option<Timestamp> {
        self.ordered.iter().find(|(_, partition)| Some(*partition) != but).map(|(watermark, _)| *watermark)
    }
}

/// The watermarks of everything, as left by all items before one.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    sources: Vec<SourceClock>,
    /// The sources of each group and the group's watermark.
    groups: Vec<(BTreeSet<usize>, Timestamp)>,
    /// The number of the last item, once it has been read.
    pub(crate) end: Option<u64>,
}

/// What the rows of one batch must know of the clocks before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchClock {
    max_lateness: i64,
    /// The partition's own watermark before the batch.
    own: Timestamp,
    /// By watermark group that the source belongs to: its watermark before the batch, and what all other partitions allow.
    groups: BTreeMap<usize, (Timestamp, Timestamp)>,
}

impl Clocks {
    pub(crate) fn new(max_lateness: impl Iterator<Item = i64>, groups: &[BTreeSet<usize>]) -> Self {
        let source = |max_lateness| SourceClock { max_lateness, ..SourceClock::default() };
        Self {
            sources: max_lateness.map(source).collect(),
            groups: groups.iter().map(|sources| (sources.clone(), NEVER)).collect(),
            end: None,
        }
    }

    /// A partition begins. `first` is the event time of its first event, if it is known. That moves no watermark yet: partitions that
    /// are opened after this one may begin earlier.
    pub(crate) fn open(&mut self, source: usize, partition: u32, first: Option<Timestamp>) {
        if let Some(clock) = self.sources.get_mut(source) {
            let watermark = first.map_or(NEVER, |first| first.saturating_sub(clock.max_lateness));
            clock.set(partition, watermark);
        }
    }

    /// A partition has ended.
    pub(crate) fn close(&mut self, source: usize, partition: u32) {
        if let Some(clock) = self.sources.get_mut(source) {
            clock.remove(partition);
        }
        self.settle(source);
    }

    /// A batch of a partition: gives what its rows must know, then goes on by its newest event.
    pub(crate) fn batch(&mut self, source: usize, partition: u32, newest: Option<Timestamp>) -> BatchClock {
        let Some(clock) = self.sources.get(source) else { return BatchClock::default() };
        let own = clock.partitions.get(&partition).copied().unwrap_or(NEVER);
        let max_lateness = clock.max_lateness;
        let member = |(group, (sources, watermark)): (usize, &(BTreeSet<usize>, Timestamp))| {
            sources.contains(&source).then(|| (group, (*watermark, self.others(sources, source, partition))))
        };
        let groups = self.groups.iter().enumerate().filter_map(member).collect();
        let before = BatchClock { max_lateness, own, groups };
        if let Some(clock) = self.sources.get_mut(source) {
            clock.set(partition, newest.map_or(own, |newest| own.max(newest.saturating_sub(max_lateness))));
        }
        self.settle(source);
        before
    }

    /// The watermark of each group.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (usize, Timestamp)> {
        self.groups.iter().map(|(_, watermark)| *watermark).enumerate()
    }

    /// What all partitions but one allow; no bound where there are no others.
    fn others(&self, sources: &BTreeSet<usize>, source: usize, partition: u32) -> Timestamp {
        let least = |index: &usize| self.sources.get(*index)?.least((*index == source).then_some(partition));
        sources.iter().filter_map(least).min().unwrap_or(Timestamp::MAX)
    }

    /// Brings the groups of a source up to its partitions. A group with no active partition stays as it is; none ever goes back.
    fn settle(&mut self, source: usize) {
        for (sources, watermark) in &mut self.groups {
            if sources.contains(&source) {
                let least = sources.iter().filter_map(|index| self.sources.get(*index)?.least(None)).min();
                *watermark = least.map_or(*watermark, |least| least.max(*watermark));
            }
        }
    }
}

impl BatchClock {
    /// The watermark of each row of the batch, for one group: as left by all events before the row. `newest` is the running maximum of
    /// the events' times before each row, from [`running_newest`].
    pub(crate) fn rows(&self, group: usize, newest: &[Timestamp]) -> Vec<Timestamp> {
        let (before, others) = self.groups.get(&group).copied().unwrap_or((NEVER, Timestamp::MAX));
        let row = |&newest: &Timestamp| before.max(others.min(self.own.max(newest.saturating_sub(self.max_lateness))));
        newest.iter().map(row).collect()
    }

    /// The event of the batch that moved the partition's watermark farthest. The very first watermark of a partition moves nothing.
    pub(crate) fn farthest(&self, newest: &[Timestamp], events: &Events) -> Option<Farthest> {
        let mut before = self.own;
        let mut farthest: Option<Farthest> = None;
        // The running maximum before row r + 1 shows what row r did; so the last row is seen by the maximum after it.
        for (row, &after) in newest.iter().enumerate().skip(1) {
            let to = self.own.max(after.saturating_sub(self.max_lateness));
            if to > before {
                let by = to.saturating_sub(before);
                if before != NEVER && farthest.is_none_or(|known| by > known.by) {
                    farthest = Some(Farthest { by, to: after, reference: events.get(row - 1).reference });
                }
                before = to;
            }
        }
        farthest
    }
}

/// The newest event time before each row and, one more, after the last: n + 1 values. Untimed rows count for nothing; no event counts
/// for more than its ingest time.
pub(crate) fn running_newest(times: &[Timestamp], ingest_time: Timestamp) -> Vec<Timestamp> {
    let mut running = NEVER;
    let mut newest = Vec::with_capacity(times.len() + 1);
    for &time in times {
        newest.push(running);
        running = running.max(time.min(ingest_time));
    }
    newest.push(running);
    newest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn clocks(groups: &[&[usize]]) -> Clocks {
        let groups: Vec<BTreeSet<usize>> = groups.iter().map(|sources| sources.iter().copied().collect()).collect();
        Clocks::new([10, 0].into_iter(), &groups)
    }

    fn group(clocks: &Clocks) -> Timestamp {
        clocks.groups().next().unwrap().1
    }

    fn rows(batch: &BatchClock, group: usize, times: &[Timestamp]) -> Vec<Timestamp> {
        let newest = running_newest(times, Timestamp::MAX);
        batch.rows(group, &newest[..times.len()])
    }

    #[test]
    fn a_row_carries_the_watermark_left_by_all_events_before_it() {
        let mut clocks = clocks(&[&[0]]);
        clocks.open(0, 0, Some(100));
        let batch = clocks.batch(0, 0, Some(130));
        assert_eq!(rows(&batch, 0, &[100, 120, 90, 130]), [90, 90, 110, 110]);
        assert_eq!(group(&clocks), 120);
    }

    #[test]
    fn the_slowest_active_partition_holds_back_the_others_until_it_ends() {
        let mut clocks = clocks(&[&[0, 1]]);
        clocks.open(0, 0, Some(100));
        clocks.open(1, 0, Some(50));
        assert_eq!(rows(&clocks.batch(0, 0, Some(500)), 0, &[500, 500]), [50, 50]);
        clocks.close(1, 0);
        assert_eq!(group(&clocks), 490);
        clocks.close(0, 0);
        assert_eq!(group(&clocks), 490, "with nobody left the watermark stays");
    }

    #[test]
    fn a_watermark_never_goes_back() {
        let mut clocks = clocks(&[&[0]]);
        clocks.open(0, 0, Some(100));
        clocks.batch(0, 0, Some(200));
        clocks.open(0, 1, Some(20));
        assert_eq!(group(&clocks), 190);
        assert_eq!(rows(&clocks.batch(0, 1, Some(30)), 0, &[30]), [190]);
    }

    #[test]
    fn where_a_batch_is_cut_cannot_be_seen_in_the_watermarks() {
        let times = [100, 250, 120, 300, 299, 301];
        let mut whole = clocks(&[&[0]]);
        whole.open(0, 0, Some(100));
        let expected = rows(&whole.batch(0, 0, Some(301)), 0, &times);
        for cut in 1..times.len() {
            let mut clocks = clocks(&[&[0]]);
            clocks.open(0, 0, Some(100));
            let (left, right) = times.split_at(cut);
            let mut got = rows(&clocks.batch(0, 0, left.iter().max().copied()), 0, left);
            got.extend(rows(&clocks.batch(0, 0, right.iter().max().copied()), 0, right));
            assert_eq!(got, expected);
        }
    }
}
