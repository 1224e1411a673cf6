//! The side that calls: one connection for all calls of a sink, made anew when it is gone.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::{Code, Parts, Reader, Status, prefix};
use crate::deliver::{Compression, Failure, FailureKind};
use crate::http::{HttpClientConfig, Target};

/// More of an answer is not read.
const LONGEST_ANSWER: usize = 64 << 10;
/// While calls are under way: how often the other side is asked whether it is there, and how long it may take to say so. Others of its
/// kind are less patient with those who ask often.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// How messages are called in headers.
const CONTENT_TYPE: &str = "application/grpc+proto";

/// Calls methods. Cheap to clone: all clones share a connection, on which many calls may be under way.
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    target: Target,
    headers: HeaderMap,
    compression: Compression,
    /// Held while a connection is made, so that one is made for all who wait.
    making: tokio::sync::Mutex<()>,
    kept: Mutex<Kept>,
}

/// The connection, if there is one, and how many there have been.
#[derive(Default)]
struct Kept {
    connection: Option<SendRequest<Parts>>,
    number: u64,
}

impl fmt::Debug for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Channel").field(&self.0.target).finish()
    }
}

impl Channel {
    /// Does not connect yet. The message of an error says what is wrong with the configuration.
    pub fn new(config: &HttpClientConfig) -> Result<Self, String> {
        let target = Target::new(&config.uri, config.tls.as_ref(), &[b"h2"])?;
        if !matches!(config.uri.parse::<Uri>().as_ref().map(Uri::path), Ok("" | "/")) {
            return Err(format!("{:?} has a path, and gRPC has paths of its own", config.uri));
        }
        let mut headers = config.all_headers(CONTENT_TYPE)?;
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        if let Some(encoding) = config.compression.name() {
            headers.insert("grpc-encoding", HeaderValue::from_static(encoding));
        }
        let (making, kept) = (tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Shared { target, headers, compression: config.compression, making, kept })))
    }

    /// Calls a method. Gives how that went, and the message that came back. Whoever asks may drop the future halfway: the connection is not
    /// used for further calls then, as nobody knows whether anybody is there.
    pub async fn call(&self, path: &'static str, message: Bytes) -> Result<(Status, Bytes), Failure> {
        let packed = self.0.compression.name().is_some();
        let message = self.0.compression.pack(message).await?;
        let mut request = self.request(path, packed, message);
        // A connection that ends just now has taken nothing of it, which is nobody's fault.
        for _ in 0..2 {
            let (mut connection, doubt) = self.connection().await?;
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let answer = read(response).await?;
                    doubt.dispel();
                    return Ok(answer);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(error.error())),
                },
            }
        }
        Err(Failure { kind: FailureKind::Broken, told: "the connection broke before anything was sent".to_owned() })
    }

    /// Whether there is a connection at the moment.
    #[cfg(test)]
    pub fn is_connected(&self) -> bool {
        self.kept().is_some_and(|(_, doubt)| {
            doubt.dispel();
            true
        })
    }

    fn request(&self, path: &'static str, packed: bool, message: Bytes) -> Request<Parts> {
        let head = Bytes::copy_from_slice(&prefix(packed, message.len()));
        let mut request = Request::new(Parts::new(head, message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.0.target.uri(PathAndQuery::from_static(path));
        *request.headers_mut() = self.0.headers.clone();
        request
    }

    /// The connection that there is, or a new one.
    async fn connection(&self) -> Result<(SendRequest<Parts>, Doubt<'_>), Failure> {
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let _making = self.0.making.lock().await;
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let stream = self.0.target.connect().await?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING.0).keep_alive_timeout(PING.1);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends with the last sender; its errors are the calls'.
        tokio::spawn(connection);
        let mut kept = self.0.lock();
        kept.connection = Some(sender.clone());
        kept.number += 1;
        Ok((sender, Doubt { shared: &self.0, number: Some(kept.number) }))
    }

    fn kept(&self) -> Option<(SendRequest<Parts>, Doubt<'_>)> {
        let kept = self.0.lock();
        let connection = kept.connection.as_ref().filter(|connection| !connection.is_closed())?.clone();
        Some((connection, Doubt { shared: &self.0, number: Some(kept.number) }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection is any good. Where that is not known in the end it is not used for further calls; those under way go on.
struct Doubt<'a> {
    shared: &'a Shared,
    number: Option<u64>,
}

impl Doubt<'_> {
    /// It has answered to the end.
    fn dispel(mut self) {
        self.number = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut kept = self.shared.lock();
            if kept.number == number {
                kept.connection = None;
            }
        }
    }
}

/// Reads an answer to its end.
async fn read(response: Response<Incoming>) -> Result<(Status, Bytes), Failure> {
    let (head, mut body) = response.into_parts();
    if let Some(status) = Status::find(&head.headers) {
        return Ok((status, Bytes::new()));
    }
    if head.status != StatusCode::OK {
        let status = Status::new(Code::of_http(head.status), format!("HTTP {}", head.status));
        return Ok((status, Bytes::new()));
    }
    let (mut reader, mut trailers) = (Reader::new(LONGEST_ANSWER), None);
    let mut outcome = Ok(());
    while let Some(frame) = body.frame().await {
        match frame.map_err(|error| broken(&error))?.into_data() {
            Ok(data) => outcome = outcome.and_then(|()| reader.push(&data)),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if outcome.is_err() {
            break;
        }
    }
    match trailers.as_ref().and_then(Status::find) {
        // What has a status has been answered, whatever is wrong with the rest.
        Some(status) => Ok((status, reader.end().map_or_else(|_| Bytes::new(), |(_, message)| message.into()))),
        None => {
            let why = outcome.err().map(|error| format!(": {error}")).unwrap_or_default();
            Err(Failure { kind: FailureKind::Broken, told: format!("the answer has no status{why}") })
        }
    }
}

fn broken(error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    Failure { kind: FailureKind::Broken, told: format!("the connection broke: {error}{}", cause.unwrap_or_default()) }
}
