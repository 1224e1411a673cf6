//! Connections: accepted up to a number, served, and brought to their ends on a stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::feeder::Job;
use super::figures::{Counted, HttpFigures};
use super::request::answer;
use super::{HttpLimits, HttpSource, Stopped};

/// Requests that wait for the feeder.
const WAITING: usize = 64;
/// How long to wait where there are no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);
/// What a connection too many is told.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What all connections of a source share.
pub struct Shared {
    pub name: String,
    pub path: String,
    pub token: Option<String>,
    pub max_body_bytes: usize,
    pub limits: HttpLimits,
    pub figures: Arc<HttpFigures>,
    /// Bytes of bodies that wait for admission.
    pub waiting: Arc<AtomicUsize>,
    /// To the feeder; nothing: it is to end.
    pub queue: mpsc::Sender<Option<Job>>,
    /// Whether the source stops.
    pub stopping: watch::Sender<bool>,
}

impl Shared {
    /// With the feeder's end.
    pub fn new(source: &HttpSource, figures: Arc<HttpFigures>) -> (Self, mpsc::Receiver<Option<Job>>) {
        let (queue, requests) = mpsc::channel(WAITING);
        let shared = Self {
            name: source.name.clone(),
            path: source.path.clone(),
            token: source.token.clone(),
            max_body_bytes: source.max_body_bytes,
            limits: source.limits.clone(),
            figures,
            waiting: Arc::default(),
            queue,
            stopping: watch::Sender::new(false),
        };
        (shared, requests)
    }
}

/// Serves until a stop, or until the feeder has ended; then until all requests have their answers.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: Stopped) {
    let places = Arc::new(Semaphore::new(shared.limits.connections.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped.wait() => break,
            () = shared.queue.closed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                failing = false;
                admit(stream, &places, &shared, &graceful);
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(source = %shared.name, "cannot accept connections: {error}");
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    shared.stopping.send_replace(true);
    // A feeder that has ended already needs no telling.
    let _ = shared.queue.send(None).await;
    drop(shared);
    graceful.shutdown().await;
}

/// Serves a connection if there is a place for it.
fn admit(stream: TcpStream, places: &Arc<Semaphore>, shared: &Arc<Shared>, graceful: &GracefulShutdown) {
    match places.clone().try_acquire_owned() {
        Ok(place) => {
            tokio::spawn(connection(stream, place, shared.clone(), graceful.watcher()));
        }
        Err(_) => {
            shared.figures.refused_connections.fetch_add(1, Relaxed);
            // Whether it hears that is its own affair.
            let _ = stream.try_write(TOO_MANY);
        }
    }
}

async fn connection(stream: TcpStream, place: OwnedSemaphorePermit, shared: Arc<Shared>, watcher: Watcher) {
    let _open = Counted::new(&shared.figures.connections);
    // Answers are small; without it they would only come later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(&shared, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.head)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(source = %shared.name, "a connection ended before its time: {error}");
    }
    drop(place);
}
