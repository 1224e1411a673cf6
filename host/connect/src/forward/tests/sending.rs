//! The client: against our own door, and against servers that do what they are told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use eyas_codec::forward::{frame, parse};

use super::support::*;
use crate::bed::{Listening, RUNTIME, drain_bytes, wait_for};
use crate::deliver::{Compression, Failure, FailureKind};
use crate::forward::{ForwardClient, ForwardClientConfig, SharedKey, Tag};
use crate::net::{ClientTls, ClientTlsFiles, ServerTls, ServerTlsFiles};
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

/// What a server answers to a message.
type Script = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// Takes connections one after the other: reads a message from each, answers as the next script says, and hangs up.
fn server(scripts: Vec<Script>) -> (String, thread::JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let mut messages = Vec::new();
        for mut script in scripts {
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
        Box::new(|_| vec![]),
        Box::new(|_| b"\xc1".to_vec()),
        Box::new(|_| ack("another")),
        Box::new(|_| b"\x90".to_vec()),
        Box::new(|message| acked(message)[..8].to_vec()),
        Box::new(acked),
        Box::new(acked),
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
fn noise_is_no_ack_whatever_it_is() {
    let mut random = fastrand::Rng::with_seed(7);
    let scripts = (0..300).map(|_| -> Script {
        let mut random = random.fork();
        Box::new(move |message| {
            let mut answer = acked(message);
            match random.u8(..4) {
                0 => answer.iter_mut().for_each(|byte| *byte = random.u8(..)),
                1 => answer.truncate(random.usize(..answer.len())),
                2 => answer = (0..random.usize(..9000)).map(|_| random.u8(..)).collect(),
                // In the chunk or its length.
                _ => answer[random.usize(5..30)] ^= 1 << random.u8(..8),
            }
            answer
        })
    });
    let (address, server) = server(scripts.collect());
    let mut client = ForwardClient::new(config(address));
    for _ in 0..300 {
        let failure = send(&mut client, one()).unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Broken | FailureKind::Refused { permanent: false, .. }), "{failure}");
    }
    server.join().unwrap();
}

#[test]
fn with_tls_on_both_sides_it_is_the_same_and_with_it_on_one_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (crt_file, key_file) = (folder.path().join("own.pem"), folder.path().join("key.pem"));
    std::fs::write(&crt_file, own.cert.pem()).unwrap();
    std::fs::write(&key_file, own.signing_key.serialize_pem()).unwrap();
    let client_tls = ClientTls::read(&ClientTlsFiles { ca_file: Some(crt_file.clone()), ..ClientTlsFiles::default() }).unwrap();
    let server_tls = ServerTls::read(&ServerTlsFiles { crt_file, key_file, ca_file: None, verify_certificate: false }).unwrap();
    let mut source = forward_source(Some(shared_key()));
    source.limits.handshake = Duration::from_millis(100);
    source.listeners.push(source.listeners[0].clone());
    source.listeners[1].tls = Some(server_tls);
    let (listening, outlet) = Listening::start(source, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let (plain, secured) = (listening.addresses[0].unwrap(), listening.addresses[1].unwrap());
    let to = |address, tls| ForwardClient::new(ForwardClientConfig { tls, shared_key: Some(shared_key()), ..config(address) });
    send(&mut to(plain, Some(client_tls.clone())), body()).unwrap_err();
    send(&mut to(secured, None), body()).unwrap_err();
    send(&mut to(secured, Some(client_tls)), body()).unwrap();
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1, entries(0..6));
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
