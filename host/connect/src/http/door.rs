//! The door for events that are posted as JSON.

use std::sync::Arc;

use super::auth::Credentials;
use super::request::answer;
use super::serve::serve;
use crate::intake::Intake;
use crate::net::Stream;

/// How events are posted.
#[derive(Clone, Debug)]
pub struct HttpDoor {
    /// Where to; `/health` is taken already.
    pub path: String,
    /// What a request must bear.
    pub auth: Option<Credentials>,
    /// Larger bodies are refused, packed or unpacked.
    pub max_body_bytes: usize,
}

impl HttpDoor {
    /// What a connection too many is told.
    pub(crate) const TOO_MANY: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    /// Serves a connection.
    pub(crate) async fn serve(&self, stream: Stream, intake: Intake) {
        let door = Arc::new(self.clone());
        let shared = intake.clone();
        serve(stream, &intake, move |request| answer(door.clone(), shared.clone(), request)).await;
    }
}
