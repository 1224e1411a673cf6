//! One connection with a server.

use std::time::Duration;

use eyas_codec::forward::{Scanner, read_ack};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::deliver::{Failure, FailureKind};
use crate::forward::SharedKey;
use crate::forward::handshake::{Client, LONGEST_WORD, is_helo};
use crate::intake::Inlet;
use crate::net::Stream;
use crate::socket::dial::{Dial, came};

/// How long a handshake may take. A server without a key says nothing at all.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection that is ready for messages.
#[derive(Debug)]
pub struct Link {
    stream: Stream,
    inlet: Inlet,
    scanner: Scanner,
}

impl Link {
    /// Connects, and brings the handshake about where there is a key.
    pub async fn open(dial: &Dial, shared: Option<&SharedKey>) -> Result<Self, Failure> {
        let mut link = Self { stream: dial.connect().await?, inlet: Inlet::new(), scanner: Scanner::default() };
        if let Some(shared) = shared {
            let met = timeout(HANDSHAKE, link.meet(shared)).await;
            met.unwrap_or_else(|_| Err(refused("no handshake by a shared key: the server seems to have none")))?;
        }
        Ok(link)
    }

    async fn meet(&mut self, shared: &SharedKey) -> Result<(), Failure> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| refused(&format!("no chance for the handshake: {error}")))?;
        let client = Client::new(shared, salt);
        let helo = self.next().await?;
        let (ping, nonce) = client.ping(&helo).ok_or_else(|| refused("the server does not begin a handshake by a shared key"))?;
        self.write(&ping).await?;
        client.judge(&self.next().await?, &nonce).map_err(|why| refused(&why))
    }

    /// Itself, unless the server has closed it meanwhile, which is nobody's fault.
    pub async fn if_alive(mut self) -> Result<Option<Self>, Failure> {
        match came(&mut self.stream).await {
            None => Ok(Some(self)),
            Some(bytes) if is_helo(&bytes) => Err(wants_key()),
            Some(_) => Ok(None),
        }
    }

    /// Writes all of it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| broken(&error.to_string()))
    }

    /// Waits until all these chunks are acked.
    pub async fn wait_acked(&mut self, mut chunks: Vec<String>) -> Result<(), Failure> {
        while !chunks.is_empty() {
            let answer = self.next().await?;
            if is_helo(&answer) {
                return Err(wants_key());
            }
            let acked = read_ack(&answer).map_err(|malformed| broken(&format!("what came is no ack: {malformed}")))?;
            let known = chunks.iter().position(|chunk| chunk.as_bytes() == acked);
            chunks.swap_remove(known.ok_or_else(|| broken("an ack came for what was not sent"))?);
        }
        Ok(())
    }

    /// The next word of the server.
    async fn next(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let length = self.scanner.scan(self.inlet.bytes(), LONGEST_WORD);
            if let Some(length) = length.map_err(|malformed| broken(&format!("what came is no answer: {malformed}")))? {
                let word = self.inlet.bytes().get(..length).unwrap_or_default().to_vec();
                self.inlet.take(length);
                return Ok(word);
            }
            match self.inlet.read(&mut self.stream).await {
                Ok(0) => return Err(broken("the server closed it without an answer")),
                Ok(_) => {}
                Err(error) => return Err(broken(&error.to_string())),
            }
        }
    }
}

fn broken(why: &str) -> Failure {
    Failure { kind: FailureKind::Broken, told: format!("the connection broke: {why}") }
}

/// Not about what is sent, but about who sends it.
fn refused(why: &str) -> Failure {
    Failure { kind: FailureKind::Refused { permanent: false, retry_after: None, code: "handshake".to_owned() }, told: why.to_owned() }
}

fn wants_key() -> Failure {
    refused("the server asks for a shared_key, which this sink does not have")
}
