//! The instances of one shard: what is called, and with what. What happens when a call fails is the member's business.

mod backup;
mod member;
mod recovery;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use eyas_event::{Entries, Part, Timestamp};
use eyas_plugin::{Findings, Instance, InstanceConfig, Plugin, PluginError};

use crate::engine::Manned;
use crate::faults::{Faults, Skipped};
use crate::{Counters, OnFault, Stage};
use member::{Member, Post};

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
    /// Rows of the part that the detector did not see because it fails over them, in order.
    pub(crate) skipped: Vec<Skipped>,
    /// Whether the events of those go no further: they are dead letters of the detector.
    pub(crate) diverts: bool,
    /// Whether no row of the part was seen, because the detector is in quarantine.
    pub(crate) unwatched: bool,
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

/// All instances of one shard, by detector.
pub(crate) struct Crew {
    members: Vec<Option<Member>>,
    faults: Arc<Faults>,
    counters: Arc<Counters>,
    spare: Vec<Findings>,
}

impl Crew {
    /// `None` where a detector does not live on this shard.
    pub(crate) fn new(shard: usize, instances: Vec<Option<Manned>>, faults: Arc<Faults>, counters: Arc<Counters>) -> Self {
        let member = |(detector, manned): (usize, Option<Manned>)| {
            let post = Post { detector, shard, faults: faults.clone(), counters: counters.clone() };
            Some(Member::new(manned?, post))
        };
        let members = instances.into_iter().enumerate().map(member).collect();
        Self { members, faults, counters, spare: Vec::new() }
    }

    /// Does a task, in the calls that it asks for.
    pub(crate) fn run(&mut self, task: Task) -> Outcome {
        let started = Instant::now();
        let Task { detector, number, part, watermark, duty } = task;
        let mut findings = [self.spare.pop().unwrap_or_default(), self.spare.pop().unwrap_or_default()];
        findings.iter_mut().for_each(Findings::clear);
        let diverts = self.faults.policy(detector) == OnFault::DeadLetter;
        let mut outcome = Outcome { detector, part, findings, skipped: Vec::new(), diverts, unwatched: false, snapshot: None };
        if let Some(Some(member)) = self.members.get_mut(detector) {
            member.run(number, watermark, duty, &mut outcome);
            if let Some(counters) = self.counters.detectors.get(detector) {
                counters.rows.fetch_add(outcome.part.len() as u64, Relaxed);
                counters.nanos.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
            }
        }
        self.counters.spend(Stage::Detect, started);
        outcome
    }

    /// Takes findings back, to be filled again.
    pub(crate) fn recycle(&mut self, findings: [Findings; 2]) {
        if self.spare.len() < 32 {
            self.spare.extend(findings);
        }
    }
}
