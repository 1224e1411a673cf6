//! Where a source listens.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::Stream;

/// Connections that the operating system holds until they are accepted.
const BACKLOG: u32 = 1024;

/// Where a source listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(out),
            Self::Unix(path) => path.display().fmt(out),
        }
    }
}

/// A socket that connections come to.
#[derive(Debug)]
pub enum Bound {
    Tcp(TcpListener),
    Unix(Local),
}

/// A Unix socket, whose file goes when nobody listens any more.
#[derive(Debug)]
pub struct Local {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Local {
    fn drop(&mut self) {
        // Where that fails somebody else has removed it.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Bound {
    /// Begins to listen; to be called within a runtime.
    pub fn new(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
                // Connections of a run before this one may still be ending.
                socket.set_reuseaddr(true)?;
                socket.bind(*address)?;
                socket.listen(BACKLOG).map(Self::Tcp)
            }
            Address::Unix(path) => {
                remove_stale(path);
                Ok(Self::Unix(Local { listener: UnixListener::bind(path)?, path: path.clone() }))
            }
        }
    }

    /// The address with the port that it got, if the operating system was to choose one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Stream::tcp(stream, peer)),
            Self::Unix(local) => local.listener.accept().await.map(|(stream, _)| Stream::unix(stream)),
        }
    }
}

/// A socket that a killed run left behind is in the way of the next one; one that somebody listens on is not ours to remove.
fn remove_stale(path: &Path) {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refused) {
        // Where that is not allowed, listening is not either, and says why.
        let _ = std::fs::remove_file(path);
    }
}
