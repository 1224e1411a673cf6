//! A sink that posts, behind an engine.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use eyas_codec::{Decoding, Form};
use eyas_engine::{Admission, Engine, Outlet, Receipt, State};
use eyas_event::{Buffer, Partition, Slice};

use tokio::net::TcpSocket;

use crate::http::tests::support::*;
use crate::{Cause, Client, Concurrency, HttpClient, HttpClientConfig, NetSink, NetSinkConfig, NetSinkFigures, Stop, WhenFull};

pub const HOUR: Duration = Duration::from_secs(3600);
const PARTITION: Partition = Partition { source: 0, number: 0 };

pub fn client(uri: impl Into<String>) -> Client {
    client_of(HttpClientConfig { uri: uri.into(), ..HttpClientConfig::default() })
}

pub fn client_of(config: HttpClientConfig) -> Client {
    Client::Http(Box::new(HttpClient::new(&config).unwrap()))
}

pub fn config(client: Client) -> NetSinkConfig {
    NetSinkConfig {
        name: "back".into(),
        client,
        form: Form::Ndjson,
        batch_bytes: 1000,
        batch_timeout: Duration::from_millis(5),
        concurrency: Concurrency::Fixed(1),
        timeout: LONG,
        retry_initial_backoff: Duration::from_millis(1),
        retry_max: Duration::from_millis(5),
        when_full: WhenFull::Block,
        outbox: None,
        dead_letters: None,
        unsettled: Vec::new(),
        sources: vec!["in".into()],
    }
}

/// A socket that refuses connections until it listens.
pub fn refusing() -> (TcpSocket, SocketAddr) {
    let _inside = RUNTIME.enter();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// From now on it listens.
pub fn listen(socket: TcpSocket) -> TcpListener {
    let _inside = RUNTIME.enter();
    let listener = socket.listen(16).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener
}

/// A sink that runs behind an engine.
pub struct Posting {
    pub admission: Admission,
    engine: Engine,
    pub figures: Arc<NetSinkFigures>,
    pub stop: Stop,
    thread: JoinHandle<()>,
    dead: JoinHandle<String>,
    position: u64,
}

impl Posting {
    pub fn start(config: NetSinkConfig, credit: usize) -> Self {
        Self::start_with(config, credit, None)
    }

    pub fn start_with(config: NetSinkConfig, credit: usize, state: Option<State>) -> Self {
        Self::start_beside(config, credit, state, |dead, _| drain(dead))
    }

    /// `beside`: what becomes of the source's dead letters.
    pub fn start_beside(
        config: NetSinkConfig,
        credit: usize,
        state: Option<State>,
        beside: impl FnOnce(Outlet, &Stop) -> JoinHandle<String>,
    ) -> Self {
        let (engine, admission, outlet, dead) = engine(Decoding::default(), false, credit, state);
        admission.open(PARTITION, "test", None, None).unwrap();
        let sink = NetSink::new(config);
        let (figures, stop) = (sink.figures(), Stop::new().unwrap());
        let (stopping, dead) = (stop.clone(), beside(dead, &stop));
        let thread = thread::spawn(move || sink.run(outlet, &stopping, RUNTIME.handle()).unwrap());
        Self { admission, engine, figures, stop, thread, dead, position: 0 }
    }

    /// Events as a request. Gives where to look whether it is settled: 0 not yet, 1 taken, 2 not taken.
    pub fn feed(&mut self, text: &str) -> Arc<AtomicU8> {
        self.feed_and(text, |_| ())
    }

    /// The same; `settle` is called as it is settled, with whether it is taken.
    pub fn feed_and(&mut self, text: &str, settle: impl FnOnce(bool) + Send + Sync + 'static) -> Arc<AtomicU8> {
        let settled = Arc::new(AtomicU8::new(0));
        let told = settled.clone();
        let receipt = Arc::new(Receipt::new(move |taken| {
            settle(taken);
            told.store(if taken { 1 } else { 2 }, Relaxed);
        }));
        let buffer = Arc::new(Buffer::new(text.as_bytes().to_vec()));
        let range = 0..buffer.len();
        let slice = Slice {
            partition: PARTITION,
            position: self.position,
            ingest_time: 0,
            buffer,
            range,
            header: None,
            oversize: false,
            turn_end: None,
            request: None,
        };
        self.position += text.len() as u64;
        self.admission.admit_within(slice, &receipt, LONG).unwrap();
        settled
    }

    /// How many checkpoints have been committed.
    pub fn committed(&self) -> u64 {
        self.engine.counters().checkpoints.committed.load(Relaxed)
    }

    /// The end of input.
    pub fn end(self) {
        self.end_with(Admission::finish);
    }

    /// An end as a signal brings it.
    pub fn end_by_stop(self) {
        self.stop.request(Cause::Signal(15));
        self.end_with(Admission::stop);
    }

    fn end_with(self, end: impl FnOnce(&Admission)) {
        end(&self.admission);
        self.thread.join().unwrap();
        self.dead.join().unwrap();
        self.engine.join().unwrap();
    }
}
