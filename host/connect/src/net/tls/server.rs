//! The side that is connected to.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::{TlsError, authorities, certificates, misfit, private_key, provider};
use crate::net::Stream;

/// Where the certificates of a source are.
#[derive(Clone, Debug)]
pub struct ServerTlsFiles {
    /// Its certificate, with those that lead to its authority.
    pub crt_file: PathBuf,
    /// The key of the certificate.
    pub key_file: PathBuf,
    /// The authorities of the clients' certificates.
    pub ca_file: Option<PathBuf>,
    /// Only clients with a certificate of these authorities are let in.
    pub verify_certificate: bool,
}

/// How a source secures its connections. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl fmt::Debug for ServerTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Reads the files.
    pub fn read(files: &ServerTlsFiles) -> Result<Self, TlsError> {
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = if files.verify_certificate {
            let file = files.ca_file.as_deref().ok_or(TlsError::NoAuthority)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file)?), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| super::unfit(file, error.to_string()))?)
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = (certificates(&files.crt_file)?, private_key(&files.key_file)?);
        let config = builder.with_single_cert(chain, key).map_err(|error| misfit(error, &files.crt_file, &files.key_file))?;
        Ok(Self(Arc::new(config)))
    }

    /// The same, with protocols to agree on, the best first.
    pub(crate) fn agreeing_on(&self, protocols: &[&[u8]]) -> Self {
        let mut config = ServerConfig::clone(&self.0);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self(Arc::new(config))
    }

    /// Brings the handshake about. How long that may take is for the caller to say.
    pub(crate) async fn accept(&self, stream: Stream) -> io::Result<Stream> {
        let peer = stream.peer();
        let stream = stream.into_tcp().map_err(|_| io::Error::new(io::ErrorKind::Unsupported, "there is TLS over TCP alone"))?;
        let secured = TlsAcceptor::from(self.0.clone()).accept(stream).await?;
        Ok(Stream::tls(secured.into(), peer))
    }
}
