//! A run: state, sinks, engine and sources started, watched, and ended in order.

mod network;
mod replay;
mod sinks;
mod sources;
mod state;

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, available_parallelism};
use std::time::{Duration, Instant};

use eyas_connect::{Cause, FileError, NetError, Progress, SinkError, Standard, StdinError, Stop, ingest_time, watch_signals};
use eyas_engine::{Admission, Counters, Engine, EngineError, Partitions, Report};
use eyas_state::{Journal, StateError};
use tokio::runtime::{Handle, Runtime};

use crate::admin::{Admin, View};
use crate::assembly::Assembly;
use crate::config::{Plan, SinkKind, SourceKind};
pub use network::{client_tls, server_tls};
pub use replay::replay_log;
pub use sinks::SinkFigures;
pub use sources::SourceFigures;
pub use state::{Beginning, Kept};

/// How often a run is looked at, and told the time.
const LOOK: Duration = Duration::from_millis(100);
/// Threads for what waits on the network, at the least and at the most.
const NETWORK_THREADS: std::ops::RangeInclusive<usize> = 2..=8;

/// Why a run did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address cannot be listened at.
    #[error(transparent)]
    Listen(#[from] NetError),
    /// The operating system does not give what every run needs.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The engine does not start or broke.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state folder's input had come to its end.
    #[error("the input of {} came to its end: --resume goes on with the state as it was before, --fresh begins anew", .0.display())]
    Finished(PathBuf),
    /// A sink cannot be opened or written to.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Standard input cannot be read.
    #[error(transparent)]
    Stdin(StdinError),
    /// The admin page cannot be served.
    #[error("[admin] cannot listen on {0}: {1}")]
    Admin(SocketAddr, std::io::Error),
    /// It was asked for what there is not.
    #[error("{0}")]
    Usage(String),
    /// A source or sink cannot work as configured.
    #[error("{0}")]
    Source(String),
    /// Files that could not be read.
    #[error("{}", list(.0))]
    Files(Vec<FileError>),
    /// A detector failed, and its `on_fault` says that this ends the run.
    #[error("{0}")]
    Detector(String),
    /// A thread panicked.
    #[error("the thread of {0} ended by a panic: this is a defect of eyas")]
    Panic(String),
}

fn list(errors: &[FileError]) -> String {
    let shown: Vec<_> = errors.iter().take(10).map(FileError::to_string).collect();
    let more = errors.len().saturating_sub(shown.len());
    let more = if more > 0 { format!("\nand {more} more files") } else { String::new() };
    format!("{}{more}", shown.join("\n"))
}

impl RunError {
    /// Whether nothing was done because something around the run does not allow it.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Usage(_)
                | Self::Listen(_)
                | Self::Admin(..)
                | Self::Finished(_)
                | Self::State(_)
                | Self::Engine(EngineError::Mismatch(_))
        )
    }
}

/// What a run left, however it ended.
pub struct Ended {
    /// How long it took.
    pub elapsed: Duration,
    /// The figures.
    pub counters: Arc<Counters>,
    /// Names of what was read.
    pub partitions: Arc<Partitions>,
    /// What the engine found.
    pub report: Report,
    /// Why it ended before its input did.
    pub cause: Option<Cause>,
    /// What failed, though the run went on to its end.
    pub failures: Vec<RunError>,
}

/// Standard input, when it was looked into before the run.
pub struct Peeked {
    /// What it is.
    pub standard: Standard,
    /// What was read of it.
    pub head: Vec<u8>,
}

/// What may be looked at while it runs.
#[derive(Clone)]
pub struct Watched {
    /// The figures.
    pub counters: Arc<Counters>,
    /// What the sources say of themselves.
    pub sources: SourceFigures,
    /// By sink: what it says of itself.
    pub sinks: Vec<SinkFigures>,
    /// The way in.
    pub admission: Admission,
    /// The input log.
    pub journal: Option<Journal>,
    /// Whether the checkpoint has been restored, the input log replayed, and all sources read.
    pub ready: Arc<AtomicBool>,
}

impl Watched {
    /// How far the reading is; nothing where the input is live.
    pub fn progress(&self) -> Option<&Progress> {
        self.sources.progress.as_ref()
    }
}

/// How a run begins.
#[derive(Default)]
pub struct Begin {
    /// Standard input, if it was looked into.
    pub peeked: Option<Peeked>,
    /// What to do with the state that there is.
    pub beginning: Beginning,
}

/// Runs to the end of the input, or a stop. `watch` is called often from this thread, until the end.
pub fn execute(assembly: &Assembly, begin: Begin, mut watch: impl FnMut(&Watched)) -> Result<Ended, RunError> {
    let plan = &assembly.plan;
    // Followed files and connections are many; where more are not allowed, what there is has to do.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let stop = Stop::new()?;
    watch_signals(stop.clone(), plan.top.drain)?;
    let runtime = network(plan).then(start_network).transpose()?;
    let handle = runtime.as_ref().map(Runtime::handle);
    // First of all: whoever has the folder is whom a second run is told of, not whoever has an address.
    let kept = plan.top.state.as_ref().map(|state| Kept::open(state, begin.beginning)).transpose()?;
    let admin = plan.top.admin.zip(handle).map(|(address, runtime)| start_admin(address, runtime, &stop)).transpose()?;
    let (writers, sink_figures): (Vec<_>, Vec<_>) = sinks::open(plan, kept.as_ref())?.into_iter().unzip();
    let (opened, source_figures) = sources::open(assembly, begin.peeked, kept.as_ref(), handle)?;
    let started = Instant::now();
    let replaying = kept.as_ref().map(|kept| (kept.journal.clone(), kept.recovery.clone()));
    let (state, _folder) = kept.zip(plan.top.state.as_ref()).map(|(kept, plan)| kept.for_engine(plan)).unzip();
    let (engine, admission, outlets) = Engine::start(&assembly.topology, &assembly.settings, state)?;
    let watched = Watched {
        counters: engine.counters(),
        sources: source_figures,
        sinks: sink_figures,
        admission: admission.clone(),
        journal: replaying.as_ref().map(|(journal, _)| journal.clone()),
        ready: Arc::default(),
    };
    if let Some(admin) = &admin {
        admin.show(View::new(plan, watched.clone()));
    }
    let running = sinks::start(writers, outlets, &stop, handle)?;
    let mut failures = Vec::new();
    let over = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        // Each reader holds an end of this until it is done.
        let (busy, done) = sync_channel::<()>(0);
        let (inside, halt, ready) = (admission.clone(), stop.clone(), watched.ready.clone());
        let feed = move || feed(replaying, opened, &inside, &halt, &ready, busy);
        let feeding = Builder::new().name("input".to_owned()).spawn_scoped(scope, feed)?;
        let clock = Builder::new().name("clock".to_owned()).spawn_scoped(scope, || tell_time(&watched, &over))?;
        while done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            watch(&watched);
            look(&watched, &engine, &stop, &mut failures);
        }
        over.store(true, Ordering::Release);
        clock.thread().unpark();
        Ok::<_, RunError>(feeding.join())
    })?;
    let readers = match answers {
        Ok(Ok(readers)) => readers,
        Ok(Err(error)) => {
            stop.request(Cause::StateFailed);
            failures.push(error);
            Vec::new()
        }
        Err(_) => {
            stop.request(Cause::StateFailed);
            failures.push(RunError::Panic("the input".to_owned()));
            Vec::new()
        }
    };
    let answers: Vec<_> = readers.into_iter().filter_map(|reader| reader.join(&mut failures)).collect();
    if let Some(admin) = &admin {
        admin.ending();
    }
    match stop.requested() {
        None => admission.finish(),
        Some(_) => admission.stop(),
    }
    for sink in running {
        failures.extend(sink.join().err());
    }
    for answers in answers {
        // Whoever has no answer by then sends again.
        let _ = answers.wait(sources::ANSWERS);
    }
    look(&watched, &engine, &stop, &mut failures);
    drop((admin, admission, watched));
    let (counters, partitions) = (engine.counters(), engine.partitions());
    let report = engine.join()?;
    Ok(Ended { elapsed: started.elapsed(), counters, partitions, report, cause: stop.requested(), failures })
}

/// Tells the engine the time. On a thread of its own: where the disk of the input log is full it waits.
fn tell_time(watched: &Watched, over: &AtomicBool) {
    let started = Instant::now();
    while !over.load(Ordering::Acquire) {
        if watched.ready.load(Ordering::Acquire) && watched.admission.tick(started.elapsed(), ingest_time()).is_err() {
            return;
        }
        std::thread::park_timeout(LOOK);
    }
}

/// Looks whether the run has to end.
fn look(watched: &Watched, engine: &Engine, stop: &Stop, failures: &mut Vec<RunError>) {
    if let Some(error) = watched.admission.failure() {
        failures.push(error.into());
        stop.request(Cause::StateFailed);
    }
    if let Some(message) = engine.stopped() {
        failures.push(RunError::Detector(message));
        stop.request(Cause::DetectorFailed);
    }
    if stop.requested().is_some() {
        // Whoever waits for room on a full disk would wait for ever.
        watched.admission.give_up();
    }
}

/// Replays the input log, then reads the sources: unless the log says that the input has come to its end.
fn feed(
    replaying: Option<(Journal, eyas_engine::Recovery)>,
    opened: sources::Opened,
    admission: &Admission,
    stop: &Stop,
    ready: &AtomicBool,
    busy: SyncSender<()>,
) -> Result<Vec<sources::Reader>, RunError> {
    if let Some((journal, recovery)) = &replaying {
        state::replay(journal, recovery, admission, stop)?;
        if recovery.flushed {
            return Ok(Vec::new());
        }
    }
    if stop.requested().is_some() {
        return Ok(Vec::new());
    }
    let readers = sources::start(opened, admission, stop, &busy)?;
    ready.store(true, Ordering::Release);
    Ok(readers)
}

/// Whether anything speaks to the network.
fn network(plan: &Plan) -> bool {
    let source = plan.sources.iter().any(|source| matches!(source.kind, SourceKind::Network(_)));
    source || plan.top.admin.is_some() || plan.sinks.iter().any(|sink| matches!(sink.kind, SinkKind::Network(_)))
}

fn start_admin(address: SocketAddr, runtime: &Handle, stop: &Stop) -> Result<Admin, RunError> {
    Admin::start(address, runtime, stop).map_err(|error| RunError::Admin(address, error))
}

fn start_network() -> Result<Runtime, RunError> {
    // They decompress and do TLS; the shards, which take all cores when there is much to do, get what these bring.
    let half = available_parallelism().map_or(1, NonZero::get) / 2;
    let threads = half.clamp(*NETWORK_THREADS.start(), *NETWORK_THREADS.end());
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("network").enable_all().build()?)
}
