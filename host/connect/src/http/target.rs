//! Where a client connects to.

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use tokio::net::TcpStream;

use crate::deliver::{Failure, FailureKind};
use crate::net::{ClientTls, ClientTlsFiles, Stream};

/// A host that is connected to.
#[derive(Clone, Debug)]
pub struct Target {
    scheme: Scheme,
    authority: Authority,
    host: String,
    port: u16,
    tls: Option<ClientTls>,
}

impl Target {
    /// By its URI, with the protocols that TLS is to agree on. The message of an error says what is wrong.
    pub fn new(uri: &str, tls: Option<&ClientTls>, protocols: &[&[u8]]) -> Result<Self, String> {
        let parsed: Uri = uri.parse().map_err(|error| format!("{uri:?} is no URI: {error}"))?;
        let (scheme, usual) = match parsed.scheme_str() {
            Some("http") => (Scheme::HTTP, 80),
            Some("https") => (Scheme::HTTPS, 443),
            _ => return Err(format!("{uri:?} is no http:// or https:// URI")),
        };
        let authority = parsed.authority().ok_or_else(|| format!("{uri:?} names no host"))?.clone();
        let tls = match (tls, scheme == Scheme::HTTPS) {
            (None, false) => None,
            (Some(_), false) => return Err(format!("{uri:?} is without TLS, and there are settings for it: write https://")),
            (Some(tls), true) => Some(tls.agreeing_on(protocols)),
            (None, true) => {
                let tls = ClientTls::read(&ClientTlsFiles::default()).map_err(|error| error.to_string())?;
                Some(tls.agreeing_on(protocols))
            }
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { scheme, port: authority.port_u16().unwrap_or(usual), authority, host, tls })
    }

    /// One of its paths.
    pub fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // With all three it is a URI.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The path and the query of a URI, for those to whom it is more than a host.
    pub fn path(uri: &str) -> Uri {
        uri.parse().ok().and_then(|uri: Uri| uri.path_and_query()?.as_str().parse().ok()).unwrap_or_default()
    }

    /// The host and the port, as a header.
    pub fn host_header(&self) -> Result<HeaderValue, String> {
        HeaderValue::from_str(self.authority.as_str()).map_err(|_| format!("{:?} cannot be a host", self.authority.as_str()))
    }

    /// A connection, secured.
    pub async fn connect(&self) -> Result<Stream, Failure> {
        let failure = |error: std::io::Error| Failure {
            kind: FailureKind::Connect,
            told: format!("cannot connect to {}:{}: {error}", self.host, self.port),
        };
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(failure)?;
        let peer = stream.peer_addr().map_err(failure)?;
        match &self.tls {
            // Requests are written whole. Where it cannot be set they only take longer.
            Some(tls) => {
                let _ = stream.set_nodelay(true);
                tls.connect(stream, &self.host).await.map_err(failure)
            }
            None => Ok(Stream::tcp(stream, peer)),
        }
    }
}
