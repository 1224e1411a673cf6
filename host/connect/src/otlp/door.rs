//! The door for what is posted: each signal to its path, in protobuf or in JSON.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use eyas_codec::otlp::{Signal, stream, stream_of_json};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::grpc::{Code, Refusal};
use crate::http::{self, Credentials, HttpDoor, serve};
use crate::intake::{Intake, request_id};
use crate::net::Stream;
use crate::unpack::{Packing, unpack};

/// How signals are posted.
#[derive(Clone, Debug)]
pub struct OtlpHttpDoor {
    /// What a request must bear.
    pub auth: Option<Credentials>,
    /// Larger bodies are refused, packed or unpacked.
    pub max_body_bytes: usize,
}

/// How a body is written, and the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Proto,
    Json,
}

impl Spelling {
    /// By the type that a request declares.
    fn declared(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        [Self::Proto, Self::Json].into_iter().find(|spelling| name.eq_ignore_ascii_case(spelling.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

impl OtlpHttpDoor {
    /// What a connection too many is told.
    pub(crate) const TOO_MANY: &[u8] = HttpDoor::TOO_MANY;

    /// Serves a connection.
    pub(crate) async fn serve(&self, stream: Stream, intake: Intake) {
        let door = Arc::new(self.clone());
        let shared = intake.clone();
        serve(stream, &intake, move |request| answer(door.clone(), shared.clone(), request)).await;
    }
}

/// Answers a request. That it is answered well means that all of it is safe.
async fn answer(door: Arc<OtlpHttpDoor>, intake: Intake, request: Request<Incoming>) -> Response<Full<Bytes>> {
    // What is not read of a body stands before the next request, where they come one after the other.
    let (head, body) = request.into_parts();
    let one_by_one = head.version <= Version::HTTP_11;
    let spelling = text(&head.headers, header::CONTENT_TYPE).and_then(Spelling::declared);
    let (outcome, unread) = match judge(&door, &head, spelling) {
        Ok(wanted) => match take(&door, &intake, wanted, head.headers.contains_key(header::EXPECT), body).await {
            Ok(()) => (Ok(()), false),
            Err(refusal) => (Err((refusal.http(), refusal)), true),
        },
        Err(refused) => (Err(refused), !body.is_end_stream()),
    };
    let response = respond(outcome, spelling.unwrap_or(Spelling::Json), unread && one_by_one);
    intake.figures().answered(response.status());
    response
}

/// What a request brings, and how.
struct Wanted {
    signal: Signal,
    spelling: Spelling,
    packing: Option<Packing>,
}

/// All that can be said before the body is read.
fn judge(door: &OtlpHttpDoor, head: &hyper::http::request::Parts, spelling: Option<Spelling>) -> Result<Wanted, (StatusCode, Refusal)> {
    let refused = |refusal: Refusal| (refusal.http(), refusal);
    let path = head.uri.path();
    let Some(signal) = posted_to(path) else {
        return Err(refused(Refusal::Unknown(path.to_owned(), "signals are posted to /v1/logs, /v1/metrics and /v1/traces")));
    };
    if head.method != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, Refusal::Malformed("signals are posted".to_owned())));
    }
    if let Some(auth) = door.auth.as_ref().filter(|auth| !auth.is_borne_by(&head.headers)) {
        return Err(refused(Refusal::Stranger(auth.clone())));
    }
    let Some(spelling) = spelling else {
        let why = "bodies are application/x-protobuf or application/json, and say which".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, Refusal::Malformed(why)));
    };
    let packing = text(&head.headers, header::CONTENT_ENCODING).unwrap_or_default();
    let packing = Packing::by_name(packing).map_err(|()| refused(Refusal::Packing(packing.to_owned())))?;
    Ok(Wanted { signal, spelling, packing })
}

/// What comes to a path.
fn posted_to(path: &str) -> Option<Signal> {
    match path {
        "/v1/logs" => Some(Signal::Logs),
        "/v1/metrics" => Some(Signal::Metrics),
        "/v1/traces" => Some(Signal::Traces),
        _ => None,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    // What is no text is none that we know.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Reads the body and waits until all of it is safe. `asks`: the client sends it only once we begin to read.
async fn take(door: &OtlpHttpDoor, intake: &Intake, wanted: Wanted, asks: bool, body: Incoming) -> Result<(), Refusal> {
    let mut held = intake.hold();
    let body = tokio::select! {
        body = http::read(body, asks, door.max_body_bytes, intake.limits().body_idle, &mut held) => body.map_err(refusal)?,
        () = intake.stopping() => return Err(Refusal::STOPPING),
    };
    intake.figures().bytes.fetch_add(body.len() as u64, Relaxed);
    let (body, held) = match wanted.packing {
        None => (body, held),
        Some(packing) => unpack(packing, body, door.max_body_bytes, held).await?,
    };
    let stream = match wanted.spelling {
        Spelling::Proto => stream(wanted.signal, body)?,
        Spelling::Json => stream_of_json(wanted.signal, &body)?,
    };
    let id = request_id(b"otlp", &stream);
    Refusal::of(intake.take(stream, Some(id), held).await)
}

/// What was wrong with reading a body, in this protocol: it retries after few statuses, and what can get better must be one of them.
fn refusal(refusal: http::Refusal) -> Refusal {
    match refusal {
        http::Refusal::TooLarge(_) => Refusal::TooLarge(refusal.to_string()),
        http::Refusal::TooSlow => Refusal::TOO_SLOW,
        http::Refusal::CutOff => Refusal::CUT_OFF,
        http::Refusal::NoRoom => Refusal::NO_ROOM,
        other => Refusal::Malformed(other.to_string()),
    }
}

/// An answer in the spelling of the request: an empty response of its service, or a `google.rpc.Status`.
fn respond(outcome: Result<(), (StatusCode, Refusal)>, spelling: Spelling, close: bool) -> Response<Full<Bytes>> {
    let (status, body) = match &outcome {
        Ok(()) => (StatusCode::OK, if spelling == Spelling::Json { b"{}".to_vec() } else { Vec::new() }),
        Err((status, refusal)) => {
            let told = refusal.status(Code::ResourceExhausted);
            (*status, if spelling == Spelling::Json { told.to_json() } else { told.to_proto() })
        }
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(spelling.name()));
    match outcome {
        Err((_, Refusal::Stranger(auth))) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(auth.challenge()));
        }
        Err((_, Refusal::NotNow(_))) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Err((StatusCode::METHOD_NOT_ALLOWED, _)) => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        _ => {}
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
