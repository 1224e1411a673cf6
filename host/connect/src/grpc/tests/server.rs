//! A server for callers, which does what a script says, then takes everything.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::support::{RUNTIME, framed};
use crate::grpc::{Parts, Status};

/// What a server does with a call.
#[derive(Clone, Debug)]
pub enum Act {
    /// Takes it, and says this.
    Say(Vec<u8>),
    /// Answers with a status behind an empty message.
    Trail(Status),
    /// Answers with a status alone.
    Refuse(Status),
    /// Answers without any status.
    Forget,
    /// Answers as something else that speaks HTTP does.
    Http(u16),
    /// Answers with more than anybody reads.
    Babble,
    /// Closes the connection.
    Close,
    /// Says nothing.
    Hang,
    /// Takes it once it is told to.
    Wait(Arc<Notify>),
}

/// A call: its path, headers and body.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A server that counts its connections.
pub struct Server {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Act>,
    calls: Vec<Call>,
    connections: Vec<AbortHandle>,
}

impl Server {
    pub fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let state = Arc::new(Mutex::new(State { script: script.into_iter().collect(), ..State::default() }));
        let server = Self { address: listener.local_addr().unwrap(), state: state.clone() };
        // It ends with the test.
        RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, place) = (state.clone(), state.lock().unwrap().connections.len());
                let connection = RUNTIME.spawn(serve(stream, state.clone(), place));
                state.lock().unwrap().connections.push(connection.abort_handle());
            }
        });
        server
    }

    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections.len()
    }

    /// Closes all connections that there are.
    pub fn hang_up(&self) {
        self.state.lock().unwrap().connections.iter().for_each(AbortHandle::abort);
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>, place: usize) {
    let service = service_fn(move |request| answer(request, state.clone(), place));
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>, place: usize) -> Result<Response<Parts>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::default()) };
    let call = Call { path: head.uri.path().to_owned(), headers: head.headers, body: body.to_bytes().to_vec() };
    let (act, own) = {
        let mut state = state.lock().unwrap();
        state.calls.push(call);
        (state.script.pop_front().unwrap_or_else(|| Act::Say(Vec::new())), state.connections.get(place).cloned())
    };
    let trailers = |status: &Status| {
        let mut trailers = HeaderMap::new();
        status.put(&mut trailers);
        trailers
    };
    let message = |message: &[u8]| Parts::new(framed(false, message), Bytes::new());
    let mut response = Response::new(Parts::default());
    match act {
        Act::Say(said) => *response.body_mut() = message(&said).with_trailers(trailers(&Status::ok())),
        Act::Trail(status) => *response.body_mut() = message(b"").with_trailers(trailers(&status)),
        Act::Refuse(status) => status.put(response.headers_mut()),
        Act::Forget => *response.body_mut() = message(b""),
        Act::Http(status) => *response.status_mut() = status.try_into().unwrap(),
        Act::Babble => *response.body_mut() = message(&vec![0; 1 << 20]).with_trailers(trailers(&Status::ok())),
        Act::Close => {
            own.iter().for_each(AbortHandle::abort);
            std::future::pending::<()>().await;
        }
        Act::Hang => tokio::time::sleep(Duration::from_secs(3600)).await,
        Act::Wait(until) => {
            until.notified().await;
            *response.body_mut() = message(b"").with_trailers(trailers(&Status::ok()));
        }
    }
    Ok(response)
}
