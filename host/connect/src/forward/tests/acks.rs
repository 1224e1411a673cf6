//! An ack says that all is safe, and is given to each chunk that is.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::support::*;
use crate::bed::{Listening, drain_bytes, wait_for};
use crate::net::NetLimits;

#[test]
fn a_chunk_is_acked_once_it_is_delivered_and_no_sooner() {
    let (listening, mut outlet) = Listening::start(forward_source(None), 4);
    let mut peer = Peer::to(listening.address());
    peer.send(&message("t", 0..3, Some("one")));
    let delivery = delivery(&mut outlet);
    wait_for("it is under way", || listening.figures.unacknowledged.load(Relaxed) == 1);
    assert!(peer.is_waiting());
    delivery.accept();
    peer.expect(&ack("one"));
    let out = thread::spawn(|| drain_bytes(outlet));
    listening.end();
    out.join().unwrap();
}

#[test]
fn many_may_be_under_way_and_are_acked_in_order() {
    let (listening, outlet) = Listening::start(forward_source(None), 2);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut peer = Peer::to(listening.address());
    let sent: Vec<u8> = (0..500).flat_map(|n| message("t", n..n + 1, Some(&n.to_string()))).collect();
    peer.send(&sent);
    peer.expect(&(0..500).flat_map(|n| ack(&n.to_string())).collect::<Vec<_>>());
    listening.end();
    assert!(unframed(&out.join().unwrap()).1 == entries(0..500));
}

#[test]
fn a_lost_ack_and_a_retry_count_once() {
    let (listening, mut outlet) = Listening::start(forward_source(None), 4);
    let sent = message("t", 0..3, Some("one"));
    let mut lost = Peer::to(listening.address());
    lost.send(&sent);
    let delivery = delivery(&mut outlet);
    drop(lost);
    // One while the first is under way, one after.
    let mut meanwhile = Peer::to(listening.address());
    meanwhile.send(&sent);
    wait_for("both are there", || listening.figures.unacknowledged.load(Relaxed) == 2);
    delivery.accept();
    meanwhile.expect(&ack("one"));
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut after = Peer::to(listening.address());
    after.send(&sent);
    after.expect(&ack("one"));
    // Another tag is another chunk, whatever it is called.
    after.send(&message("u", 3..4, Some("one")));
    after.expect(&ack("one"));
    assert_eq!(listening.figures.repeated.load(Relaxed), 2);
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1, entries(3..4), "the first was taken by hand");
}

#[test]
fn a_stalled_sink_stops_the_reading_and_nothing_is_lost() {
    let mut source = forward_source(None);
    source.limits = NetLimits { waiting_bytes: 1 << 20, ..source.limits };
    let (listening, outlet) = Listening::start(source, 2);
    let peer = Peer::to(listening.address());
    let mut sending = peer.0.try_clone().unwrap();
    // 40 MB, far more than all buffers between us.
    let sender = thread::spawn(move || {
        for number in 0..400 {
            let chunked = message("t", 0..10_000, Some(&number.to_string()));
            std::io::Write::write_all(&mut sending, &chunked).unwrap();
        }
    });
    let mut still = 0;
    let mut seen = u64::MAX;
    wait_for("it stands still", || {
        let bytes = listening.figures.bytes.load(Relaxed);
        still = if bytes == seen { still + 1 } else { 0 };
        seen = bytes;
        thread::sleep(std::time::Duration::from_millis(1));
        still > 200
    });
    assert!(seen < 8 << 20, "{seen} bytes were read though nothing went out");
    assert!(peer.is_waiting(), "nothing may be acked");
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut peer = peer;
    for number in 0..400 {
        peer.expect(&ack(&number.to_string()));
    }
    sender.join().unwrap();
    listening.end();
    assert_eq!(unframed(&out.join().unwrap()).1.len(), 400 * entries(0..10_000).len());
}

#[test]
fn a_refused_chunk_is_not_acked_and_its_connection_ends() {
    let (listening, mut outlet) = Listening::start(forward_source(None), 4);
    let mut peer = Peer::to(listening.address());
    peer.send(&message("t", 0..3, Some("one")));
    drop(delivery(&mut outlet));
    assert_eq!(peer.rest(), b"");
    assert_eq!(listening.figures.requests(5), 1);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut again = Peer::to(listening.address());
    again.send(&message("t", 0..3, Some("one")));
    assert_eq!(again.rest(), b"", "a sink that has not taken something takes nothing any more, and so it is not safe yet");
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn a_stop_answers_what_is_under_way_and_ends_idle_connections() {
    let (listening, mut outlet) = Listening::start(forward_source(None), 4);
    let (mut idle, mut half, mut busy) = (Peer::to(listening.address()), Peer::to(listening.address()), Peer::to(listening.address()));
    half.send(&message("t", 5..9, Some("half"))[..20]);
    busy.send(&message("t", 0..3, Some("one")));
    let delivery = delivery(&mut outlet);
    let out = thread::spawn(move || {
        delivery.accept();
        drain_bytes(outlet)
    });
    wait_for("all are connected", || listening.figures.connections.load(Relaxed) == 3);
    listening.end();
    assert_eq!(busy.rest(), ack("one"));
    assert_eq!((idle.rest(), half.rest()), (vec![], vec![]));
    assert_eq!(out.join().unwrap(), b"");
}
