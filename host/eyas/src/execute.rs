//! A run: sources, engine and sinks started, watched, and ended in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use eyas_connect::{
    Cause, FileError, FileInput, FileReader, FileSource, Progress, SinkError, Standard, StdinError, StdinSource, Stop, Target, Writer,
    open_stdin, watch_signals,
};
use eyas_engine::{Admission, Counters, Engine, EngineError, Outlet, Partitions, Report};

use crate::assembly::Assembly;
use crate::config::{SinkKind, SourceKind};

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Why a run did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system does not give what every run needs.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The engine does not start or broke.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A sink cannot be opened or written to.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Standard input cannot be read.
    #[error(transparent)]
    Stdin(#[from] StdinError),
    /// A source cannot be read as configured.
    #[error("{0}")]
    Source(String),
    /// Files that could not be read.
    #[error("{}", list(.0))]
    Files(Vec<FileError>),
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
pub struct Watched {
    /// The figures.
    pub counters: Arc<Counters>,
    /// How far the reading is; nothing where the input is live.
    pub progress: Option<Progress>,
}

/// Runs to the end of the input, or a stop. `watch` is called often from this thread, until the end.
pub fn execute(assembly: &Assembly, peeked: Option<Peeked>, mut watch: impl FnMut(&Watched)) -> Result<Ended, RunError> {
    let stop = Stop::new()?;
    watch_signals(stop.clone(), assembly.plan.top.drain)?;
    let writers = open_sinks(assembly)?;
    let (files, stream) = open_sources(assembly, peeked)?;
    let started = Instant::now();
    let (engine, admission, outlets) = Engine::start(&assembly.topology, &assembly.settings, None)?;
    let progress = files.as_ref().filter(|_| stream.is_none()).map(FileReader::progress);
    let watched = Watched { counters: engine.counters(), progress };
    let sinks = start_sinks(writers, outlets, &stop)?;
    // Each reader holds an end of this until it is done.
    let (busy, done) = sync_channel::<()>(0);
    let readers = start_sources(files, stream, &admission, &stop, busy)?;
    while done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        watch(&watched);
    }
    let mut failures = Vec::new();
    for reader in readers {
        reader.join(&mut failures);
    }
    match stop.requested() {
        None => admission.finish(),
        Some(_) => admission.stop(),
    }
    drop(admission);
    for (name, sink) in sinks {
        match sink.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(error.into()),
            Err(_) => failures.push(RunError::Panic(format!("sink {name}"))),
        }
    }
    let (counters, partitions) = (engine.counters(), engine.partitions());
    let report = engine.join()?;
    Ok(Ended { elapsed: started.elapsed(), counters, partitions, report, cause: stop.requested(), failures })
}

fn open_sinks(assembly: &Assembly) -> Result<Vec<Writer>, RunError> {
    let target = |sink: &crate::config::SinkPlan| match &sink.kind {
        SinkKind::Stdout => Target::Stdout,
        SinkKind::Stderr => Target::Stderr,
        // Ours, which nobody asked for: only made if there is something to say.
        SinkKind::File { path, .. } if sink.place.is_none() => Target::LateFile(PathBuf::from(&path.value)),
        SinkKind::File { path, .. } => Target::File(PathBuf::from(&path.value)),
        SinkKind::Http(_) | SinkKind::Blackhole => Target::Blackhole,
    };
    assembly.plan.sinks.iter().map(|sink| Ok(Writer::open(&sink.name, target(sink))?)).collect()
}

/// All that is finished goes through one reader, which merges it; a stream is read on its own.
fn open_sources(assembly: &Assembly, mut peeked: Option<Peeked>) -> Result<(Option<FileReader>, Option<StdinSource>), RunError> {
    let (mut finished, mut live) = (Vec::new(), None);
    let top = &assembly.plan.top;
    for ((source, files), number) in assembly.plan.sources.iter().zip(&assembly.files).zip(0u16..) {
        let decoding = source.decoding.clone();
        let files: Vec<_> = match &source.kind {
            // Not connected yet.
            SourceKind::Http { .. } | SourceKind::File { follow: true, .. } => {
                return Err(RunError::Source(format!("source {:?} is not ready to run", source.name)));
            }
            SourceKind::File { .. } => files.iter().cloned().map(FileInput::Path).collect(),
            SourceKind::Stdin => {
                let Peeked { standard, head } = match peeked.take() {
                    Some(peeked) => peeked,
                    None => Peeked { standard: open_stdin()?, head: Vec::new() },
                };
                match standard {
                    Standard::File(file) => vec![file],
                    Standard::Stream(stream) => {
                        live = Some(StdinSource { number, decoding, stream, head, batch_bytes: top.batch_bytes, max_age: top.batch_age });
                        continue;
                    }
                }
            }
        };
        finished.push(FileSource { number, decoding, files });
    }
    let reader = if finished.is_empty() { None } else { Some(FileReader::new(finished, top.batch_bytes).map_err(RunError::Source)?) };
    Ok((reader, live))
}

type SinkThread = (String, JoinHandle<Result<(), SinkError>>);

fn start_sinks(writers: Vec<Writer>, outlets: Vec<Outlet>, stop: &Stop) -> Result<Vec<SinkThread>, RunError> {
    let start = |(writer, outlet): (Writer, Outlet)| {
        let (name, stop) = (writer.name().to_owned(), stop.clone());
        let thread = Builder::new().name(format!("sink {name}")).spawn(move || writer.run(outlet, &stop))?;
        Ok((name, thread))
    };
    writers.into_iter().zip(outlets).map(start).collect()
}

enum Reader {
    Files(JoinHandle<Vec<FileError>>),
    Stream(JoinHandle<Result<(), StdinError>>),
}

impl Reader {
    fn join(self, failures: &mut Vec<RunError>) {
        match self {
            Self::Files(thread) => match thread.join() {
                Ok(errors) if errors.is_empty() => {}
                Ok(errors) => failures.push(RunError::Files(errors)),
                Err(_) => failures.push(RunError::Panic("the files".to_owned())),
            },
            Self::Stream(thread) => match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failures.push(error.into()),
                Err(_) => failures.push(RunError::Panic("standard input".to_owned())),
            },
        }
    }
}

fn start_sources(
    files: Option<FileReader>,
    stream: Option<StdinSource>,
    admission: &Admission,
    stop: &Stop,
    busy: SyncSender<()>,
) -> Result<Vec<Reader>, RunError> {
    let mut readers = Vec::new();
    if let Some(files) = files {
        let (admission, stop, busy) = (admission.clone(), stop.clone(), busy.clone());
        let read = move || {
            let _busy = busy;
            files.run(&admission, &stop)
        };
        readers.push(Reader::Files(Builder::new().name("files".into()).spawn(read)?));
    }
    if let Some(stream) = stream {
        let (admission, stop) = (admission.clone(), stop.clone());
        let read = move || {
            let _busy = busy;
            stream.run(&admission, &stop)
        };
        readers.push(Reader::Stream(Builder::new().name("stdin".into()).spawn(read)?));
    }
    Ok(readers)
}
