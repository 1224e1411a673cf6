//! What a source does with callers that are slow, wrong, or malicious: it goes on, and takes nothing of theirs in.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use super::support::*;
use crate::grpc::{Code, GrpcDoor, Service};
use crate::net::{NetLimits, NetSource};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Headers, none of them packed.
fn header_block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

fn head_of_call() -> Vec<u8> {
    let fixed = [(":method", "POST"), (":scheme", "http"), (":path", PUSH), (":authority", "there"), ("content-type", "application/grpc")];
    header_block(&fixed)
}

/// The beginning of a connection, and that of a call on it.
fn begun() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, END_HEADERS, 1, &head_of_call())].concat()
}

fn connect(listening: &Listening) -> TcpStream {
    let stream = TcpStream::connect(listening.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// What comes of it, until the other side closes.
fn said_to(listening: &Listening, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(listening);
    let mut said = Vec::new();
    // It may be closed before all of it is written, and with a reset.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write)).and_then(|()| stream.read_to_end(&mut said));
    said
}

#[test]
fn raw_frames_make_a_call() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let body = framed(false, &push(0..3));
    let (first, second) = body.split_at(7);
    let calls = [begun(), frame(DATA, 0, 1, first), frame(DATA, 0, 1, b""), frame(DATA, END_STREAM, 1, second)].concat();
    let mut stream = connect(&listening);
    stream.write_all(&calls).unwrap();
    read_until(&mut stream, b"\0\0\x05\0\0\0\0\0\x01\0\0\0\0\0");
    listening.end();
    assert_eq!(out.join().unwrap(), push(0..3));
}

/// Reads until these bytes have come.
fn read_until(stream: &mut TcpStream, bytes: &[u8]) {
    let mut said = Vec::new();
    while !said.windows(bytes.len()).any(|window| window == bytes) {
        let mut some = [0; 100];
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "it does not come: {said:?}");
        said.extend_from_slice(&some[..read]);
    }
}

#[test]
fn what_is_no_call_hurts_nobody() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut steady = Caller::to(listening.address());
    let call = framed(false, &push(0..100));
    let many = |frame: &[u8]| [&begun()[..], &frame.repeat(20_000)].concat();
    let abuses: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
        b"hello\r\n\r\n".to_vec(),
        vec![0; 1000],
        PREFACE[..10].to_vec(),
        [PREFACE, b"nonsense".repeat(100).as_slice()].concat(),
        [PREFACE, &frame(SETTINGS, 0, 0, b"abc")].concat(),
        [PREFACE, &frame(SETTINGS, 0, 0, &[0; 6]), &frame(DATA, 0, 7, b"abc")].concat(),
        // Half of a frame, half of a message, a message and no end.
        [&begun()[..], &frame(DATA, END_STREAM, 1, &call)[..50]].concat(),
        [&begun()[..], &frame(DATA, END_STREAM, 1, &call[..50])].concat(),
        [&begun()[..], &frame(DATA, 0, 1, &call)].concat(),
        [&begun()[..], &frame(DATA, 0, 1, &call[..50]), &frame(RESET, 0, 1, &[0, 0, 0, 8])].concat(),
        // More than the length that was announced.
        [&begun()[..], &frame(DATA, END_STREAM, 1, &[&call[..], b"more"].concat())].concat(),
        // Heads without an end, or too large, or wrong.
        [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, 0, 1, &head_of_call()), &frame(CONTINUATION, 0, 1, &[0; 16000]).repeat(100)]
            .concat(),
        [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, END_HEADERS, 1, &[0xff; 100])].concat(),
        [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, END_HEADERS, 2, &head_of_call())].concat(),
        [PREFACE, &frame(SETTINGS, 0, 0, b""), &frame(HEADERS, END_HEADERS, 1, &header_block(&[("x", &"y".repeat(120))]).repeat(130))]
            .concat(),
        // Floods.
        many(&frame(PING, 0, 0, &[0; 8])),
        many(&frame(SETTINGS, 0, 0, b"")),
        many(&frame(DATA, 0, 1, b"")),
        many(&[frame(HEADERS, END_HEADERS, 3, &head_of_call()), frame(RESET, 0, 3, &[0, 0, 0, 8])].concat()),
        (0..2000).fold(begun(), |mut bytes, i| {
            let stream = 3 + 2 * i;
            bytes.extend(frame(HEADERS, END_HEADERS, stream, &head_of_call()));
            bytes.extend(frame(RESET, 0, stream, &[0, 0, 0, 8]));
            bytes
        }),
    ];
    for (i, abuse) in abuses.iter().enumerate() {
        said_to(&listening, abuse);
        assert_eq!(steady.send(PUSH, &push(1000 + i..1001 + i)).status().code, Code::Ok, "abuse {i}");
    }
    wait_for("all others have gone", || listening.figures.connections.load(Relaxed) == 1);
    listening.end();
    let steadily: Vec<u8> = (0..abuses.len()).flat_map(|i| push(1000 + i..1001 + i)).collect();
    assert_eq!(out.join().unwrap(), steadily);
}

#[test]
fn who_speaks_http_1_is_told_so() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Otlp)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut stream = connect(&listening);
    stream.write_all(b"POST /v1/logs HTTP/1.1\r\nhost: there\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 505 ") && said.contains("over HTTP/2"), "{said}");
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn a_call_that_is_too_large_is_refused_and_others_on_the_connection_go_on() {
    let (listening, outlet) = Listening::start(source_with(GrpcDoor { max_body_bytes: 1 << 20, ..door(Service::Otlp) }), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    for _ in 0..20 {
        // OpenTelemetry's clients would come back if it were said when.
        let status = caller.send(LOGS, &vec![0; 3 << 20]).status();
        assert_eq!((status.code, status.retry_after), (Code::ResourceExhausted, None));
    }
    assert_eq!(caller.send(LOGS, b"").status().code, Code::Ok);
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn a_call_of_which_nothing_comes_is_put_off() {
    let limits = NetLimits { body_idle: Duration::from_millis(20), ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source_with(door(Service::Vector)) }, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut slow = connect(&listening);
    slow.write_all(&[begun(), frame(DATA, 0, 1, &framed(false, &push(0..3))[..20])].concat()).unwrap();
    // A status without a message: headers that end the stream.
    read_until(&mut slow, &[HEADERS, END_STREAM | END_HEADERS, 0, 0, 0, 1]);
    assert_eq!(listening.figures.requests(5), 1);
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn bytes_beyond_those_that_may_wait_are_put_off_until_others_have_gone() {
    let limits = NetLimits { waiting_bytes: 10_000, ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source_with(door(Service::Vector)) }, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    let status = caller.send(PUSH, &push(0..1000)).status();
    assert_eq!((status.code, status.retry_after), (Code::Unavailable, Some(Duration::from_secs(1))));
    assert_eq!(caller.send(PUSH, &push(0..10)).status().code, Code::Ok);
    listening.end();
    assert_eq!(out.join().unwrap(), push(0..10));
}

#[test]
fn a_connection_too_many_is_sent_away_in_its_own_words() {
    let limits = NetLimits { connections: 1, ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source_with(door(Service::Vector)) }, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut first = Caller::to(listening.address());
    assert_eq!(first.send(PUSH, &push(0..1)).status().code, Code::Ok);
    let mut stream = connect(&listening);
    let mut said = [0; 26];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(said[..9], frame(SETTINGS, 0, 0, b""));
    assert_eq!(said[9..], frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]));
    listening.end();
    assert_eq!(out.join().unwrap(), push(0..1));
}
