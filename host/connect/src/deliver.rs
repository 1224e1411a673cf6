//! Sinks on the network: what an outlet gives becomes requests, which are sent until they are taken.
//!
//! One way for all protocols: deliveries are gathered into requests, several of which may be under way at once; what fails is sent again;
//! what is refused for good is taken apart until the event is found that it is about. A protocol adds no more than a [`Client`]: how one
//! request is sent, and what the answer means.

mod alerts;
mod compress;
mod figures;
mod gather;
mod lane;
mod limit;
mod overflow;
mod request;
mod sink;
mod window;

use std::time::Duration;

use bytes::Bytes;

pub use self::compress::Compression;
pub use self::figures::NetSinkFigures;
pub use self::sink::{Concurrency, NetSink, NetSinkConfig, WhenFull};
use crate::forward::ForwardClient;
use crate::http::HttpClient;
use crate::otlp::OtlpClient;
use crate::socket::SocketClient;
use crate::vector::VectorClient;

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{told}")]
pub struct Failure {
    /// What is to be done about it.
    pub kind: FailureKind,
    /// For people: what happened, and what the receiver said.
    pub told: String,
}

/// What kind of failure it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// There is no connection: nobody listens, or whoever does is not the right one.
    Connect,
    /// The connection broke before there was an answer.
    Broken,
    /// No answer in time.
    Late,
    /// An answer that is no yes.
    Refused {
        /// These bytes will never be taken, whoever sends them however often: about the bytes, not about us, nor about how the receiver is set up.
        permanent: bool,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
        /// The protocol's own name for it, such as `503` or `UNAVAILABLE`: of few kinds, as it is counted by.
        code: String,
    },
}

impl Failure {
    /// Whether both are of one kind: so that only what is new is logged.
    fn is_like(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (FailureKind::Refused { code, .. }, FailureKind::Refused { code: other, .. }) => code == other,
            (one, other) => one == other,
        }
    }

    /// Whether the same bytes may be taken later.
    fn is_permanent(&self) -> bool {
        matches!(self.kind, FailureKind::Refused { permanent: true, .. })
    }

    /// How long the other side wants to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        if let FailureKind::Refused { retry_after, .. } = self.kind { retry_after } else { None }
    }
}

/// Sends requests in some protocol, one at a time, over a connection of its own, which it makes when it needs one.
#[derive(Debug)]
pub enum Client {
    /// Posts them.
    Http(Box<HttpClient>),
    /// Sends them as OpenTelemetry does.
    Otlp(Box<OtlpClient>),
    /// Sends them as Vector does.
    Vector(VectorClient),
    /// Sends messages of Fluent Forward.
    Forward(Box<ForwardClient>),
    /// Writes lines.
    Socket(Box<SocketClient>),
}

impl Client {
    /// Sends bytes that are whole frames of the sink's form. All is well once they have been taken.
    ///
    /// Whoever asks may lose patience and drop the future halfway. So the connection is taken out of the client first, and put back only
    /// once the answer has been read to its end: what comes of it later would be taken for the answer to another request.
    async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        match self {
            Self::Http(client) => client.send(body).await,
            Self::Otlp(client) => client.send(body).await,
            Self::Vector(client) => client.send(body).await,
            Self::Forward(client) => client.send(body).await,
            Self::Socket(client) => client.send(body).await,
        }
    }

    /// Another that does the same, over a connection of its own.
    fn another(&self) -> Self {
        match self {
            Self::Http(client) => Self::Http(Box::new(client.another())),
            Self::Otlp(client) => Self::Otlp(Box::new(client.another())),
            Self::Vector(client) => Self::Vector(client.another()),
            Self::Forward(client) => Self::Forward(Box::new(client.another())),
            Self::Socket(client) => Self::Socket(Box::new(client.another())),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
