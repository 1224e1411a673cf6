//! The client that writes lines.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::dial::{Dial, Remote, came};
use crate::deliver::{Failure, FailureKind};
use crate::net::{ClientTls, Stream};

/// Where lines are written to.
#[derive(Clone, Debug)]
pub struct SocketClientConfig {
    /// Where to.
    pub remote: Remote,
    /// How connections over TCP are secured; nothing: they are not.
    pub tls: Option<ClientTls>,
}

/// Writes JSON lines. What the operating system has taken counts as taken: nobody ever says more.
#[derive(Debug)]
pub struct SocketClient {
    dial: Arc<Dial>,
    connection: Option<Stream>,
}

impl SocketClient {
    /// Does not connect yet.
    pub fn new(config: SocketClientConfig) -> Self {
        Self { dial: Arc::new(Dial { remote: config.remote, tls: config.tls }), connection: None }
    }

    /// Another one for the same, with a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self { dial: self.dial.clone(), connection: None }
    }

    /// Writes some lines. After a failure it cannot be said which of them have arrived.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        let mut stream = match self.connection.take() {
            Some(stream) => self.renewed(stream).await?,
            None => self.dial.connect().await?,
        };
        let written = async {
            stream.write_all(&body).await?;
            stream.flush().await
        };
        written.await.map_err(|error| Failure {
            kind: FailureKind::Broken,
            told: format!("the connection with {} broke: {error}", self.dial.remote),
        })?;
        self.connection = Some(stream);
        Ok(())
    }

    /// The connection, or another where the other side has ended it: that is seen before anything is lost on it.
    async fn renewed(&self, mut stream: Stream) -> Result<Stream, Failure> {
        loop {
            match came(&mut stream).await {
                None => return Ok(stream),
                Some(bytes) if bytes.is_empty() => return self.dial.connect().await,
                // What it says is of no interest, but the end may be behind it.
                Some(_) => {}
            }
        }
    }
}
