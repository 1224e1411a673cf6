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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::auth::Credentials;
use crate::deliver::{Compression, Failure, FailureKind};

/// More of an answer is not read; the connection is given up instead.
const LONGEST_ANSWER: usize = 64 << 10;
/// How much of an answer is told.
const TOLD: usize = 200;

/// Where and how to post.
#[derive(Clone, Debug, Default)]
pub struct HttpClientConfig {
    /// Where to: `http://…`.
    pub uri: String,
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// How bodies are compressed.
    pub compression: Compression,
}

/// Posts JSON lines, one request at a time.
#[derive(Debug)]
pub struct HttpClient {
    target: Arc<Target>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

#[derive(Debug)]
struct Target {
    host: String,
    port: u16,
    path: Uri,
    headers: HeaderMap,
    compression: Compression,
}

impl HttpClient {
    /// Does not connect yet. Errors where the URI names no host, or a header cannot be one; the message says which.
    pub fn new(config: &HttpClientConfig) -> Result<Self, String> {
        let uri = &config.uri;
        let uri: Uri = uri.parse().map_err(|error| format!("{uri:?} is no URI: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!("{uri:?} is no http:// URI"));
        }
        let authority = uri.authority().ok_or_else(|| format!("{uri:?} names no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or_else(|| Ok(Uri::from_static("/")), |path| path.as_str().parse());
        let path = path.map_err(|error| format!("{uri:?} has no path: {error}"))?;
        let headers = all_headers(authority.as_str(), config)?;
        let target = Target { host, port: authority.port_u16().unwrap_or(80), path, headers, compression: config.compression };
        Ok(Self { target: Arc::new(target), connection: None })
    }

    /// Another one for the same, with a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self { target: self.target.clone(), connection: None }
    }

    /// Posts some lines. All is well once they have been taken.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        let body = self.target.compression.pack(body).await?;
        if let Some(kept) = self.connection.take()
            && let Ok(response) = self.post(kept, body.clone()).await
        {
            return self.judge(response).await;
        }
        // There was none, or it was closed while nothing was under way, which is nobody's fault.
        let stream = self.target.connect().await?;
        let fresh = open(stream).await?;
        let response = self.post(fresh, body).await?;
        self.judge(response).await
    }

    async fn post(&self, mut connection: SendRequest<Full<Bytes>>, body: Bytes) -> Result<Answering, Failure> {
        connection.ready().await.map_err(broken)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.path.clone();
        *request.headers_mut() = self.target.headers.clone();
        let response = connection.send_request(request).await.map_err(broken)?;
        Ok((connection, response))
    }

    /// Reads the answer; the connection is kept if nothing is left on it.
    async fn judge(&mut self, (connection, response): Answering) -> Result<(), Failure> {
        let (head, mut body) = response.into_parts();
        let status = head.status;
        let (mut told, mut length, mut whole) = (Vec::new(), 0, true);
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                // A yes counts, however it is put.
                Err(_) if status.is_success() => {
                    whole = false;
                    break;
                }
                Err(error) => return Err(broken(error)),
            };
            let Some(data) = frame.data_ref() else { continue };
            length += data.len();
            told.extend(data.iter().take(TOLD - told.len()));
            if length > LONGEST_ANSWER {
                whole = false;
                break;
            }
        }
        self.connection = whole.then_some(connection);
        if status.is_success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&told).trim().to_owned();
        let seconds = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Err(refused(status, seconds.map(Duration::from_secs), &told))
    }
}

/// An answer that has begun, and the connection that it comes on.
type Answering = (SendRequest<Full<Bytes>>, Response<Incoming>);

impl Target {
    async fn connect(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| Failure {
            kind: FailureKind::Connect,
            told: format!("cannot connect to {}:{}: {error}", self.host, self.port),
        })?;
        // Requests are written whole. Where it cannot be set they only take longer.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Begins to speak HTTP/1.1.
async fn open(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the sender; its errors are the requests'.
    tokio::spawn(connection);
    Ok(sender)
}

fn broken(error: hyper::Error) -> Failure {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    Failure { kind: FailureKind::Broken, told: format!("the connection broke: {error}{}", cause.unwrap_or_default()) }
}

/// What a status means: 400, 413 and 422 are about the bytes, which will not get better. All others are about how we or the receiver are
/// set up (401, 403, 404, 405, 415, and what redirects), which people can mend, or about how it is at the moment (408, 429, 5xx): so they
/// are tried again for ever, and shown.
fn refused(status: StatusCode, retry_after: Option<Duration>, told: &str) -> Failure {
    let permanent = matches!(status.as_u16(), 400 | 413 | 422);
    let kind = FailureKind::Refused { permanent, retry_after, code: status.as_str().to_owned() };
    Failure { kind, told: format!("answered {status}{}{told}", if told.is_empty() { "" } else { ": " }) }
}

fn all_headers(host: &str, config: &HttpClientConfig) -> Result<HeaderMap, String> {
    let value = |name: &str, value: &str| HeaderValue::from_str(value).map_err(|_| format!("the header {name:?} cannot have this value"));
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value("host", host)?);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("eyas/", env!("CARGO_PKG_VERSION"))));
    if let Some(encoding) = config.compression.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if let Some(credentials) = &config.credentials {
        let mut borne = value("authorization", &credentials.header())?;
        borne.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, borne);
    }
    for (name, text) in &config.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} cannot be the name of a header"))?;
        headers.insert(name.clone(), value(name.as_str(), text)?);
    }
    Ok(headers)
}
