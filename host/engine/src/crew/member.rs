//! One instance at work, and what it can be made anew from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use eyas_event::{Entries, Keying, Part, Timestamp};
use eyas_plugin::{Asked, Fault, Findings, Instance, Scope};

use super::backup::Backup;
use super::recovery::gather;
use super::{Duty, Outcome, Recipe};
use crate::clock::NEVER;
use crate::engine::Manned;
use crate::faults::{Faults, Skipped};
use crate::sieve::pick;
use crate::{Counters, DetectorCounters, OnFault};

/// How much longer than usual a call may take that has failed before, or that has succeeded before.
pub(super) const PATIENT: u32 = 10;

/// Where a member works.
pub(super) struct Post {
    pub(super) detector: usize,
    pub(super) shard: usize,
    pub(super) faults: Arc<Faults>,
    pub(super) counters: Arc<Counters>,
}

/// Whether it is called.
#[derive(Clone, Debug)]
enum Standing {
    Working,
    /// Quarantine was asked for; until its mark comes all rows are skipped, for this reason.
    Limbo(Arc<str>),
    Quarantined,
}

/// An instance with all that belongs to it.
pub(super) struct Member {
    pub(super) recipe: Recipe,
    pub(super) post: Post,
    keying: Keying,
    /// `None`: it cannot be made anew, or is in quarantine.
    pub(super) instance: Option<Instance>,
    standing: Standing,
    pub(super) backup: Backup,
    /// The watermark that the instance was last advanced to.
    advanced: Timestamp,
    /// How much memory it held when it was new.
    memory_when_new: usize,
}

impl Member {
    pub(super) fn new(manned: Manned, post: Post) -> Self {
        let Manned { recipe, instance, entries } = manned;
        let quarantined = post.faults.is_quarantined(post.detector);
        let member = Self {
            recipe,
            keying: instance.subscription().keying.clone(),
            memory_when_new: instance.memory_bytes(),
            instance: (!quarantined).then_some(instance),
            standing: if quarantined { Standing::Quarantined } else { Standing::Working },
            backup: Backup::new(entries),
            advanced: NEVER,
            post,
        };
        if quarantined {
            member.gauge_quarantine(1);
        }
        member
    }

    /// Does what an item asks for.
    pub(super) fn run(&mut self, item: u64, watermark: Option<Timestamp>, duty: Duty, outcome: &mut Outcome) {
        match duty {
            Duty::Quarantine => return self.quarantine(item, watermark),
            Duty::Resume => self.resume(item, watermark),
            Duty::Nothing | Duty::Flush | Duty::Snapshot | Duty::FullSnapshot => {}
        }
        if !outcome.part.is_empty() {
            self.see(item, outcome);
        }
        let [first, second] = &mut outcome.findings;
        let flush = duty == Duty::Flush;
        if let Some(watermark) = watermark.filter(|watermark| *watermark > self.advanced) {
            let done = self.call(if flush { first } else { second }, |instance, findings| instance.advance(watermark, findings));
            self.advanced = if done { watermark } else { self.advanced };
        }
        if flush {
            self.call(second, Instance::flush);
        }
        if matches!(duty, Duty::Snapshot | Duty::FullSnapshot) {
            outcome.snapshot = Some(self.checkpoint(item, duty == Duty::FullSnapshot));
        }
        outcome.findings.iter_mut().for_each(|findings| self.measure(findings));
    }

    /// Shows it the rows of a part.
    fn see(&mut self, item: u64, outcome: &mut Outcome) {
        let (detector, faults) = (self.post.detector, self.post.faults.clone());
        match &self.standing {
            Standing::Working => {}
            Standing::Limbo(reason) => {
                outcome.skipped = all_rows(0, &outcome.part, reason);
                return self.skip_from(item, &outcome.part, &outcome.skipped);
            }
            Standing::Quarantined => {
                outcome.unwatched = true;
                return faults.pass(detector, &outcome.part);
            }
        }
        let known = faults.known(detector, &outcome.part);
        let part = Arc::new(std::mem::take(&mut outcome.part));
        let [findings, _] = &mut outcome.findings;
        if known.is_empty() {
            outcome.skipped = self.process(item, &part, findings);
        } else {
            let keep: Vec<usize> =
                (0..part.len()).filter(|row| known.binary_search_by_key(&(*row as u32), |skipped| skipped.row).is_err()).collect();
            let (some, mut found) = (Arc::new(pick(&part, &keep)), Findings::default());
            let more = if keep.is_empty() { Vec::new() } else { self.process(item, &some, &mut found) };
            gather(findings, found, &keep);
            faults.note(detector, item, &part, &known);
            self.count(|counters| &counters.skipped, known.len());
            outcome.skipped = known;
            let in_part = |skipped: Skipped| Some(Skipped { row: *keep.get(skipped.row as usize)? as u32, ..skipped });
            outcome.skipped.extend(more.into_iter().filter_map(in_part));
            outcome.skipped.sort_by_key(|skipped| skipped.row);
        }
        // The instance has let go of the part, so this takes it back without a copy.
        outcome.part = Arc::unwrap_or_clone(part);
    }

    /// Gives the rows that it cannot see.
    fn process(&mut self, item: u64, part: &Arc<Part>, findings: &mut Findings) -> Vec<Skipped> {
        let Some(instance) = &mut self.instance else { return Vec::new() };
        match instance.process(part, findings) {
            Ok(()) => {
                self.seen(part);
                Vec::new()
            }
            Err(fault) => self.recover(item, part, fault, findings),
        }
    }

    /// A part has been seen: until the next snapshot it is part of what the instance can be made anew from.
    fn seen(&mut self, part: &Part) {
        let Some(asked) = self.instance.as_ref().map(Instance::asked) else { return };
        if self.keep(part, asked) {
            self.save();
        }
    }

    /// Keeps a part that was seen; gives whether it is time to save.
    pub(super) fn keep(&mut self, part: &Part, asked: Asked) -> bool {
        let full = self.keying != Keying::Stateless && self.backup.keep(part, asked);
        full || self.has_grown()
    }

    /// A call that is about no event. If it fails it is tried once more, by an instance made anew; gives whether it succeeded.
    fn call(&mut self, findings: &mut Findings, call: impl Fn(&mut Instance, &mut Findings) -> Result<(), Fault>) -> bool {
        let Some(instance) = &mut self.instance else { return false };
        let Err(fault) = call(instance, findings) else { return true };
        let began = Instant::now();
        self.failed(&fault);
        let again = self.build().and_then(|mut instance| {
            call(&mut instance, findings).map_err(|fault| format!("{}: {fault}", fault.kind.name()))?;
            Ok(instance)
        });
        match again {
            Ok(instance) => {
                self.instance = Some(instance);
                self.recovered(began.elapsed());
                true
            }
            Err(reason) => {
                self.give_up(&reason);
                false
            }
        }
    }

    /// A new instance that knows what this one knew when it last returned.
    fn build(&mut self) -> Result<Instance, String> {
        self.instance = None;
        let of_fault = |fault: Fault| format!("it failed while it was made anew: {}: {fault}", fault.kind.name());
        let mut instance = self.recipe.instantiate().map_err(|error| error.to_string())?;
        let entries = self.backup.entries();
        if !entries.is_empty() {
            let version = self.recipe.plugin.description().state_version;
            instance.restore(version, self.recipe.config.config.clone(), entries).map_err(|error| error.to_string())?;
        }
        self.memory_when_new = instance.memory_bytes();
        let (mut thrown_away, patience) = (Findings::default(), self.deadline(PATIENT));
        for part in self.backup.parts() {
            instance.process_within(part, patience, &mut thrown_away).map_err(of_fault)?;
        }
        if self.advanced != NEVER {
            instance.advance(self.advanced, &mut thrown_away).map_err(of_fault)?;
        }
        Ok(instance)
    }

    /// Puts a new instance in the place of one that failed.
    pub(super) fn rebuild(&mut self) -> Result<(), String> {
        self.instance = Some(self.build()?);
        Ok(())
    }

    /// Takes a snapshot, which makes the parts dispensable. An instance that has grown too much starts anew from it.
    pub(super) fn save(&mut self) {
        if self.keying != Keying::Stateless {
            let whole = self.backup.wants_all();
            let mut entries = Vec::new();
            let scope = if whole { Scope::Full } else { Scope::Changed };
            let taken = std::cell::RefCell::new(&mut entries);
            let done = self.call(&mut Findings::default(), |instance, _| {
                **taken.borrow_mut() = instance.snapshot(scope)?;
                Ok(())
            });
            if !done {
                return;
            }
            self.backup.take(whole, entries);
        }
        if self.has_grown() {
            match self.build() {
                Ok(instance) => {
                    self.instance = Some(instance);
                    self.count(|counters| &counters.recycled, 1);
                }
                Err(reason) => self.give_up(&reason),
            }
        }
    }

    /// Whether it holds so much memory that a new one would hold much less.
    fn has_grown(&self) -> bool {
        let held = self.instance.as_ref().map_or(0, Instance::memory_bytes);
        held > self.recipe.config.limits.memory_bytes / 4 * 3 && held > 2 * self.memory_when_new
    }

    /// Makes the parts dispensable, if it can be done at all: what comes next may outlive them.
    fn settle(&mut self, item: u64) {
        if self.instance.is_none() && !self.backup.parts().is_empty() {
            // If it cannot be made anew, that has been said before.
            let _ = self.rebuild();
        }
        if self.instance.is_some() {
            self.save();
        }
        for part in self.backup.parts() {
            if let (Some(from), Some(to)) = (part.times.iter().min(), part.times.iter().max()) {
                self.post.faults.lost(self.post.detector, item, (*from, *to));
            }
        }
        self.backup.forget_parts();
    }

    fn checkpoint(&mut self, item: u64, all: bool) -> (bool, Vec<Entries>) {
        let was_dead = self.instance.is_none();
        self.settle(item);
        if was_dead {
            self.instance = None;
        }
        self.backup.give(all)
    }

    fn quarantine(&mut self, item: u64, watermark: Option<Timestamp>) {
        self.post.faults.quarantine(self.post.detector, item, watermark);
        self.settle(item);
        self.instance = None;
        self.standing = Standing::Quarantined;
        self.gauge_quarantine(1);
    }

    fn resume(&mut self, item: u64, watermark: Option<Timestamp>) {
        self.post.faults.resume(self.post.detector, item, watermark);
        self.gauge_quarantine(0);
        self.standing = Standing::Working;
        if let Err(reason) = self.rebuild() {
            self.give_up(&reason);
        }
    }

    /// Nothing helps: until the mark of the quarantine comes it sees nothing.
    pub(super) fn give_up(&mut self, reason: &str) {
        let Post { detector, faults, .. } = &self.post;
        self.instance = None;
        self.standing = Standing::Limbo(reason.into());
        if faults.policy(*detector) == OnFault::Stop { faults.stop(*detector, reason) } else { faults.ask(*detector, reason) }
    }

    /// A fault is over, after so long. Gives whether it was one too many.
    pub(super) fn recovered(&mut self, spent: Duration) -> bool {
        self.count(|counters| &counters.recoveries, 1);
        let reason = self.post.faults.recovered(self.post.detector, self.post.shard, spent);
        if let (Some(reason), Standing::Working) = (&reason, &self.standing) {
            self.standing = Standing::Limbo(reason.clone());
        }
        reason.is_some()
    }

    pub(super) fn failed(&self, fault: &Fault) {
        let detector = &self.recipe.config.detector;
        tracing::error!(detector, kind = fault.kind.name(), "detector failed and is made anew: {fault}");
        self.count(|counters| &counters.faults, 1);
    }

    /// All rows of a part from one on are skipped, of the key groups of this shard.
    pub(super) fn skip_from(&self, item: u64, part: &Part, skipped: &[Skipped]) {
        let Post { detector, shard, faults, .. } = &self.post;
        let groups = if matches!(self.keying, Keying::Keyed(_)) { faults.groups(*shard) } else { (0, u8::MAX) };
        self.count(|counters| &counters.skipped, skipped.len());
        if faults.policy(*detector) != OnFault::Stop {
            faults.skip_from(*detector, item, part, skipped, groups);
        }
    }

    /// So many times the time that `process` usually has.
    pub(super) fn deadline(&self, times: u32) -> Duration {
        self.recipe.config.limits.deadline.saturating_mul(times)
    }

    pub(super) fn count(&self, counter: impl Fn(&DetectorCounters) -> &AtomicU64, by: usize) {
        if let Some(counters) = self.post.counters.detectors.get(self.post.detector) {
            counter(counters).fetch_add(by as u64, Relaxed);
        }
    }

    fn gauge_quarantine(&self, is: u64) {
        if let Some(counters) = self.post.counters.detectors.get(self.post.detector) {
            counters.quarantined.store(is, Relaxed);
            if is > 0 {
                counters.own.forget_gauges(self.post.shard);
            }
        }
    }

    /// Takes the detector's own figures out of its findings.
    fn measure(&self, findings: &mut Findings) {
        if let Some(counters) = self.post.counters.detectors.get(self.post.detector) {
            counters.own.take(self.post.shard, &mut findings.counts, &mut findings.gauges);
        }
    }
}

/// All rows of a part from one on, skipped for one reason.
pub(super) fn all_rows(from: usize, part: &Part, reason: &Arc<str>) -> Vec<Skipped> {
    (from..part.len()).map(|row| Skipped { row: row as u32, reason: reason.clone() }).collect()
}
