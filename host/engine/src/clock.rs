//! Watermarks (SEMANTICS 2): of partitions, of sources, and of the groups of sources that detectors go by.
//!
//! The clocks are one token that goes from home shard to home shard in input order. What a batch needs of them is small, so the token
//! is quickly passed on; the rows' own watermarks are worked out afterwards, beside each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eyas_event::{Events, Partition, Position, Slice, Timestamp};
use eyas_state::{Checkpoint, GroupState, PartitionState, Standing};

use crate::Farthest;
use crate::barrier::Said;

/// No watermark yet: holds back everybody.
pub(crate) const NEVER: Timestamp = Timestamp::MIN;

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionClock {
    pub(crate) watermark: Timestamp,
    pub(crate) standing: Standing,
    /// Position of its next byte.
    pub(crate) position: Position,
    pub(crate) turn_end: Option<Position>,
}

impl Default for PartitionClock {
    fn default() -> Self {
        Self { watermark: NEVER, standing: Standing::Active, position: 0, turn_end: None }
    }
}

#[derive(Debug, Default)]
struct SourceClock {
    max_lateness: i64,
    /// Whether its watermark goes on by the clock where all is silent.
    by_clock: bool,
    partitions: HashMap<u32, PartitionClock>,
    /// The watermarks of the active ones, in order.
    ordered: BTreeSet<(Timestamp, u32)>,
}

impl SourceClock {
    fn set(&mut self, partition: u32, clock: PartitionClock) {
        if let Some(before) = self.partitions.insert(partition, clock) {
            self.ordered.remove(&(before.watermark, partition));
        }
        if clock.standing == Standing::Active {
            self.ordered.insert((clock.watermark, partition));
        }
    }

    fn get(&self, partition: u32) -> PartitionClock {
        self.partitions.get(&partition).copied().unwrap_or_default()
    }

    /// From here on it holds back nobody.
    fn leave(&mut self, partition: u32, standing: Standing) {
        let clock = self.get(partition);
        self.set(partition, PartitionClock { standing, ..clock });
    }

    /// Whether partitions have begun and not ended, and all of them are silent.
    fn is_silent(&self) -> bool {
        self.ordered.is_empty() && self.is_live()
    }

    fn is_live(&self) -> bool {
        self.partitions.values().any(|clock| clock.standing != Standing::Closed)
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
    /// `sources`: how late events may be, and whether the clock is followed.
    pub(crate) fn new(sources: impl Iterator<Item = (i64, bool)>, groups: &[BTreeSet<usize>]) -> Self {
        let source = |(max_lateness, by_clock)| SourceClock { max_lateness, by_clock, ..SourceClock::default() };
        Self { sources: sources.map(source).collect(), groups: groups.iter().map(|sources| (sources.clone(), NEVER)).collect(), end: None }
    }

    /// As a checkpoint left them.
    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint) {
        for known in &checkpoint.partitions {
            let PartitionState { watermark, standing, position, turn_end, .. } = *known;
            if let Some(source) = self.sources.get_mut(usize::from(known.source)) {
                source.set(known.number, PartitionClock { watermark: watermark.unwrap_or(NEVER), standing, position, turn_end });
            }
        }
        for known in &checkpoint.groups {
            let of_group = |(sources, _): &&mut (BTreeSet<usize>, Timestamp)| {
                sources.iter().copied().eq(known.sources.iter().map(|&source| usize::from(source)))
            };
            if let Some((_, watermark)) = self.groups.iter_mut().find(of_group) {
                *watermark = known.watermark;
            }
        }
    }

    /// Tells a checkpoint how they stand.
    pub(crate) fn tell(&self, said: &mut Said) {
        for (source, clock) in (0..).zip(&self.sources) {
            said.partitions.extend(clock.partitions.iter().map(|(number, clock)| (source, *number, *clock)));
        }
        said.partitions.sort_by_key(|(source, number, _)| (*source, *number));
        let group = |(sources, watermark): &(BTreeSet<usize>, Timestamp)| GroupState {
            sources: sources.iter().filter_map(|source| u16::try_from(*source).ok()).collect(),
            watermark: *watermark,
        };
        said.groups = self.groups.iter().map(group).collect();
    }

    /// A partition begins. `first` is the event time of its first event, if it is known. That moves no watermark yet: partitions that
    /// are opened after this one may begin earlier.
    pub(crate) fn open(&mut self, source: usize, partition: u32, first: Option<Timestamp>) {
        if let Some(clock) = self.sources.get_mut(source) {
            let watermark = first.map_or(NEVER, |first| first.saturating_sub(clock.max_lateness));
            // One that had ended and goes on keeps its place.
            let position = clock.get(partition).position;
            clock.set(partition, PartitionClock { watermark, position, ..PartitionClock::default() });
        }
    }

    /// A partition has ended, or been silent for too long.
    pub(crate) fn leave(&mut self, source: usize, partition: u32, standing: Standing) {
        if let Some(clock) = self.sources.get_mut(source) {
            clock.leave(partition, standing);
        }
        self.settle(source);
    }

    /// Time has gone by on a source that is silent: the groups that it speaks for go on. One speaks for a group that has nobody active
    /// and only sources that follow the clock: the first of those.
    pub(crate) fn pass(&mut self, source: usize, elapsed: i64, limit: Timestamp) {
        for (members, watermark) in &mut self.groups {
            let live: Vec<(usize, &SourceClock)> =
                members.iter().filter_map(|index| Some((*index, self.sources.get(*index)?))).filter(|(_, clock)| clock.is_live()).collect();
            let silent = live.iter().all(|(_, clock)| clock.by_clock && clock.is_silent());
            if silent && live.first().is_some_and(|(first, _)| *first == source) && *watermark != NEVER {
                *watermark = (*watermark).max(watermark.saturating_add(elapsed).min(limit));
            }
        }
    }

    /// A batch of a partition: gives what its rows must know, then goes on by its newest event.
    pub(crate) fn batch(&mut self, slice: &Slice, newest: Option<Timestamp>) -> BatchClock {
        let Partition { source, number: partition } = slice.partition;
        let source = usize::from(source);
        let Some(clock) = self.sources.get(source) else { return BatchClock::default() };
        let own = clock.get(partition).watermark;
        let max_lateness = clock.max_lateness;
        let member = |(group, (sources, watermark)): (usize, &(BTreeSet<usize>, Timestamp))| {
            sources.contains(&source).then(|| (group, (*watermark, self.others(sources, source, partition))))
        };
        let groups = self.groups.iter().enumerate().filter_map(member).collect();
        let before = BatchClock { max_lateness, own, groups };
        if let Some(clock) = self.sources.get_mut(source) {
            let watermark = newest.map_or(own, |newest| own.max(newest.saturating_sub(max_lateness)));
            let position = slice.position + slice.range.len() as u64;
            clock.set(partition, PartitionClock { watermark, standing: Standing::Active, position, turn_end: slice.turn_end });
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

    use std::sync::Arc;

    use super::*;

    fn clocks(groups: &[&[usize]]) -> Clocks {
        let groups: Vec<BTreeSet<usize>> = groups.iter().map(|sources| sources.iter().copied().collect()).collect();
        Clocks::new([(10, false), (0, true)].into_iter(), &groups)
    }

    fn batch(clocks: &mut Clocks, source: u16, number: u32, newest: Option<Timestamp>) -> BatchClock {
        let partition = Partition { source, number };
        let slice = Slice {
            partition,
            position: 0,
            ingest_time: 0,
            buffer: Arc::default(),
            range: 0..0,
            header: None,
            oversize: false,
            turn_end: None,
            request: None,
        };
        clocks.batch(&slice, newest)
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
        let batch = batch(&mut clocks, 0, 0, Some(130));
        assert_eq!(rows(&batch, 0, &[100, 120, 90, 130]), [90, 90, 110, 110]);
        assert_eq!(group(&clocks), 120);
    }

    #[test]
    fn the_slowest_active_partition_holds_back_the_others_until_it_ends() {
        let mut clocks = clocks(&[&[0, 1]]);
        clocks.open(0, 0, Some(100));
        clocks.open(1, 0, Some(50));
        assert_eq!(rows(&batch(&mut clocks, 0, 0, Some(500)), 0, &[500, 500]), [50, 50]);
        clocks.leave(1, 0, Standing::Closed);
        assert_eq!(group(&clocks), 490);
        clocks.leave(0, 0, Standing::Closed);
        assert_eq!(group(&clocks), 490, "with nobody left the watermark stays");
    }

    #[test]
    fn a_watermark_never_goes_back() {
        let mut clocks = clocks(&[&[0]]);
        clocks.open(0, 0, Some(100));
        batch(&mut clocks, 0, 0, Some(200));
        clocks.open(0, 1, Some(20));
        assert_eq!(group(&clocks), 190);
        assert_eq!(rows(&batch(&mut clocks, 0, 1, Some(30)), 0, &[30]), [190]);
    }

    #[test]
    fn where_a_batch_is_cut_cannot_be_seen_in_the_watermarks() {
        let times = [100, 250, 120, 300, 299, 301];
        let mut whole = clocks(&[&[0]]);
        whole.open(0, 0, Some(100));
        let expected = rows(&batch(&mut whole, 0, 0, Some(301)), 0, &times);
        for cut in 1..times.len() {
            let mut clocks = clocks(&[&[0]]);
            clocks.open(0, 0, Some(100));
            let (left, right) = times.split_at(cut);
            let mut got = rows(&batch(&mut clocks, 0, 0, left.iter().max().copied()), 0, left);
            got.extend(rows(&batch(&mut clocks, 0, 0, right.iter().max().copied()), 0, right));
            assert_eq!(got, expected);
        }
    }

    #[test]
    fn an_idle_partition_holds_back_nobody_until_its_next_batch_and_what_it_brings_late_is_late() {
        let mut clocks = clocks(&[&[0]]);
        clocks.open(0, 0, Some(100));
        clocks.open(0, 1, Some(100));
        batch(&mut clocks, 0, 0, Some(500));
        clocks.leave(0, 1, Standing::Idle);
        assert_eq!(group(&clocks), 490);
        assert_eq!(rows(&batch(&mut clocks, 0, 1, Some(130)), 0, &[130]), [490]);
        batch(&mut clocks, 0, 0, Some(900));
        assert_eq!(group(&clocks), 490, "it is active again, and holds back");
    }

    #[test]
    fn the_clock_moves_only_groups_in_which_all_are_silent_and_follow_it() {
        let mut clocks = clocks(&[&[1], &[0, 1]]);
        clocks.open(0, 0, Some(1000));
        clocks.open(1, 0, Some(100));
        batch(&mut clocks, 0, 0, Some(1000));
        batch(&mut clocks, 1, 0, Some(200));
        clocks.pass(1, 50, 10_000);
        assert_eq!(clocks.groups().map(|(_, watermark)| watermark).collect::<Vec<_>>(), [200, 200], "nobody is silent");
        clocks.leave(1, 0, Standing::Idle);
        clocks.pass(1, 50, 10_000);
        clocks.pass(1, 50, 270);
        assert_eq!(clocks.groups().map(|(_, watermark)| watermark).collect::<Vec<_>>(), [270, 990]);
        clocks.leave(0, 0, Standing::Closed);
        clocks.pass(1, 20, 10_000);
        assert_eq!(clocks.groups().map(|(_, watermark)| watermark).collect::<Vec<_>>(), [290, 1010], "one that has ended is not asked");
    }

    #[test]
    fn what_a_checkpoint_is_told_restores_the_same_clocks() {
        let mut before = clocks(&[&[0], &[0, 1]]);
        before.open(0, 0, Some(100));
        before.open(1, 5, None);
        batch(&mut before, 0, 0, Some(500));
        before.leave(0, 0, Standing::Idle);
        let mut said = Said::default();
        before.tell(&mut said);
        let partition = |(source, number, clock): &(u16, u32, PartitionClock)| PartitionState {
            source: *source,
            number: *number,
            name: String::new(),
            file: None,
            position: clock.position,
            turn_end: clock.turn_end,
            watermark: Some(clock.watermark),
            standing: clock.standing,
        };
        let partitions = said.partitions.iter().map(partition).collect();
        let mut after = clocks(&[&[0], &[0, 1]]);
        after.restore(&Checkpoint { partitions, groups: said.groups.clone(), ..Checkpoint::default() });
        let mut again = Said::default();
        after.tell(&mut again);
        assert_eq!((again.partitions, again.groups), (said.partitions, said.groups));
    }
}
