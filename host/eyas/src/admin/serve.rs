//! The page over HTTP: a request, its answer, and the connection is closed. It answers nothing that could hold a run up.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Page;
use super::metrics::{self, metrics};
use super::status::State;

/// Connections at once; more of them are closed at once.
const CONNECTIONS: usize = 64;
/// How long a connection may take altogether.
const LONGEST: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// How long to wait where there are no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const PATHS: &str = "/live     200 as long as the program runs
/ready    200 while events are taken in, else 503 and why not
/metrics  figures for Prometheus
/status   figures for people, what is wrong, and what to do about it
";

/// Begins to listen. To be called within a runtime.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a run before this one may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(CONNECTIONS as u32)
}

/// Serves for ever.
pub async fn serve(listener: TcpListener, page: Arc<Page>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            let page = page.clone();
            tokio::spawn(async move {
                // Who is too slow or sends nonsense gets nothing, and nobody needs to hear of it.
                let _ = timeout(LONGEST, connection(stream, &page)).await;
                drop(place);
            });
        }
    }
}

async fn connection(stream: TcpStream, page: &Page) -> hyper::Result<()> {
    let service = service_fn(async |request: hyper::Request<hyper::body::Incoming>| {
        Ok::<_, Infallible>(answer(page, request.method(), request.uri().path()))
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).max_buf_size(HEAD_BYTES).serve_connection(TokioIo::new(stream), service).await
}

fn answer(page: &Page, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, kind, text) = match path {
        _ if !matches!(*method, Method::GET | Method::HEAD) => (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET and HEAD only\n".to_owned()),
        "/" => (StatusCode::OK, PLAIN, PATHS.to_owned()),
        "/live" => (StatusCode::OK, PLAIN, "live\n".to_owned()),
        "/ready" => match page.state() {
            State::Ready => (StatusCode::OK, PLAIN, "ready\n".to_owned()),
            state => {
                let (name, meaning) = state.explained();
                (StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not ready: {name}: {meaning}\n"))
            }
        },
        "/metrics" => (StatusCode::OK, metrics::CONTENT_TYPE, metrics(&page.status())),
        "/status" => match serde_json::to_string_pretty(&page.status()) {
            Ok(text) => (StatusCode::OK, JSON, text + "\n"),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{error}\n")),
        },
        _ => (StatusCode::NOT_FOUND, PLAIN, format!("there is nothing here; there is\n{PATHS}")),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
