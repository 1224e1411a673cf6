//! What is taken in, and how it comes out.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use eyas_codec::forward::{Entries, parse, write};

use super::support::*;
use crate::bed::{Listening, drain_bytes, wait_for};
use crate::forward::SharedKey;
use crate::forward::handshake::Client;

#[test]
fn what_fluent_bit_sends_comes_out_as_it_came() {
    let Entries::Plain(sent) = parse(PLAIN).unwrap().entries else { panic!("it is not packed") };
    for (bytes, acked) in [(PLAIN, vec![]), (WITH_ACK, ack(CHUNK)), (PACKED, ack(CHUNK))] {
        let (listening, outlet) = Listening::start(forward_source(None), 4);
        let out = thread::spawn(|| drain_bytes(outlet));
        let mut peer = Peer::to(listening.address());
        peer.send(bytes);
        peer.expect(&acked);
        wait_for("it is taken", || listening.figures.requests(2) == 1);
        assert_eq!(listening.end(), "");
        let (tags, entries) = unframed(&out.join().unwrap());
        assert_eq!(tags, ["sec.events"]);
        assert!(entries == *sent);
    }
}

#[test]
fn all_modes_come_out_as_packed_entries() {
    let (listening, outlet) = Listening::start(forward_source(None), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut peer = Peer::to(listening.address());
    // Message, Forward, PackedForward as binary and as text, each with and without an option.
    let record = &entry(1)[1..];
    peer.send(&[b"\x93\xa1a", record].concat());
    peer.send(&[b"\x94\xa1a", record, b"\x81\xa5chunk\xa1m"].concat());
    peer.send(&[b"\x92\xa1b\x92".to_vec(), entries(2..4)].concat());
    peer.send(&[b"\x93\xa1b\x92".to_vec(), entries(4..6), b"\x81\xa5chunk\xc4\x01f".to_vec()].concat());
    peer.send(&[b"\x92\xa1c\xc4\x14".to_vec(), entries(6..8)].concat());
    peer.send(&[b"\x93\xa1c\xb4".to_vec(), entries(8..10), b"\xc0".to_vec()].concat());
    for (packed, name) in [(gzip(&entries(10..12)), "gzip"), (zstd::bulk::compress(&entries(10..12), 1).unwrap(), "zstd")] {
        let mut out = Vec::new();
        write("d", &packed, 2, Some(name), Some(name), &mut out);
        peer.send(&out);
    }
    // In two pieces, each packed alone, as a sender may append to what it has packed already.
    let mut pieces = Vec::new();
    write("d", &[gzip(&entries(12..13)), gzip(&entries(13..14))].concat(), 2, Some("pieces"), Some("gzip"), &mut pieces);
    peer.send(&pieces);
    // Heartbeats, and an empty message, which wants its ack as well.
    peer.send(b"\xc0\xc0");
    peer.send(&message("e", 0..0, Some("empty")));
    let acks = [ack("m"), b"\x81\xa3ack\xc4\x01f".to_vec(), ack("gzip"), ack("zstd"), ack("pieces"), ack("empty")];
    peer.expect(&acks.concat());
    drop(peer);
    assert_eq!(listening.end(), "");
    let (tags, came) = unframed(&out.join().unwrap());
    assert_eq!(tags, ["a", "b", "c", "d"]);
    assert_eq!(came, [entry(1), entry(1), entries(2..12), entries(10..14)].concat());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    let mut packed = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
    packed
}

#[test]
fn messages_without_a_chunk_come_out_in_order_however_they_are_cut() {
    let (listening, outlet) = Listening::start(forward_source(None), 2);
    let out = thread::spawn(|| drain_bytes(outlet));
    let bytes: Vec<u8> = (0..5000).flat_map(|n| message("t", n..n + 1, None)).collect();
    let mut peer = Peer::to(listening.address());
    let mut rest = bytes.as_slice();
    for length in (1..).map(|step: usize| step * 37 % 5000) {
        let (head, behind) = rest.split_at(length.min(rest.len()));
        peer.send(head);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    drop(peer);
    wait_for("the connection is at its end", || listening.figures.bytes.load(Relaxed) == bytes.len() as u64);
    listening.end();
    assert!(unframed(&out.join().unwrap()).1 == entries(0..5000));
}

/// How long a HELO is.
const HELO: usize = 48;

#[test]
fn with_a_key_only_those_are_let_in_who_have_it() {
    let (listening, outlet) = Listening::start(forward_source(Some(shared_key())), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    for key in ["open sesame", "open says me"] {
        let shared = SharedKey { key: key.into(), hostname: "shipper".into(), user: None };
        let client = Client::new(&shared, [7; 16]);
        let mut peer = Peer::to(listening.address());
        let helo = peer.read(HELO);
        let (ping, nonce) = client.ping(&helo).unwrap();
        let (head, rest) = ping.split_at(20);
        peer.send(head);
        peer.send(rest);
        if key == shared_key().key {
            let pong = peer.read(1 + 5 + 1 + 1 + 5 + 2 + 128);
            client.judge(&pong, &nonce).unwrap();
            peer.send(&message("t", 0..3, Some("c")));
            peer.expect(&ack("c"));
        } else {
            let told = client.judge(&peer.rest(), &nonce).unwrap_err();
            assert_eq!(told, "the server refuses the handshake: shared_key mismatch");
        }
    }
    // Who begins with a message has no key.
    let mut peer = Peer::to(listening.address());
    peer.send(&message("t", 3..6, Some("d")));
    peer.read(HELO);
    assert!(peer.rest().starts_with(b"\x95\xa4PONG\xc2"));
    // Who only looks whether we are there gets no handshake, and needs none.
    drop(Peer::to(listening.address()));
    wait_for("two are refused", || listening.figures.requests(4) == 2);
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1, entries(0..3));
}
