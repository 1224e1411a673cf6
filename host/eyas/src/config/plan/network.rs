//! What speaks over the network: sources that listen, sinks that send.

use std::net::SocketAddr;
use std::time::Duration;

use eyas_codec::Form;
use eyas_connect::{Compression, Concurrency};

use crate::config::document::Place;
use crate::config::tree::Text;

/// A source that listens.
#[derive(Clone, Debug)]
pub struct ListenPlan {
    /// Where, and in which protocol.
    pub door: DoorPlan,
    /// Whether it speaks TLS.
    pub tls: Option<ServerTls>,
    /// What whoever sends must show.
    pub auth: Option<Auth>,
    /// The largest request, packed and unpacked.
    pub max_body_bytes: usize,
    /// For how long a request is known again; nothing: it is not.
    pub dedupe: Option<Duration>,
}

/// Where a source listens, and in which protocol.
#[derive(Clone, Debug)]
pub enum DoorPlan {
    /// Requests over HTTP with JSON in them.
    Http {
        /// Where it listens.
        address: SocketAddr,
        /// The path that takes events.
        path: String,
    },
    /// OpenTelemetry's protocol; one address at least.
    Otlp {
        /// Where it listens for gRPC.
        grpc: Option<SocketAddr>,
        /// Where it listens for HTTP.
        http: Option<SocketAddr>,
    },
    /// Vector's own protocol.
    Vector {
        /// Where it listens.
        address: SocketAddr,
    },
    /// Fluent Forward.
    Forward {
        /// Where it listens.
        at: Endpoint<SocketAddr>,
        /// What both sides must know.
        shared_key: Option<Text>,
        /// What it calls itself.
        self_hostname: Option<Text>,
    },
    /// NDJSON on plain connections.
    Socket {
        /// Where it listens.
        at: Endpoint<SocketAddr>,
    },
}

impl DoorPlan {
    /// Where it listens, over TCP.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Http { address, .. } | Self::Vector { address } => vec![*address],
            Self::Otlp { grpc, http } => grpc.iter().chain(http).copied().collect(),
            Self::Forward { at, .. } | Self::Socket { at } => at.tcp().copied().into_iter().collect(),
        }
    }

    /// Where it listens, if that is a Unix socket.
    pub fn socket_path(&self) -> Option<&Text> {
        match self {
            Self::Forward { at, .. } | Self::Socket { at } => at.unix(),
            Self::Http { .. } | Self::Otlp { .. } | Self::Vector { .. } => None,
        }
    }

    /// Whether whoever sends is answered.
    pub fn answers(&self) -> bool {
        !matches!(self, Self::Socket { .. })
    }
}

/// An address, or the path of a Unix socket.
#[derive(Clone, Debug)]
pub enum Endpoint<A> {
    /// Over TCP.
    Tcp(A),
    /// On this machine.
    Unix(Text),
}

impl<A> Endpoint<A> {
    /// The address.
    pub fn tcp(&self) -> Option<&A> {
        if let Self::Tcp(address) = self { Some(address) } else { None }
    }

    /// The path.
    pub fn unix(&self) -> Option<&Text> {
        if let Self::Unix(path) = self { Some(path) } else { None }
    }
}

impl<A: std::fmt::Display> std::fmt::Display for Endpoint<A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => path.fmt(formatter),
        }
    }
}

/// A sink that sends.
#[derive(Clone, Debug)]
pub struct SendPlan {
    /// Where to, and in which protocol.
    pub client: ClientPlan,
    /// Whether it speaks TLS.
    pub tls: Option<ClientTls>,
    /// What it shows as who it is.
    pub auth: Option<Auth>,
    /// How it sends one request, and what it does if that is not taken.
    pub request: RequestPlan,
    /// What one request is made of.
    pub batch: Batching,
    /// Whether what finds no room is dropped; else it waits.
    pub drop_newest: bool,
}

/// Where a sink sends to, and in which protocol.
#[derive(Clone, Debug)]
pub enum ClientPlan {
    /// Posts NDJSON over HTTP.
    Http {
        /// Where to.
        uri: Text,
        /// How it packs.
        compression: Compression,
    },
    /// OpenTelemetry's protocol.
    Otlp {
        /// Where to.
        uri: Text,
        /// Over gRPC, or over plain HTTP.
        grpc: bool,
        /// Whether as JSON.
        json: bool,
        /// How it packs.
        compression: Compression,
    },
    /// Vector's own protocol.
    Vector {
        /// Where to.
        uri: Text,
        /// How it packs.
        compression: Compression,
    },
    /// Fluent Forward.
    Forward {
        /// Where to.
        at: Endpoint<Text>,
        /// What both sides must know.
        shared_key: Option<Text>,
        /// What it calls itself.
        self_hostname: Option<Text>,
        /// Whether it waits for each message to be acknowledged.
        require_ack: bool,
        /// What becomes of the tags.
        tag: TagPlan,
        /// How it packs.
        compression: Compression,
    },
    /// NDJSON on a plain connection.
    Socket {
        /// Where to.
        at: Endpoint<Text>,
    },
}

impl ClientPlan {
    /// The name of the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Otlp { .. } => "otlp",
            Self::Vector { .. } => "vector",
            Self::Forward { .. } => "forward",
            Self::Socket { .. } => "socket",
        }
    }

    /// What it takes.
    pub fn form(&self) -> Form {
        match self {
            Self::Http { .. } | Self::Socket { .. } => Form::Ndjson,
            Self::Otlp { .. } => Form::Otlp,
            Self::Vector { .. } => Form::Vector,
            Self::Forward { .. } => Form::Forward,
        }
    }

    /// Whether the other side says what it has taken.
    pub fn is_answered(&self) -> bool {
        !matches!(self, Self::Socket { .. } | Self::Forward { require_ack: false, .. })
    }
}

/// What becomes of the tags of Forward messages.
#[derive(Clone, Debug, Default)]
pub enum TagPlan {
    /// They stay.
    #[default]
    Keep,
    /// Another one for all.
    Replace(Text),
    /// With this before them.
    Prefix(Text),
}

/// Who somebody is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// By a token.
    Bearer(Text),
    /// By name and password.
    Basic {
        /// The name.
        user: Text,
        /// The password.
        password: Text,
    },
}

/// A file that is read at the start, and where it is named.
#[derive(Clone, Debug)]
pub struct FileAt {
    /// Its path.
    pub path: Text,
    /// Where that stands.
    pub place: Place,
}

/// A certificate and its private key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, and those that it is signed by.
    pub certificate: FileAt,
    /// The key.
    pub key: FileAt,
}

/// TLS of a source.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Who it is.
    pub identity: Identity,
    /// Clients must have a certificate that this authority signed; nothing: they need none.
    pub client_ca: Option<FileAt>,
}

/// TLS of a sink.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// Who it is, if it is asked.
    pub identity: Option<Identity>,
    /// The authority that signed the receiver's certificate; nothing: one of those that the system knows.
    pub ca_file: Option<FileAt>,
    /// Whether the receiver's certificate is looked at.
    pub verify_certificate: bool,
    /// Whether it must bear the receiver's name.
    pub verify_hostname: bool,
    /// That name, if it is not the host's.
    pub server_name: Option<Text>,
}

impl Default for ClientTls {
    fn default() -> Self {
        Self { identity: None, ca_file: None, verify_certificate: true, verify_hostname: true, server_name: None }
    }
}

/// How a sink sends one request, and what it does if that is not taken.
#[derive(Clone, Debug)]
pub struct RequestPlan {
    /// How many may be under way.
    pub concurrency: Concurrency,
    /// How long one may take.
    pub timeout: Duration,
    /// How long it waits before the first retry.
    pub retry_initial_backoff: Duration,
    /// The longest wait between two tries.
    pub retry_max: Duration,
    /// Headers to send with each.
    pub headers: Vec<(String, Text)>,
}

/// What one request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    /// The most bytes of it, unless one event alone is larger.
    pub max_bytes: usize,
    /// How long it waits to be filled.
    pub timeout: Duration,
}
