//! What the passing of real time brings about: partitions go idle, watermarks go on, detectors come out of quarantine. All of it becomes
//! marks in the input order, so that it can be repeated.

use std::collections::{BTreeMap, VecDeque};

use eyas_event::{NANOS_PER_SECOND, Partition, Timestamp};

use crate::sequencer::Item;

/// How long a detector stays in quarantine the first time; then twice as long each time.
const QUARANTINE: i64 = 60 * NANOS_PER_SECOND;
/// But no longer than this.
const LONGEST_QUARANTINE: i64 = 3600 * NANOS_PER_SECOND;
/// How often a silent watermark goes on.
const STEP: i64 = NANOS_PER_SECOND;

/// A live source.
#[derive(Debug, Default)]
pub(crate) struct LiveSource {
    /// A partition that is silent for so long is idle; `None`: it never is.
    idle: Option<i64>,
    /// Whether its watermark goes on by the clock then.
    clock: bool,
    max_lateness: i64,
    /// When each partition that is not idle was last heard of; `None`: it is idle.
    heard: BTreeMap<u32, Option<Timestamp>>,
    /// Up to when the clock has been followed; before the first time: when it was last heard of.
    clocked: Option<Timestamp>,
}

/// For what begins before the time is known: it counts from the next look at the clock.
const FROM_NOW: Timestamp = Timestamp::MIN;

/// A detector in quarantine, or on its way there.
#[derive(Debug)]
struct Ward {
    detector: usize,
    until: Timestamp,
}

/// Watches the time go by.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    sources: Vec<LiveSource>,
    /// At the last look: the steady time, by which everything here goes, and the clock's, which may jump.
    now: i64,
    clock: Timestamp,
    asked: VecDeque<(usize, String)>,
    wards: Vec<Ward>,
    /// By detector: how often it has been in quarantine.
    terms: BTreeMap<usize, u32>,
}

impl Watch {
    pub(crate) fn new(sources: Vec<LiveSource>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// A detector was in quarantine when the program ended, for the so-manieth time.
    pub(crate) fn inherit(&mut self, detector: usize, terms: u32, quarantined: bool) {
        self.terms.insert(detector, terms);
        if quarantined {
            self.wards.push(Ward { detector, until: Timestamp::MIN });
        }
    }

    /// The clock's time at the last look.
    pub(crate) fn clock(&self) -> Timestamp {
        self.clock
    }

    /// A partition was heard of.
    pub(crate) fn saw(&mut self, partition: Partition) {
        let now = self.now;
        if let Some(source) = self.sources.get_mut(usize::from(partition.source)).filter(|source| source.idle.is_some()) {
            source.heard.insert(partition.number, Some(now));
            source.clocked = source.clocked.max(Some(now));
        }
    }

    /// A partition begins, or is known from before: its silence counts from now on. `idle`: it was silent for too long already.
    pub(crate) fn begins(&mut self, partition: Partition, idle: bool) {
        if let Some(source) = self.sources.get_mut(usize::from(partition.source)).filter(|source| source.idle.is_some()) {
            source.heard.insert(partition.number, (!idle).then_some(FROM_NOW));
        }
    }

    /// A mark or slice of an earlier run comes again.
    pub(crate) fn replayed(&mut self, item: &Item) {
        match item {
            Item::Open(partition, _) => self.begins(*partition, false),
            Item::Slice(slice) => self.begins(slice.partition, false),
            Item::Idle(partition) => self.begins(*partition, true),
            Item::Close(partition) => self.forget(*partition),
            Item::Quarantine(..) | Item::Resume(_) => self.did(item, 0),
            _ => {}
        }
    }

    /// A partition has ended.
    pub(crate) fn forget(&mut self, partition: Partition) {
        if let Some(source) = self.sources.get_mut(usize::from(partition.source)) {
            source.heard.remove(&partition.number);
        }
    }

    /// A detector is to be put in quarantine.
    pub(crate) fn quarantine(&mut self, detector: usize, reason: &str) {
        let known = self.asked.iter().any(|(asked, _)| *asked == detector) || self.wards.iter().any(|ward| ward.detector == detector);
        if !known {
            self.asked.push_back((detector, reason.to_owned()));
        }
    }

    /// The marks that are due. Each counts as done once [`Watch::did`] was told.
    pub(crate) fn due(&mut self, now: i64, clock: Timestamp) -> Vec<Item> {
        (self.now, self.clock) = (now, clock);
        self.sources.iter_mut().for_each(|source| source.look(now));
        let asked = self.asked.iter().map(|(detector, reason)| Item::Quarantine(*detector, reason.clone()));
        let over = self.wards.iter().filter(|ward| ward.until <= now).map(|ward| Item::Resume(ward.detector));
        let mut due: Vec<Item> = asked.chain(over).collect();
        for (number, source) in self.sources.iter().enumerate() {
            due.extend(source.gone_idle(number, now));
            due.extend(source.clock(number, now, clock));
        }
        due
    }

    /// A mark has been made.
    pub(crate) fn did(&mut self, item: &Item, now: Timestamp) {
        match item {
            Item::Quarantine(detector, _) => {
                self.asked.retain(|(asked, _)| asked != detector);
                let terms = self.terms.entry(*detector).or_default();
                let length = QUARANTINE.saturating_mul(1 << (*terms).min(10)).min(LONGEST_QUARANTINE);
                *terms += 1;
                self.wards.push(Ward { detector: *detector, until: now.saturating_add(length) });
            }
            Item::Resume(detector) => self.wards.retain(|ward| ward.detector != *detector),
            Item::Idle(partition) => {
                if let Some(source) = self.sources.get_mut(usize::from(partition.source)) {
                    source.heard.insert(partition.number, None);
                }
            }
            Item::Clock { source, .. } => {
                if let Some(source) = self.sources.get_mut(*source) {
                    source.clocked = Some(now);
                }
            }
            _ => {}
        }
    }
}

impl LiveSource {
    pub(crate) fn new(idle: Option<i64>, clock: bool, max_lateness: i64) -> Self {
        Self { idle, clock, max_lateness, ..Self::default() }
    }

    /// What began before the time was known begins now.
    fn look(&mut self, now: Timestamp) {
        self.clocked.get_or_insert(now);
        self.heard.values_mut().flatten().filter(|last| **last == FROM_NOW).for_each(|last| *last = now);
    }

    /// Partitions that have been silent for too long.
    fn gone_idle(&self, number: usize, now: Timestamp) -> Vec<Item> {
        let Some(idle) = self.idle else { return Vec::new() };
        let silent = |last: &Option<Timestamp>| last.is_some_and(|last| now.saturating_sub(last) >= idle);
        let partition = |number: u32, source: u16| Item::Idle(Partition { source, number });
        let source = u16::try_from(number).unwrap_or(u16::MAX);
        self.heard.iter().filter(|(_, last)| silent(last)).map(|(number, _)| partition(*number, source)).collect()
    }

    /// How far the watermark goes on, where all partitions are idle.
    fn clock(&self, number: usize, now: i64, clock: Timestamp) -> Option<Item> {
        let elapsed = now.saturating_sub(self.clocked?);
        let silent = !self.heard.is_empty() && self.heard.values().all(Option::is_none);
        let due = self.clock && silent && elapsed >= STEP;
        due.then(|| Item::Clock { source: number, elapsed, limit: clock.saturating_sub(self.max_lateness) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    const S: i64 = NANOS_PER_SECOND;

    fn watch() -> Watch {
        let live = LiveSource::new(Some(60 * S), true, 10 * S);
        Watch::new(vec![LiveSource::default(), live])
    }

    fn all(watch: &mut Watch, now: Timestamp) -> Vec<String> {
        let due = watch.due(now, now);
        due.iter().for_each(|item| watch.did(item, now));
        due.iter().map(|item| format!("{item:?}")).collect()
    }

    #[test]
    fn a_silent_partition_goes_idle_once_and_then_the_clock_goes_on_each_second_by_what_has_passed() {
        let mut watch = watch();
        let partition = Partition { source: 1, number: 3 };
        assert!(all(&mut watch, 100 * S).is_empty());
        watch.saw(partition);
        assert!(all(&mut watch, 159 * S).is_empty());
        assert_eq!(all(&mut watch, 160 * S), [format!("{:?}", Item::Idle(partition))]);
        let clock = |elapsed: i64, now: i64| format!("{:?}", Item::Clock { source: 1, elapsed: elapsed * S, limit: (now - 10) * S });
        assert_eq!(all(&mut watch, 161 * S), [clock(61, 161)]);
        assert!(all(&mut watch, 161 * S + 1).is_empty());
        assert_eq!(all(&mut watch, 163 * S), [clock(2, 163)]);
        watch.saw(partition);
        assert!(all(&mut watch, 200 * S).is_empty());
    }

    #[test]
    fn a_clock_that_jumps_makes_nobody_idle_and_moves_a_silent_watermark_no_faster() {
        let mut watch = watch();
        let partition = Partition { source: 1, number: 0 };
        watch.due(0, 1_000 * S);
        watch.saw(partition);
        assert!(watch.due(S, 90_000 * S).is_empty(), "a day forward");
        assert!(watch.due(2 * S, 500 * S).is_empty(), "and back");
        let due = watch.due(60 * S, 1_060 * S);
        due.iter().for_each(|item| watch.did(item, 60 * S));
        assert_eq!(due.len(), 1);
        let due = watch.due(61 * S, 90_000 * S);
        assert!(matches!(due.as_slice(), [Item::Clock { elapsed, .. }] if *elapsed == 61 * S), "{due:?}");
    }

    #[test]
    fn a_detector_is_quarantined_once_and_tried_again_after_a_time_that_doubles() {
        let mut watch = watch();
        let mut now = 0;
        for term in [60, 120, 240] {
            watch.quarantine(7, "why");
            watch.quarantine(7, "again");
            assert_eq!(all(&mut watch, now), [format!("{:?}", Item::Quarantine(7, "why".to_owned()))]);
            watch.quarantine(7, "while it is in");
            assert!(all(&mut watch, now + term * S - 1).is_empty());
            now += term * S;
            assert_eq!(all(&mut watch, now), [format!("{:?}", Item::Resume(7))]);
        }
    }
}
