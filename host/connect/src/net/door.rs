//! What is spoken on a connection.

use super::Stream;
use crate::forward::ForwardDoor;
use crate::grpc::GrpcDoor;
use crate::http::HttpDoor;
use crate::intake::Intake;
use crate::otlp::OtlpHttpDoor;
use crate::socket::SocketDoor;

/// What is spoken on a listener's connections.
#[derive(Clone, Debug)]
pub enum Door {
    /// HTTP whose bodies are events as JSON.
    Http(HttpDoor),
    /// Calls of gRPC: OpenTelemetry's or Vector's.
    Grpc(GrpcDoor),
    /// HTTP whose bodies are OpenTelemetry's.
    OtlpHttp(OtlpHttpDoor),
    /// Fluent Forward.
    Forward(ForwardDoor),
    /// JSON lines with nothing around them.
    Socket(SocketDoor),
}

impl Door {
    /// Serves a connection to its end; on a stop, until what is under way is answered.
    pub(super) async fn serve(&self, stream: Stream, intake: Intake) {
        match self {
            Self::Http(door) => door.serve(stream, intake).await,
            Self::Grpc(door) => door.serve(stream, intake).await,
            Self::OtlpHttp(door) => door.serve(stream, intake).await,
            Self::Forward(door) => door.serve(stream, intake).await,
            Self::Socket(door) => door.serve(stream, intake).await,
        }
    }

    /// The protocols to agree on in a TLS handshake, the best first; none where nothing is to be agreed on.
    pub(super) fn alpn(&self) -> &'static [&'static [u8]] {
        match self {
            Self::Http(_) | Self::OtlpHttp(_) => &[b"h2", b"http/1.1"],
            Self::Grpc(_) => &[b"h2"],
            Self::Forward(_) | Self::Socket(_) => &[],
        }
    }

    /// What a connection too many is told, where the protocol has words for it.
    pub(super) fn too_many(&self) -> &'static [u8] {
        match self {
            Self::Http(_) => HttpDoor::TOO_MANY,
            Self::Grpc(_) => GrpcDoor::TOO_MANY,
            Self::OtlpHttp(_) => OtlpHttpDoor::TOO_MANY,
            Self::Forward(_) | Self::Socket(_) => &[],
        }
    }
}
