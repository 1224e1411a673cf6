//! Which stretches of event time a detector did not see all events of, and from where in the input order that counts.

use eyas_event::Timestamp;

/// How many stretches are kept apart. Above it neighbours become one, and too many alerts are marked rather than too few.
const STRETCHES: usize = 1 << 15;

/// A place in the input order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) item: u64,
    /// Of the batch.
    pub(crate) row: u32,
}

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    /// Alerts that do not stand behind this are not touched. None: it is from an earlier run.
    since: Option<At>,
}

#[derive(Debug, Default)]
pub(crate) struct Unseen {
    /// By their beginnings.
    stretches: Vec<Stretch>,
    /// How long the longest is.
    longest: i64,
    /// Of the quarantine that goes on.
    open: Option<Stretch>,
}

impl Stretch {
    fn touches(&self, start: Timestamp, end: Timestamp, at: At) -> bool {
        self.from < end && self.to >= start && self.since < Some(at)
    }
}

impl Unseen {
    /// Adds a stretch.
    pub(crate) fn note(&mut self, from: Timestamp, to: Timestamp, since: Option<At>) {
        let place = self.stretches.partition_point(|known| (known.from, known.to) < (from, to));
        match self.stretches.get_mut(place).filter(|known| (known.from, known.to) == (from, to)) {
            Some(known) => known.since = known.since.min(since),
            None => self.stretches.insert(place, Stretch { from, to, since }),
        }
        self.longest = self.longest.max(to.saturating_sub(from));
        if self.stretches.len() > STRETCHES {
            self.join();
        }
    }

    /// Each two neighbours become one.
    fn join(&mut self) {
        let joined = |pair: &[Stretch]| {
            let (first, last) = (pair.first()?, pair.last()?);
            Some(Stretch { from: first.from, to: first.to.max(last.to), since: first.since.min(last.since) })
        };
        self.stretches = self.stretches.chunks(2).filter_map(joined).collect();
        self.longest = self.stretches.iter().map(|known| known.to.saturating_sub(known.from)).max().unwrap_or(0);
    }

    /// A quarantine begins.
    pub(crate) fn open(&mut self, from: Timestamp, since: Option<At>) {
        self.open.get_or_insert(Stretch { from, to: from, since });
    }

    /// Events of these times pass in quarantine.
    pub(crate) fn stretch(&mut self, from: Timestamp, to: Timestamp) {
        if let Some(open) = &mut self.open {
            open.from = open.from.min(from);
            open.to = open.to.max(to);
        }
    }

    /// The quarantine ends, at a watermark.
    pub(crate) fn close(&mut self, to: Timestamp) {
        if let Some(open) = self.open.take() {
            self.note(open.from, open.to.max(to), open.since);
        }
    }

    /// Whether something from `start` to before `end` is missing in what is said at a place.
    pub(crate) fn touches(&self, start: Timestamp, end: Timestamp, at: At) -> bool {
        let first = self.stretches.partition_point(|known| known.from < start.saturating_sub(self.longest));
        let near = self.stretches.iter().skip(first).take_while(|known| known.from < end);
        near.chain(&self.open).any(|known| known.touches(start, end, at))
    }

    /// All that is known from before an item.
    pub(crate) fn before(&self, item: u64) -> Vec<(Timestamp, Timestamp)> {
        self.stretches
            .iter()
            .chain(&self.open)
            .filter(|known| known.since.is_none_or(|since| since.item < item))
            .map(|known| (known.from, known.to))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(item: u64, row: u32) -> At {
        At { item, row }
    }

    #[test]
    fn an_alert_is_touched_by_what_was_skipped_before_it_and_lies_in_its_window() {
        let mut unseen = Unseen::default();
        unseen.note(50, 50, Some(at(3, 7)));
        assert!(unseen.touches(50, 51, at(3, 8)) && unseen.touches(0, 100, at(4, 0)));
        assert!(!unseen.touches(0, 50, at(9, 0)) && !unseen.touches(51, 99, at(9, 0)));
        assert!(!unseen.touches(0, 100, at(3, 7)) && !unseen.touches(0, 100, at(3, 0)));
        assert_eq!((unseen.before(3), unseen.before(4)), (vec![], vec![(50, 50)]));
    }

    #[test]
    fn a_quarantine_is_unseen_from_its_mark_to_the_last_event_that_passed() {
        let mut unseen = Unseen::default();
        unseen.open(100, Some(at(5, 0)));
        assert!(unseen.touches(90, 101, at(6, 0)) && !unseen.touches(101, 200, at(6, 0)));
        unseen.stretch(95, 140);
        unseen.close(120);
        assert!(unseen.touches(140, 200, at(6, 0)) && unseen.touches(0, 96, at(6, 0)));
        assert!(!unseen.touches(141, 200, at(6, 0)) && !unseen.touches(0, 95, at(6, 0)) && !unseen.touches(0, 200, at(5, 0)));
    }

    #[test]
    fn too_many_stretches_become_fewer_and_hide_nothing() {
        let mut unseen = Unseen::default();
        let times = || (0..STRETCHES as i64 + 100).map(|index| index * 10);
        times().for_each(|time| unseen.note(time, time, None));
        assert!(unseen.stretches.len() <= STRETCHES);
        assert!(times().all(|time| unseen.touches(time, time + 1, at(0, 0))));
    }
}
