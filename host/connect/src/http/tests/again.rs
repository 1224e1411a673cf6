//! Requests that come again because their answers were lost, or too long in coming: they count once.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use eyas_engine::Receipt;
use eyas_event::{Buffer, Partition, Request, Slice};
use eyas_state::Folder;

use super::support::*;
use crate::intake::request_id;
use crate::net::{Acknowledge, NetLimits, NetSource};

#[test]
fn one_that_comes_again_while_it_is_under_way_gets_the_same_answer_and_counts_once() {
    let (listening, mut outlet) = Listening::start(source(), 4);
    outlet.next_delivery().unwrap().accept();
    let mut connections = [listening.connect(), listening.connect(), listening.connect()];
    connections.iter_mut().for_each(|connection| connection.send_post("", &events(0..3)));
    wait_for("all are there", || listening.figures.unacknowledged.load(Relaxed) == 3);
    let delivery = outlet.next_delivery().unwrap();
    assert!(connections.iter_mut().all(|connection| connection.is_waiting()));
    let delivered: Vec<u8> = delivery.slices().flatten().copied().collect();
    assert_eq!(String::from_utf8(delivered).unwrap(), events(0..3));
    delivery.accept();
    for connection in &mut connections {
        assert_eq!(connection.answer().unwrap().status, 200);
    }
    assert_eq!(listening.figures.repeated.load(Relaxed), 2);
    let out = drain(outlet);
    listening.end();
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn one_that_comes_again_after_its_answer_is_answered_at_once_and_counts_once() {
    for (dedupe, times) in [(true, 1), (false, 3)] {
        let (listening, outlet) = Listening::start(NetSource { dedupe, ..source() }, 4);
        let out = drain(outlet);
        let mut connection = listening.connect();
        for _ in 0..3 {
            assert_eq!(connection.post("", &events(0..3)).status, 200);
            assert_eq!(connection.post("", &events(0..4)).status, 200, "another one");
        }
        // However it is packed and whatever it is said to be: the same events.
        let array = "[{\"n\":0},{\"n\":1},{\"n\":2}]";
        assert_eq!(connection.post("content-type: application/json\r\n", array).status, 200);
        assert_eq!(listening.figures.repeated.load(Relaxed), if dedupe { 5 } else { 0 });
        listening.end();
        let again = if dedupe { String::new() } else { events(0..3) };
        assert_eq!(out.join().unwrap(), (events(0..3) + &events(0..4)).repeat(times) + &again);
    }
}

#[test]
fn one_that_was_refused_for_want_of_room_is_taken_in_when_it_comes_again() {
    let limits = NetLimits { admission: Duration::from_millis(20), ..NetLimits::default() };
    let (listening, mut outlet) = Listening::start(NetSource { limits, ..source() }, 1);
    let mut connection = listening.connect();
    // The opening of the partition is a batch, too.
    assert_eq!(connection.post("", &events(0..3)).status, 503);
    outlet.next_delivery().unwrap().accept();
    wait_for("there is room", || listening.admission.credit()[0].batches == 0);
    let out = drain(outlet);
    assert_eq!([connection.post("", &events(0..3)).status, connection.post("", &events(0..3)).status], [200, 200]);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..3));
}

#[test]
fn who_hangs_up_and_asks_again_gets_the_answer_of_what_was_begun() {
    let (listening, mut outlet) = Listening::start(source(), 4);
    outlet.next_delivery().unwrap().accept();
    let mut impatient = listening.connect();
    impatient.send_post("", &events(0..3));
    let delivery = outlet.next_delivery().unwrap();
    drop(impatient);
    wait_for("it has gone", || listening.figures.connections.load(Relaxed) == 0);
    let mut again = listening.connect();
    again.send_post("", &events(0..3));
    wait_for("it is there again", || listening.figures.unacknowledged.load(Relaxed) == 1);
    assert!(again.is_waiting());
    delivery.accept();
    assert_eq!(again.answer().unwrap().status, 200);
    let out = drain(outlet);
    listening.end();
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn who_hangs_up_before_anything_was_begun_and_asks_again_is_heard() {
    let (listening, mut outlet) = Listening::start(source(), 1);
    let mut first = listening.connect();
    // There is no room while the opening of the partition has not left the engine.
    first.send_post("", &events(0..1));
    wait_for("one is there", || listening.figures.unacknowledged.load(Relaxed) == 1);
    let mut impatient = listening.connect();
    impatient.send_post("", &events(1..2));
    wait_for("two are there", || listening.figures.unacknowledged.load(Relaxed) == 2);
    drop(impatient);
    wait_for("one has gone", || listening.figures.unacknowledged.load(Relaxed) == 1);
    let mut again = listening.connect();
    again.send_post("", &events(1..2));
    wait_for("it is there again", || listening.figures.unacknowledged.load(Relaxed) == 2);
    outlet.next_delivery().unwrap().accept();
    let out = drain(outlet);
    assert_eq!([first.answer().unwrap().status, again.answer().unwrap().status], [200, 200]);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..2));
}

#[test]
fn one_that_comes_again_after_a_restart_counts_once() {
    for acknowledge in [Acknowledge::Delivered, Acknowledge::Journalled] {
        let folder = tempfile::tempdir().unwrap();
        let held = Folder::open(folder.path()).unwrap();
        let mut all = String::new();
        for run in 0..3 {
            let source = NetSource { acknowledge, position: all.len() as u64, ..source() };
            let (listening, outlet) = Listening::start_with(source, 4, Some(state(&held)));
            let out = drain(outlet);
            let mut connection = listening.connect();
            for request in 0..=run {
                assert_eq!(connection.post("", &events(request..request + 1)).status, 200);
            }
            assert_eq!(listening.figures.repeated.load(Relaxed), run as u64);
            listening.end_after(|| all += &out.join().unwrap());
        }
        assert_eq!(all, events(0..3));
    }
}

#[test]
fn one_of_which_a_part_was_taken_in_goes_on_behind_it() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    let text = events(0..250);
    let known = events(0..100).len();
    let slice = Slice {
        partition: Partition { source: 0, number: 0 },
        position: 0,
        ingest_time: crate::ingest_time(),
        buffer: Arc::new(Buffer::new(text.clone().into_bytes())),
        range: 0..known,
        header: None,
        oversize: false,
        turn_end: None,
        request: Some(Request { id: request_id(b"http", text.as_bytes()), offset: 0, last: false }),
    };
    let receipt = Arc::new(Receipt::new(|_| ()));
    listening.admission.admit_within(slice, &receipt, LONG).unwrap();
    assert_eq!(listening.connect().post("", &text).status, 200);
    assert_eq!(listening.connect().post("", &text).status, 200);
    listening.end();
    assert_eq!(out.join().unwrap(), text);
}

#[test]
fn the_same_from_many_at_once_counts_once() {
    let (listening, outlet) = Listening::start(NetSource { batch_bytes: 300, ..source() }, 4);
    let (out, address) = (drain(outlet), listening.address());
    let client = || {
        thread::spawn(move || {
            let mut connection = Connection::to(address);
            for request in 0..50 {
                assert_eq!(connection.post("", &events(request * 100..request * 100 + 100)).status, 200);
            }
        })
    };
    (0..4).map(|_| client()).collect::<Vec<_>>().into_iter().for_each(|client| client.join().unwrap());
    assert_eq!(listening.figures.repeated.load(Relaxed), 150);
    listening.end();
    assert_eq!(out.join().unwrap(), events(0..5000));
}
