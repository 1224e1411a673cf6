//! Watermarks over several partitions and sources, as they show in events.

use eyas_engine::{Feed, Input, Topology};
use eyas_event::Partition;

use crate::support::*;

const SECOND: Partition = Partition { source: 1, number: 0 };

#[test]
fn only_where_events_have_times_can_one_be_missing() {
    let topology = |timed: bool| {
        let mut source = source("in", 1);
        source.decoding.time = source.decoding.time.filter(|_| timed);
        Topology { sources: vec![source], detectors: Vec::new(), sinks: vec![sink(&[Feed::Events(Input::Source(0))])] }
    };
    let input = "{\"n\":1}\n";
    for cut in cuts() {
        assert_eq!(run(&topology(false), cut, &[(FIRST, input)]).outputs, [input], "{cut:?}");
        let tagged = "{\"n\":1,\"eyas\":{\"tags\":[\"untimed\"]}}\n";
        assert_eq!(run(&topology(true), cut, &[(FIRST, input)]).outputs, [tagged], "{cut:?}");
    }
}

fn late(output: &str) -> Vec<&str> {
    output.lines().filter(|line| line.contains("late")).map(|line| line.split(',').next().unwrap()).collect()
}

#[test]
fn an_event_is_late_by_the_slowest_source_that_reaches_the_detector() {
    let plugin = load(noter());
    let topology = Topology {
        sources: vec![source("one", 1), source("two", 1)],
        detectors: vec![detector("both", &plugin, &[Input::Source(0), Input::Source(1)]), detector("alone", &plugin, &[Input::Source(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(0))]), sink(&[Feed::Events(Input::Detector(1))])],
    };
    // The first source jumps to 100, so its own watermark is 90; the second has only come to 20, and holds the detector of both at 10.
    let (jump, back) = (events([1, 100].into_iter()), events([50, 5].into_iter()));
    let slow = events([20].into_iter());
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &jump), (SECOND, &slow), (FIRST, &back), (SECOND, &slow)]);
        assert_eq!(late(&ran.outputs[0]), ["{\"n\":5"], "{cut:?}");
        assert_eq!(late(&ran.outputs[1]), ["{\"n\":50", "{\"n\":5"], "{cut:?}");
        let farthest = ran.report.farthest.unwrap();
        assert_eq!((farthest.by, farthest.to), (99_000_000_000, 100_000_000_000), "{cut:?}");
    }
}

#[test]
fn a_partition_that_has_ended_holds_back_nobody() {
    let plugin = load(noter());
    let topology = Topology {
        sources: vec![source("one", 1), source("two", 1)],
        detectors: vec![detector("both", &plugin, &[Input::Source(0), Input::Source(1)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(0))])],
    };
    let (slow, jump, back) = (events([20].into_iter()), events([100].into_iter()), events([50].into_iter()));
    for cut in cuts() {
        let ran = run(&topology, cut, &[(SECOND, &slow), (FIRST, &jump), (FIRST, &back)]);
        assert_eq!(late(&ran.outputs[0]), ["{\"n\":50"], "{cut:?}");
    }
}
