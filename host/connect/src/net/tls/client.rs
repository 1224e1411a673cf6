//! The side that connects.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::lenient::Lenient;
use super::{TlsError, authorities, certificates, misfit, private_key, provider};
use crate::net::Stream;
use crate::net::stream::Peer;

/// Where the certificates of a sink are, and what it asks of the other side's.
#[derive(Clone, Debug)]
pub struct ClientTlsFiles {
    /// Its certificate, with those that lead to its authority.
    pub crt_file: Option<PathBuf>,
    /// The key of the certificate.
    pub key_file: Option<PathBuf>,
    /// The authorities of the servers' certificates; none: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Without it anybody may be the server.
    pub verify_certificate: bool,
    /// Without it the server may have any name.
    pub verify_hostname: bool,
    /// What the server is called, where that is not the host that is connected to.
    pub server_name: Option<String>,
}

impl Default for ClientTlsFiles {
    fn default() -> Self {
        Self { crt_file: None, key_file: None, ca_file: None, verify_certificate: true, verify_hostname: true, server_name: None }
    }
}

/// How a sink secures its connections. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ClientTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Reads the files.
    pub fn read(files: &ClientTlsFiles) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier(files)?);
        let config = match (&files.crt_file, &files.key_file) {
            (Some(crt), Some(key)) => {
                let (chain, der) = (certificates(crt)?, private_key(key)?);
                builder.with_client_auth_cert(chain, der).map_err(|error| misfit(error, crt, key))?
            }
            (Some(file), None) => return Err(super::unfit(file, "its key is missing: name a key_file, too".to_owned())),
            (None, Some(file)) => return Err(super::unfit(file, "its certificate is missing: name a crt_file, too".to_owned())),
            (None, None) => builder.with_no_client_auth(),
        };
        let server_name = files.server_name.as_deref().map(name).transpose()?;
        Ok(Self { config: Arc::new(config), server_name })
    }

    /// The same, with protocols to agree on, the best first.
    #[allow(dead_code, reason = "for sinks over gRPC")]
    pub(crate) fn agreeing_on(&self, protocols: &[&[u8]]) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self { config: Arc::new(config), server_name: self.server_name.clone() }
    }

    /// Brings the handshake about with a host that was connected to. How long that may take is for the caller to say.
    #[allow(dead_code, reason = "for sinks")]
    pub(crate) async fn connect(&self, stream: TcpStream, host: &str) -> io::Result<Stream> {
        let peer = Peer::Tcp(stream.peer_addr()?);
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => name(host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
        };
        let secured = TlsConnector::from(self.config.clone()).connect(name, stream).await?;
        Ok(Stream::tls(secured.into(), peer))
    }
}

fn name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))
}

/// Who may be the server.
fn verifier(files: &ClientTlsFiles) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if !files.verify_certificate {
        return Ok(Arc::new(Lenient::anybody(provider())));
    }
    let roots = match &files.ca_file {
        Some(file) => authorities(file)?,
        None => trusted_by_system()?,
    };
    if !files.verify_hostname {
        return Ok(Arc::new(Lenient::any_name(provider(), roots)));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    Ok(verifier.map_err(|error| rustls::Error::General(error.to_string()))?)
}

fn trusted_by_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems hold certificates that nobody can read; one that was needed is missed when it is.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(TlsError::NoRoots(why));
    }
    Ok(roots)
}
