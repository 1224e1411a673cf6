//! The client: messages out, acks in.

mod link;
mod names;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use eyas_codec::forward::{messages, write};
use xxhash_rust::xxh3::xxh3_128;

use super::SharedKey;
use crate::deliver::{Compression, Failure};
use crate::net::ClientTls;
use crate::socket::dial::{Dial, Remote};

use link::Link;
use names::Names;

/// Where and how messages are sent.
#[derive(Clone, Debug)]
pub struct ForwardClientConfig {
    /// Where to.
    pub remote: Remote,
    /// How connections over TCP are secured; nothing: they are not.
    pub tls: Option<ClientTls>,
    /// What the server must know, and wants to know of us.
    pub shared_key: Option<SharedKey>,
    /// Whether a message is taken once the server acks it; else once it is written, and what the operating system holds of it when the
    /// connection breaks is lost.
    pub require_ack: bool,
    /// What becomes of the tags.
    pub tag: Tag,
    /// How entries are packed: not by Snappy, which no server knows.
    pub compression: Compression,
}

/// What becomes of the tags of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    /// They stay.
    #[default]
    Keep,
    /// Another one for all.
    Replace(String),
    /// With this before them: so that events do not take the way again that led to us.
    Prefix(String),
}

impl Tag {
    fn of(&self, tag: &str) -> String {
        match self {
            Self::Keep => tag.to_owned(),
            Self::Replace(other) => other.clone(),
            Self::Prefix(prefix) => format!("{prefix}{tag}"),
        }
    }
}

/// Sends messages, those of one request at a time.
#[derive(Debug)]
pub struct ForwardClient {
    target: Arc<Target>,
    link: Option<Link>,
}

#[derive(Debug)]
struct Target {
    dial: Dial,
    shared_key: Option<SharedKey>,
    require_ack: bool,
    tag: Tag,
    compression: Compression,
    names: Names,
}

/// Messages to be written, and the chunks to be acked.
struct Outgoing {
    bytes: Vec<u8>,
    chunks: Vec<String>,
}

impl ForwardClient {
    /// Does not connect yet.
    pub fn new(config: ForwardClientConfig) -> Self {
        let ForwardClientConfig { remote, tls, shared_key, require_ack, tag, compression } = config;
        let dial = Dial { remote, tls };
        Self { target: Arc::new(Target { dial, shared_key, require_ack, tag, compression, names: Names::new() }), link: None }
    }

    /// Another one for the same, with a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self { target: self.target.clone(), link: None }
    }

    /// Sends messages of the stream form. All is well once each is acked, or written where no acks are asked for.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        let target = &self.target;
        let name = target.names.name(&body);
        let outgoing = target.outgoing(&body, name.value()).await?;
        let kept = match self.link.take() {
            Some(link) => link.if_alive().await?,
            None => None,
        };
        let link = match kept {
            // The server may have closed it just now, which is nobody's fault, and it knows the chunks should it have taken them.
            Some(link) => target.exchange(link, &outgoing).await.ok(),
            None => None,
        };
        let link = match link {
            Some(link) => link,
            None => target.exchange(Link::open(&target.dial, target.shared_key.as_ref()).await?, &outgoing).await?,
        };
        name.taken();
        self.link = Some(link);
        Ok(())
    }
}

impl Target {
    /// Sends what is to be sent on a connection, and waits for its acks. Gives the connection back.
    async fn exchange(&self, mut link: Link, outgoing: &Outgoing) -> Result<Link, Failure> {
        link.write(&outgoing.bytes).await?;
        if self.require_ack {
            link.wait_acked(outgoing.chunks.clone()).await?;
        }
        Ok(link)
    }

    /// What is to be sent for a body, by the name of the request.
    async fn outgoing(&self, body: &[u8], name: u128) -> Result<Outgoing, Failure> {
        let mut runs: Vec<Run> = Vec::new();
        for batch in messages(body) {
            let tag = self.tag.of(&batch.tag);
            match runs.last_mut().filter(|run| run.tag == tag) {
                Some(run) => {
                    run.entries.extend_from_slice(&batch.entries);
                    run.count += batch.count;
                }
                None => runs.push(Run { tag, entries: batch.entries.into_owned(), count: batch.count }),
            }
        }
        let mut outgoing = Outgoing { bytes: Vec::with_capacity(body.len() + 256), chunks: Vec::with_capacity(runs.len()) };
        for (number, run) in runs.into_iter().enumerate() {
            let entries = self.compression.pack(run.entries.into()).await?;
            let chunk = chunk(name, number);
            write(&run.tag, &entries, run.count, Some(&chunk), self.compression.name(), &mut outgoing.bytes);
            outgoing.chunks.push(chunk);
        }
        Ok(outgoing)
    }
}

/// Entries that follow each other with the same tag.
struct Run {
    tag: String,
    entries: Vec<u8>,
    count: usize,
}

/// What a message of a request is called: the same whenever the request is sent again.
fn chunk(name: u128, number: usize) -> String {
    let mut bytes = name.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
    STANDARD.encode(xxh3_128(&bytes).to_be_bytes())
}
