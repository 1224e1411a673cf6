//! The sinks of a run: opened before anything is read, then a thread each.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use eyas_connect::{Cause, HttpSink, HttpSinkConfig, HttpSinkFigures, Outbox, SinkSetup, Stop, Target, Writer, WriterFigures};
use eyas_engine::Outlet;
use tokio::runtime::Handle;

use super::RunError;
use super::state::Kept;
use crate::config::{Auth, ClientPlan, Compression, Plan, SendPlan, SinkKind, SinkPlan};

/// A sink that is ready.
pub enum Opened {
    /// It writes.
    Writer(Box<Writer>),
    /// It posts.
    Http(Box<HttpSink>),
}

/// What may be looked at of a sink while it runs.
#[derive(Clone, Default)]
pub struct SinkFigures {
    /// Of one that writes.
    pub writer: Option<Arc<WriterFigures>>,
    /// Of one that posts.
    pub http: Option<Arc<HttpSinkFigures>>,
    /// What waits for it, if it takes alerts alone.
    pub outbox: Option<Outbox>,
}

/// Opens all sinks, in the order of the plan; with a state folder they become what they were at its checkpoint.
pub fn open(plan: &Plan, kept: Option<&Kept>) -> Result<Vec<(Opened, SinkFigures)>, RunError> {
    plan.sinks.iter().map(|sink| open_one(plan, sink, kept)).collect()
}

fn open_one(plan: &Plan, sink: &SinkPlan, kept: Option<&Kept>) -> Result<(Opened, SinkFigures), RunError> {
    let recovered = kept.map(|kept| kept.recovered(&sink.name)).unwrap_or_default();
    let limit = sink.has_outbox().then_some(plan.top.outbox_bytes);
    if let SinkKind::Network(sending) = &sink.kind {
        let pending = recovered.state.map(|state| state.pending).unwrap_or_default();
        let outbox = limit.map(|limit| Outbox::new(limit, &pending));
        let posting = HttpSink::new(posting(&sink.name, sending, outbox.clone())?).map_err(RunError::Source)?;
        let figures = SinkFigures { writer: None, http: Some(posting.figures()), outbox };
        return Ok((Opened::Http(Box::new(posting)), figures));
    }
    let (target, max_bytes) = match &sink.kind {
        SinkKind::Stdout => (Target::Stdout, None),
        SinkKind::Stderr => (Target::Stderr, None),
        // Ours, which nobody asked for: only made if there is something to say.
        SinkKind::File { path, rotate_bytes } if sink.place.is_none() => (Target::LateFile(PathBuf::from(&path.value)), *rotate_bytes),
        SinkKind::File { path, rotate_bytes } => (Target::File(PathBuf::from(&path.value)), *rotate_bytes),
        SinkKind::Network(_) | SinkKind::Blackhole => (Target::Blackhole, None),
    };
    let setup = SinkSetup { max_bytes, outbox: limit, journal: kept.map(|kept| kept.journal.clone()), recovered };
    let writer = Writer::open(&sink.name, target, setup)?;
    let figures = SinkFigures { writer: Some(writer.figures()), http: None, outbox: writer.outbox().cloned() };
    Ok((Opened::Writer(Box::new(writer)), figures))
}

fn posting(name: &str, plan: &SendPlan, outbox: Option<Outbox>) -> Result<HttpSinkConfig, RunError> {
    let not_yet = || RunError::Source(format!("sink {name:?} cannot run yet"));
    let (ClientPlan::Http { uri, compression: Compression::None }, None) = (&plan.client, &plan.tls) else { return Err(not_yet()) };
    let token = match &plan.auth {
        None => None,
        Some(Auth::Bearer(token)) => Some(token.value.clone()),
        Some(Auth::Basic { .. }) => return Err(not_yet()),
    };
    Ok(HttpSinkConfig {
        name: name.to_owned(),
        uri: uri.value.clone(),
        token,
        headers: plan.request.headers.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
        batch_bytes: plan.batch.max_bytes,
        batch_timeout: plan.batch.timeout,
        timeout: plan.request.timeout,
        retry_initial_backoff: plan.request.retry_initial_backoff,
        retry_max: plan.request.retry_max,
        outbox,
    })
}

/// A sink at work.
pub struct Running {
    name: String,
    thread: JoinHandle<Result<(), RunError>>,
}

/// Starts all sinks on their outlets.
pub fn start(opened: Vec<Opened>, outlets: Vec<Outlet>, stop: &Stop, runtime: Option<&Handle>) -> Result<Vec<Running>, RunError> {
    let start = |(opened, outlet): (Opened, Outlet)| {
        let (stop, runtime) = (stop.clone(), runtime.cloned());
        let name = match &opened {
            Opened::Writer(writer) => writer.name().to_owned(),
            Opened::Http(posting) => posting.name().to_owned(),
        };
        let run = move || match (opened, runtime) {
            (Opened::Writer(writer), _) => Ok(writer.run(outlet, &stop)?),
            (Opened::Http(posting), Some(runtime)) => {
                posting.run(outlet, &stop, &runtime).inspect_err(|_| stop.request(Cause::SinkFailed)).map_err(RunError::Start)
            }
            (Opened::Http(_), None) => Ok(()),
        };
        let thread = Builder::new().name(format!("sink {name}")).spawn(run)?;
        Ok(Running { name, thread })
    };
    opened.into_iter().zip(outlets).map(start).collect()
}

impl Running {
    /// Waits until it has written everything.
    pub fn join(self) -> Result<(), RunError> {
        self.thread.join().unwrap_or_else(|_| Err(RunError::Panic(format!("sink {}", self.name))))
    }
}
