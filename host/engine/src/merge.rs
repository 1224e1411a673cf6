//! What the detectors made of a batch, put together: rows of parts become rows of the batch, and everything gets its order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use eyas_event::{Alert, Annotation, Place, Tags, Timestamp};

use crate::Counters;
use crate::crew::Outcome;
use crate::faults::{self, Faults};
use crate::flight::{Batch, Flight, Load};
use crate::layout::Layout;
use crate::ledger::{self, Entry};
use crate::sequencer::Item;

/// What all detectors together made of a batch.
#[derive(Default)]
pub(crate) struct Results {
    /// Tags that a detector's sight of a row brought, by row and detector.
    pub(crate) tags: Vec<(u32, usize, Tags)>,
    /// Annotations, by row and detector; those of one detector for one row as given.
    pub(crate) annotations: Vec<(usize, Annotation)>,
    /// Alerts in output order.
    pub(crate) alerts: Vec<Entry>,
    /// What went to the dead letters of a detector, by row and detector.
    pub(crate) diverted: Vec<(u32, usize, Arc<str>)>,
    /// Rows that a detector dropped, sorted.
    drops: Vec<(usize, Vec<u32>)>,
}

impl Results {
    /// Collects and empties the findings of all outcomes. `ranks`: the detectors' places in the order of their names.
    pub(crate) fn collect(flight: &mut Flight, layout: &Layout, ranks: &[usize], faults: &Faults, counters: &Counters) -> Self {
        let mut results = Self { drops: dropped(&flight.outcomes), ..Self::default() };
        if let Load::Batch(batch) = &flight.load {
            results.note_late(batch, layout);
        }
        for outcome in &mut flight.outcomes {
            count(outcome, counters);
            results.take_notes(outcome);
            results.take_alerts(outcome, &flight.load, layout);
        }
        for entry in &mut results.alerts {
            faults.degrade(entry.detector, &mut entry.alert, flight.number, entry.row);
        }
        if let Load::Mark(Item::Quarantine(detector, reason)) = &flight.load {
            counters.detectors.get(*detector).into_iter().for_each(|counters| counters.set_reason(reason));
        }
        results.alerts.extend(host_alert(flight, layout, faults));
        ledger::sort(&mut results.alerts, ranks);
        results.tags.sort_by_key(|(row, detector, _)| (*row, *detector));
        results.diverted.sort_by_key(|(row, detector, _)| (*row, *detector));
        results.annotations.sort_by_key(|(detector, annotation)| (annotation.row, *detector));
        results
    }

    /// The rows that the detectors of a path dropped, sorted.
    pub(crate) fn dropped(&self, path: &[usize]) -> Vec<u32> {
        union(&self.drops, path)
    }

    /// A late event is tagged by the first detector for which it is late: so by each here, and a sink sees those before it.
    fn note_late(&mut self, batch: &Batch, layout: &Layout) {
        let Some(source) = layout.sources.get(usize::from(batch.slice.partition.source)) else { return };
        for (detector, _) in &source.reached {
            let group = layout.detectors.get(*detector).and_then(|layout| layout.group);
            let late = batch.groups.iter().find(|known| Some(known.group) == group).map(|known| known.late.as_slice());
            self.tags.extend(late.unwrap_or_default().iter().map(|row| (*row, *detector, Tags::LATE)));
        }
    }

    fn take_notes(&mut self, outcome: &mut Outcome) {
        let (detector, rows) = (outcome.detector, &outcome.part.rows);
        let row_of = |row: u32| rows.get(row as usize).copied();
        if outcome.unwatched {
            self.tags.extend(rows.iter().map(|row| (*row, detector, Tags::UNWATCHED)));
        }
        let skipped = outcome.skipped.drain(..).filter_map(|skipped| Some((row_of(skipped.row)?, skipped.reason)));
        if outcome.diverts {
            self.diverted.extend(skipped.map(|(row, reason)| (row, detector, reason)));
        } else {
            self.tags.extend(skipped.map(|(row, _)| (row, detector, Tags::FAULT)));
        }
        for findings in &mut outcome.findings {
            let errors = findings.row_errors.drain(..).filter_map(|(row, _)| Some((row_of(row)?, detector, Tags::ROW_ERROR)));
            self.tags.extend(errors);
            let annotations =
                findings.annotations.drain(..).filter_map(|note| Some((detector, Annotation { row: row_of(note.row)?, ..note })));
            self.annotations.extend(annotations);
        }
    }

    fn take_alerts(&mut self, outcome: &mut Outcome, load: &Load, layout: &Layout) {
        let Outcome { detector, part, findings, .. } = outcome;
        for findings in findings {
            self.alerts.extend(findings.alerts.drain(..).map(|alert| placed(alert, *detector, &part.rows, load, layout)));
        }
    }
}

/// Counts what an instance found.
fn count(outcome: &Outcome, counters: &Counters) {
    let Some(counters) = counters.detectors.get(outcome.detector) else { return };
    let add = |counter: &AtomicU64, number: usize| counter.fetch_add(number as u64, Relaxed);
    add(&counters.alerts, outcome.findings.iter().map(|findings| findings.alerts.len()).sum());
    add(&counters.row_errors, outcome.findings.iter().map(|findings| findings.row_errors.len()).sum());
    add(&counters.unwatched, if outcome.unwatched { outcome.part.rows.len() } else { 0 });
    add(&counters.dead_letters, if outcome.diverts { outcome.skipped.len() } else { 0 });
}

/// The rows that the detectors of a path, but its last, dropped, sorted.
pub(crate) fn dropped_before(path: &[usize], outcomes: &[Outcome]) -> Vec<u32> {
    let before = path.split_last().map_or(&[][..], |(_, before)| before);
    union(&dropped(outcomes), before)
}

fn dropped(outcomes: &[Outcome]) -> Vec<(usize, Vec<u32>)> {
    let rows = |outcome: &Outcome| {
        let dropped = outcome.findings.iter().flat_map(|findings| findings.drops.iter().copied());
        let diverted = outcome.skipped.iter().filter(|_| outcome.diverts).map(|skipped| skipped.row);
        let rows = dropped.chain(diverted).filter_map(|row| outcome.part.rows.get(row as usize).copied());
        (outcome.detector, rows.collect())
    };
    outcomes.iter().map(rows).filter(|(_, rows): &(usize, Vec<u32>)| !rows.is_empty()).collect()
}

fn union(drops: &[(usize, Vec<u32>)], path: &[usize]) -> Vec<u32> {
    let of_path = drops.iter().filter(|(detector, _)| path.contains(detector));
    let mut rows: Vec<u32> = of_path.flat_map(|(_, rows)| rows).copied().collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// The host's own alert at a mark of a quarantine.
fn host_alert(flight: &Flight, layout: &Layout, faults: &Faults) -> Option<Entry> {
    let (detector, reason) = match &flight.load {
        Load::Mark(Item::Quarantine(detector, reason)) => (*detector, Some(reason.as_str())),
        Load::Mark(Item::Resume(detector)) => (*detector, None),
        _ => return None,
    };
    let watermark = layout.detectors.get(detector)?.group.and_then(|group| flight.watermarks.get(group).copied());
    let alert = faults::alert(faults.quarantines(detector, flight.number), watermark, reason);
    Some(Entry { detector, alert, time: watermark, row: 0 })
}

/// An alert with its place in the batch and the event time of its cause (SEMANTICS 5.2, 5.4).
fn placed(mut alert: Alert, detector: usize, rows: &[u32], load: &Load, layout: &Layout) -> Entry {
    let group = layout.detectors.get(detector).and_then(|layout| layout.group);
    let (watermarks, times): (&[Timestamp], &[Timestamp]) = match load {
        Load::Batch(batch) => (batch.watermarks(group), &batch.times),
        Load::Mark(_) => (&[], &[]),
    };
    let (row, time) = match alert.place {
        Place::Timer(timer) => (watermarks.partition_point(|watermark| *watermark < timer) as u32, Some(timer)),
        Place::Row(row) => {
            let row = rows.get(row as usize).copied().unwrap_or_default();
            alert.place = Place::Row(row);
            let at = |column: &[Timestamp]| column.get(row as usize).copied();
            (row, group.and(at(times).max(at(watermarks))))
        }
    };
    Entry { detector, alert, time, row }
}
