//! Packed bodies, and who may post at all.

use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::support::*;
use crate::http::{Credentials, HttpDoor};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Posts some bytes packed somehow.
fn post(connection: &mut Connection, encoding: &str, body: &[u8]) -> Answered {
    connection.send(format!("POST / HTTP/1.1\r\nhost: here\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", body.len()));
    connection.send(body);
    connection.answer().unwrap()
}

#[test]
fn packed_bodies_come_out_as_they_were_before() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    let mut connection = listening.connect();
    let texts: Vec<String> = (0..4).map(|i| events(i * 1000..i * 1000 + 1000)).collect();
    let bodies = [
        ("gzip", gzip(&texts[0])),
        ("ZSTD", zstd::encode_all(texts[1].as_bytes(), 3).unwrap()),
        ("snappy", snap::raw::Encoder::new().compress_vec(texts[2].as_bytes()).unwrap()),
        ("x-gzip", gzip(&texts[3])),
    ];
    for (encoding, body) in &bodies {
        assert_eq!(post(&mut connection, encoding, body).status, 200, "{encoding}");
    }
    assert_eq!(post(&mut connection, "gzip", b"").status, 200, "nothing is nothing");
    let came: usize = bodies.iter().map(|(_, body)| body.len()).sum();
    assert_eq!(listening.figures.bytes.load(Relaxed), came as u64);
    listening.end();
    assert_eq!(out.join().unwrap(), texts.concat());
}

#[test]
fn what_unpacks_to_too_much_or_to_nothing_known_is_refused_and_the_connection_goes_on() {
    let (listening, outlet) = Listening::start(source_with(HttpDoor { max_body_bytes: 100_000, ..door() }), 4);
    let out = drain(outlet);
    let mut connection = listening.connect();
    let bomb = gzip(&" ".repeat(50 << 20));
    for (encoding, body, status, said) in [
        ("gzip", &bomb[..], 413, "unpacks to more than 100000 bytes"),
        ("gzip", &gzip(&events(0..10))[..20], 400, "the body is no gzip"),
        ("zstd", &gzip(&events(0..10)), 400, "the body is no zstd"),
        ("br", b"whatever", 415, "gzip, deflate, zstd, snappy"),
        ("gzip, gzip", b"whatever", 415, "gzip, deflate, zstd, snappy"),
    ] {
        if status == 415 {
            connection = listening.connect();
        }
        let answered = post(&mut connection, encoding, body);
        assert_eq!(answered.status, status, "{answered:?}");
        assert!(answered.text.contains(said), "{answered:?}");
    }
    assert_eq!(post(&mut listening.connect(), "gzip", &gzip(&events(0..10))).status, 200);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..10));
}

#[test]
fn users_are_known_by_their_passwords() {
    let auth = Some(Credentials::Basic { user: "Aladdin".into(), password: "open sesame".into() });
    let (listening, outlet) = Listening::start(source_with(HttpDoor { auth, ..door() }), 4);
    let out = drain(outlet);
    for (header, status) in [
        ("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", 200),
        ("authorization: basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", 200),
        ("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZA==\r\n", 401),
        ("authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", 401),
        ("authorization: Basic\r\n", 401),
        ("", 401),
    ] {
        let answered = listening.connect().post(header, &events(0..1));
        assert_eq!(answered.status, status, "{header}");
        assert!(status == 200 || answered.head.contains("www-authenticate: basic realm="), "{answered:?}");
    }
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..1));
}
