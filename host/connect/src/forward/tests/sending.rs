//! The client: against our own door, and against servers that do what they are told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use bytes::Bytes;
use eyas_codec::forward::{frame, parse};

use super::support::*;
use crate::bed::{Listening, RUNTIME, drain_bytes, wait_for};
use crate::deliver::{Compression, Failure, FailureKind};
use crate::forward::{ForwardClient, ForwardClientConfig, SharedKey, Tag};
use crate::socket::Remote;

fn config(address: impl ToString) -> ForwardClientConfig {
    ForwardClientConfig {
        remote: Remote::Tcp(address.to_string()),
        tls: None,
        shared_key: None,
        require_ack: true,
        tag: Tag::Keep,
        compression: Compression::None,
    }
}

/// The stream form of two tags, one of which comes again.
fn body() -> Bytes {
    let mut out = Vec::new();
    for (tag, numbers) in [("a", 0..2), ("a", 2..3), ("b", 3..5), ("a", 5..6)] {
        frame(tag, &entries(numbers), &mut out).unwrap();
    }
    out.into()
}

fn send(client: &mut ForwardClient, body: Bytes) -> Result<(), Failure> {
    RUNTIME.block_on(client.send(body))
}

#[test]
fn what_is_sent_arrives_however_it_is_packed_with_a_key_and_without() {
    for shared_key in [None, Some(shared_key())] {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let (listening, outlet) = Listening::start(forward_source(shared_key.clone()), 4);
            let out = thread::spawn(|| drain_bytes(outlet));
            let shared_key = shared_key.clone();
            let mut client = ForwardClient::new(ForwardClientConfig { shared_key, compression, ..config(listening.address()) });
            send(&mut client, body()).unwrap();
            send(&mut client, body()).unwrap();
            send(&mut client.another(), Bytes::new()).unwrap();
            assert_eq!(listening.figures.requests(2), 6, "a message for each run of a tag");
            assert_eq!(listening.figures.repeated.load(Relaxed), 0, "what looks the same is not");
            listening.end();
            let (tags, came) = unframed(&out.join().unwrap());
            assert_eq!(tags.iter().filter(|tag| *tag == "b").count(), 2);
            assert_eq!(came, entries(0..6).repeat(2));
        }
    }
}

#[test]
fn tags_are_replaced_or_prefixed() {
    for (tag, wanted) in [(Tag::Replace("eyas".into()), vec!["eyas"]), (Tag::Prefix("eyas.".into()), vec!["eyas.a", "eyas.b", "eyas.a"])] {
        let (listening, outlet) = Listening::start(forward_source(None), 4);
        let out = thread::spawn(|| drain_bytes(outlet));
        send(&mut ForwardClient::new(ForwardClientConfig { tag, ..config(listening.address()) }), body()).unwrap();
        listening.end();
        assert_eq!(unframed(&out.join().unwrap()).0, wanted);
    }
}

#[test]
fn without_acks_it_is_taken_once_it_is_written() {
    let (listening, outlet) = Listening::start(forward_source(None), 4);
    let mut client = ForwardClient::new(ForwardClientConfig { require_ack: false, ..config(listening.address()) });
    send(&mut client, body()).unwrap();
    // Nothing has been delivered yet.
    let out = thread::spawn(|| drain_bytes(outlet));
    wait_for("it arrives", || listening.figures.requests(2) == 3);
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1, entries(0..6));
}

/// Takes connections one after the other: says something, reads a message's worth, and does with it what it is told.
fn server(scripts: Vec<fn(&[u8]) -> Vec<u8>>) -> (String, thread::JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let mut messages = Vec::new();
        for script in scripts {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut bytes, mut scanner) = (Vec::new(), eyas_codec::forward::Scanner::default());
            while scanner.scan(&bytes, 1 << 20).unwrap().is_none() {
                let mut more = [0; 100];
                let length = stream.read(&mut more).unwrap();
                if length == 0 {
                    break;
                }
                bytes.extend_from_slice(&more[..length]);
            }
            // The other side may have gone.
            let _ = stream.write_all(&script(&bytes));
            messages.push(bytes);
        }
        messages
    };
    (address, thread::spawn(serve))
}

fn acked(message: &[u8]) -> Vec<u8> {
    eyas_codec::forward::ack(parse(message).unwrap().chunk.unwrap())
}

fn one() -> Bytes {
    let mut out = Vec::new();
    frame("t", &entries(0..3), &mut out).unwrap();
    out.into()
}

#[test]
fn what_is_not_acked_is_a_failure_and_has_the_same_chunk_when_it_is_sent_again() {
    let (address, server) = server(vec![
        |_| vec![],
        |_| b"\xc1".to_vec(),
        |_| ack("another"),
        |_| b"\x90".to_vec(),
        |message| acked(message)[..8].to_vec(),
        acked,
        acked,
    ]);
    let mut client = ForwardClient::new(config(address));
    for _ in 0..5 {
        let failure = send(&mut client, one()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Broken, "{failure}");
    }
    send(&mut client, one()).unwrap();
    // The server has closed that connection, which is seen in time; what looks like it is another request.
    send(&mut client, one()).unwrap();
    let messages = server.join().unwrap();
    let chunks: Vec<_> = messages.iter().map(|message| parse(message).unwrap().chunk.unwrap().to_vec()).collect();
    assert!(chunks[..6].iter().all(|chunk| *chunk == chunks[0]));
    assert_ne!(chunks[6], chunks[0]);
    assert_eq!(parse(&messages[0]).unwrap().size, Some(3));
}

#[test]
fn who_has_the_wrong_key_or_none_is_told_so() {
    let (listening, outlet) = Listening::start(forward_source(Some(shared_key())), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let wrong = Some(SharedKey { key: "another".into(), ..shared_key() });
    for (shared_key, said) in [(wrong, "shared_key mismatch"), (None, "asks for a shared_key")] {
        let failure = send(&mut ForwardClient::new(ForwardClientConfig { shared_key, ..config(listening.address()) }), one()).unwrap_err();
        assert!(failure.told.contains(said), "{failure}");
        assert!(matches!(failure.kind, FailureKind::Refused { permanent: false, .. }), "{failure:?}");
    }
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn nobody_there_is_a_failure_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = send(&mut ForwardClient::new(config(address)), one()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.told.contains(&address.to_string()), "{failure}");
    let remote = Remote::Unix("/nowhere/eyas.sock".into());
    let failure = send(&mut ForwardClient::new(ForwardClientConfig { remote, ..config("") }), one()).unwrap_err();
    assert!(failure.kind == FailureKind::Connect && failure.told.contains("/nowhere/eyas.sock"), "{failure}");
}
