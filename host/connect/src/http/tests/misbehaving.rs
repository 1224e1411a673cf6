//! What a source does with clients that are slow, wrong, or malicious: it says so, goes on, and takes nothing of theirs in.

use std::io::Read;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::support::*;
use crate::http::{Credentials, HttpDoor};
use crate::net::{NetLimits, NetSource};

#[test]
fn what_is_wrong_with_a_request_is_said_before_its_body_is_read() {
    let auth = Some(Credentials::Bearer { token: "open sesame".into() });
    let (listening, outlet) = Listening::start(source_with(HttpDoor { auth, path: "/in".into(), ..door() }), 4);
    let out = drain(outlet);
    for (line, headers, status, said) in [
        ("GET /health", "", 200, ""),
        ("HEAD /health", "", 200, ""),
        ("POST /", "", 404, "posted to /in"),
        ("POST /in/", "", 404, "posted to /in"),
        ("GET /in", "", 405, "allow: post, put"),
        ("DELETE /in", "", 405, "allow: post, put"),
        ("POST /in", "", 401, "www-authenticate: bearer"),
        ("POST /in", "authorization: Bearer open sesam\r\n", 401, "token"),
        ("POST /in", "authorization: Bearer open sesame!\r\n", 401, "token"),
        ("POST /in", "authorization: Basic open sesame\r\n", 401, "token"),
        ("POST /in", "authorization: bearer open sesame\r\ncontent-encoding: br\r\n", 415, "accept-encoding: gzip, "),
        ("POST /in", "authorization: Bearer open sesame\r\nexpect: 100-continue\r\n", 413, "1048576"),
    ] {
        let mut connection = listening.connect();
        let length = if line.starts_with("POST") { "content-length: 2000000\r\n" } else { "" };
        connection.send(format!("{line} HTTP/1.1\r\nhost: here\r\n{headers}{length}\r\n"));
        connection.0.set_nonblocking(false).unwrap();
        if line.starts_with("HEAD") {
            let mut head = [0; 15];
            connection.0.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 200 OK");
            continue;
        }
        let answered = connection.answer().unwrap();
        assert_eq!(answered.status, status, "{line} {headers}");
        assert!(answered.head.contains(said) || answered.text.contains(said), "{answered:?}");
    }
    assert_eq!((listening.figures.requests(2), listening.figures.requests(4)), (2, 10));
    assert_eq!(listening.figures.bytes.load(Relaxed), 0);
    listening.end();
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn a_body_that_is_too_large_is_refused_however_it_comes_and_the_client_gets_to_know() {
    let source = NetSource { dedupe: false, ..source_with(HttpDoor { max_body_bytes: 1000, ..door() }) };
    let (listening, outlet) = Listening::start(source, 4);
    let out = drain(outlet);
    for fits in [998, 1000, 1001, 1900] {
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(fits - 8));
        let status = if fits <= 1000 { 200 } else { 413 };
        assert_eq!(listening.connect().post("", &body).status, status);
        let mut chunked = listening.connect();
        chunked.send("POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n");
        body.as_bytes().chunks(100).for_each(|chunk| {
            chunked.send(format!("{:x}\r\n", chunk.len()));
            chunked.send(chunk);
            chunked.send("\r\n");
        });
        chunked.send("0\r\n\r\n");
        let answered = chunked.answer().unwrap();
        assert_eq!(answered.status, status);
        assert!(status == 200 || answered.text.contains("larger than 1000 bytes"), "{answered:?}");
    }
    listening.end();
    assert_eq!(out.join().unwrap().lines().count(), 4);
}

#[test]
fn a_bad_line_is_a_dead_letter_and_a_bad_array_is_refused_as_a_whole() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    let mut connection = listening.connect();
    assert_eq!(connection.post("", "{\"n\":1}\n{\"n\":\n{\"n\":2}").status, 200);
    let answered = connection.post("content-type: application/json\r\n", "[{\"n\":3},{\"n\":}]");
    assert_eq!(answered.status, 400);
    assert_eq!(answered.text, "{\"error\":\"the body is no JSON: expected value at byte 14\"}\n");
    assert_eq!(connection.post("", "[{\"n\":3},{\"n\":4}").status, 400);
    assert_eq!(connection.post("", "{\"n\":5}").status, 200, "the connection goes on");
    let dead = listening.end();
    assert_eq!(out.join().unwrap(), "{\"n\":1}\n{\"n\":2}\n{\"n\":5}\n");
    assert_eq!(dead.lines().count(), 1);
}

#[test]
fn who_is_slow_brings_nothing_in() {
    let short = Duration::from_millis(30);
    // Slow with the head: it is closed on them.
    let limits = NetLimits { head: short, ..NetLimits::default() };
    let (listening, _outlet) = Listening::start(NetSource { limits, ..source() }, 4);
    let mut slow = listening.connect();
    slow.send("POST / HTTP/1.1\r\nhost: he");
    assert!(slow.answer().is_none_or(|answered| answered.status == 408));
    listening.end();
    // Slow with the body.
    let limits = NetLimits { body_idle: short, ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source() }, 4);
    let out = drain(outlet);
    let mut slow = listening.connect();
    slow.send("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n{\"n\":1}\n");
    assert_eq!(slow.answer().unwrap().status, 408);
    assert!(slow.answer().is_none(), "closed");
    listening.end();
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn who_is_cut_off_or_speaks_something_else_brings_nothing_in() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    // Cut off in the body.
    let mut cut = listening.connect();
    cut.send("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n{\"n\":2}\n");
    cut.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(cut.answer().is_none_or(|answered| answered.status == 400));
    let mut cut = listening.connect();
    cut.send("POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"n\":3}\n\r\nzz");
    assert!(cut.answer().is_none_or(|answered| answered.status == 400));
    // No HTTP at all.
    for garbage in ["\x16\x03\x01\x02\x00\x01\x00\x01", "GET\r\n\r\n", "hello\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        let mut other = listening.connect();
        other.send(garbage);
        other.0.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(other.answer().is_none_or(|answered| answered.status == 400));
    }
    assert_eq!(listening.connect().post("", "{\"n\":4}").status, 200);
    listening.end();
    assert_eq!(out.join().unwrap(), "{\"n\":4}\n");
}

#[test]
fn connections_and_bytes_beyond_their_numbers_are_turned_away_until_others_have_gone() {
    let limits = NetLimits { connections: 2, waiting_bytes: 100, ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source() }, 4);
    let out = drain(outlet);
    let (mut first, mut second) = (listening.connect(), listening.connect());
    assert_eq!([first.post("", "{\"n\":1}").status, second.post("", "{\"n\":2}").status], [200, 200]);
    assert!(listening.connect().answer().is_none_or(|answered| answered.status == 503));
    assert_eq!(listening.figures.refused_connections.load(Relaxed), 1);
    let large = format!("{{\"n\":\"{}\"}}", "x".repeat(100));
    let answered = first.post("", &large);
    assert_eq!(answered.status, 503);
    drop((first, second));
    wait_for("there is a place again", || listening.figures.connections.load(Relaxed) == 0);
    assert_eq!(listening.connect().post("", "{\"n\":3}").status, 200);
    listening.end();
    assert_eq!(out.join().unwrap(), events(1..4));
}
