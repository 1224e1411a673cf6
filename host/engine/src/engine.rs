//! Starting the engine and waiting for its end.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use eyas_codec::{Plan, Sharding};
use eyas_event::{Entries, Partition, Reference, Subscription, Timestamp};
use eyas_plugin::{Instance, InstanceConfig, PluginError};
use eyas_state::{Checkpoint, Journal, PartitionState, Standing, StateError, Store};

use crate::admission::{Parts, SourceEntry};
use crate::checkpoint::{Checkpoints, Committer, Signature};
use crate::clock::Clocks;
use crate::credit::Credit;
use crate::crew::{Crew, Recipe};
use crate::faults::Faults;
use crate::home::Home;
use crate::layout::Layout;
use crate::output::Names;
use crate::requests::Requests;
use crate::sequencer::{Failure, Sequencer};
use crate::shard::{Overrun, Shard};
use crate::watch::{LiveSource, Watch};
use crate::wiring::{self, Alarm, Ends};
use crate::{Admission, Counters, Detector, InvalidCells, Outlet, Partitions, Recovery, Settings, Topology, restore};

/// Items that no source brings and that may be inside at once, beside two a detector.
const HOUSE: usize = 8;

/// Why the engine did not start, or did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A detector's plugin refused to be instantiated or configured.
    #[error("detector {detector}")]
    Detector {
        /// The detector's configured name.
        detector: String,
        /// What its plugin or the host said.
        source: PluginError,
    },
    /// What a source's detectors asked for cannot be read from it.
    #[error("source {name}: {message}")]
    Source {
        /// The source's configured name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// The state folder does not fit the configuration.
    #[error("{0}")]
    Mismatch(String),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A shard ended before its time.
    #[error("shard {0} broke down, which is a defect of the host")]
    Broken(usize),
}

/// The event that moved a source's watermark farthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farthest {
    /// By how many nanoseconds.
    pub by: i64,
    /// The event's time.
    pub to: Timestamp,
    /// The event.
    pub reference: Reference,
}

impl Farthest {
    /// The farther of the two; of equal ones the first in the order of references, so that nothing depends on who came first.
    pub(crate) fn farther(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let rank = |farthest: &Self| (farthest.by, std::cmp::Reverse(farthest.reference));
        one.into_iter().chain(other).max_by_key(rank)
    }
}

/// What is known at the end of a run, beside the counters.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The event that moved a watermark farthest, once there was one.
    pub farthest: Option<Farthest>,
    /// By detector and column of its subscription: cells without a value, of the rows that met its conditions.
    pub invalid: Vec<Vec<InvalidCells>>,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.farthest = Farthest::farther(self.farthest, other.farthest);
        for (sums, cells) in self.invalid.iter_mut().zip(other.invalid) {
            sums.resize(sums.len().max(cells.len()), InvalidCells::default());
            sums.iter_mut().zip(cells).for_each(|(sum, cells)| *sum = sum.plus(cells));
        }
    }
}

/// What an engine is given to keep its state in.
pub struct State {
    /// Where checkpoints go.
    pub store: Store,
    /// The input log; nothing where what is replayed is not to be logged again.
    pub journal: Option<Journal>,
    /// What was found in both.
    pub recovery: Recovery,
    /// How often a checkpoint is taken.
    pub interval: Duration,
}

/// The thread that commits checkpoints, and how it is told to end.
type Committing = (Arc<Checkpoints>, JoinHandle<Result<(), StateError>>);

/// A running engine.
pub struct Engine {
    shards: Vec<JoinHandle<Result<Report, Overrun>>>,
    committing: Option<Committing>,
    counters: Arc<Counters>,
    partitions: Arc<Partitions>,
    faults: Arc<Faults>,
}

impl Engine {
    /// Instantiates and configures all detectors on all shards, gives them the state that there is, and starts the threads. Gives the way
    /// in and, in the order of the topology's sinks, the ways out. What the input log holds behind the checkpoint is for the caller to
    /// [`Admission::replay`] before anything else comes in.
    pub fn start(topology: &Topology, settings: &Settings, state: Option<State>) -> Result<(Self, Admission, Vec<Outlet>), EngineError> {
        let count = settings.shards.max(1);
        let recipes: Vec<Recipe> = topology.detectors.iter().map(|detector| recipe(detector, settings)).collect();
        let mut first = Vec::new();
        for recipe in &recipes {
            first.push(Some(instantiate(recipe)?));
        }
        let subscriptions: Vec<Subscription> = first.iter().flatten().map(|instance| instance.subscription().clone()).collect();
        let layout = Arc::new(Layout::new(topology, &subscriptions, count));
        let plans = plans(topology, &layout, &subscriptions, settings.seed)?;
        let recovery = state.as_ref().map(|state| &state.recovery);
        let checkpoint = recovery.and_then(|recovery| recovery.checkpoint.as_ref());
        if let Some(checkpoint) = checkpoint {
            restore::check(checkpoint, topology, settings)?;
        }
        let journal = state.as_ref().and_then(|state| state.journal.clone());
        let counters = Arc::new(Counters::new(topology.sources.len(), topology.detectors.len(), count));
        let partitions = Arc::new(Partitions::default());
        let known = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.partitions);
        known.iter().for_each(|known| partitions.add(partition_of(known), &known.name, known.file.as_ref()));
        let faults = Arc::new(Faults::new(topology, count, journal.clone(), recovery));
        let house = Credit::new(HOUSE + 2 * topology.detectors.len(), usize::MAX);
        let capacity = topology.sources.iter().map(|source| source.credit_batches.max(1)).sum::<usize>() + house.batches() + 2;
        let Ends { bells, admission, mut outlets, ports } = wiring::lay(count, layout.phases, topology.sinks.len(), capacity);
        outlets.iter_mut().for_each(|outlet| outlet.journal = journal.clone());
        let mut clocks = Clocks::new(topology.sources.iter().map(|source| (source.max_lateness, source.clock_on_idle)), &layout.groups);
        checkpoint.into_iter().for_each(|checkpoint| clocks.restore(checkpoint));
        let mut clocks = Some(clocks);

        let entries: Vec<SourceEntry> = topology.sources.iter().map(source_entry).collect();
        let mut credits: Vec<Arc<Credit>> = entries.iter().map(|entry| entry.credit.clone()).collect();
        credits.push(house.clone());
        let alarm = Arc::new(Alarm::new(&bells, &outlets, credits));
        let mut shards = Vec::new();
        let kept = restore::entries(topology, state.as_ref(), &layout)?;
        let manned = (0..count).map(|shard| instances(&recipes, &mut first, &layout, shard)).collect::<Result<Vec<_>, _>>()?;
        let manned = restore::all(manned, kept, topology, checkpoint)?;
        let flushes = checkpoint.map_or(0, |checkpoint| checkpoint.flushes);
        for (index, (ports, instances)) in ports.into_iter().zip(manned).enumerate() {
            let crew = Crew::new(index, instances, faults.clone(), counters.clone());
            let names = Names::new(topology, partitions.clone());
            let home = Home::new(index, layout.clone(), &plans, names, faults.clone(), counters.clone(), flushes);
            let shard = Shard::new(ports, crew, home, clocks.take(), alarm.clone());
            let thread = std::thread::Builder::new().name(format!("eyas-shard-{index}"));
            shards.push(thread.spawn(move || shard.run()).map_err(EngineError::Thread)?);
        }
        let watch = watch(topology, checkpoint);
        let open = known.iter().filter(|known| known.standing != Standing::Closed).map(partition_of).collect();
        let replaying = state.as_ref().is_some_and(|state| state.recovery.records > 0);
        let requests = Requests::new(topology.sources.iter().map(|source| source.dedupe), checkpoint, counters.clone());
        let committing = state.map(|state| commit(state, topology, settings, &partitions, &faults, &counters)).transpose()?;
        let checkpoints = committing.as_ref().map(|(checkpoints, _)| checkpoints.clone());
        let detectors = topology.detectors.iter().map(|detector| detector.name.clone()).collect();
        let failure = Failure::default();
        let mut sequencer = Sequencer::new(admission, bells, journal.clone(), detectors, open, requests, failure.clone());
        sequencer.replaying = replaying;
        let batch_events = settings.batch_events;
        let parts = Parts {
            sequencer,
            failure,
            sources: entries,
            house,
            journal,
            checkpoints,
            watch,
            partitions: partitions.clone(),
            batch_events,
        };
        let admission = Admission::new(parts);
        let asking = admission.clone();
        faults.on_quarantine(Box::new(move |detector, reason| asking.ask_quarantine(detector, reason)));
        Ok((Self { shards, committing, counters, partitions, faults }, admission, outlets))
    }

    /// The figures, while it runs and after.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Why a detector has ended the run, if one has.
    pub fn stopped(&self) -> Option<String> {
        self.faults.stopped()
    }

    /// The names of the partitions.
    pub fn partitions(&self) -> Arc<Partitions> {
        self.partitions.clone()
    }

    /// Waits until everything admitted has run out: after [`Admission::finish`] or [`Admission::stop`].
    pub fn join(self) -> Result<Report, EngineError> {
        let detectors = self.counters.detectors.len();
        let mut total = Report { farthest: None, invalid: vec![Vec::new(); detectors] };
        let mut broken = None;
        for (index, shard) in self.shards.into_iter().enumerate() {
            match shard.join() {
                Ok(Ok(report)) => total.add(report),
                _ => broken = broken.or(Some(index)),
            }
        }
        // All barriers have passed or been dropped by now, if the sinks have ended.
        if let Some((checkpoints, thread)) = self.committing {
            checkpoints.stop();
            thread.join().map_err(|_| EngineError::Broken(0))??;
        }
        broken.map_or(Ok(total), |shard| Err(EngineError::Broken(shard)))
    }
}

fn recipe(detector: &Detector, settings: &Settings) -> Recipe {
    let config = InstanceConfig {
        detector: detector.name.clone(),
        config: detector.config.clone(),
        seed: settings.seed,
        table_seed: settings.table_seed,
        limits: detector.limits.clone(),
    };
    Recipe { plugin: detector.plugin.clone(), config }
}

fn instantiate(recipe: &Recipe) -> Result<Instance, EngineError> {
    recipe.instantiate().map_err(|source| EngineError::Detector { detector: recipe.config.detector.clone(), source })
}

/// An instance with what it is made of.
pub(crate) struct Manned {
    pub(crate) recipe: Recipe,
    pub(crate) instance: Instance,
    /// The state that it was given.
    pub(crate) entries: Vec<Entries>,
}

/// The instances of one shard; those that were made first, to ask what they subscribe to, are used up.
fn instances(
    recipes: &[Recipe],
    first: &mut [Option<Instance>],
    layout: &Layout,
    shard: usize,
) -> Result<Vec<Option<Manned>>, EngineError> {
    let one = |(detector, (recipe, first)): (usize, (&Recipe, &mut Option<Instance>))| {
        if !layout.lives_on(detector, shard) {
            return Ok(None);
        }
        let instance = first.take().map_or_else(|| instantiate(recipe), Ok)?;
        Ok(Some(Manned { recipe: recipe.clone(), instance, entries: Vec::new() }))
    };
    recipes.iter().zip(first).enumerate().map(one).collect()
}

fn plans(topology: &Topology, layout: &Layout, subscriptions: &[Subscription], seed: u64) -> Result<Vec<Arc<Plan>>, EngineError> {
    let plan = |(source, known): (&crate::Source, &crate::layout::SourceLayout)| {
        let reached: Vec<Subscription> = known.reached.iter().filter_map(|(detector, _)| subscriptions.get(*detector).cloned()).collect();
        let plan = Plan::new(&source.decoding, &reached, Sharding { shards: layout.shards, seed });
        plan.map(Arc::new).map_err(|error| EngineError::Source { name: source.name.clone(), message: error.to_string() })
    };
    topology.sources.iter().zip(&layout.sources).map(plan).collect()
}

fn source_entry(source: &crate::Source) -> SourceEntry {
    let credit = Credit::new(source.credit_batches, source.credit_bytes);
    SourceEntry { credit, encoding: source.decoding.encoding.clone(), logging: source.logging }
}

fn partition_of(known: &PartitionState) -> Partition {
    Partition { source: known.source, number: known.number }
}

/// Watches over the live sources, and over who was in quarantine before.
fn watch(topology: &Topology, checkpoint: Option<&Checkpoint>) -> Watch {
    let live = |source: &crate::Source| LiveSource::new(source.idle, source.clock_on_idle, source.max_lateness);
    let mut watch = Watch::new(topology.sources.iter().map(live).collect());
    let Some(checkpoint) = checkpoint else { return watch };
    for known in checkpoint.partitions.iter().filter(|known| known.standing != Standing::Closed) {
        watch.begins(partition_of(known), known.standing == Standing::Idle);
    }
    for known in &checkpoint.detectors {
        if let Some(detector) = topology.detectors.iter().position(|detector| detector.name == known.name) {
            watch.inherit(detector, known.quarantines, known.quarantined.is_some());
        }
    }
    watch
}

/// Starts the thread that commits checkpoints.
fn commit(
    state: State,
    topology: &Topology,
    settings: &Settings,
    partitions: &Arc<Partitions>,
    faults: &Arc<Faults>,
    counters: &Arc<Counters>,
) -> Result<Committing, EngineError> {
    let State { mut store, journal, recovery, interval } = state;
    let sources: Vec<String> = topology.sources.iter().map(|source| source.name.clone()).collect();
    if recovery.checkpoint.is_none() {
        // The input log names sources by their place: from its first record on it is known which they are.
        store.commit(&Checkpoint { seed: settings.seed, sources: sources.clone(), ..Checkpoint::default() }, &[], true)?;
    }
    recovery.checkpoint.iter().for_each(|checkpoint| counters.checkpoints.stands(checkpoint));
    let last = recovery.checkpoint.unwrap_or_default();
    let signature = |detector: &Detector| {
        let description = detector.plugin.description();
        Signature {
            name: detector.name.clone(),
            plugin: description.name.clone(),
            version: description.version.clone(),
            state_version: description.state_version,
            config: detector.config.clone(),
        }
    };
    let committer = Committer {
        store,
        journal,
        partitions: partitions.clone(),
        faults: faults.clone(),
        counters: counters.clone(),
        sources,
        detectors: topology.detectors.iter().map(signature).collect(),
        seed: settings.seed,
        flushes: last.flushes,
        last,
        anew: true,
    };
    let (checkpoints, steps) = Checkpoints::new(interval);
    let pace = checkpoints.clone();
    let thread = std::thread::Builder::new().name("eyas-checkpoint".to_owned());
    let thread = thread.spawn(move || committer.run(&pace, &steps)).map_err(EngineError::Thread)?;
    Ok((checkpoints, thread))
}
