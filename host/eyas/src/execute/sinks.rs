//! The sinks of a run: opened before anything is read, then a thread each.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use eyas_connect::{Cause, NetSink, NetSinkConfig, NetSinkFigures, Outbox, SinkSetup, Stop, Target, WhenFull, Writer, WriterFigures};
use eyas_engine::{Component, Feed, Outlet};
use tokio::runtime::Handle;

use super::RunError;
use super::network::client;
use super::state::Kept;
use crate::config::{Plan, SinkKind, SinkPlan};

/// How many bytes wait for a sink that drops what it has no room for.
const ROOM: usize = 64 << 20;

/// A sink that is ready.
pub enum Opened {
    /// It writes.
    Writer(Box<Writer>),
    /// It sends.
    Net(Box<NetSink>),
}

/// What may be looked at of a sink while it runs.
#[derive(Clone, Default)]
pub struct SinkFigures {
    /// Of one that writes.
    pub writer: Option<Arc<WriterFigures>>,
    /// Of one on the network.
    pub net: Option<Arc<NetSinkFigures>>,
    /// What waits for it, if it takes alerts or refused events alone.
    pub outbox: Option<Outbox>,
}

/// Opens all sinks, in the order of the plan; with a state folder they become what they were at its checkpoint.
pub fn open(plan: &Plan, kept: Option<&Kept>) -> Result<Vec<(Opened, SinkFigures)>, RunError> {
    // What a sink on the network refuses goes into another's outbox: so those come first.
    let half = plan.sinks.iter().map(|sink| prepare(plan, sink, kept)).collect::<Result<Vec<_>, _>>()?;
    let outboxes: Vec<_> = half.iter().map(|(_, figures)| figures.outbox.clone()).collect();
    let open = |(number, (writer, mut figures)): (usize, (Option<Writer>, SinkFigures))| {
        if let Some(writer) = writer {
            return Ok((Opened::Writer(Box::new(writer)), figures));
        }
        let refused = Feed::DeadLetters(Component::Sink(number));
        let taker = plan.sinks.iter().position(|sink| sink.feeds.contains(&refused));
        let dead_letters = taker.and_then(|taker| outboxes.get(taker).cloned().flatten());
        let sink = NetSink::new(sending(plan, number, kept, figures.outbox.clone(), dead_letters)?);
        figures.net = Some(sink.figures());
        Ok((Opened::Net(Box::new(sink)), figures))
    };
    half.into_iter().enumerate().map(open).collect()
}

/// Opens one that writes; of one on the network only what waits for it is there already.
fn prepare(plan: &Plan, sink: &SinkPlan, kept: Option<&Kept>) -> Result<(Option<Writer>, SinkFigures), RunError> {
    let recovered = kept.map(|kept| kept.recovered(&sink.name)).unwrap_or_default();
    let limit = sink.has_outbox().then_some(plan.top.outbox_bytes);
    let (target, max_bytes) = match &sink.kind {
        SinkKind::Network(_) => {
            let pending = recovered.state.map(|state| state.pending).unwrap_or_default();
            let outbox = limit.map(|limit| Outbox::new(limit, &pending));
            return Ok((None, SinkFigures { outbox, ..SinkFigures::default() }));
        }
        SinkKind::Stdout => (Target::Stdout, None),
        SinkKind::Stderr => (Target::Stderr, None),
        // Ours, which nobody asked for: only made if there is something to say.
        SinkKind::File { path, rotate_bytes } if sink.place.is_none() => (Target::LateFile(PathBuf::from(&path.value)), *rotate_bytes),
        SinkKind::File { path, rotate_bytes } => (Target::File(PathBuf::from(&path.value)), *rotate_bytes),
        SinkKind::Blackhole => (Target::Blackhole, None),
    };
    let setup = SinkSetup { max_bytes, outbox: limit, journal: kept.map(|kept| kept.journal.clone()), recovered };
    let writer = Writer::open(&sink.name, target, setup)?;
    let figures = SinkFigures { writer: Some(writer.figures()), net: None, outbox: writer.outbox().cloned() };
    Ok((Some(writer), figures))
}

fn sending(
    plan: &Plan,
    number: usize,
    kept: Option<&Kept>,
    outbox: Option<Outbox>,
    dead_letters: Option<Outbox>,
) -> Result<NetSinkConfig, RunError> {
    let name = plan.component_name(Component::Sink(number));
    let wrong = |error: String| RunError::Source(format!("sink {name:?}: {error}"));
    let Some(SinkKind::Network(sending)) = plan.sinks.get(number).map(|sink| &sink.kind) else {
        return Err(wrong("sends nowhere".to_owned()));
    };
    let client = client(sending).map_err(wrong)?;
    let state = kept.and_then(|kept| kept.recovered(name).state);
    Ok(NetSinkConfig {
        name: name.to_owned(),
        client,
        form: sending.client.form(),
        batch_bytes: sending.batch.max_bytes,
        batch_timeout: sending.batch.timeout,
        concurrency: sending.request.concurrency,
        timeout: sending.request.timeout,
        retry_initial_backoff: sending.request.retry_initial_backoff,
        retry_max: sending.request.retry_max,
        when_full: if sending.drop_newest { WhenFull::DropNewest { max_bytes: ROOM } } else { WhenFull::Block },
        outbox,
        dead_letters,
        unsettled: state.map(|state| state.dead_letters).unwrap_or_default(),
        sources: plan.sources.iter().map(|source| source.name.clone()).collect(),
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
            Opened::Net(sending) => sending.name().to_owned(),
        };
        let run = move || match (opened, runtime) {
            (Opened::Writer(writer), _) => Ok(writer.run(outlet, &stop)?),
            (Opened::Net(sending), Some(runtime)) => {
                sending.run(outlet, &stop, &runtime).inspect_err(|_| stop.request(Cause::SinkFailed)).map_err(RunError::Start)
            }
            (Opened::Net(_), None) => Ok(()),
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
