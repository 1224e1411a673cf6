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

use super::auth::Credentials;
use super::target::Target;
use crate::deliver::{Compression, Failure, FailureKind};
use crate::net::{ClientTls, Stream};

/// More of an answer is not read; the connection is given up instead.
const LONGEST_ANSWER: usize = 64 << 10;
/// How much of an answer is told.
const TOLD: usize = 200;

/// Where to, as whom and how requests are posted, whatever the protocol over HTTP is.
#[derive(Clone, Debug, Default)]
pub struct HttpClientConfig {
    /// Where to: `http://…` or `https://…`.
    pub uri: String,
    /// How the connection is secured; without it, and with `https`, as the system would.
    pub tls: Option<ClientTls>,
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// How bodies are compressed.
    pub compression: Compression,
}

impl HttpClientConfig {
    /// What every request bears, with the type of its body unless another is given. The message of an error says which of them cannot be a
    /// header.
    pub(crate) fn all_headers(&self, content_type: &'static str) -> Result<HeaderMap, String> {
        let value =
            |name: &str, value: &str| HeaderValue::from_str(value).map_err(|_| format!("the header {name:?} cannot have this value"));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("eyas/", env!("CARGO_PKG_VERSION"))));
        if let Some(credentials) = &self.credentials {
            let mut borne = value("authorization", &credentials.header())?;
            borne.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, borne);
        }
        for (name, text) in &self.headers {
            let name: HeaderName = name.parse().map_err(|_| format!("{name:?} cannot be the name of a header"))?;
            headers.insert(name.clone(), value(name.as_str(), text)?);
        }
        Ok(headers)
    }
}

/// Posts bodies, one request at a time.
#[derive(Debug)]
pub struct HttpClient {
    way: Arc<Way>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// Where and how to post.
#[derive(Debug)]
struct Way {
    target: Target,
    path: Uri,
    headers: HeaderMap,
    compression: Compression,
}

impl HttpClient {
    /// For JSON lines. Does not connect yet. Errors where the URI names no host, or a header cannot be one; the message says which.
    pub fn new(config: &HttpClientConfig) -> Result<Self, String> {
        Self::of(config, "application/x-ndjson")
    }

    /// For bodies of any type.
    pub(crate) fn of(config: &HttpClientConfig, content_type: &'static str) -> Result<Self, String> {
        let target = Target::new(&config.uri, config.tls.as_ref(), &[b"http/1.1"])?;
        let mut headers = config.all_headers(content_type)?;
        headers.insert(header::HOST, target.host_header()?);
        if let Some(encoding) = config.compression.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        let way = Way { target, path: Target::path(&config.uri), headers, compression: config.compression };
        Ok(Self { way: Arc::new(way), connection: None })
    }

    /// Another one for the same, with a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self { way: self.way.clone(), connection: None }
    }

    /// Posts some lines. All is well once they have been taken.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        let answer = self.exchange(body).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.refused(is_permanent(answer.status))) }
    }

    /// Posts a body. Gives the answer, whatever it is.
    pub(crate) async fn exchange(&mut self, body: Bytes) -> Result<Answer, Failure> {
        let body = self.way.compression.pack(body).await?;
        if let Some(kept) = self.connection.take()
            && let Ok(response) = self.post(kept, body.clone()).await
        {
            return self.read(response).await;
        }
        // There was none, or it was closed while nothing was under way, which is nobody's fault.
        let fresh = open(self.way.target.connect().await?).await?;
        let response = self.post(fresh, body).await?;
        self.read(response).await
    }

    async fn post(&self, mut connection: SendRequest<Full<Bytes>>, body: Bytes) -> Result<Answering, Failure> {
        connection.ready().await.map_err(broken)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.way.path.clone();
        *request.headers_mut() = self.way.headers.clone();
        let response = connection.send_request(request).await.map_err(broken)?;
        Ok((connection, response))
    }

    /// Reads the answer; the connection is kept if nothing is left on it.
    async fn read(&mut self, (connection, response): Answering) -> Result<Answer, Failure> {
        let (head, mut body) = response.into_parts();
        let (status, mut read, mut whole) = (head.status, Vec::new(), true);
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
            read.extend(data.iter().take(LONGEST_ANSWER - read.len()));
            if read.len() == LONGEST_ANSWER {
                whole = false;
                break;
            }
        }
        self.connection = whole.then_some(connection);
        let seconds = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Answer { status, retry_after: seconds.map(Duration::from_secs), body: read })
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    /// How long the other side wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What was read of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// As a failure.
    pub fn refused(&self, permanent: bool) -> Failure {
        let (status, told) = (self.status, String::from_utf8_lossy(self.body.get(..TOLD).unwrap_or(&self.body)));
        let kind = FailureKind::Refused { permanent, retry_after: self.retry_after, code: status.as_str().to_owned() };
        let (told, gap) = (told.trim(), if told.trim().is_empty() { "" } else { ": " });
        Failure { kind, told: format!("answered {status}{gap}{told}") }
    }
}

/// An answer that has begun, and the connection that it comes on.
type Answering = (SendRequest<Full<Bytes>>, Response<Incoming>);

/// Begins to speak HTTP/1.1.
async fn open(stream: Stream) -> Result<SendRequest<Full<Bytes>>, Failure> {
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
fn is_permanent(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 413 | 422)
}
