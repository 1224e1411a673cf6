//! A server that takes what it is sent, or does not: it is asked about each request, and knows what it has taken before it says so.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bed::RUNTIME;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is taken.
    Take,
    /// It is answered with this status.
    Refuse(u16),
    /// The connection is cut before anything is taken.
    Cut,
    /// It is taken, but the connection is cut instead of an answer.
    TakeAndCut,
    /// It is taken, and answered after a while.
    TakeSlowly,
}

type Judge = dyn FnMut(&str) -> Verdict + Send;

struct Inner {
    judge: Mutex<Box<Judge>>,
    taken: Mutex<Vec<String>>,
    lines: Mutex<HashSet<String>>,
    bodies: Mutex<Vec<Bytes>>,
    heads: Mutex<Vec<HeaderMap>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// Requests wait for it.
    open: watch::Sender<bool>,
}

/// One that listens.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    inner: Arc<Inner>,
}

impl Receiver {
    /// It judges by the whole body.
    pub fn start(judge: impl FnMut(&str) -> Verdict + Send + 'static) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let inner = Inner {
            judge: Mutex::new(Box::new(judge)),
            taken: Mutex::default(),
            lines: Mutex::default(),
            bodies: Mutex::default(),
            heads: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            open: watch::Sender::new(true),
        };
        let receiver = Self { address: listener.local_addr().unwrap(), inner: Arc::new(inner) };
        let serving = receiver.clone();
        RUNTIME.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let receiver = serving.clone();
                let service = service_fn(move |request| receiver.clone().answer(request));
                // An error is how a connection is cut.
                RUNTIME.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        receiver
    }

    /// One that takes everything.
    pub fn willing() -> Self {
        Self::start(|_| Verdict::Take)
    }

    pub fn uri(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on requests are read, but wait.
    pub fn close(&self) {
        self.inner.open.send_replace(false);
    }

    /// Those that wait go on.
    pub fn open(&self) {
        self.inner.open.send_replace(true);
    }

    /// The bodies that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        self.inner.taken.lock().unwrap().clone()
    }

    /// Whether every line of this has been taken.
    pub fn has(&self, lines: &str) -> bool {
        let taken = self.inner.lines.lock().unwrap();
        lines.split_inclusive('\n').all(|line| taken.contains(line))
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<HeaderMap> {
        self.inner.heads.lock().unwrap().clone()
    }

    /// The bodies of all requests.
    pub fn bodies(&self) -> Vec<Bytes> {
        self.inner.bodies.lock().unwrap().clone()
    }

    /// How many requests are here now, and were at the most.
    pub fn requests(&self) -> (usize, usize) {
        (self.inner.under_way.load(SeqCst), self.inner.most.load(SeqCst))
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let under_way = self.inner.under_way.fetch_add(1, SeqCst) + 1;
        self.inner.most.fetch_max(under_way, SeqCst);
        let answer = self.judged(request).await;
        self.inner.under_way.fetch_sub(1, SeqCst);
        answer
    }

    async fn judged(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        self.inner.heads.lock().unwrap().push(request.headers().clone());
        let body = request.into_body().collect().await.map_err(|_| Cut)?.to_bytes();
        self.inner.bodies.lock().unwrap().push(body.clone());
        let body = String::from_utf8_lossy(&body).into_owned();
        let _ = self.inner.open.subscribe().wait_for(|open| *open).await;
        let verdict = (self.inner.judge.lock().unwrap())(&body);
        if matches!(verdict, Verdict::Take | Verdict::TakeAndCut | Verdict::TakeSlowly) {
            self.inner.lines.lock().unwrap().extend(body.split_inclusive('\n').map(str::to_owned));
            self.inner.taken.lock().unwrap().push(body);
        }
        match verdict {
            Verdict::Cut | Verdict::TakeAndCut => return Err(Cut),
            Verdict::TakeSlowly => tokio::time::sleep(Duration::from_millis(3)).await,
            Verdict::Take | Verdict::Refuse(_) => {}
        }
        let status = if let Verdict::Refuse(status) = verdict { status } else { 200 };
        let text = if status == 200 { "" } else { "no, thank you" };
        Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
    }
}

/// The connection is to be cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("cut")
    }
}

impl std::error::Error for Cut {}
