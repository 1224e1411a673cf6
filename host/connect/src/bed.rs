//! For tests: sources and sinks on real sockets, and a real engine without detectors between them and the test.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eyas_codec::{Decoding, Form};
use eyas_engine::{Admission, Component, Engine, Feed, Input, Logging, Outlet, Recovery, Settings, Sink, Source, State, Topology};
use eyas_event::NANOS_PER_SECOND;
use eyas_state::{Folder, Journal, Store, Sync};
use tokio::runtime::Runtime;

use crate::net::{Acknowledge, Answers, Listener, NetFigures, NetLimits, NetSource};
use crate::{Cause, Stop};

/// For anything that is to happen: it is a defect if it takes longer.
pub const LONG: Duration = Duration::from_secs(30);

pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// What an engine keeps in a folder, and goes on with.
pub fn state(folder: &Folder) -> State {
    let store = Store::open(folder).unwrap();
    let checkpoint = store.checkpoint().unwrap();
    let needed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next);
    let journal = Journal::open(folder, needed, Sync::Always, true).unwrap();
    let recovery = Recovery::scan(journal.read(needed, false).unwrap(), checkpoint).unwrap();
    State { store, journal: Some(journal), recovery, interval: Duration::MAX }
}

/// An engine with one source, a sink of its events and one of its dead letters.
pub fn engine(decoding: Decoding, dedupe: bool, credit: usize, state: Option<State>) -> (Engine, Admission, Outlet, Outlet) {
    let form = decoding.encoding.form();
    let source = Source {
        name: "in".into(),
        decoding,
        max_lateness: 0,
        credit_batches: credit,
        credit_bytes: 1 << 24,
        logging: if state.is_some() { Logging::Bytes } else { Logging::Nothing },
        idle: None,
        clock_on_idle: false,
        dedupe: if dedupe { 600 * NANOS_PER_SECOND } else { 0 },
    };
    let sink = |feed, form| Sink { name: "out".into(), inputs: vec![feed], form };
    let sinks = vec![sink(Feed::Events(Input::Source(0)), form), sink(Feed::DeadLetters(Component::Source(0)), Form::Ndjson)];
    let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks };
    let settings = Settings { shards: 2, seed: 0, table_seed: 0, batch_events: 100 };
    let (engine, admission, outlets) = Engine::start(&topology, &settings, state).unwrap();
    let [events, dead] = <[Outlet; 2]>::try_from(outlets).unwrap_or_else(|_| panic!("two sinks"));
    (engine, admission, events, dead)
}

/// Accepts and keeps all text that an outlet gives.
pub fn drain(outlet: Outlet) -> JoinHandle<String> {
    thread::spawn(move || String::from_utf8(drain_bytes(outlet)).unwrap())
}

/// Accepts and keeps all that an outlet gives, on this thread.
pub fn drain_bytes(mut outlet: Outlet) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(delivery) = outlet.next_delivery() {
        delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
        delivery.accept();
    }
    bytes
}

/// Looks until something is so.
pub fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::yield_now();
    }
}

/// A source that listens there.
pub fn source(listeners: Vec<Listener>) -> NetSource {
    NetSource {
        name: "in".into(),
        number: 0,
        decoding: Decoding::default(),
        acknowledge: Acknowledge::Delivered,
        batch_bytes: 1 << 20,
        position: 0,
        partition: "net".into(),
        limits: NetLimits { admission: LONG, ..NetLimits::default() },
        dedupe: true,
        listeners,
    }
}

/// A source that runs.
pub struct Listening {
    /// By listener; nothing for a Unix socket.
    pub addresses: Vec<Option<SocketAddr>>,
    pub figures: Arc<NetFigures>,
    pub stop: Stop,
    pub admission: Admission,
    pub engine: Engine,
    thread: JoinHandle<Answers>,
    dead: JoinHandle<String>,
}

impl Listening {
    /// With the way out of its events.
    pub fn start(source: NetSource, credit: usize) -> (Self, Outlet) {
        Self::start_with(source, credit, None)
    }

    pub fn start_with(source: NetSource, credit: usize, state: Option<State>) -> (Self, Outlet) {
        let (engine, admission, events, dead) = engine(source.decoding.clone(), source.dedupe, credit, state);
        let server = source.bind(RUNTIME.handle()).unwrap();
        let (addresses, figures, stop) = (server.addresses(), server.figures(), Stop::new().unwrap());
        let (taking, stopping) = (admission.clone(), stop.clone());
        let thread = thread::spawn(move || server.run(&taking, &stopping).unwrap());
        (Self { addresses, figures, stop, admission, engine, thread, dead: drain(dead) }, events)
    }

    /// Of the first listener.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0].unwrap()
    }

    /// Stops as a signal does. Gives the dead letters.
    pub fn end(self) -> String {
        self.end_after(|| ())
    }

    /// The same, once whoever drains has come to an end: a checkpoint is committed only then.
    pub fn end_after(self, drained: impl FnOnce()) -> String {
        self.stop.request(Cause::Signal(15));
        let answers = self.thread.join().unwrap();
        self.admission.stop();
        let dead = self.dead.join().unwrap();
        drained();
        self.engine.join().unwrap();
        assert!(answers.wait(LONG), "some request has no answer");
        dead
    }
}
