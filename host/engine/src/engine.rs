//! Starting the engine and waiting for its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use eyas_codec::{Plan, Sharding};
use eyas_event::{Reference, Subscription, Timestamp};
use eyas_plugin::{Instance, InstanceConfig, PluginError};

use crate::admission::SourceEntry;
use crate::clock::Clocks;
use crate::credit::Credit;
use crate::crew::{Crew, Recipe};
use crate::home::Home;
use crate::layout::Layout;
use crate::output::Names;
use crate::shard::{Overrun, Shard};
use crate::wiring::{self, Alarm, Ends};
use crate::{Admission, Counters, Detector, InvalidCells, Outlet, Partitions, Settings, Topology};

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
    /// By detector: its own counters and gauges, by name, summed over the shards.
    pub figures: Vec<BTreeMap<String, i64>>,
    /// By detector and column of its subscription: cells without a value, of the rows that met its conditions.
    pub invalid: Vec<Vec<InvalidCells>>,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.farthest = Farthest::farther(self.farthest, other.farthest);
        for (sums, figures) in self.figures.iter_mut().zip(other.figures) {
            figures.into_iter().for_each(|(name, value)| *sums.entry(name).or_default() += value);
        }
        for (sums, cells) in self.invalid.iter_mut().zip(other.invalid) {
            sums.resize(sums.len().max(cells.len()), InvalidCells::default());
            sums.iter_mut().zip(cells).for_each(|(sum, cells)| *sum = sum.plus(cells));
        }
    }
}

/// A running engine.
pub struct Engine {
    shards: Vec<JoinHandle<Result<Report, Overrun>>>,
    counters: Arc<Counters>,
    partitions: Arc<Partitions>,
}

impl Engine {
    /// Instantiates and configures all detectors on all shards and starts the threads. Gives the way in and, in the order of the
    /// topology's sinks, the ways out.
    pub fn start(topology: &Topology, settings: &Settings) -> Result<(Self, Admission, Vec<Outlet>), EngineError> {
        let count = settings.shards.max(1);
        let recipes: Vec<Recipe> = topology.detectors.iter().map(|detector| recipe(detector, settings)).collect();
        let mut first = Vec::new();
        for recipe in &recipes {
            first.push(Some(instantiate(recipe)?));
        }
        let subscriptions: Vec<Subscription> = first.iter().flatten().map(|instance| instance.subscription().clone()).collect();
        let layout = Arc::new(Layout::new(topology, &subscriptions, count));
        let plans = plans(topology, &layout, &subscriptions, settings.seed)?;
        let counters = Arc::new(Counters::new(topology.detectors.len()));
        let partitions = Arc::new(Partitions::default());
        let capacity = topology.sources.iter().map(|source| source.credit_batches.max(1)).sum::<usize>() + 2;
        let Ends { bells, admission, outlets, ports } = wiring::lay(count, layout.phases, topology.sinks.len(), capacity);
        let lateness = topology.sources.iter().map(|source| source.max_lateness);
        let mut clocks = Some(Clocks::new(lateness, &layout.groups));

        let entries: Vec<SourceEntry> = topology.sources.iter().map(source_entry).collect();
        let alarm = Arc::new(Alarm::new(&bells, &outlets, entries.iter().map(|entry| entry.credit.clone()).collect()));
        let mut shards = Vec::new();
        for (index, ports) in ports.into_iter().enumerate() {
            let instances = instances(&recipes, &mut first, &layout, index)?;
            let crew = Crew::new(instances, counters.clone());
            let names = Names::new(topology, partitions.clone());
            let home = Home::new(index, layout.clone(), &plans, names, counters.clone());
            let shard = Shard::new(ports, crew, home, clocks.take(), alarm.clone());
            let thread = std::thread::Builder::new().name(format!("eyas-shard-{index}"));
            shards.push(thread.spawn(move || shard.run()).map_err(EngineError::Thread)?);
        }
        let admission = Admission::new(admission, bells, entries, partitions.clone(), settings.batch_events);
        Ok((Self { shards, counters, partitions }, admission, outlets))
    }

    /// The figures, while it runs and after.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// The names of the partitions.
    pub fn partitions(&self) -> Arc<Partitions> {
        self.partitions.clone()
    }

    /// Waits until everything admitted has run out: after [`Admission::finish`] or [`Admission::stop`].
    pub fn join(self) -> Result<Report, EngineError> {
        let detectors = self.counters.detectors.len();
        let mut total = Report { farthest: None, figures: vec![BTreeMap::new(); detectors], invalid: vec![Vec::new(); detectors] };
        for (index, shard) in self.shards.into_iter().enumerate() {
            let Ok(Ok(report)) = shard.join() else { return Err(EngineError::Broken(index)) };
            total.add(report);
        }
        Ok(total)
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

/// The instances of one shard; those that were made first, to ask what they subscribe to, are used up.
fn instances(
    recipes: &[Recipe],
    first: &mut [Option<Instance>],
    layout: &Layout,
    shard: usize,
) -> Result<Vec<Option<(Recipe, Instance)>>, EngineError> {
    let one = |(detector, (recipe, first)): (usize, (&Recipe, &mut Option<Instance>))| {
        if !layout.lives_on(detector, shard) {
            return Ok(None);
        }
        let instance = first.take().map_or_else(|| instantiate(recipe), Ok)?;
        Ok(Some((recipe.clone(), instance)))
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
    SourceEntry { credit, encoding: source.decoding.encoding.clone() }
}
