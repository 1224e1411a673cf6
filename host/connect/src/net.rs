//! Sources that are connected to: they listen, and speak each protocol through a door of its own.
//!
//! A [`NetSource`] has listeners; a connection that one of them accepts becomes a [`Stream`], and the listener's [`Door`] reads requests
//! off it and hands them to the source's intake. Several listeners may feed one source, which is one partition.

mod accept;
mod door;
mod figures;
mod listen;
mod server;
mod stream;
pub(crate) mod tls;

use std::io;
use std::time::Duration;

use eyas_codec::Decoding;
use eyas_event::Position;

pub use door::Door;
pub(crate) use figures::Counted;
pub use figures::NetFigures;
pub use listen::Address;
pub use server::{Answers, NetServer};
pub(crate) use stream::{Peer, Stream};
pub use tls::{ClientTls, ClientTlsFiles, ServerTls, ServerTlsFiles, TlsError};

/// When a request is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// Once every acknowledging sink has taken all of it.
    #[default]
    Delivered,
    /// Once it is in the journal.
    Journalled,
}

/// A source that is connected to.
#[derive(Clone, Debug)]
pub struct NetSource {
    /// Its configured name.
    pub name: String,
    /// Its place in the topology.
    pub number: u16,
    /// How its bytes become events.
    pub decoding: Decoding,
    /// When a request is answered.
    pub acknowledge: Acknowledge,
    /// The most bytes of a batch, unless one event alone is longer.
    pub batch_bytes: usize,
    /// Position of the next byte of its partition.
    pub position: Position,
    /// What its partition is called.
    pub partition: String,
    /// What clients may take of us.
    pub limits: NetLimits,
    /// Whether a request that comes again is known, so that it does not count twice; for how long is for the engine to say.
    pub dedupe: bool,
    /// Where it listens.
    pub listeners: Vec<Listener>,
}

/// One of the places where a source listens.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where.
    pub address: Address,
    /// How connections are secured; nothing: they are not.
    pub tls: Option<ServerTls>,
    /// What is spoken there.
    pub door: Door,
}

/// What clients may take of us.
#[derive(Clone, Debug)]
pub struct NetLimits {
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may take to bring a whole head, and may idle before it.
    pub head: Duration,
    /// How long nothing may come of a body.
    pub body_idle: Duration,
    /// How long a request waits for admission.
    pub admission: Duration,
    /// How many connections there may be, over all listeners.
    pub connections: usize,
    /// How many bytes of bodies may wait for admission altogether.
    pub waiting_bytes: usize,
}

impl NetLimits {
    /// The largest body that is taken, packed and unpacked, unless told otherwise.
    pub const MAX_BODY_BYTES: usize = 10 << 20;
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            admission: Duration::from_secs(2),
            connections: 10_000,
            waiting_bytes: 128 << 20,
        }
    }
}

/// A source that does not start.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The address is taken, not ours, or not allowed.
    #[error("source {name:?}: cannot listen on {address}: {source}")]
    Listen {
        /// The source's configured name.
        name: String,
        /// The address.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// The operating system does not give what it needs.
    #[error("source {name:?}: cannot start: {source}")]
    Start {
        /// The source's configured name.
        name: String,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
pub(crate) mod tests;
