//! TLS on both sides: what is in which files, and what is wrong with them.
//!
//! Whoever opens a port to clients is a [`ServerTls`], whoever connects is a [`ClientTls`]. Either may ask the other side for a certificate.

mod client;
mod lenient;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use client::{ClientTls, ClientTlsFiles};
pub use server::{ServerTls, ServerTlsFiles};

/// TLS that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not for us.
    #[error("{file}: cannot be read: {source}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no PEM, or holds nothing of what it is for.
    #[error("{file}: {why}", file = .file.display())]
    Unfit {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key do not belong together.
    #[error("{key}: is not the key of the certificate in {crt}", key = .key.display(), crt = .crt.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        crt: PathBuf,
    },
    /// Certificates of clients cannot be verified without one to verify them by.
    #[error("clients' certificates can only be verified with a ca_file")]
    NoAuthority,
    /// The operating system has no certificates of authorities for us.
    #[error("the system has no certificates of authorities{0}: name a ca_file")]
    NoRoots(String),
    /// A name that no certificate can have.
    #[error("{0:?} is neither a host's name nor an address")]
    Name(String),
    /// What was read does not make up a configuration.
    #[error(transparent)]
    Other(#[from] rustls::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// All certificates of a file; one at least.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(unfit(file, "there is no certificate in it".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unfit(file, format!("is no PEM: {error}"))),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|error| match error {
        pem::Error::NoItemsFound => unfit(file, "there is no private key in it, or it is encrypted".to_owned()),
        error => unfit(file, format!("is no PEM: {error}")),
    })
}

/// Those whose word counts.
fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| unfit(file, format!("holds a certificate that cannot be an authority's: {error}")))?;
    }
    Ok(roots)
}

/// What rustls says of a certificate and its key.
fn misfit(error: rustls::Error, crt: &Path, key: &Path) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { key: key.to_owned(), crt: crt.to_owned() },
        rustls::Error::InvalidCertificate(why) => unfit(crt, format!("the certificate cannot be used: {why}")),
        rustls::Error::General(why) => unfit(key, format!("the key cannot be used: {why}")),
        other => other.into(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|source| TlsError::Unreadable { file: file.to_owned(), source })
}

fn unfit(file: &Path, why: String) -> TlsError {
    TlsError::Unfit { file: file.to_owned(), why }
}
