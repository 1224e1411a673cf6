//! A connection, whatever it runs over.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// A connection over TCP, TLS or a Unix socket.
#[derive(Debug)]
pub struct Stream {
    link: Link,
    peer: Peer,
    /// What was read of it and put back.
    head: Bytes,
}

#[derive(Debug)]
enum Link {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// Whoever is at the other end.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    Tcp(SocketAddr),
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(out),
            Self::Unix => out.write_str("a local process"),
        }
    }
}

impl Stream {
    pub fn tcp(stream: TcpStream, peer: SocketAddr) -> Self {
        // What is written is whole; without it that would only come later.
        let _ = stream.set_nodelay(true);
        Self { link: Link::Tcp(stream), peer: Peer::Tcp(peer), head: Bytes::new() }
    }

    pub fn unix(stream: UnixStream) -> Self {
        Self { link: Link::Unix(stream), peer: Peer::Unix, head: Bytes::new() }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, peer: Peer) -> Self {
        Self { link: Link::Tls(Box::new(stream)), peer, head: Bytes::new() }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The TCP connection, where it is no more than that.
    pub(super) fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.link {
            Link::Tcp(stream) if self.head.is_empty() => Ok(stream),
            link => Err(Self { link, ..self }),
        }
    }

    /// Whether both sides agreed on HTTP/2 in the handshake; nothing where they agreed on nothing.
    pub fn agreed_http2(&self) -> Option<bool> {
        match &self.link {
            Link::Tls(stream) => stream.get_ref().1.alpn_protocol().map(|protocol| protocol == b"h2"),
            Link::Tcp(_) | Link::Unix(_) => None,
        }
    }

    /// Puts back what was read of it: it is read again, before all else.
    pub fn put_back(&mut self, bytes: Bytes) {
        debug_assert!(self.head.is_empty(), "something was put back already");
        self.head = bytes;
    }

    /// Writes what can be written at once of a last word, which it may not hear.
    pub fn last_word(&self, bytes: &[u8]) {
        let _ = match &self.link {
            Link::Tcp(stream) => stream.try_write(bytes),
            Link::Unix(stream) => stream.try_write(bytes),
            Link::Tls(_) => Ok(0),
        };
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.head.is_empty() {
            let length = this.head.len().min(buffer.remaining());
            buffer.put_slice(this.head.get(..length).unwrap_or_default());
            this.head.advance(length);
            return Poll::Ready(Ok(()));
        }
        match &mut this.link {
            Link::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Link::Tls(stream) => {
                // A peer that hangs up without a word has ended all the same: requests say themselves where they end.
                match ready!(Pin::new(stream).poll_read(context, buffer)) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                    read => Poll::Ready(read),
                }
            }
            Link::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Link::Tls(stream) => Pin::new(stream).poll_flush(context),
            Link::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Link::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Link::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.link {
            Link::Tcp(stream) => stream.is_write_vectored(),
            Link::Tls(stream) => stream.is_write_vectored(),
            Link::Unix(stream) => stream.is_write_vectored(),
        }
    }
}
