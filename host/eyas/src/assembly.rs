//! From a plan to something that can run: plugins loaded and configured, files found.

mod files;
mod json;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use eyas_codec::Form;
use eyas_engine::{Detector, Feed, Input, Logging, Settings, Sink, Source, Topology};
use eyas_event::Subscription;
use eyas_plugin::{InstanceConfig, Limits, Plugin, PluginError, Runtime};

use crate::config::{Config, ConfigError, Document, Node, Place, Plan, Problems, SinkKind, SinkPlan, SourceKind};
use crate::plugins;
use files::{check_sinks, check_sockets, check_tls, find_files};
use json::{node_at, to_json};

/// A configuration that has been tried as far as that can be done without running it.
pub struct Assembly {
    /// The configuration.
    pub plan: Plan,
    /// What the engine is to run.
    pub topology: Topology,
    /// How it is to run.
    pub settings: Settings,
    /// By detector: what it asked for.
    pub subscriptions: Vec<Subscription>,
    /// By source: the files it is to read.
    pub files: Vec<Vec<PathBuf>>,
    /// What would not work now but may later, with its place: files that are not there yet.
    surroundings: Problems,
    documents: Vec<Document>,
}

impl Assembly {
    /// Loads and configures all plugins and looks for all files. All that is wrong is in the error.
    pub fn new(config: Config, folder: &Path) -> Result<Self, ConfigError> {
        let Config { plan, documents } = config;
        let problems = Problems::default();
        let (detectors, subscriptions) = load_detectors(&plan, folder, &problems);
        check_times(&plan, &subscriptions, &problems);
        if !problems.is_empty() {
            return Err(problems.into_error(documents));
        }
        let surroundings = Problems::default();
        let files: Vec<_> = plan.sources.iter().map(|source| find_files(&source.kind, &surroundings)).collect();
        check_sinks(&plan, &files, &surroundings);
        check_sockets(&plan, &surroundings);
        check_tls(&plan, &surroundings);
        let shards = plan.top.shards;
        let settings = Settings { shards, seed: plan.top.seed, table_seed: random_seed(), batch_events: plan.top.batch_events };
        let sources = plan.sources.iter().map(|source| Source {
            name: source.name.clone(),
            decoding: source.decoding.clone(),
            max_lateness: source.max_lateness,
            credit_batches: source.credit_batches.unwrap_or(2 * shards + 2),
            credit_bytes: source.credit_bytes,
            logging: logging(source, plan.top.state.is_some()),
            idle: source.idle.filter(|_| source.may_be_live()),
            clock_on_idle: source.clock_on_idle,
            dedupe: dedupe(&source.kind),
        });
        let sinks = plan.sinks.iter().map(|sink| Sink { name: sink.name.clone(), inputs: sink.feeds.clone(), form: form(&plan, sink) });
        let topology = Topology { sources: sources.collect(), detectors, sinks: sinks.collect() };
        Ok(Self { plan, topology, settings, subscriptions: subscriptions.into_iter().flatten().collect(), files, surroundings, documents })
    }

    /// The same, unless something around it would not let it run now.
    pub fn ready(mut self) -> Result<Self, ConfigError> {
        let surroundings = std::mem::take(&mut self.surroundings);
        if surroundings.is_empty() { Ok(self) } else { Err(surroundings.into_error(self.documents)) }
    }

    /// What would not let it run now; nothing if it would run.
    pub fn not_ready(&mut self) -> Option<ConfigError> {
        let surroundings = std::mem::take(&mut self.surroundings);
        if surroundings.is_empty() { None } else { Some(surroundings.into_error(self.documents.clone())) }
    }

    /// Whether there is a sink that takes this.
    pub fn has_taker(&self, feed: Feed) -> bool {
        self.plan.sinks.iter().any(|sink| sink.feeds.contains(&feed))
    }
}

/// What a sink is given. One that writes nowhere takes events as they came where they all came alike: what nobody reads is not converted.
fn form(plan: &Plan, sink: &SinkPlan) -> Form {
    if !matches!(sink.kind, SinkKind::Blackhole) {
        return sink.form();
    }
    let taken = |number: usize| sink.feeds.iter().any(|feed| matches!(feed, Feed::Events(input) if plan.reaches(number, *input)));
    let mut forms = plan.sources.iter().enumerate().filter(|(number, _)| taken(*number)).map(|(_, source)| source.decoding.encoding.form());
    let first = forms.next().unwrap_or_default();
    if forms.all(|form| form == first) { first } else { Form::Ndjson }
}

/// What the input log is to keep of a source.
fn logging(source: &crate::config::SourcePlan, durable: bool) -> Logging {
    match (durable, source.may_be_live()) {
        (false, _) => Logging::Nothing,
        (true, false) => Logging::Positions,
        (true, true) if source.journal => Logging::Bytes,
        (true, true) => Logging::Nothing,
    }
}

/// For how many nanoseconds a request is known when it comes again.
fn dedupe(kind: &SourceKind) -> i64 {
    let known = if let SourceKind::Network(listening) = kind { listening.dedupe } else { None };
    known.map_or(0, |known| i64::try_from(known.as_nanos()).unwrap_or(i64::MAX))
}

/// Of hash tables, against crafted keys: it can be seen in no output. The hasher of the standard library is seeded by the system.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// Each detector, and what it asked for; nothing where that failed.
fn load_detectors(plan: &Plan, folder: &Path, problems: &Problems) -> (Vec<Detector>, Vec<Option<Subscription>>) {
    let (mut detectors, mut subscriptions) = (Vec::new(), Vec::new());
    if plan.detectors.is_empty() {
        return (detectors, subscriptions);
    }
    let runtime = match plugins::runtime(plan.top.cache_dir.clone()) {
        Ok(runtime) => runtime,
        Err(error) => {
            problems.whole(error.to_string(), "");
            return (detectors, subscriptions);
        }
    };
    let mut loaded: HashMap<&str, Option<Plugin>> = HashMap::new();
    for detector in &plan.detectors {
        let name = detector.plugin.value.as_str();
        let plugin = loaded.entry(name).or_insert_with(|| load(&runtime, name, folder, &detector.plugin_place, problems)).clone();
        let config = detector.config.as_ref().map_or(Ok(serde_json::Value::Object(serde_json::Map::new())), to_json);
        let config = config.inspect_err(|place| problems.at(place, "a plugin's configuration is JSON, which has no such number", "")).ok();
        let (Some(plugin), Some(config)) = (plugin, config) else {
            subscriptions.push(None);
            continue;
        };
        let mut limits = Limits::default();
        limits.memory_bytes = detector.memory_bytes.unwrap_or(limits.memory_bytes);
        limits.deadline = detector.deadline.unwrap_or(limits.deadline);
        let config = config.to_string();
        let instance = InstanceConfig {
            detector: detector.name.clone(),
            config: config.clone(),
            seed: plan.top.seed,
            table_seed: 0,
            limits: limits.clone(),
        };
        let subscription = match plugin.instantiate(&instance) {
            Ok(instance) => Some(instance.subscription().clone()),
            Err(PluginError::Configuration(wrong)) => {
                for problem in wrong {
                    say_plugin_problem(detector.config.as_ref(), &detector.place, &problem, problems);
                }
                None
            }
            Err(error) => {
                problems.at(&detector.plugin_place, error.to_string(), "");
                None
            }
        };
        subscriptions.push(subscription);
        detectors.push(Detector {
            name: detector.name.clone(),
            plugin,
            config,
            limits,
            on_fault: detector.on_fault,
            max_faults: detector.max_faults,
            reset_state: detector.reset_state,
            inputs: detector.inputs.clone(),
        });
    }
    (detectors, subscriptions)
}

fn load(runtime: &Runtime, name: &str, folder: &Path, place: &Place, problems: &Problems) -> Option<Plugin> {
    let found = plugins::find(name, folder).inspect_err(|missing| problems.at(place, &missing.message, &missing.help)).ok()?;
    runtime.load(&found.origin, &found.bytes).inspect_err(|error| problems.at(place, error.to_string(), "")).ok()
}

/// Shows what a plugin says about its configuration where that stands in the file.
fn say_plugin_problem(config: Option<&Node>, detector: &Place, problem: &eyas_plugin::Problem, problems: &Problems) {
    let (place, missing) = match config {
        Some(node) => node_at(node, &problem.path),
        None => (detector.clone(), true),
    };
    let name = problem.path.trim_start_matches('/').replace('/', ".");
    let message = if missing && !name.is_empty() { format!("{name}: {}", problem.message) } else { problem.message.clone() };
    problems.at(&place, crate::config::redact(&message), "`eyas plugin inspect NAME` shows what a plugin takes");
}

/// A detector that uses event time needs it from all sources that reach it.
fn check_times(plan: &Plan, subscriptions: &[Option<Subscription>], problems: &Problems) {
    for (number, source) in plan.sources.iter().enumerate() {
        if source.decoding.time.is_some() {
            continue;
        }
        let needing = |(detector, subscription): &(usize, &Option<Subscription>)| {
            subscription.as_ref().is_some_and(|asked| !asked.timeless) && plan.reaches(number, Input::Detector(*detector))
        };
        if let Some((detector, _)) = subscriptions.iter().enumerate().find(needing) {
            let detector = plan.input_name(Input::Detector(detector));
            let message = format!("source {:?} has no time, and detector {detector:?} uses event time", source.name);
            let help = format!("add [sources.{}.time] with field = \"...\", the name of the field that holds it", source.name);
            problems.at(&source.place, message, help);
        }
    }
}
