//! Over TLS, to a source of our own: with certificates on both sides, and with the wrong ones.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::sending::{Posting, client_of, config};
use crate::http::tests::support::*;
use crate::{ClientTls, ClientTlsFiles, HttpClientConfig, NetSinkConfig, NetSource, ServerTls, ServerTlsFiles, WhenFull};

/// Writes the certificate of an authority, and one that it signed for this machine.
fn certify(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    for (name, text) in [("ca.pem", authority.pem()), ("own.pem", own.pem()), ("key.pem", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn events_go_over_tls_with_certificates_on_both_sides_and_wait_where_one_is_wrong() {
    let (folder, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    certify(folder);
    certify(strange.path());
    let tls = ServerTls::read(&ServerTlsFiles {
        crt_file: folder.join("own.pem"),
        key_file: folder.join("key.pem"),
        ca_file: Some(folder.join("ca.pem")),
        verify_certificate: true,
    });
    let mut listeners = source().listeners;
    listeners[0].tls = Some(tls.unwrap());
    let (listening, outlet) = Listening::start(NetSource { listeners, ..source() }, 8);
    let out = drain(outlet);
    let to = |ca_file: &Path, own: Option<&Path>| {
        let tls = ClientTls::read(&ClientTlsFiles {
            ca_file: Some(ca_file.join("ca.pem")),
            crt_file: own.map(|own| own.join("own.pem")),
            key_file: own.map(|own| own.join("key.pem")),
            ..ClientTlsFiles::default()
        });
        let uri = format!("https://{}/", listening.address());
        client_of(HttpClientConfig { uri, tls: Some(tls.unwrap()), ..HttpClientConfig::default() })
    };
    let mut posting = Posting::start(config(to(folder, Some(folder))), 8);
    let settled = posting.feed(&events(0..100));
    posting.end();
    assert_eq!(settled.load(Relaxed), 1);
    for (ca_file, own) in [(strange.path(), Some(folder)), (folder, Some(strange.path())), (folder, None)] {
        // One that drops, as one that waits would wait for ever.
        let when_full = WhenFull::DropNewest { max_bytes: 1 << 20 };
        let mut posting = Posting::start(NetSinkConfig { when_full, ..config(to(ca_file, own)) }, 8);
        posting.feed(&events(100..110));
        let figures = posting.figures.clone();
        wait_for("it is tried again", || figures.retries.load(Relaxed) > 1);
        assert!(figures.failing().is_some());
        posting.end();
        assert_eq!(figures.taken.load(Relaxed), 0);
    }
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..100));
}
