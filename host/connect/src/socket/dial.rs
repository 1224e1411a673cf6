//! How sinks without HTTP get their connections.

use std::fmt;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::deliver::{Failure, FailureKind};
use crate::net::{ClientTls, Stream};

/// Where a sink connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// `host:port`
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Remote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(out),
            Self::Unix(path) => path.display().fmt(out),
        }
    }
}

/// Makes connections.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub remote: Remote,
    /// How they are secured, those over TCP.
    pub tls: Option<ClientTls>,
}

impl Dial {
    /// One more connection.
    pub async fn connect(&self) -> Result<Stream, Failure> {
        let failure = |error| Failure { kind: FailureKind::Connect, told: format!("cannot connect to {}: {error}", self.remote) };
        match &self.remote {
            Remote::Unix(path) => UnixStream::connect(path).await.map(Stream::unix),
            Remote::Tcp(address) => match (TcpStream::connect(address).await, &self.tls) {
                (Ok(stream), Some(tls)) => tls.connect(stream, host(address)).await,
                (Ok(stream), None) => stream.peer_addr().map(|peer| Stream::tcp(stream, peer)),
                (Err(error), _) => Err(error),
            },
        }
        .map_err(failure)
    }
}

/// The host of `host:port`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// What has come on a connection by now, on which nothing was to come: nothing while all is well, no bytes at its end. Only the beginning of
/// what has come.
pub async fn came(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut bytes = [0; 64];
    let mut buffer = ReadBuf::new(&mut bytes);
    poll_fn(|context| match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
        Poll::Pending => Poll::Ready(None),
        // One that is broken has ended.
        Poll::Ready(_) => Poll::Ready(Some(buffer.filled().to_vec())),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_of_an_address_is_what_a_certificate_names() {
        assert_eq!(["logs.example.org:24224", "10.0.0.1:1", "[::1]:1"].map(host), ["logs.example.org", "10.0.0.1", "::1"]);
    }
}
