//! An engine between a source and whoever drains it; clients and servers that do exactly what they are told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eyas_codec::Decoding;
use eyas_engine::{Admission, Component, Engine, Feed, Input, Logging, Outlet, Recovery, Settings, Sink, Source, State, Topology};
use eyas_state::{Folder, Journal, Store, Sync};
use tokio::runtime::Runtime;

use crate::http::{Acknowledge, Answers, HttpFigures, HttpLimits, HttpSource};
use crate::{Cause, Stop};

/// For anything that is to happen: it is a defect if it takes longer.
pub const LONG: Duration = Duration::from_secs(30);

pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// What an engine keeps in a folder.
pub fn state(folder: &Folder) -> State {
    let journal = Journal::open(folder, 0, Sync::Always, true).unwrap();
    let recovery = Recovery::scan(journal.read(0, false).unwrap(), None).unwrap();
    State { store: Store::open(folder).unwrap(), journal: Some(journal), recovery, interval: Duration::MAX }
}

/// An engine with one source, a sink of its events and one of its dead letters.
pub fn engine(credit: usize, state: Option<State>) -> (Engine, Admission, Outlet, Outlet) {
    let source = Source {
        name: "in".into(),
        decoding: Decoding::default(),
        max_lateness: 0,
        credit_batches: credit,
        credit_bytes: 1 << 24,
        logging: if state.is_some() { Logging::Bytes } else { Logging::Nothing },
        idle: None,
        clock_on_idle: false,
        dedupe: 0,
    };
    let sink = |feed| Sink { name: "out".into(), inputs: vec![feed], form: Default::default() };
    let sinks = vec![sink(Feed::Events(Input::Source(0))), sink(Feed::DeadLetters(Component::Source(0)))];
    let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks };
    let settings = Settings { shards: 2, seed: 0, table_seed: 0, batch_events: 100 };
    let (engine, admission, outlets) = Engine::start(&topology, &settings, state).unwrap();
    let [events, dead] = <[Outlet; 2]>::try_from(outlets).unwrap_or_else(|_| panic!("two sinks"));
    (engine, admission, events, dead)
}

/// Accepts and keeps all that an outlet gives.
pub fn drain(mut outlet: Outlet) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        while let Some(delivery) = outlet.next_delivery() {
            delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
            delivery.accept();
        }
        String::from_utf8(bytes).unwrap()
    })
}

/// Looks until something is so.
pub fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::yield_now();
    }
}

pub fn source() -> HttpSource {
    HttpSource {
        name: "in".into(),
        number: 0,
        decoding: Decoding::default(),
        address: "127.0.0.1:0".parse().unwrap(),
        path: "/".into(),
        token: None,
        max_body_bytes: 1 << 20,
        acknowledge: Acknowledge::Delivered,
        batch_bytes: 1 << 20,
        position: 0,
        partition: "http".into(),
        limits: HttpLimits { admission: LONG, ..HttpLimits::default() },
    }
}

/// A source that runs.
pub struct Listening {
    pub address: SocketAddr,
    pub figures: Arc<HttpFigures>,
    pub stop: Stop,
    pub admission: Admission,
    pub engine: Engine,
    thread: JoinHandle<Answers>,
    dead: JoinHandle<String>,
}

impl Listening {
    /// With the way out of its events.
    pub fn start(source: HttpSource, credit: usize) -> (Self, Outlet) {
        Self::start_with(source, credit, None)
    }

    pub fn start_with(source: HttpSource, credit: usize, state: Option<State>) -> (Self, Outlet) {
        let (engine, admission, events, dead) = engine(credit, state);
        let server = source.bind(RUNTIME.handle()).unwrap();
        let (address, figures, stop) = (server.address(), server.figures(), Stop::new().unwrap());
        let (taking, stopping) = (admission.clone(), stop.clone());
        let thread = thread::spawn(move || server.run(&taking, &stopping).unwrap());
        (Self { address, figures, stop, admission, engine, thread, dead: drain(dead) }, events)
    }

    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
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

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub head: String,
    pub text: String,
}

/// A client's connection, on which anything may be written.
pub struct Connection(pub TcpStream);

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).unwrap();
    }

    /// Posts with further headers, each with its line's end.
    pub fn post(&mut self, headers: &str, body: &str) -> Answered {
        self.send_post(headers, body);
        self.answer().unwrap()
    }

    pub fn send_post(&mut self, headers: &str, body: &str) {
        self.send(format!("POST / HTTP/1.1\r\nhost: here\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()));
    }

    /// The next answer; nothing where the connection ends.
    pub fn answer(&mut self) -> Option<Answered> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answered { status, head, text: String::from_utf8(text).unwrap() })
    }

    /// Whether no answer has come by now.
    pub fn is_waiting(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// What a server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Takes it, and says so.
    Take,
    /// The same once another has come there, too.
    TakeAt(Arc<Barrier>),
    /// Takes it, says so, and closes the connection without a word about that.
    TakeAndClose,
    /// Answers with this status and these headers, each with its line's end.
    Answer(u16, &'static str),
    /// Reads half of it, and closes.
    Close,
    /// Reads it, and says nothing until the connection is closed from the other side.
    Hang,
}

/// A request that was taken or not.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
    pub act: String,
}

/// A server that does what a script says, then takes everything; one connection after the other.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(script: impl IntoIterator<Item = Act> + Send + 'static) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    pub fn listen(listener: TcpListener, script: impl IntoIterator<Item = Act> + Send + 'static) -> Self {
        let server = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let (requests, mut script) = (server.requests.clone(), script.into_iter().collect::<Vec<_>>().into_iter());
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                while serve(stream.as_ref().unwrap(), &mut script, &requests).is_some() {}
            }
        });
        server
    }

    pub fn uri(&self) -> String {
        format!("http://{}/events?from=eyas", self.address)
    }

    /// The bodies that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.act.starts_with("Take")).map(|request| request.body.clone()).collect()
    }
}

/// One request; nothing where the connection is at its end.
fn serve(mut stream: &TcpStream, script: &mut impl Iterator<Item = Act>, requests: &Mutex<Vec<Request>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let act = script.next().unwrap_or(Act::Take);
    let mut body = vec![0; if matches!(act, Act::Close) { length / 2 } else { length }];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    requests.lock().unwrap().push(Request { head, body, act: format!("{act:?}") });
    let answer = |status, headers| format!("HTTP/1.1 {status} So\r\n{headers}content-length: 3\r\n\r\nso\n");
    if let Act::TakeAt(barrier) = &act {
        barrier.wait();
    }
    match act {
        Act::Take | Act::TakeAt(_) => stream.write_all(answer(204, "").replace("content-length: 3\r\n\r\nso\n", "\r\n").as_bytes()).ok(),
        Act::TakeAndClose => stream.write_all(answer(200, "").as_bytes()).ok().and(None),
        Act::Answer(status, headers) => stream.write_all(answer(status, headers).as_bytes()).ok(),
        Act::Close => None,
        Act::Hang => stream.read_exact(&mut [0]).ok(),
    }
}

/// Events `{"n":i}`.
pub fn events(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("{{\"n\":{n}}}\n")).collect()
}
