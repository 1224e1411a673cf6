//! HTTP/2 on plain connections: whoever begins with it gets it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::support::*;
use crate::bed::{LONG, Listening, drain};
use crate::http::tests::support::{events, source};
use crate::net::{NetLimits, NetSource};

/// How a client begins: the preface and settings that it has nothing to say about.
const BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[test]
fn many_requests_at_once_on_one_connection_are_all_taken() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    block_on(within(async {
        let stream = connect_plain(listening.address()).await;
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let requests = (0..300).map(|number| {
            let mut sender = sender.clone();
            let request = Request::post("http://localhost/").body(Full::new(Bytes::from(events(number..number + 1))));
            tokio::spawn(async move { sender.send_request(request.unwrap()).await.unwrap().status() })
        });
        for answer in requests.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap(), 200);
        }
    }));
    assert_eq!((listening.figures.requests(2), listening.figures.connections.load(Relaxed)), (300, 1));
    listening.end();
    let mut lines: Vec<_> = out.join().unwrap().lines().map(str::to_owned).collect();
    let mut sent: Vec<_> = events(0..300).lines().map(str::to_owned).collect();
    lines.sort();
    sent.sort();
    assert_eq!(lines, sent);
}

#[test]
fn who_opens_requests_only_to_take_them_back_is_sent_away() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    let mut hasty = TcpStream::connect(listening.address()).unwrap();
    hasty.set_read_timeout(Some(LONG)).unwrap();
    hasty.write_all(BEGINNING).unwrap();
    let mut frames = Vec::new();
    for stream in (1..20_001u32).step_by(2) {
        // POST / over http, to be continued; and never mind.
        frames.extend([0, 0, 3, 1, 4]);
        frames.extend(stream.to_be_bytes());
        frames.extend([0x83, 0x86, 0x84]);
        frames.extend([0, 0, 4, 3, 0]);
        frames.extend(stream.to_be_bytes());
        frames.extend([0, 0, 0, 8]);
    }
    // It may be sent away before it has said all that.
    let _ = hasty.write_all(&frames);
    let mut answer = Vec::new();
    let _ = hasty.read_to_end(&mut answer);
    assert_eq!(block_on(async { post(connect_plain(listening.address()).await, true, &events(0..1)).await.unwrap() }), 200);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..1));
}

#[test]
fn who_begins_and_says_no_more_is_sent_away() {
    for beginning in [&b""[..], &b"PRI * HT"[..], b"P"] {
        let limits = NetLimits { head: SHORT, ..NetLimits::default() };
        let (listening, _outlet) = Listening::start(NetSource { limits, ..source() }, 4);
        let mut slow = TcpStream::connect(listening.address()).unwrap();
        slow.set_read_timeout(Some(LONG)).unwrap();
        slow.write_all(beginning).unwrap();
        assert_eq!(slow.read(&mut [0]).unwrap_or(0), 0, "closed");
        listening.end();
    }
}

#[test]
fn garbage_behind_the_beginning_ends_the_connection_alone() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    for garbage in [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\0\0\0\x07\0\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut other = TcpStream::connect(listening.address()).unwrap();
        other.set_read_timeout(Some(LONG)).unwrap();
        other.write_all(&[BEGINNING, garbage].concat()).unwrap();
        other.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = other.read_to_end(&mut Vec::new());
    }
    assert_eq!(block_on(async { post(connect_plain(listening.address()).await, true, &events(0..1)).await.unwrap() }), 200);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..1));
}

#[test]
fn a_stop_waits_for_the_requests_under_way_and_not_for_connections() {
    let (listening, mut outlet) = Listening::start(source(), 4);
    outlet.next_delivery().unwrap().accept();
    let address = listening.address();
    let posting = std::thread::spawn(move || block_on(async { post(connect_plain(address).await, true, &events(0..1)).await }));
    let delivery = outlet.next_delivery().unwrap();
    let ending = std::thread::spawn(move || listening.end());
    delivery.accept();
    let out = drain(outlet);
    assert_eq!(posting.join().unwrap().unwrap(), 200);
    ending.join().unwrap();
    assert_eq!(out.join().unwrap(), "");
}
