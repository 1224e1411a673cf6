//! The side that is called: a request is judged by its head, read, handed in, answered.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method as HttpMethod, Request, Response, StatusCode, Version};
use tokio::time::timeout;

use super::service::Method;
use super::{Code, Parts, Reader, Refusal, Service, Status, prefix};
use crate::http::{Credentials, PATIENCE, hear_out, serve};
use crate::intake::{Held, Intake, request_id};
use crate::net::Stream;
use crate::unpack::{Packing, unpack};

/// How messages are packed that we take.
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip,zstd,identity");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// How methods are called.
#[derive(Clone, Debug)]
pub struct GrpcDoor {
    /// Whose.
    pub service: Service,
    /// What a request must bear.
    pub auth: Option<Credentials>,
    /// Larger messages are refused, packed or unpacked.
    pub max_body_bytes: usize,
}

impl GrpcDoor {
    /// What a connection too many is told: the beginning of HTTP/2 and its end, as it is one too many (`ENHANCE_YOUR_CALM`).
    pub(crate) const TOO_MANY: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b";

    /// Serves a connection.
    pub(crate) async fn serve(&self, stream: Stream, intake: Intake) {
        let door = Arc::new(self.clone());
        let shared = intake.clone();
        serve(stream, &intake, move |request| answer(door.clone(), shared.clone(), request)).await;
    }
}

/// Answers a request. That it is answered well means that all of it is safe.
async fn answer(door: Arc<GrpcDoor>, intake: Intake, request: Request<Incoming>) -> Response<Parts> {
    let (head, mut body) = request.into_parts();
    if let Some((status, text)) = is_no_call(&head) {
        intake.figures().answered(status);
        return plainly(status, text, head.version);
    }
    let outcome = match judge(&door, &head) {
        Ok((method, packing)) => take(&door, &intake, method, packing, &mut body).await.map(|()| method.says()),
        Err(refusal) => Err(refusal),
    };
    if outcome.as_ref().is_err_and(|refusal| *refusal != Refusal::TOO_SLOW) {
        // Some callers take an answer that comes before they have ended for an error of the stream, and come back for ever.
        hear_out(&mut body, door.max_body_bytes).await;
    }
    intake.figures().answered(outcome.as_ref().map_or_else(Refusal::http, |_| StatusCode::OK));
    respond(outcome, door.service.too_large())
}

/// What is wrong with a request that is no call at all, so that an answer as if it were one would not be understood.
fn is_no_call(head: &hyper::http::request::Parts) -> Option<(StatusCode, &'static str)> {
    if head.version != Version::HTTP_2 {
        return Some((StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC is spoken here, over HTTP/2\n"));
    }
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_grpc = content_type.and_then(|text| text.strip_prefix("application/grpc")).is_some_and(|rest| {
        // Of JSON and others we know nothing.
        matches!(rest.split(';').next().map(str::trim), Some("" | "+proto"))
    });
    if !is_grpc {
        return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "gRPC is spoken here: application/grpc or application/grpc+proto\n"));
    }
    (head.method != HttpMethod::POST).then_some((StatusCode::METHOD_NOT_ALLOWED, "methods of gRPC are called by POST\n"))
}

/// All that can be said before the body is read. A caller may say how long it waits (`grpc-timeout`): who gives up asks again, and what
/// was taken is known then.
fn judge(door: &GrpcDoor, head: &hyper::http::request::Parts) -> Result<(Method, Option<Packing>), Refusal> {
    let path = head.uri.path();
    let method = door.service.method(path).ok_or_else(|| Refusal::Unknown(path.to_owned(), door.service.called()))?;
    if let Some(auth) = door.auth.as_ref().filter(|auth| !auth.is_borne_by(&head.headers)) {
        return Err(Refusal::Stranger(auth.clone()));
    }
    // What is no text is none that we know.
    let packing = head.headers.get("grpc-encoding").map_or("", |value| value.to_str().unwrap_or("?"));
    let packing = Packing::by_name(packing).map_err(|()| Refusal::Packing(packing.to_owned()))?;
    Ok((method, packing))
}

/// Reads the message and waits until all of it is safe.
async fn take(door: &GrpcDoor, intake: &Intake, method: Method, packing: Option<Packing>, body: &mut Incoming) -> Result<(), Refusal> {
    let mut held = intake.hold();
    let (packed, message) = tokio::select! {
        read = read(body, door.max_body_bytes, intake, &mut held) => read?,
        () = intake.stopping() => return Err(Refusal::STOPPING),
    };
    intake.figures().bytes.fetch_add(message.len() as u64, Relaxed);
    let (message, held) = match (packed, packing) {
        (false, _) => (message, held),
        (true, Some(packing)) => unpack(packing, message, door.max_body_bytes, held).await?,
        (true, None) => return Err(Refusal::Malformed("the message is packed, and grpc-encoding does not say how".to_owned())),
    };
    let stream = method.stream(message)?;
    let id = request_id(b"grpc", &stream);
    Refusal::of(intake.take(stream, Some(id), held).await)
}

/// Reads the one message of a body, and whether it is packed, unless nothing comes of it for too long.
async fn read(body: &mut Incoming, most: usize, intake: &Intake, held: &mut Held) -> Result<(bool, Vec<u8>), Refusal> {
    let idle = intake.limits().body_idle;
    let end = Instant::now() + idle * PATIENCE;
    let mut reader = Reader::new(most);
    loop {
        let left = end.saturating_duration_since(Instant::now()).min(idle);
        let frame = match timeout(left, body.frame()).await {
            Err(_) => return Err(Refusal::TOO_SLOW),
            Ok(None) => return Ok(reader.end()?),
            Ok(Some(Err(_))) => return Err(Refusal::CUT_OFF),
            Ok(Some(Ok(frame))) => frame,
        };
        let Some(data) = frame.data_ref() else { continue };
        if !held.take(data.len()) {
            return Err(Refusal::NO_ROOM);
        }
        reader.push(data)?;
    }
}

/// An answer in gRPC: with a message, or with a status alone.
fn respond(outcome: Result<&'static [u8], Refusal>, too_large: Code) -> Response<Parts> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert("grpc-accept-encoding", ACCEPTED);
    let body = match outcome {
        Ok(message) => {
            let mut trailers = HeaderMap::new();
            Status::ok().put(&mut trailers);
            let head = Bytes::copy_from_slice(&prefix(false, message.len()));
            Parts::new(head, message).with_trailers(trailers)
        }
        Err(refusal) => {
            refusal.status(too_large).put(&mut headers);
            Parts::default()
        }
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// An answer for who does not speak gRPC.
fn plainly(status: StatusCode, text: &'static str, version: Version) -> Response<Parts> {
    let mut response = Response::new(Parts::new(text, Bytes::new()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if version < Version::HTTP_2 {
        // What was sent with it is not read, so nothing can follow on a connection where requests come one after the other.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
