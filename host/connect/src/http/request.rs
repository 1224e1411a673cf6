//! One request: judged by its head, read, handed to the feeder, answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use eyas_event::Buffer;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::body::{Held, read};
use super::feeder::{Answer, Job, Reply};
use super::figures::Counted;
use super::lines::{BadBody, Declared, lines};
use super::serve::Shared;

/// Where one may ask whether we are there.
const HEALTH: &str = "/health";

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("nothing is here; events are posted to {0}")]
    NotFound(String),
    #[error("events are posted or put")]
    Method,
    #[error("the bearer token is missing or wrong")]
    Token,
    #[error("bodies are not unpacked: send them without content-encoding")]
    Packed,
    #[error("the body is larger than {0} bytes: send fewer events at once")]
    TooLarge(usize),
    #[error("nothing came of the body for too long")]
    TooSlow,
    #[error("the body was cut off")]
    CutOff,
    #[error("{0}")]
    Bad(#[from] BadBody),
    #[error("there is no room at the moment: send it again later")]
    NoRoom,
    #[error("not everything could be passed on: send it again")]
    NotTaken,
    #[error("the program is stopping: send it again later")]
    Stopping,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Packed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff | Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NoRoom | Self::NotTaken | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Beside status and text.
    fn header(&self) -> Option<(header::HeaderName, &'static str)> {
        match self {
            Self::Method => Some((header::ALLOW, "POST, PUT")),
            Self::Token => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::NoRoom | Self::NotTaken | Self::Stopping => Some((header::RETRY_AFTER, "1")),
            _ => None,
        }
    }

    fn response(&self, close: bool) -> Response<Full<Bytes>> {
        let text = serde_json::Value::from(self.to_string());
        let mut response = Response::new(Full::from(format!("{{\"error\":{text}}}\n")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = self.header() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Answers a request. That it is answered well means that all of it is safe.
pub async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // What is not read of a body stands before the next request.
    let (head, body) = request.into_parts();
    let unread = !body.is_end_stream();
    let response = match judge(shared, &head) {
        Ok(Wanted::Health) => Response::new(Full::default()),
        Ok(Wanted::Events(declared)) => match take(shared, declared, head.headers.contains_key(header::EXPECT), body).await {
            Ok(()) => Response::new(Full::default()),
            Err(refusal) => {
                let unread = matches!(refusal, Refusal::TooLarge(_) | Refusal::TooSlow | Refusal::CutOff | Refusal::Stopping);
                refusal.response(unread)
            }
        },
        Err(refusal) => refusal.response(unread),
    };
    shared.figures.answered(response.status());
    Ok(response)
}

/// What a request wants of us.
enum Wanted {
    Health,
    Events(Declared),
}

/// All that can be said before the body is read.
fn judge(shared: &Shared, head: &hyper::http::request::Parts) -> Result<Wanted, Refusal> {
    let path = head.uri.path();
    if path == HEALTH && matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(Wanted::Health);
    }
    if path != shared.path {
        return Err(Refusal::NotFound(shared.path.clone()));
    }
    if !matches!(head.method, Method::POST | Method::PUT) {
        return Err(Refusal::Method);
    }
    if shared.token.as_ref().is_some_and(|token| !bears(&head.headers, token)) {
        return Err(Refusal::Token);
    }
    if text(&head.headers, header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Refusal::Packed);
    }
    Ok(Wanted::Events(Declared::new(text(&head.headers, header::CONTENT_TYPE).unwrap_or_default())))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    // What is no text is none that we know.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether the token is borne. How long it takes does not tell how much of it is right.
fn bears(headers: &HeaderMap, token: &str) -> bool {
    let Some((scheme, borne)) = text(headers, header::AUTHORIZATION).and_then(|value| value.split_once(' ')) else { return false };
    let (borne, token) = (borne.trim().as_bytes(), token.as_bytes());
    let differing = borne.iter().zip(token).fold(0, |differing, (one, other)| std::hint::black_box(differing | (one ^ other)));
    scheme.eq_ignore_ascii_case("bearer") && borne.len() == token.len() && differing == 0
}

/// Reads the body and waits until all of it is safe. `asks`: the client sends it only once we begin to read.
async fn take(shared: &Shared, declared: Declared, asks: bool, body: Incoming) -> Result<(), Refusal> {
    let mut held = Held::new(&shared.waiting, shared.limits.waiting_bytes);
    let mut stopping = shared.stopping.subscribe();
    let body = tokio::select! {
        body = read(body, asks, shared.max_body_bytes, shared.limits.body_idle, &mut held) => body?,
        _ = stopping.wait_for(|stopping| *stopping) => return Err(Refusal::Stopping),
    };
    shared.figures.bytes.fetch_add(body.len() as u64, Relaxed);
    let lines = lines(body, declared)?;
    if lines.is_empty() {
        return Ok(());
    }
    let _unacknowledged = Counted::new(&shared.figures.unacknowledged);
    let until = Instant::now() + shared.limits.admission;
    let (reply, mut answer) = Reply::new();
    let lines = Arc::new(Buffer::new(lines));
    let job = Job { lines, ingest_time: crate::ingest_time(), until: until.into_std(), reply: reply.clone(), held };
    match timeout_at(until, shared.queue.send(Some(job))).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(Refusal::Stopping),
        Err(_) => return Err(Refusal::NoRoom),
    }
    let answer = match timeout_at(until, &mut answer).await {
        Ok(answer) => answer,
        // Those before it are in the way.
        Err(_) if reply.withdraw() => return Err(Refusal::NoRoom),
        Err(_) => answer.await,
    };
    match answer {
        Ok(Answer::Taken) => Ok(()),
        Ok(Answer::NotTaken) => Err(Refusal::NotTaken),
        Ok(Answer::NoRoom) => Err(Refusal::NoRoom),
        Ok(Answer::Closed) | Err(_) => Err(Refusal::Stopping),
    }
}
