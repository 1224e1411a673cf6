//! Real sockets on both sides, and a real engine without detectors behind the door.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use eyas_codec::Decoding;

use super::{Remote, SocketClient, SocketClientConfig, SocketDoor};
use crate::bed::{LONG, Listening, RUNTIME, drain, source, wait_for};
use crate::deliver::FailureKind;
use crate::net::{Address, Door, Listener, NetLimits, NetSource};

const LONGEST: usize = 100_000;

fn socket_source(address: Address) -> NetSource {
    let listener = Listener { address, tls: None, door: Door::Socket(SocketDoor::new(LONGEST)) };
    NetSource { decoding: Decoding { max_event_bytes: LONGEST, ..Decoding::default() }, ..source(vec![listener]) }
}

fn tcp() -> NetSource {
    socket_source(Address::Tcp("127.0.0.1:0".parse().unwrap()))
}

fn client(remote: Remote) -> SocketClient {
    SocketClient::new(SocketClientConfig { remote, tls: None })
}

fn events(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

/// Waits until the other side has ended the connection too: then all has been read.
fn finish(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"", "nothing is ever said");
}

#[test]
fn lines_come_out_in_order_however_they_are_cut_and_a_last_one_needs_no_end() {
    let (listening, outlet) = Listening::start(tcp(), 2);
    let out = drain(outlet);
    let mut stream = TcpStream::connect(listening.address()).unwrap();
    let text = events(0..20_000);
    let mut rest = text.trim_end().as_bytes();
    for step in 1_usize.. {
        let (head, behind) = rest.split_at((step * 37 % 3000 + 1).min(rest.len()));
        stream.write_all(head).unwrap();
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    finish(stream);
    listening.end();
    assert!(out.join().unwrap() == text);
}

#[test]
fn connections_do_not_hold_each_other_up_and_their_lines_do_not_mix() {
    let (listening, outlet) = Listening::start(tcp(), 4);
    let out = drain(outlet);
    let (mut half, idle) = (TcpStream::connect(listening.address()).unwrap(), TcpStream::connect(listening.address()).unwrap());
    half.write_all(b"{\"n\":").unwrap();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let mut stream = TcpStream::connect(listening.address()).unwrap();
            thread::spawn(move || {
                events(number * 1000..number * 1000 + 1000).as_bytes().chunks(13).for_each(|chunk| stream.write_all(chunk).unwrap());
                finish(stream);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    half.write_all(b"4000}\n").unwrap();
    finish(half);
    finish(idle);
    assert_eq!(listening.end(), "", "nothing is torn");
    let out = out.join().unwrap();
    let mut lines: Vec<usize> = out.lines().map(|line| line[5..line.len() - 1].parse().unwrap()).collect();
    for number in 0..4 {
        let own: Vec<_> = lines.iter().copied().filter(|n| n / 1000 == number).collect();
        assert!(own.is_sorted());
    }
    lines.sort_unstable();
    assert!(lines.into_iter().eq(0..=4000));
}

#[test]
fn a_line_that_is_too_long_is_dead_letters_and_its_neighbours_are_events() {
    let (listening, outlet) = Listening::start(tcp(), 4);
    let out = drain(outlet);
    let mut stream = TcpStream::connect(listening.address()).unwrap();
    let long = format!("{{\"n\":\"{}\"}}", "x".repeat(40 * LONGEST));
    stream.write_all(format!("{}{long}\n{}", events(0..2), events(2..4)).as_bytes()).unwrap();
    finish(stream);
    let dead = listening.end();
    assert_eq!(out.join().unwrap(), events(0..4));
    let pieces: String =
        dead.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(pieces.trim_end(), long, "all of it is there");
}

#[test]
fn what_is_no_event_is_a_dead_letter() {
    let (listening, outlet) = Listening::start(tcp(), 4);
    let out = drain(outlet);
    let mut stream = TcpStream::connect(listening.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n\x16\x03\x01\xff\xfe\n{\"n\":0}\n{\"n\"").unwrap();
    finish(stream);
    assert_eq!(listening.end().lines().count(), 3);
    assert_eq!(out.join().unwrap(), events(0..1));
}

#[test]
fn a_stalled_sink_stops_the_reading_and_nothing_is_lost() {
    let mut source = tcp();
    source.limits = NetLimits { waiting_bytes: 1 << 20, ..source.limits };
    let (listening, outlet) = Listening::start(source, 2);
    let mut stream = TcpStream::connect(listening.address()).unwrap();
    let text = events(0..3_000_000);
    let (sent, wanted) = (text.clone(), text.len());
    let sender = thread::spawn(move || {
        stream.write_all(sent.as_bytes()).unwrap();
        finish(stream);
    });
    let (mut seen, mut still) = (u64::MAX, 0);
    wait_for("it stands still", || {
        let bytes = listening.figures.bytes.load(Relaxed);
        still = if bytes == seen { still + 1 } else { 0 };
        seen = bytes;
        thread::sleep(Duration::from_millis(1));
        still > 200
    });
    assert!(seen < 8 << 20 && wanted > 32 << 20, "{seen} bytes were read though nothing went out");
    let out = drain(outlet);
    sender.join().unwrap();
    listening.end();
    assert!(out.join().unwrap() == text);
}

#[test]
fn a_long_line_must_come_on_but_short_ones_and_silence_may_last() {
    let mut source = tcp();
    source.limits = NetLimits { body_idle: Duration::from_millis(100), ..source.limits };
    let (listening, outlet) = Listening::start(source, 4);
    let out = drain(outlet);
    let (mut short, mut long) = (TcpStream::connect(listening.address()).unwrap(), TcpStream::connect(listening.address()).unwrap());
    short.write_all(b"{\"n\":").unwrap();
    long.write_all(&[b'x'; 20_000]).unwrap();
    long.set_read_timeout(Some(LONG)).unwrap();
    assert_eq!(long.read(&mut [0]).unwrap(), 0);
    short.write_all(b"0}\n").unwrap();
    finish(short);
    assert_eq!(listening.end().lines().count(), 1);
    assert_eq!(out.join().unwrap(), events(0..1));
}

#[test]
fn a_unix_socket_is_as_good_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.sock");
    // Left behind by a run that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (listening, outlet) = Listening::start(socket_source(Address::Unix(path.clone())), 4);
    let out = drain(outlet);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(events(0..3).as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let mut client = client(Remote::Unix(path.clone()));
    RUNTIME.block_on(client.send(Bytes::from(events(3..6)))).unwrap();
    drop(client);
    wait_for("all is taken", || listening.figures.requests(2) == 2);
    listening.end();
    assert!(!path.exists());
    assert_eq!(out.join().unwrap(), events(0..6));
}

#[test]
fn the_client_writes_and_begins_anew_where_the_other_side_has_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut client = client(Remote::Tcp(listener.local_addr().unwrap().to_string()));
    for _ in 0..3 {
        let mut accepted = None;
        wait_for("it connects anew", || {
            // What is written before the end is seen is lost, as nobody says what has arrived.
            let _ = RUNTIME.block_on(client.send(Bytes::from(events(0..3))));
            accepted = listener.accept().ok();
            accepted.is_some()
        });
        let (mut stream, _) = accepted.unwrap();
        stream.set_nonblocking(false).unwrap();
        let mut came = vec![0; events(0..3).len()];
        stream.read_exact(&mut came).unwrap();
        assert_eq!(came, events(0..3).as_bytes());
        // It may say what it likes.
        stream.write_all(b"thanks").unwrap();
    }
    drop(listener);
    wait_for("its end is noticed", || {
        RUNTIME.block_on(client.send(Bytes::from("{}\n"))).is_err_and(|failure| failure.kind == FailureKind::Connect)
    });
}
