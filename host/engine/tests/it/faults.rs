//! Guests that fail while events flow.

use eyas_engine::{Feed, Input, Topology};
use eyas_hostile::Guest;

use crate::support::*;

#[test]
fn a_trap_loses_no_event_and_the_detector_goes_on_anew() {
    let trap = "(if (i64.eq (local.get $t) (i64.const 13)) (then (unreachable)))";
    let (bad, good) = (load(each_row(Guest::new(), "", trap)), load(noter()));
    let topology = Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("bad", &bad, &[Input::Source(0)]), detector("good", &good, &[Input::Detector(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(1))])],
    };
    let input = events(0..40);
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &input)]);
        assert_eq!(ran.outputs[0].lines().count(), 40, "{cut:?}");
        assert_eq!(ran.faults(), 1, "{cut:?}");
        let tagged = ran.outputs[0].lines().filter(|line| line.contains("\"tags\":[\"fault\"]"));
        let batch = cut.batch_events.min(40);
        let first = 13 / batch * batch;
        let expected: Vec<String> = (first..(first + batch).min(40)).map(|n| format!("{{\"n\":{n},")).collect();
        let got: Vec<String> = tagged.map(|line| line[..line.find(',').unwrap() + 1].to_owned()).collect();
        assert_eq!(got, expected, "{cut:?}");
        assert!(ran.outputs[0].lines().all(|line| line.contains("\"good\":{\"n\":")), "{cut:?}");
    }
}

#[test]
fn a_detector_that_fails_at_every_batch_lets_every_event_pass() {
    let bad = load(each_row(Guest::new(), "", "(unreachable)"));
    let topology = Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("bad", &bad, &[Input::Source(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(0))])],
    };
    let cut = Cut { shards: 2, batch_events: 5, credit: 2 };
    let ran = run(&topology, cut, &[(FIRST, &events(0..100))]);
    assert_eq!((ran.outputs[0].lines().count(), ran.faults()), (100, 20));
}
