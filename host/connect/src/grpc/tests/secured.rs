//! Both sides over TLS, each showing the other who it is.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use bytes::Bytes;

use super::support::*;
use crate::deliver::FailureKind;
use crate::grpc::{Channel, Code, Service};
use crate::http::HttpClientConfig;
use crate::net::tests::support::Authority;
use crate::net::{ClientTls, ClientTlsFiles, ServerTls, ServerTlsFiles};

#[test]
fn who_is_certified_calls_over_tls_and_nobody_else_does() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = ServerTlsFiles { ca_file: Some(authority.file("ca.crt")), verify_certificate: true, ..authority.server() };
    let mut source = source_with(door(Service::Vector));
    source.listeners[0].tls = Some(ServerTls::read(&server).unwrap());
    let (listening, outlet) = Listening::start(source, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let port = listening.address().port();
    let call = |scheme: &str, files: Option<ClientTlsFiles>| {
        let tls = files.map(|files| ClientTls::read(&files).unwrap());
        let config = HttpClientConfig { uri: format!("{scheme}://localhost:{port}"), tls, ..HttpClientConfig::default() };
        let channel = Channel::new(&config).unwrap();
        RUNTIME.block_on(async { tokio::time::timeout(LONG, channel.call(PUSH, Bytes::from(push(0..1)))).await.unwrap() })
    };
    let certified = |by: &Authority| {
        let (crt, key) = by.certify("shipper");
        ClientTlsFiles { crt_file: Some(crt), key_file: Some(key), ..authority.client() }
    };
    assert_eq!(call("https", Some(certified(&authority))).unwrap().0.code, Code::Ok);
    // Who is refused may hear of it only once it speaks.
    assert!(call("https", Some(certified(&other))).is_err());
    assert!(call("https", Some(authority.client())).is_err());
    assert_eq!(call("https", Some(other.client())).unwrap_err().kind, FailureKind::Connect);
    assert_eq!(call("http", None).unwrap_err().kind, FailureKind::Broken);
    assert_eq!(call("https", Some(certified(&authority))).unwrap().0.code, Code::Ok);
    assert!(listening.figures.failed_handshakes.load(Relaxed) >= 3);
    listening.end();
    assert_eq!(out.join().unwrap(), push(0..1));
}
