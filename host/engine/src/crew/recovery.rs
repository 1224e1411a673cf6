//! Finding the event over which a detector fails: the poison.
//!
//! An instance that failed is dead. Each attempt begins with a new one that knows what the old one knew before the part, and shows it the
//! part again in some way: without the row that was being worked on, or row by row. Batch borders cannot be seen by a detector, so the
//! results of an attempt that gets through are those of the part without the poison.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use eyas_event::{Part, Place};
use eyas_plugin::{Fault, FaultKind, Findings};

use super::member::{Member, PATIENT, all_rows};
use crate::OnFault;
use crate::faults::{PATIENCE, Skipped};
use crate::sieve::pick;

/// How an attempt ended that did not get through.
enum Failure {
    /// The detector failed again, in the call with these rows of the part. The fault's progress is a row of the part, too.
    Again(Vec<usize>, Fault),
    /// It cannot be made anew, or it takes too long.
    Lost(String),
}

/// A part in which there is poison.
struct Case<'a> {
    part: &'a Arc<Part>,
    /// The poison found so far.
    skipped: Vec<Skipped>,
    /// How much of the usual time a call may take.
    patience: u32,
    began: Instant,
}

impl Member {
    /// The instance failed over a part. Gives the rows that it cannot see; `findings` are of all others.
    pub(super) fn recover(&mut self, item: u64, part: &Arc<Part>, fault: Fault, findings: &mut Findings) -> Vec<Skipped> {
        let mut case = Case { part, skipped: Vec::new(), patience: 1, began: Instant::now() };
        let ended = self.search(&mut case, fault, findings);
        let from = ended.as_ref().err().map_or(part.len(), |(from, _)| *from);
        case.skipped.retain(|skipped| (skipped.row as usize) < from);
        self.count(|counters| &counters.skipped, case.skipped.len());
        self.pronounce(item, part, &case.skipped);
        if let Err((from, reason)) = ended {
            let rest = all_rows(from, part, &reason.into());
            self.skip_from(item, part, &rest);
            case.skipped.extend(rest);
        }
        case.skipped
    }

    /// Makes attempts until one gets through. Errs where it has to end before: all rows from one on have not been seen.
    fn search(&mut self, case: &mut Case<'_>, mut fault: Fault, findings: &mut Findings) -> Result<(), (usize, String)> {
        let all = 0..case.part.len();
        self.failed(&fault);
        // Slow may have been the machine, and a new instance has room again.
        if matches!(fault.kind, FaultKind::Deadline | FaultKind::Memory) {
            case.patience = PATIENT;
            match self.attempt(case, None, [all.clone()], findings) {
                Ok(()) => {
                    self.recovered(case.began.elapsed());
                    return Ok(());
                }
                Err(Failure::Again(_, again)) => fault = again,
                Err(Failure::Lost(reason)) => return Err(self.lost(&reason, findings)),
            }
        }
        let mut told = Instant::now();
        let mut first = true;
        loop {
            let before = case.skipped.len();
            let next = self.find(case, &fault, findings).map_err(|reason| self.lost(&reason, findings))?;
            case.skipped.sort_by_key(|skipped| skipped.row);
            let spent = if std::mem::take(&mut first) { case.began.elapsed() } else { told.elapsed() };
            told = Instant::now();
            let too_many = self.recovered(spent);
            let is_found = case.skipped.len() > before;
            let Some(next) = next else { return Ok(()) };
            self.failed(&next);
            if too_many || !is_found || self.post.faults.policy(self.post.detector) == OnFault::Stop {
                // What is before the next poison has been seen well.
                let from = next.progress.unwrap_or(0) as usize;
                let reason = format!("{}: {next}", next.kind.name());
                return match self.attempt(case, None, std::iter::once(0..from), findings) {
                    Ok(()) => Err((from, reason)),
                    Err(_) => Err(self.lost(&reason, findings)),
                };
            }
            fault = next;
        }
    }

    /// Finds the row behind a fault. Gives the next fault, if there is one; without, `findings` are of all rows that are not skipped.
    fn find(&mut self, case: &mut Case<'_>, fault: &Fault, findings: &mut Findings) -> Result<Option<Fault>, String> {
        let all = 0..case.part.len();
        let suspect = fault.progress.filter(|_| matches!(fault.kind, FaultKind::Trap | FaultKind::Refused));
        let mut next = None;
        if let Some(row) = suspect {
            match self.attempt(case, Some(row), [all.clone()], findings) {
                Ok(()) => {
                    case.skip(row, fault);
                    return Ok(None);
                }
                Err(Failure::Again(_, again)) => next = Some(again),
                Err(Failure::Lost(reason)) => return Err(reason),
            }
        }
        let mut from = fault.progress.unwrap_or(0) as usize;
        let (row, of_row) = loop {
            let singly = std::iter::once(0..from).chain((from..all.end).map(|row| row..row + 1));
            match self.attempt(case, None, singly, findings) {
                Ok(()) => return Ok(None),
                Err(Failure::Again(rows, again)) => match rows.as_slice() {
                    [row] => break (*row as u32, again),
                    // It failed earlier than it said it would.
                    _ => from = 0,
                },
                Err(Failure::Lost(reason)) => return Err(reason),
            }
        };
        case.skip(row, &of_row);
        if let (Some(next), true) = (next, suspect == Some(row)) {
            return Ok(Some(next));
        }
        match self.attempt(case, None, [all], findings) {
            Ok(()) => Ok(None),
            Err(Failure::Again(_, again)) => Ok(Some(again)),
            Err(Failure::Lost(reason)) => Err(reason),
        }
    }

    /// Shows a new instance some stretches of the part, a call each, without the poison and without one more row.
    fn attempt(
        &mut self,
        case: &Case<'_>,
        but: Option<u32>,
        stretches: impl IntoIterator<Item = Range<usize>>,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.rebuild().map_err(Failure::Lost)?;
        findings.clear();
        let deadline = self.deadline(case.patience);
        let mut seen = Vec::new();
        for stretch in stretches {
            let keep: Vec<usize> = stretch.filter(|row| but != Some(*row as u32) && !case.is_skipped(*row)).collect();
            if keep.is_empty() {
                continue;
            }
            if case.began.elapsed() > PATIENCE + deadline {
                return Err(Failure::Lost(format!("the event over which it fails was not found in {} s", PATIENCE.as_secs())));
            }
            let Some(instance) = &mut self.instance else { break };
            let (some, mut found) = (Arc::new(pick(case.part, &keep)), Findings::default());
            if let Err(fault) = instance.process_within(&some, deadline, &mut found) {
                let progress = fault.progress.and_then(|row| keep.get(row as usize)).map(|row| *row as u32);
                return Err(Failure::Again(keep, Fault { progress, ..fault }));
            }
            gather(findings, found, &keep);
            seen.push((some, instance.asked()));
        }
        let full = seen.iter().map(|(part, asked)| self.keep(part, *asked)).fold(false, |any, full| any | full);
        if full {
            self.save();
        }
        Ok(())
    }

    /// The search ends, and nothing of the part has been seen.
    fn lost(&mut self, reason: &str, findings: &mut Findings) -> (usize, String) {
        findings.clear();
        self.give_up(reason);
        (0, reason.to_owned())
    }

    /// Says which events are skipped, and sees to it that they are skipped after a restart, too.
    fn pronounce(&mut self, item: u64, part: &Part, skipped: &[Skipped]) {
        let (detector, faults) = (self.post.detector, self.post.faults.clone());
        for row in skipped {
            let position = part.event(row.row as usize).map(|event| event.reference.position);
            let name = &self.recipe.config.detector;
            tracing::error!(detector = name, position, "the detector fails over an event, which it does not get to see: {}", row.reason);
        }
        match skipped.first() {
            Some(first) if faults.policy(detector) == OnFault::Stop => {
                let position = part.event(first.row as usize).map_or(0, |event| event.reference.position);
                self.give_up(&format!("it fails over the event at position {position}: {}", first.reason));
            }
            _ => faults.skip(detector, item, part, skipped),
        }
    }
}

impl Case<'_> {
    fn skip(&mut self, row: u32, fault: &Fault) {
        self.skipped.push(Skipped { row, reason: format!("{}: {fault}", fault.kind.name()).into() });
    }

    fn is_skipped(&self, row: usize) -> bool {
        self.skipped.iter().any(|skipped| skipped.row as usize == row)
    }
}

/// Adds what was found in some rows of a part to what was found in it.
pub(super) fn gather(findings: &mut Findings, found: Findings, rows: &[usize]) {
    let of_part = |row: u32| rows.get(row as usize).map_or(row, |row| *row as u32);
    let annotations = found.annotations.into_iter().map(|mut annotation| {
        annotation.row = of_part(annotation.row);
        annotation
    });
    findings.annotations.extend(annotations);
    findings.drops.extend(found.drops.into_iter().map(of_part));
    findings.row_errors.extend(found.row_errors.into_iter().map(|(row, message)| (of_part(row), message)));
    let alerts = found.alerts.into_iter().map(|mut alert| {
        if let Place::Row(row) = alert.place {
            alert.place = Place::Row(of_part(row));
        }
        alert
    });
    findings.alerts.extend(alerts);
    // Of a name that stands twice the counts add up, and the last gauge holds: the member sees to both.
    findings.counts.extend(found.counts);
    findings.gauges.extend(found.gauges);
}
