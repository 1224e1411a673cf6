//! One connection to where events are posted, made anew when it is gone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::figures::HttpSinkFigures;

/// More of an answer is not read; the connection is given up instead.
const LONGEST_ANSWER: usize = 64 << 10;
/// How much of an answer is told.
const TOLD: usize = 200;

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no connection.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, std::io::Error),
    /// The connection broke.
    #[error("the connection broke: {}", causes(.0))]
    Broken(#[from] hyper::Error),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// An answer that is no yes.
    #[error("answered {status}{}{told}", if told.is_empty() { "" } else { ": " })]
    Status {
        /// Its status.
        status: StatusCode,
        /// What it asks for.
        retry_after: Option<Duration>,
        /// The beginning of its text.
        told: String,
    },
}

/// With what it comes from.
fn causes(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

impl Failure {
    /// Whether both are of one kind: so that only what is new is logged.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Status { status, .. }, Self::Status { status: other, .. }) => status == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// How long the other side wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// Posts, one request at a time.
pub struct Client {
    host: String,
    port: u16,
    path: Uri,
    headers: HeaderMap,
    timeout: Duration,
    figures: Arc<HttpSinkFigures>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// Errors where the URI names no host, or a header cannot be one; the message says which.
    pub fn new(
        uri: &str,
        token: Option<&str>,
        headers: &[(String, String)],
        timeout: Duration,
        figures: Arc<HttpSinkFigures>,
    ) -> Result<Self, String> {
        let uri: Uri = uri.parse().map_err(|error| format!("{uri:?} is no URI: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!("{uri:?} is no http:// URI"));
        }
        let authority = uri.authority().ok_or_else(|| format!("{uri:?} names no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or_else(|| Ok(Uri::from_static("/")), |path| path.as_str().parse());
        let path = path.map_err(|error| format!("{uri:?} has no path: {error}"))?;
        let headers = all_headers(authority.as_str(), token, headers)?;
        Ok(Self { host, port: authority.port_u16().unwrap_or(80), path, headers, timeout, figures, connection: None })
    }

    /// Posts some lines. All is well once they have been taken.
    pub async fn post(&mut self, body: Bytes) -> Result<(), Failure> {
        let timeout = self.timeout;
        let outcome = tokio::time::timeout(timeout, self.attempt(body)).await.unwrap_or(Err(Failure::Late(timeout)));
        if !matches!(outcome, Ok(()) | Err(Failure::Status { .. })) {
            // What comes of it later would be taken for the answer to another request.
            self.connection = None;
        }
        outcome
    }

    async fn attempt(&mut self, body: Bytes) -> Result<(), Failure> {
        if let Some(kept) = self.connection.take()
            && let Ok(response) = self.send(kept, body.clone()).await
        {
            return self.judge(response).await;
        }
        // There was none, or it was closed while nothing was under way, which is nobody's fault.
        let stream = TcpStream::connect((self.host.as_str(), self.port));
        let stream = stream.await.map_err(|error| Failure::Connect(format!("{}:{}", self.host, self.port), error))?;
        // Requests are written whole. Where it cannot be set they only take longer.
        let _ = stream.set_nodelay(true);
        let (fresh, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; its errors are the requests'.
        tokio::spawn(connection);
        let response = self.send(fresh, body).await?;
        self.judge(response).await
    }

    /// Sends on a connection, which is kept.
    async fn send(&mut self, mut connection: SendRequest<Full<Bytes>>, body: Bytes) -> Result<Response<Incoming>, hyper::Error> {
        connection.ready().await?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        let response = connection.send_request(request).await?;
        self.connection = Some(connection);
        Ok(response)
    }

    async fn judge(&mut self, response: Response<Incoming>) -> Result<(), Failure> {
        let (head, mut body) = response.into_parts();
        let status = head.status;
        self.figures.answered(status);
        let (mut told, mut length) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                // A yes counts, however it is put.
                Err(_) if status.is_success() => {
                    self.connection = None;
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(data) = frame.data_ref() else { continue };
            length += data.len();
            told.extend(data.iter().take(TOLD - told.len()));
            if length > LONGEST_ANSWER {
                self.connection = None;
                break;
            }
        }
        if status.is_success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&told).trim().to_owned();
        let seconds = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Err(Failure::Status { status, retry_after: seconds.map(Duration::from_secs), told })
    }
}

fn all_headers(host: &str, token: Option<&str>, given: &[(String, String)]) -> Result<HeaderMap, String> {
    let value = |name: &str, value: &str| HeaderValue::from_str(value).map_err(|_| format!("the header {name:?} cannot have this value"));
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value("host", host)?);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("eyas/", env!("CARGO_PKG_VERSION"))));
    if let Some(token) = token {
        let mut borne = value("authorization", &format!("Bearer {token}"))?;
        borne.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, borne);
    }
    for (name, text) in given {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} cannot be the name of a header"))?;
        headers.insert(name.clone(), value(name.as_str(), text)?);
    }
    Ok(headers)
}
