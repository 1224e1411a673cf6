//! A source that is posted to: what it is made of, and its beginning and end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use eyas_codec::Decoding;
use eyas_engine::Admission;
use eyas_event::{Partition, Position};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Stopped;
use super::feeder::Feeder;
use super::figures::HttpFigures;
use super::serve::{Shared, serve};
use crate::Stop;

/// Connections that the operating system holds until they are accepted.
const BACKLOG: u32 = 1024;

/// When a request is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// Once every acknowledging sink has taken all of it.
    #[default]
    Delivered,
    /// Once it is in the journal.
    Journalled,
}

/// A source that is posted to.
#[derive(Clone, Debug)]
pub struct HttpSource {
    /// Its configured name.
    pub name: String,
    /// Its place in the topology.
    pub number: u16,
    /// How its bytes become events; always NDJSON.
    pub decoding: Decoding,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where events are posted to; `/health` is taken already.
    pub path: String,
    /// What a request must bear.
    pub token: Option<String>,
    /// Larger bodies are refused.
    pub max_body_bytes: usize,
    /// When a request is answered.
    pub acknowledge: Acknowledge,
    /// The most bytes of a batch, unless one event alone is longer.
    pub batch_bytes: usize,
    /// Position of the next byte of its partition.
    pub position: Position,
    /// What its partition is called.
    pub partition: String,
    /// What clients may take of us.
    pub limits: HttpLimits,
}

impl HttpSource {
    /// The largest body that is taken, unless told otherwise.
    pub const MAX_BODY_BYTES: usize = 10 << 20;
}

/// What clients may take of us.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// How long a connection may take to bring a whole head, and may idle before it.
    pub head: Duration,
    /// How long nothing may come of a body.
    pub body_idle: Duration,
    /// How long a request waits for admission.
    pub admission: Duration,
    /// How many connections there may be.
    pub connections: usize,
    /// How many bytes of bodies may wait for admission altogether.
    pub waiting_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            admission: Duration::from_secs(2),
            connections: 10_000,
            waiting_bytes: 128 << 20,
        }
    }
}

/// A source that does not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is taken, not ours, or not allowed.
    #[error("source {name:?}: cannot listen on {address}: {source}")]
    Listen {
        /// The source's configured name.
        name: String,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The operating system does not give what it needs.
    #[error("source {name:?}: cannot start: {source}")]
    Start {
        /// The source's configured name.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// A source that listens, and does not answer yet.
#[derive(Debug)]
pub struct HttpServer {
    source: HttpSource,
    runtime: Handle,
    listener: TcpListener,
    figures: Arc<HttpFigures>,
}

impl HttpSource {
    /// Begins to listen, so that what is wrong shows before anything runs. Connections wait until [`HttpServer::run`].
    pub fn bind(self, runtime: &Handle) -> Result<HttpServer, HttpError> {
        let _inside = runtime.enter();
        match listen(self.address) {
            Ok(listener) => Ok(HttpServer { source: self, runtime: runtime.clone(), listener, figures: Arc::default() }),
            Err(source) => Err(HttpError::Listen { name: self.name, address: self.address, source }),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a run before this one may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl HttpServer {
    /// Where it listens: the port, too, if the operating system was to choose one.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.source.address)
    }

    /// The figures, while it runs and after.
    pub fn figures(&self) -> Arc<HttpFigures> {
        self.figures.clone()
    }

    /// Takes requests in until a stop, on this thread; a live source never ends by itself and leaves its partition open. Requests that
    /// were taken in are answered by and by, as what becomes of them is known: give the rest of the run time for it by
    /// [`Answers::wait`].
    pub fn run(self, admission: &Admission, stop: &Stop) -> Result<Answers, HttpError> {
        let Self { source, runtime, listener, figures } = self;
        let start = |error| HttpError::Start { name: source.name.clone(), source: error };
        let stopped = {
            let _inside = runtime.enter();
            Stopped::new(stop).map_err(start)?
        };
        let partition = Partition { source: source.number, number: 0 };
        let mut feeder = Feeder::new(admission, partition, source.position, source.batch_bytes);
        let waiter = match source.acknowledge {
            Acknowledge::Delivered => None,
            Acknowledge::Journalled => Some(feeder.answer_when_logged().map_err(start)?),
        };
        if admission.open(partition, &source.partition, None, None).is_err() {
            return Ok(Answers { runtime, task: None });
        }
        let (shared, requests) = Shared::new(&source, figures);
        let task = runtime.spawn(serve(listener, Arc::new(shared), stopped));
        feeder.run(requests);
        // The feeder has hung up, so the waiter comes to its end.
        let _ = waiter.map(std::thread::JoinHandle::join);
        Ok(Answers { runtime, task: Some(task) })
    }
}

/// Answers that are still to be given.
#[derive(Debug)]
pub struct Answers {
    runtime: Handle,
    task: Option<JoinHandle<()>>,
}

impl Answers {
    /// Waits until all have been given, once everything that was taken in has left the engine; not longer than so long. Gives whether
    /// all have been.
    pub fn wait(self, at_most: Duration) -> bool {
        let Some(task) = self.task else { return true };
        self.runtime.block_on(async { tokio::time::timeout(at_most, task).await }).is_ok()
    }
}
