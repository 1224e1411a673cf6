//! The alerts of one batch, in their order (SEMANTICS 5.2).

use std::cmp::Ordering;

use eyas_event::{Alert, Place, Timestamp};

/// An alert with its place in the batch.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) detector: usize,
    pub(crate) alert: Alert,
    /// Event time of its cause (SEMANTICS 5.4).
    pub(crate) time: Option<Timestamp>,
    /// A timer's: just before this row, at the number of rows: behind the last. A row's: right after it.
    pub(crate) row: u32,
}

impl Entry {
    /// Whether it stands before its row's event, not after it.
    pub(crate) fn is_before_row(&self) -> bool {
        matches!(self.alert.place, Place::Timer(_))
    }
}

/// Sorts alerts into output order. Those of one detector for one row, or of one rule and deduplication key at one time, stay as given.
/// `ranks` are the detectors' places in the order of their names.
pub(crate) fn sort(entries: &mut [Entry], ranks: &[usize]) {
    entries.sort_by(|left, right| compare(left, right, ranks));
}

fn compare(left: &Entry, right: &Entry, ranks: &[usize]) -> Ordering {
    let rank = |entry: &Entry| ranks.get(entry.detector).copied().unwrap_or_default();
    let cause = |entry: &Entry| (entry.row, !entry.is_before_row());
    cause(left).cmp(&cause(right)).then_with(|| match (left.alert.place, right.alert.place) {
        (Place::Timer(one), Place::Timer(other)) => one
            .cmp(&other)
            .then_with(|| rank(left).cmp(&rank(right)))
            .then_with(|| left.alert.dedup_key.cmp(&right.alert.dedup_key))
            .then_with(|| left.alert.rule.cmp(&right.alert.rule)),
        _ => rank(left).cmp(&rank(right)),
    })
}

#[cfg(test)]
mod tests {
    use eyas_event::Episode;

    use super::*;

    fn entry(detector: usize, row: u32, place: Place, dedup_key: &str, rule: &str) -> Entry {
        let alert = Alert {
            rule: rule.to_owned(),
            title: String::new(),
            severity: 0,
            state: Episode::Close,
            revision: 0,
            place,
            dedup_key: dedup_key.to_owned(),
            group_key: String::new(),
            start: None,
            end: None,
            entities: Vec::new(),
            facts: Vec::new(),
            techniques: Vec::new(),
            evidence: Vec::new(),
            score: None,
            merged_into: None,
            degraded: false,
        };
        Entry { detector, alert, time: None, row }
    }

    /// Detector 1 is named before detector 0.
    const RANKS: [usize; 2] = [1, 0];

    #[test]
    fn timers_stand_before_their_row_by_time_name_key_and_rule_and_a_rows_own_after_it() {
        let expected = [
            (0, 3, Place::Timer(10), "z", "r"),
            (1, 3, Place::Timer(20), "b", "r"),
            (0, 3, Place::Timer(20), "a", "r"),
            (0, 3, Place::Timer(20), "b", "q"),
            (0, 3, Place::Timer(20), "b", "r"),
            (1, 3, Place::Row(3), "z", "r"),
            (0, 3, Place::Row(3), "z", "given first"),
            (0, 3, Place::Row(3), "a", "given second"),
            (1, 4, Place::Timer(30), "a", "r"),
        ];
        let mut entries: Vec<Entry> = [7, 8, 1, 0, 5, 6, 4, 2, 3]
            .into_iter()
            .filter_map(|index: usize| expected.get(index))
            .map(|&(detector, row, place, key, rule)| entry(detector, row, place, key, rule))
            .collect();
        // Of one detector and row the order given counts: put those two as they were given.
        entries.sort_by_key(|entry| entry.alert.rule == "given second");
        sort(&mut entries, &RANKS);
        let got: Vec<_> = entries
            .iter()
            .map(|entry| (entry.detector, entry.row, entry.alert.place, entry.alert.dedup_key.as_str(), entry.alert.rule.as_str()))
            .collect();
        assert_eq!(got, expected);
    }
}
