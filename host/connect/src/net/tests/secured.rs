//! TLS: who gets in, who does not, and that nobody is hurt by those who do not.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::Relaxed;

use super::support::*;
use crate::bed::{LONG, Listening, drain, source, wait_for};
use crate::http::tests::support::{door, events};
use crate::net::{Address, ClientTls, ClientTlsFiles, Door, Listener, NetLimits, NetSource, ServerTls, ServerTlsFiles, TlsError};

/// A source that is posted to over TLS, and, at its second address, without.
fn secured(files: &ServerTlsFiles) -> NetSource {
    let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
    let plain = Listener { address: address.clone(), tls: None, door: Door::Http(door()) };
    source(vec![Listener { tls: Some(ServerTls::read(files).unwrap()), ..plain.clone() }, plain])
}

fn client(files: &ClientTlsFiles) -> ClientTls {
    ClientTls::read(files).unwrap()
}

#[test]
fn who_knows_the_authority_posts_in_the_version_of_http_that_both_agreed_on() {
    let authority = Authority::new();
    let (listening, outlet) = Listening::start(secured(&authority.server()), 4);
    let out = drain(outlet);
    let tls = client(&authority.client());
    let versions: [(&[&[u8]], _); 4] = [(&[b"h2"], true), (&[b"http/1.1"], false), (&[], false), (&[], true)];
    for (number, (protocols, is_http2)) in versions.into_iter().enumerate() {
        block_on(async {
            let stream = connect(listening.address(), &tls.agreeing_on(protocols)).await.unwrap();
            assert_eq!(stream.agreed_http2(), (!protocols.is_empty()).then_some(is_http2));
            assert_eq!(post(stream, is_http2, &events(number..number + 1)).await.unwrap(), 200);
        });
    }
    assert_eq!(listening.figures.failed_handshakes.load(Relaxed), 0);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..4));
}

#[test]
fn a_server_is_believed_as_far_as_is_asked_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (listening, outlet) = Listening::start(secured(&authority.server()), 4);
    let out = drain(outlet);
    let right = authority.client();
    let misnamed = ClientTlsFiles { server_name: Some("elsewhere".into()), ..right.clone() };
    for (files, is_believed) in [
        (other.client(), false),
        (ClientTlsFiles { verify_hostname: false, ..other.client() }, false),
        (ClientTlsFiles { verify_certificate: false, ..other.client() }, true),
        (misnamed.clone(), false),
        (ClientTlsFiles { verify_hostname: false, ..misnamed.clone() }, true),
        (ClientTlsFiles { verify_certificate: false, ..misnamed }, true),
        (right, true),
    ] {
        let connected = block_on(connect(listening.address(), &client(&files)));
        assert_eq!(connected.is_ok(), is_believed, "{files:?}: {connected:?}");
    }
    listening.end();
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn where_clients_are_to_show_who_they_are_only_those_of_the_authority_get_in() {
    let (authority, other) = (Authority::new(), Authority::new());
    let files = ServerTlsFiles { ca_file: Some(authority.file("ca.crt")), verify_certificate: true, ..authority.server() };
    let (listening, outlet) = Listening::start(secured(&files), 4);
    let out = drain(outlet);
    let showing = |(crt, key)| ClientTlsFiles { crt_file: Some(crt), key_file: Some(key), ..authority.client() };
    for (number, files, gets_in) in
        [(0, authority.client(), false), (1, showing(other.certify("client")), false), (2, showing(authority.certify("client")), true)]
    {
        let posted = block_on(async {
            // That the server does not want it shows only once something is read.
            let stream = connect(listening.address(), &client(&files)).await.ok()?;
            post(stream, false, &events(number..number + 1)).await.ok()
        });
        assert_eq!(posted.is_some_and(|status| status == 200), gets_in, "{files:?}");
    }
    assert_eq!(listening.figures.failed_handshakes.load(Relaxed), 2);
    listening.end();
    assert_eq!(out.join().unwrap(), events(2..3));
}

#[test]
fn plain_text_where_tls_is_spoken_and_the_other_way_round_is_refused_at_once_and_hurts_nobody() {
    let authority = Authority::new();
    let (listening, outlet) = Listening::start(secured(&authority.server()), 4);
    let out = drain(outlet);
    let tls = client(&authority.client());
    for text in [
        "POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\0\0\0\0\0\0\0\0\0\0",
        "\u{16}\u{3}\u{1}",
    ] {
        let mut plain = std::net::TcpStream::connect(listening.address()).unwrap();
        plain.set_read_timeout(Some(LONG)).unwrap();
        plain.write_all(text.as_bytes()).unwrap();
        plain.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A connection that is reset says it as well.
        let _ = plain.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer[0] == 0x15, "an alert: {answer:?}");
    }
    wait_for("all have failed", || listening.figures.failed_handshakes.load(Relaxed) == 4);
    let plain = listening.addresses[1].unwrap();
    assert!(block_on(connect(plain, &tls)).is_err());
    block_on(async {
        assert_eq!(post(connect_plain(plain).await, false, &events(0..1)).await.unwrap(), 200);
        let stream = connect(listening.address(), &tls).await.unwrap();
        assert_eq!(post(stream, false, &events(1..2)).await.unwrap(), 200);
    });
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..2));
}

#[test]
fn who_does_not_come_to_the_end_of_the_handshake_is_sent_away_and_does_not_hold_up_others_or_a_stop() {
    let authority = Authority::new();
    let limits = NetLimits { handshake: SHORT, ..NetLimits::default() };
    let (listening, _outlet) = Listening::start(NetSource { limits, ..secured(&authority.server()) }, 4);
    let mut silent = std::net::TcpStream::connect(listening.address()).unwrap();
    silent.set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "closed");
    listening.end();
    let (listening, _outlet) = Listening::start(secured(&authority.server()), 4);
    let _silent = std::net::TcpStream::connect(listening.address()).unwrap();
    wait_for("it is there", || listening.figures.connections.load(Relaxed) == 1);
    block_on(async { connect(listening.address(), &client(&authority.client())).await.unwrap() });
    listening.end();
}

#[test]
fn what_is_wrong_with_files_is_said_with_the_file() {
    let (authority, other) = (Authority::new(), Authority::new());
    let right = authority.server();
    let (_, other_key) = other.certify("localhost");
    let (garbage, cut) = (authority.file("garbage"), authority.file("cut"));
    write(&garbage, "hello");
    write(&cut, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let said = |files: ServerTlsFiles| ServerTls::read(&files).unwrap_err().to_string();
    let missing = said(ServerTlsFiles { crt_file: "/nowhere/at.all".into(), ..right.clone() });
    assert!(missing.starts_with("/nowhere/at.all: cannot be read: No such file"), "{missing}");
    assert!(said(ServerTlsFiles { crt_file: garbage.clone(), ..right.clone() }).ends_with("garbage: there is no certificate in it"));
    assert!(said(ServerTlsFiles { crt_file: cut, ..right.clone() }).contains("cut: is no PEM: "));
    assert!(said(ServerTlsFiles { key_file: garbage.clone(), ..right.clone() }).contains("garbage: there is no private key in it"));
    assert!(said(ServerTlsFiles { key_file: right.crt_file.clone(), ..right.clone() }).contains("there is no private key in it"));
    let mismatch = said(ServerTlsFiles { key_file: other_key.clone(), ..right.clone() });
    assert_eq!(mismatch, format!("{}: is not the key of the certificate in {}", other_key.display(), right.crt_file.display()));
    let unverifiable = ServerTls::read(&ServerTlsFiles { verify_certificate: true, ..right });
    assert!(matches!(unverifiable, Err(TlsError::NoAuthority)));
    let said = |files: ClientTlsFiles| ClientTls::read(&files).unwrap_err().to_string();
    assert!(said(ClientTlsFiles { ca_file: Some(garbage.clone()), ..ClientTlsFiles::default() }).contains("no certificate"));
    assert!(said(ClientTlsFiles { key_file: Some(garbage.clone()), ..authority.client() }).contains("name a crt_file"));
    assert!(said(ClientTlsFiles { crt_file: Some(garbage), ..authority.client() }).contains("name a key_file"));
    assert!(said(ClientTlsFiles { server_name: Some("no name".into()), ..authority.client() }).contains("\"no name\""));
}
