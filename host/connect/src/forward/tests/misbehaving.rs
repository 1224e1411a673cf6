//! Clients that are wrong, slow or malicious: they are sent away, nothing of theirs is taken in, and nobody else notices.

use std::io::Write;
use std::thread;
use std::time::Duration;

use eyas_codec::forward::write;

use super::support::*;
use crate::bed::{Listening, drain_bytes, wait_for};
use crate::net::NetLimits;

/// So much of nothing, packed.
fn bomb(length: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0xc0; length]).unwrap();
    encoder.finish().unwrap()
}

fn packed(entries: &[u8], compressed: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write("t", entries, 1, Some("c"), Some(compressed), &mut out);
    out
}

#[test]
fn who_is_wrong_is_sent_away_and_nobody_else_notices() {
    let (listening, outlet) = Listening::start(forward_source(None), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut right = Peer::to(listening.address());
    right.send(&message("t", 0..3, Some("right"))[..30]);
    let wrong: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET / HTTP/1.1\r\nhost: here\r\n\r\n".to_vec(),
        b"{\"n\":1}\n".to_vec(),
        b"\xc1".to_vec(),
        b"\x93\xa1t\xc1".to_vec(),
        // No tag, no entries, a chunk that is a number, an unknown compression.
        b"\x93\x01\x02\x03".to_vec(),
        b"\x92\xa1t\x01".to_vec(),
        b"\x93\xa1t\x90\x81\xa5chunk\x01".to_vec(),
        packed(b"", "lzma"),
        // Larger than may be, as the head says: 2 GiB of entries; four thousand million of them; of tag.
        b"\x93\xa1t\xc6\x80\x00\x00\x00".to_vec(),
        b"\x93\xa1t\xdd\xff\xff\xff\xff".to_vec(),
        b"\x93\xdb\x7f\xff\xff\xff".to_vec(),
        // Larger once it is unpacked, or never to be unpacked.
        packed(&bomb(2 << 20), "gzip"),
        packed(&zstd::bulk::compress(&vec![0xc0; 2 << 20], 1).unwrap(), "zstd"),
        packed(b"nothing that was packed", "gzip"),
        packed(b"nothing that was packed", "zstd"),
        packed(&bomb(1 << 10)[..20], "gzip"),
        // Entries that are not whole.
        [&b"\x93\xa1t\xc4\x05"[..], &entry(1)[..5], b"\x81\xa5chunk\xa1c"].concat(),
    ];
    for bytes in &wrong {
        let mut peer = Peer::to(listening.address());
        peer.send(bytes);
        assert_eq!(peer.rest(), b"", "{bytes:x?}");
    }
    assert_eq!(listening.figures.requests(4), wrong.len() as u64);
    // What is whole before what is wrong is taken, and acked.
    let mut peer = Peer::to(listening.address());
    peer.send(&[message("t", 3..4, Some("whole")), b"\xc1".to_vec()].concat());
    assert_eq!(peer.rest(), ack("whole"));
    // Halves are nobody's fault.
    for length in [1, 10, 20] {
        Peer::to(listening.address()).send(&message("t", 4..9, Some("half"))[..length]);
    }
    right.send(&message("t", 0..3, Some("right"))[30..]);
    right.expect(&ack("right"));
    assert_eq!(listening.end(), "");
    assert_eq!(unframed(&out.join().unwrap()).1, [entry(3), entries(0..3)].concat());
}

#[test]
fn entries_that_are_no_events_are_dead_letters_and_are_acked() {
    let (listening, outlet) = Listening::start(forward_source(None), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut peer = Peer::to(listening.address());
    let mut bytes = Vec::new();
    write("t", &[&entry(1)[..], b"\xa3bad", &entry(2)].concat(), 3, Some("c"), None, &mut bytes);
    peer.send(&bytes);
    peer.expect(&ack("c"));
    let dead = listening.end();
    assert_eq!(dead.lines().count(), 1, "{dead}");
    assert_eq!(unframed(&out.join().unwrap()).1, entries(1..3));
}

#[test]
fn who_does_not_come_on_is_sent_away_but_who_says_nothing_is_not() {
    let mut source = forward_source(None);
    source.limits = NetLimits { body_idle: Duration::from_millis(100), ..source.limits };
    let (listening, outlet) = Listening::start(source, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let (mut idle, mut half) = (Peer::to(listening.address()), Peer::to(listening.address()));
    half.send(&message("t", 0..3, Some("half"))[..10]);
    assert_eq!(half.rest(), b"");
    // A byte now and then does not help for ever.
    let mut slow = Peer::to(listening.address());
    let dripping = slow.0.try_clone().unwrap();
    thread::spawn(move || {
        let bytes = message("t", 0..3000, Some("slow"));
        bytes.iter().all(|byte| {
            thread::sleep(Duration::from_millis(20));
            (&dripping).write_all(&[*byte]).is_ok()
        })
    });
    assert_eq!(slow.rest(), b"");
    idle.send(&message("t", 0..3, Some("idle")));
    idle.expect(&ack("idle"));
    assert_eq!(listening.figures.requests(4), 2);
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1, entries(0..3));
}

#[test]
fn who_does_not_read_its_acks_is_sent_away_without_loss() {
    let mut source = forward_source(None);
    source.limits = NetLimits { body_idle: Duration::from_millis(100), ..source.limits };
    let (listening, outlet) = Listening::start(source, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut peer = Peer::to(listening.address());
    let name = "x".repeat(60_000);
    let mut sent = 0;
    // As many acks as do not fit into what the operating system holds.
    for n in 0..1000 {
        if peer.0.write_all(&message("t", n..n + 1, Some(&format!("{name}{n}")))).is_err() {
            break;
        }
        sent += 1;
    }
    assert!(sent < 1000, "it was read on for ever");
    wait_for("it is gone", || listening.figures.connections.load(std::sync::atomic::Ordering::Relaxed) == 0);
    listening.end();
    let came = unframed(&out.join().unwrap()).1;
    assert!(entries(0..1000).starts_with(&came));
}
