//! Certificates, and a client over any connection.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::bed::{LONG, RUNTIME};
use crate::net::{ClientTls, ClientTlsFiles, ServerTlsFiles, Stream};

/// An authority, and what it has certified, in files.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// One whom nobody knows yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// A file of its own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Certifies somebody of this name. Gives the files of the certificate and of its key.
    pub fn certify(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let (crt, pem) = (self.file(&format!("{name}.crt")), self.file(&format!("{name}.key")));
        std::fs::write(&crt, certificate.pem()).unwrap();
        std::fs::write(&pem, key.serialize_pem()).unwrap();
        (crt, pem)
    }

    /// What a server needs that anybody may connect to.
    pub fn server(&self) -> ServerTlsFiles {
        let (crt_file, key_file) = self.certify("localhost");
        ServerTlsFiles { crt_file, key_file, ca_file: None, verify_certificate: false }
    }

    /// What a client needs that trusts us.
    pub fn client(&self) -> ClientTlsFiles {
        ClientTlsFiles { ca_file: Some(self.file("ca.crt")), ..ClientTlsFiles::default() }
    }
}

/// Connects to a server that says that it is `localhost`.
pub async fn connect(address: SocketAddr, tls: &ClientTls) -> std::io::Result<Stream> {
    within(async { tls.connect(TcpStream::connect(address).await?, "localhost").await }).await
}

/// Connects without TLS.
pub async fn connect_plain(address: SocketAddr) -> Stream {
    Stream::tcp(TcpStream::connect(address).await.unwrap(), address)
}

/// Posts over a connection, and then lets go of it.
pub async fn post(stream: Stream, is_http2: bool, body: &str) -> Result<StatusCode, hyper::Error> {
    let request = Request::builder().method(Method::POST).uri("http://localhost/").body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    let request = request.unwrap();
    within(async {
        let response = if is_http2 {
            let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        };
        Ok(response.status())
    })
    .await
}

/// It is a defect if this takes long.
pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, what).await.unwrap()
}

/// Does something on the runtime.
pub fn block_on<T>(what: impl Future<Output = T>) -> T {
    RUNTIME.block_on(what)
}

/// As short as a wait may be that is to run out.
pub const SHORT: Duration = Duration::from_millis(30);

/// Writes a file.
pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
