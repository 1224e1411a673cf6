//! One request: judged by its head, read, handed to the feeder, answered.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

use super::auth::Credentials;
use super::body::read;
use super::door::HttpDoor;
use super::lines::{BadBody, Declared, lines};
use crate::intake::{Answer, Intake, request_id};
use crate::unpack::{NotUnpacked, Packing, unpack};

/// Where one may ask whether we are there.
const HEALTH: &str = "/health";

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("nothing is here; events are posted to {0}")]
    NotFound(String),
    #[error("events are posted or put")]
    Method,
    #[error("the {} is missing or wrong", match .0 { Credentials::Bearer { .. } => "bearer token", Credentials::Basic { .. } => "user or password" })]
    Stranger(Credentials),
    #[error("bodies with the content-encoding {0:?} are not unpacked; there are {names}", names = Packing::NAMES)]
    Packed(String),
    #[error("the body is larger than {0} bytes: send fewer events at once")]
    TooLarge(usize),
    #[error("nothing came of the body for too long")]
    TooSlow,
    #[error("the body was cut off")]
    CutOff,
    #[error("{0}")]
    Bad(#[from] BadBody),
    #[error("{0}")]
    NotUnpacked(NotUnpacked),
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
            Self::Stranger(_) => StatusCode::UNAUTHORIZED,
            Self::Packed(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) | Self::NotUnpacked(NotUnpacked::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff | Self::Bad(_) | Self::NotUnpacked(NotUnpacked::Broken(..)) => StatusCode::BAD_REQUEST,
            Self::NoRoom | Self::NotUnpacked(NotUnpacked::NoRoom) | Self::NotTaken | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Beside status and text.
    fn header(&self) -> Option<(header::HeaderName, &'static str)> {
        match self {
            Self::Method => Some((header::ALLOW, "POST, PUT")),
            Self::Stranger(auth) => Some((header::WWW_AUTHENTICATE, auth.challenge())),
            Self::Packed(_) => Some((header::ACCEPT_ENCODING, Packing::NAMES)),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
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
pub async fn answer(door: Arc<HttpDoor>, intake: Intake, request: Request<Incoming>) -> Response<Full<Bytes>> {
    // What is not read of a body stands before the next request, where they come one after the other.
    let (head, body) = request.into_parts();
    let one_by_one = head.version <= Version::HTTP_11;
    let unread = one_by_one && !body.is_end_stream();
    let response = match judge(&door, &head) {
        Ok(Wanted::Health) => Response::new(Full::default()),
        Ok(Wanted::Events(declared, packing)) => {
            let asks = head.headers.contains_key(header::EXPECT);
            match take(&door, &intake, declared, packing, body, asks).await {
                Ok(()) => Response::new(Full::default()),
                Err(refusal) => {
                    let unread = matches!(refusal, Refusal::TooLarge(_) | Refusal::TooSlow | Refusal::CutOff | Refusal::Stopping);
                    refusal.response(unread && one_by_one)
                }
            }
        }
        Err(refusal) => refusal.response(unread),
    };
    intake.figures().answered(response.status());
    response
}

/// What a request wants of us.
enum Wanted {
    Health,
    Events(Declared, Option<Packing>),
}

/// All that can be said before the body is read.
fn judge(door: &HttpDoor, head: &hyper::http::request::Parts) -> Result<Wanted, Refusal> {
    let path = head.uri.path();
    if path == HEALTH && matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(Wanted::Health);
    }
    if path != door.path {
        return Err(Refusal::NotFound(door.path.clone()));
    }
    if !matches!(head.method, Method::POST | Method::PUT) {
        return Err(Refusal::Method);
    }
    if let Some(auth) = door.auth.as_ref().filter(|auth| !auth.is_borne_by(&head.headers)) {
        return Err(Refusal::Stranger(auth.clone()));
    }
    let packing = text(&head.headers, header::CONTENT_ENCODING).unwrap_or_default();
    let packing = Packing::by_name(packing).map_err(|()| Refusal::Packed(packing.to_owned()))?;
    Ok(Wanted::Events(Declared::new(text(&head.headers, header::CONTENT_TYPE).unwrap_or_default()), packing))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    // What is no text is none that we know.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Reads the body and waits until all of it is safe. `asks`: the client sends it only once we begin to read.
async fn take(
    door: &HttpDoor,
    intake: &Intake,
    declared: Declared,
    packing: Option<Packing>,
    body: Incoming,
    asks: bool,
) -> Result<(), Refusal> {
    let mut held = intake.hold();
    let body = tokio::select! {
        body = read(body, asks, door.max_body_bytes, intake.limits().body_idle, &mut held) => body?,
        () = intake.stopping() => return Err(Refusal::Stopping),
    };
    intake.figures().bytes.fetch_add(body.len() as u64, Relaxed);
    let (body, held) = match packing {
        None => (body, held),
        Some(packing) => unpack(packing, body, door.max_body_bytes, held).await.map_err(Refusal::NotUnpacked)?,
    };
    let lines = lines(body, declared)?;
    let id = request_id(b"http", &lines);
    match intake.take(lines, Some(id), held).await {
        Answer::Taken => Ok(()),
        Answer::NotTaken => Err(Refusal::NotTaken),
        Answer::NoRoom => Err(Refusal::NoRoom),
        Answer::Closed => Err(Refusal::Stopping),
    }
}
