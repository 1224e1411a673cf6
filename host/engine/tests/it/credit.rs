//! Only admission waits: whatever a sink does, nothing else stands still for good.

use std::thread;

use eyas_engine::{Feed, Input, Topology};

use crate::support::*;

fn two_sinks() -> Topology {
    let plugin = load(noter());
    Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("note", &plugin, &[Input::Source(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Source(0))]), sink(&[Feed::Events(Input::Detector(0))])],
    }
}

#[test]
fn a_sink_that_reads_only_when_another_has_all_there_can_be_holds_back_nobody_for_good() {
    let topology = two_sinks();
    for stalled in [0, 1] {
        let (engine, admission, mut outlets) = start(&topology, Cut { shards: 2, batch_events: 1, credit: 3 });
        let (slow, mut fast) = (outlets.remove(stalled), outlets.remove(0));
        let feeder = thread::spawn(move || feed(&admission, &[(FIRST, &events(0..30))]));
        // Credit for three: the opening and two events come through, then all waits for the slow sink.
        let head: Vec<_> = (0..3).map(|_| fast.next_delivery().unwrap()).collect();
        let slow = thread::spawn(move || drain(slow));
        drop(head);
        let rest = drain(fast);
        assert_eq!((slow.join().unwrap().lines().count(), rest.lines().count()), (30, 28));
        feeder.join().unwrap();
        engine.join().unwrap();
    }
}

#[test]
fn a_sink_that_gives_up_gives_its_credit_back() {
    let topology = two_sinks();
    for gone in [0, 1] {
        let (engine, admission, mut outlets) = start(&topology, Cut { shards: 2, batch_events: 1, credit: 1 });
        drop(outlets.remove(gone));
        let feeder = thread::spawn(move || feed(&admission, &[(FIRST, &events(0..30))]));
        assert_eq!(drain(outlets.remove(0)).lines().count(), 30);
        feeder.join().unwrap();
        engine.join().unwrap();
    }
}

#[test]
fn after_a_stop_nothing_more_is_taken_and_what_was_taken_comes_out() {
    let (engine, admission, outlets) = start(&two_sinks(), Cut { shards: 2, batch_events: 4, credit: 100 });
    admission.open(FIRST, "partition", None, None).unwrap();
    admission.admit(slice(FIRST, 0, &events(0..10))).unwrap();
    admission.stop();
    assert!(admission.admit(slice(FIRST, 0, &events(0..10))).is_err());
    let lines: Vec<usize> = outlets.into_iter().map(|outlet| drain(outlet).lines().count()).collect();
    assert_eq!(lines, [10, 10]);
    engine.join().unwrap();
}
