//! The instances of one shard: what is called, and what happens when a call fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use eyas_event::{Entries, Part, Timestamp};
use eyas_plugin::{Fault, Findings, Instance, InstanceConfig, Plugin, PluginError};

use crate::clock::NEVER;
use crate::engine::Manned;
use crate::faults::Faults;
use crate::{Counters, Stage};

/// What one instance is to do with one item.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) detector: usize,
    /// The item's place in the input order.
    pub(crate) number: u64,
    pub(crate) part: Part,
    /// Fire timers up to here afterwards; nothing for a detector that uses no event time.
    pub(crate) watermark: Option<Timestamp>,
    pub(crate) duty: Duty,
}

/// What else there is to do, of an item that is a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Duty {
    #[default]
    Nothing,
    /// Close everything that is open: the input has ended.
    Flush,
    /// Give the entries for a checkpoint.
    Snapshot,
    /// The same, and all of them.
    FullSnapshot,
    /// See nothing from here on.
    Quarantine,
    /// Try again from here on.
    Resume,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) detector: usize,
    pub(crate) part: Part,
    /// Of `process`, then of `advance`; at a flush of `advance`, then of `flush`.
    pub(crate) findings: [Findings; 2],
    /// Whether the rows of the part were not, or not all, seen.
    pub(crate) faulted: bool,
    /// For a checkpoint: the entries of this instance, and whether they are all that it has, not only what changed since the last.
    pub(crate) snapshot: Option<(bool, Vec<Entries>)>,
}

/// How an instance of a detector is made, the first time and after a fault.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) plugin: Plugin,
    pub(crate) config: InstanceConfig,
}

impl Recipe {
    pub(crate) fn instantiate(&self) -> Result<Instance, PluginError> {
        self.plugin.instantiate(&self.config)
    }
}

struct Member {
    recipe: Recipe,
    /// The detector's own counters, summed, and the gauges of this instance.
    counts: BTreeMap<String, i64>,
    gauges: BTreeMap<String, i64>,
    /// `None`: a replacement could not be made; it is tried again at the next batch.
    instance: Option<Instance>,
    /// The watermark that the instance was last advanced to.
    advanced: Timestamp,
}

/// All instances of one shard, by detector.
pub(crate) struct Crew {
    members: Vec<Option<Member>>,
    counters: Arc<Counters>,
    spare: Vec<Findings>,
}

impl Crew {
    /// `None` where a detector does not live on this shard.
    pub(crate) fn new(_shard: usize, instances: Vec<Option<Manned>>, _faults: Arc<Faults>, counters: Arc<Counters>) -> Self {
        let member = |Manned { recipe, instance, .. }| Member {
            recipe,
            counts: BTreeMap::new(),
            gauges: BTreeMap::new(),
            instance: Some(instance),
            advanced: NEVER,
        };
        let members = instances.into_iter().map(|instance| instance.map(member)).collect();
        Self { members, counters, spare: Vec::new() }
    }

    /// Does a task, in the calls that it asks for.
    pub(crate) fn run(&mut self, task: Task) -> Outcome {
        let started = Instant::now();
        let Task { detector, number: _, part, watermark, duty } = task;
        let mut findings = [self.spare.pop().unwrap_or_default(), self.spare.pop().unwrap_or_default()];
        findings.iter_mut().for_each(Findings::clear);
        let mut outcome = Outcome { detector, part, findings, faulted: false, snapshot: None };
        if let Some(Some(member)) = self.members.get_mut(detector) {
            let before = outcome.part.len() as u64;
            let result = member.run(&mut outcome, watermark, duty == Duty::Flush);
            outcome.findings.iter_mut().for_each(|findings| member.measure(findings));
            if let Err(fault) = result {
                member.replace(&fault);
                if let Some(counters) = self.counters.detectors.get(detector) {
                    counters.faults.fetch_add(1, Relaxed);
                }
            }
            if let Some(counters) = self.counters.detectors.get(detector) {
                counters.rows.fetch_add(before, Relaxed);
                counters.nanos.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
            }
        }
        self.counters.spend(Stage::Detect, started);
        outcome
    }

    /// By detector: its own counters and gauges, of the instances of this shard.
    pub(crate) fn figures(&self) -> Vec<BTreeMap<String, i64>> {
        let figures = |member: &Member| member.counts.clone().into_iter().chain(member.gauges.clone()).collect();
        self.members.iter().map(|member| member.as_ref().map(figures).unwrap_or_default()).collect()
    }

    /// Takes findings back, to be filled again.
    pub(crate) fn recycle(&mut self, findings: [Findings; 2]) {
        if self.spare.len() < 32 {
            self.spare.extend(findings);
        }
    }
}

impl Member {
    fn run(&mut self, outcome: &mut Outcome, watermark: Option<Timestamp>, flush: bool) -> Result<(), Fault> {
        let Some(instance) = self.instance.as_mut() else {
            self.instance = self.recipe.instantiate().ok();
            outcome.faulted = !outcome.part.is_empty();
            return Ok(());
        };
        let [first, second] = &mut outcome.findings;
        if !outcome.part.is_empty() {
            let part = Arc::new(std::mem::take(&mut outcome.part));
            let result = instance.process(&part, first);
            // The instance has let go of the part, so this takes it back without a copy.
            outcome.part = Arc::unwrap_or_clone(part);
            outcome.faulted = result.is_err();
            result?;
        }
        if let Some(watermark) = watermark.filter(|watermark| *watermark > self.advanced) {
            self.advanced = watermark;
            instance.advance(watermark, if flush { first } else { second })?;
        }
        if flush { instance.flush(second) } else { Ok(()) }
    }

    /// Takes the detector's own figures out of its findings.
    fn measure(&mut self, findings: &mut Findings) {
        for (name, count) in findings.counts.drain(..) {
            let sum = self.counts.entry(name).or_default();
            *sum = sum.saturating_add_unsigned(count);
        }
        self.gauges.extend(findings.gauges.drain(..));
    }

    /// A fresh instance for one that failed. What it knew is lost, and that is said.
    fn replace(&mut self, fault: &Fault) {
        let detector = &self.recipe.config.detector;
        tracing::error!(detector, kind = fault.kind.name(), "detector failed and starts anew, without its state: {fault}");
        self.advanced = NEVER;
        self.instance = match self.recipe.instantiate() {
            Ok(instance) => Some(instance),
            Err(error) => {
                tracing::error!(detector, "detector cannot be started again: {error}");
                None
            }
        };
    }
}
