//! Checkpoints: when they begin, and how one is committed once everything before it has gone through (SEMANTICS 10.2).

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Release};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eyas_event::{Partition, Timestamp};
use eyas_state::{Change, Checkpoint, DetectorState, Journal, PartitionState, StateError, Store};

use crate::barrier::{Barrier, Said};
use crate::clock::NEVER;
use crate::faults::Faults;
use crate::{Counters, Partitions, Receipt};

/// More than can be under way: begun by the clock, begun by the end, the end itself, and the word to stop.
const UNDER_WAY: usize = 8;

/// What the committing thread is told.
enum Step {
    /// A barrier has passed everything; whether every sink took all before it.
    Passed { barrier: Arc<Barrier>, accepted: bool, end: bool },
    /// Nothing more comes.
    Stop,
}

#[derive(Debug)]
struct Pace {
    begun: Instant,
    /// How many items there were then.
    items: u64,
    under_way: usize,
}

/// When checkpoints begin.
pub(crate) struct Checkpoints {
    interval: Duration,
    /// The next one is to be full: nothing was committed yet, or not what was given for it.
    full: AtomicBool,
    pace: Mutex<Pace>,
    steps: SyncSender<Step>,
}

impl Checkpoints {
    pub(crate) fn new(interval: Duration) -> (Arc<Self>, Steps) {
        let (steps, received) = sync_channel(UNDER_WAY);
        let pace = Mutex::new(Pace { begun: Instant::now(), items: 0, under_way: 0 });
        (Arc::new(Self { interval, full: AtomicBool::new(true), pace, steps }), Steps(received))
    }

    /// Whether it is time for the next one: the last is done, and something has come since.
    pub(crate) fn is_due(&self, items: u64) -> bool {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.under_way == 0 && items > pace.items && pace.begun.elapsed() >= self.interval
    }

    /// The barrier of the next one.
    pub(crate) fn barrier(&self, now: Timestamp) -> Barrier {
        Barrier::new(self.full.swap(false, AcqRel), now)
    }

    /// What detectors gave for it did not get into the store.
    fn failed(&self) {
        self.full.store(true, Release);
    }

    /// One begins, as the next item.
    pub(crate) fn began(&self, items: u64) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        *pace = Pace { begun: Instant::now(), items: items + 1, under_way: pace.under_way + 1 };
    }

    fn done(&self) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.under_way = pace.under_way.saturating_sub(1);
    }

    /// Goes with a barrier, and tells when it has passed. `end`: the input has come to its end before it.
    pub(crate) fn receipt(&self, barrier: &Arc<Barrier>, end: bool) -> Arc<Receipt> {
        let (steps, barrier) = (self.steps.clone(), barrier.clone());
        Arc::new(Receipt::new(move |accepted| {
            // There is room for all that can be under way.
            let _ = steps.try_send(Step::Passed { barrier, accepted, end });
        }))
    }

    /// Ends the committing, once all that is under way is done.
    pub(crate) fn stop(&self) {
        let _ = self.steps.send(Step::Stop);
    }
}

/// The committing thread's end.
pub(crate) struct Steps(Receiver<Step>);

/// What stands in a checkpoint of a detector beside its entries.
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) plugin: String,
    pub(crate) version: String,
    pub(crate) state_version: u32,
    pub(crate) config: String,
}

/// Commits checkpoints.
pub(crate) struct Committer {
    pub(crate) store: Store,
    pub(crate) journal: Option<Journal>,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) sources: Vec<String>,
    pub(crate) detectors: Vec<Signature>,
    pub(crate) seed: u64,
    /// How many flushes there were before this run.
    pub(crate) flushes: u32,
    /// What was committed last.
    pub(crate) last: Checkpoint,
    /// Nothing has been committed in this run.
    pub(crate) anew: bool,
}

impl Committer {
    /// Commits until there is nothing more to come; gives what went wrong last, if nothing was committed since.
    pub(crate) fn run(mut self, checkpoints: &Checkpoints, steps: &Steps) -> Result<(), StateError> {
        let mut outcome = Ok(());
        while let Ok(step) = steps.0.recv() {
            let Step::Passed { barrier, accepted, end } = step else { break };
            if accepted {
                let committed = if end { self.finish(&mut barrier.said()) } else { self.commit(&barrier) };
                self.counters.checkpoints.tried(committed.as_ref().map(|()| &self.last));
                if let Err(error) = &committed {
                    tracing::error!("the checkpoint could not be written, the one before it stands: {error}");
                    checkpoints.failed();
                }
                outcome = committed;
            } else {
                // What the detectors gave for it is not in the store.
                checkpoints.failed();
            }
            if !end {
                checkpoints.done();
            }
        }
        outcome
    }

    fn commit(&mut self, barrier: &Barrier) -> Result<(), StateError> {
        let said = &mut *barrier.said();
        let next = said.logged.map_or(0, |logged| logged + 1);
        let partition = |(source, number, clock): &(u16, u32, crate::clock::PartitionClock)| {
            let (name, file) = self.partitions.get(Partition { source: *source, number: *number });
            PartitionState {
                source: *source,
                number: *number,
                name,
                file,
                position: clock.position,
                turn_end: clock.turn_end,
                watermark: (clock.watermark != NEVER).then_some(clock.watermark),
                standing: clock.standing,
            }
        };
        let checkpoint = Checkpoint {
            next,
            finished: false,
            flushes: self.flushes,
            seed: self.seed,
            taken: barrier.time,
            sources: self.sources.clone(),
            partitions: said.partitions.iter().map(partition).collect(),
            groups: std::mem::take(&mut said.groups),
            detectors: self.detectors.iter().enumerate().map(|(index, of)| self.detector(index, of, said.number)).collect(),
            sinks: said.sinks(),
            requests: std::mem::take(&mut said.requests),
        };
        let name = |detector: usize| self.detectors.get(detector).map(|of| of.name.clone()).unwrap_or_default();
        let changes = said.taken.drain(..).map(|taken| Change {
            detector: name(taken.detector),
            shard: u16::try_from(taken.shard).unwrap_or(u16::MAX),
            full: taken.full,
            chunks: taken.chunks,
        });
        let changes: Vec<Change> = changes.collect();
        self.store.commit(&checkpoint, &changes, self.anew)?;
        self.anew = false;
        self.last = checkpoint;
        self.cut()
    }

    /// The input has come to its end: the state stays as it was before the flush, the sinks are behind it.
    fn finish(&mut self, said: &mut Said) -> Result<(), StateError> {
        self.last.finished = true;
        self.last.flushes = self.flushes + 1;
        self.last.next = self.journal.as_ref().map_or(0, Journal::next);
        self.last.sinks = said.sinks();
        self.store.commit(&self.last, &[], false)?;
        self.cut()
    }

    /// What stands in the input log before the checkpoint is not needed any more.
    fn cut(&self) -> Result<(), StateError> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.cut(self.last.next))
    }

    fn detector(&self, index: usize, of: &Signature, number: u64) -> DetectorState {
        let standing = self.faults.standing(index, number);
        DetectorState {
            name: of.name.clone(),
            plugin: of.plugin.clone(),
            version: of.version.clone(),
            state_version: of.state_version,
            config: of.config.clone(),
            quarantined: standing.quarantined,
            quarantines: standing.quarantines,
            unseen: standing.unseen,
        }
    }
}
