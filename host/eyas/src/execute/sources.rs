//! The sources of a run: opened before anything is read, so that what is wrong shows then; each reads on a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use eyas_connect::{
    Answers, FileError, FileInput, FileReader, FileSource, FollowSource, NetFigures, NetLimits, NetServer, NetSource, Progress, Standard,
    StdinError, StdinSource, Stop, open_stdin,
};
use eyas_engine::Admission;
use eyas_state::PartitionState;
use tokio::runtime::Handle;

use super::network::listeners;
use super::state::Kept;
use super::{Peeked, RunError};
use crate::assembly::Assembly;
use crate::config::{ListenPlan, SourceKind, SourcePlan};

/// All sources, ready to be read.
#[derive(Default)]
pub struct Opened {
    /// All that is finished goes through one reader, which merges it.
    files: Option<FileReader>,
    stream: Option<StdinSource>,
    followed: Vec<FollowSource>,
    servers: Vec<NetServer>,
}

/// What may be looked at of the sources while they run.
#[derive(Clone, Default)]
pub struct SourceFigures {
    /// By source: of those that listen.
    pub net: Vec<Option<Arc<NetFigures>>>,
    /// How far the reading is; nothing where something is live.
    pub progress: Option<Progress>,
}

/// Opens all sources, each where it stood.
pub fn open(
    assembly: &Assembly,
    mut peeked: Option<Peeked>,
    kept: Option<&Kept>,
    runtime: Option<&Handle>,
) -> Result<(Opened, SourceFigures), RunError> {
    let (mut opened, mut figures) = (Opened::default(), SourceFigures::default());
    let mut finished = Vec::new();
    let (batch_bytes, max_age) = (assembly.plan.top.batch_bytes, assembly.plan.top.batch_age);
    let known = |number: u16| kept.map_or_else(Vec::new, |kept| kept.recovery.partitions_of(number));
    for ((source, files), number) in assembly.plan.sources.iter().zip(&assembly.files).zip(0u16..) {
        let decoding = source.decoding.clone();
        figures.net.push(None);
        match &source.kind {
            SourceKind::File { follow: true, include, exclude } => opened.followed.push(FollowSource {
                number,
                decoding,
                include: include.iter().map(|(text, _)| text.value.clone()).collect(),
                exclude: exclude.iter().map(|text| text.value.clone()).collect(),
                batch_bytes,
                grace: FollowSource::GRACE,
                resume: known(number),
            }),
            SourceKind::File { .. } => {
                finished.push(FileSource { number, decoding, files: files.iter().cloned().map(FileInput::Path).collect() });
            }
            SourceKind::Stdin => {
                let Peeked { standard, head } = match peeked.take() {
                    Some(peeked) => peeked,
                    None => Peeked { standard: open_stdin()?, head: Vec::new() },
                };
                match standard {
                    Standard::File(file) => finished.push(FileSource { number, decoding, files: vec![file] }),
                    Standard::Stream(stream) => {
                        let position = position(&known(number));
                        opened.stream = Some(StdinSource { number, decoding, stream, head, batch_bytes, max_age, position });
                    }
                }
            }
            SourceKind::Network(plan) => {
                let Some(runtime) = runtime else { continue };
                let server = listen(source, plan, number, position(&known(number)), batch_bytes)?.bind(runtime)?;
                server.addresses().into_iter().flatten().for_each(|at| tracing::info!(source = %source.name, "listens at {at}"));
                figures.net.last_mut().into_iter().for_each(|figures| *figures = Some(server.figures()));
                opened.servers.push(server);
            }
        }
    }
    if !finished.is_empty() {
        let resume = kept.map_or(&[][..], |kept| &kept.recovery.partitions);
        opened.files = Some(FileReader::new(finished, batch_bytes, resume).map_err(RunError::Source)?);
    }
    let live = opened.stream.is_some() || !opened.followed.is_empty() || !opened.servers.is_empty();
    figures.progress = opened.files.as_ref().filter(|_| !live).map(FileReader::progress);
    Ok((opened, figures))
}

/// Where the one partition of a source goes on.
fn position(known: &[PartitionState]) -> u64 {
    known.first().map_or(0, |known| known.position)
}

fn listen(source: &SourcePlan, plan: &ListenPlan, number: u16, position: u64, batch_bytes: usize) -> Result<NetSource, RunError> {
    let listeners =
        listeners(plan, source.decoding.max_event_bytes).map_err(|error| RunError::Source(format!("source {:?}: {error}", source.name)))?;
    let places: Vec<_> = listeners.iter().map(|listener| listener.address.to_string()).collect();
    Ok(NetSource {
        name: source.name.clone(),
        number,
        decoding: source.decoding.clone(),
        acknowledge: source.acknowledge,
        batch_bytes,
        position,
        partition: places.join(", "),
        limits: NetLimits::default(),
        dedupe: plan.dedupe.is_some(),
        listeners,
    })
}

/// Reads a source to its end, or a stop.
type Read = dyn FnOnce(&Admission, &Stop) -> Outcome + Send;

type Outcome = Result<Option<Answers>, RunError>;

/// A source at work.
pub struct Reader {
    name: &'static str,
    thread: JoinHandle<Outcome>,
}

/// Starts all sources. Each holds an end of `busy` until it is done.
pub fn start(opened: Opened, admission: &Admission, stop: &Stop, busy: &SyncSender<()>) -> Result<Vec<Reader>, RunError> {
    let Opened { files, stream, followed, servers } = opened;
    let mut readers = Vec::new();
    let mut spawn = |name: &'static str, read: Box<Read>| {
        let (admission, stop, busy) = (admission.clone(), stop.clone(), busy.clone());
        let run = move || {
            let _busy = busy;
            read(&admission, &stop)
        };
        readers.push(Reader { name, thread: Builder::new().name(name.to_owned()).spawn(run)? });
        Ok::<(), RunError>(())
    };
    if let Some(files) = files {
        spawn("files", Box::new(move |admission, stop| unread(files.run(admission, stop))))?;
    }
    if let Some(stream) = stream {
        let run = move |admission: &Admission, stop: &Stop| stream.run(admission, stop).map(|()| None).map_err(RunError::Stdin);
        spawn("standard input", Box::new(run))?;
    }
    for source in followed {
        let run = move |admission: &Admission, stop: &Stop| {
            source.run(admission, stop);
            Ok(None)
        };
        spawn("followed files", Box::new(run))?;
    }
    for server in servers {
        let run = move |admission: &Admission, stop: &Stop| {
            server.run(admission, stop).map(Some).map_err(|error| RunError::Source(error.to_string()))
        };
        spawn("network", Box::new(run))?;
    }
    Ok(readers)
}

fn unread(errors: Vec<FileError>) -> Outcome {
    if errors.is_empty() { Ok(None) } else { Err(RunError::Files(errors)) }
}

impl Reader {
    /// Waits until it has read everything, or was stopped. What it still has to answer is for after the engine's end.
    pub fn join(self, failures: &mut Vec<RunError>) -> Option<Answers> {
        match self.thread.join() {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => {
                failures.push(error);
                None
            }
            Err(_) => {
                failures.push(RunError::Panic(self.name.to_owned()));
                None
            }
        }
    }
}

/// How long requests that were taken in are waited for at the end, until they are answered.
pub const ANSWERS: Duration = Duration::from_secs(5);

impl From<StdinError> for RunError {
    fn from(error: StdinError) -> Self {
        Self::Stdin(error)
    }
}
