//! Sources and sinks: where bytes come from and where they go, on threads of their own.
//!
//! A source cuts what it reads into slices of whole events and admits them; only there does it wait. A sink takes what an outlet gives
//! and writes it. Neither knows what an event is: the codec says where one ends.

#[cfg(test)]
mod bed;
mod cut;
mod deliver;
mod file;
mod forward;
mod grpc;
mod http;
mod intake;
mod net;
mod otlp;
mod signal;
mod sink;
mod socket;
mod stdin;
mod stop;
mod unpack;
mod vector;

pub use deliver::{Client, Compression, Concurrency, Failure, FailureKind, NetSink, NetSinkConfig, NetSinkFigures, WhenFull};
pub use file::{DiscoverError, FileError, FileInput, FileReader, FileSource, FollowSource, Progress, Rereader, check_pattern, discover};
pub use forward::{ForwardClient, ForwardClientConfig, ForwardDoor, SharedKey, Tag};
pub use grpc::{GrpcDoor, Service};
pub use http::{Credentials, HttpClient, HttpClientConfig, HttpDoor};
pub use net::{
    Acknowledge, Address, Answers, ClientTls, ClientTlsFiles, Door, Listener, NetError, NetFigures, NetLimits, NetServer, NetSource,
    ServerTls, ServerTlsFiles, TlsError,
};
pub use otlp::{OtlpClient, OtlpHttpDoor, OtlpProtocol};
pub use signal::watch_signals;
pub use sink::outbox::{Entrance, Next, OUTBOX_BYTES, Outbox, OutboxBatch, OutboxClosed};
pub use sink::{Recovered, SinkError, SinkSetup, Target, Writer, WriterFigures, check_path};
pub use socket::{Remote, SocketClient, SocketClientConfig, SocketDoor};
pub use stdin::{Standard, StdinError, StdinSource, open_stdin};
pub use stop::{Cause, Stop};
pub use vector::VectorClient;

use std::time::{SystemTime, UNIX_EPOCH};

use eyas_event::Timestamp;

/// The one place that reads the clock: the ingest time of what was just read.
#[allow(clippy::disallowed_methods, reason = "this is that place")]
pub fn ingest_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::try_from(since.as_nanos()).unwrap_or(Timestamp::MAX)
}
