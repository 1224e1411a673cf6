//! Detectors behind one that drops.

use eyas_engine::{Feed, Input, Topology};

use crate::support::*;

fn chain() -> Topology {
    let (first, second) = (load(dropper()), load(noter()));
    Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("drop", &first, &[Input::Source(0)]), detector("note", &second, &[Input::Detector(0)])],
        sinks: vec![
            sink(&[Feed::Events(Input::Source(0))]),
            sink(&[Feed::Events(Input::Detector(0))]),
            sink(&[Feed::Events(Input::Detector(1))]),
        ],
    }
}

#[test]
fn what_a_detector_drops_is_gone_for_all_behind_it_and_for_nobody_else() {
    let input = events(0..50);
    let kept = events((0..50).step_by(2));
    let noted: String =
        (0..50).step_by(2).map(|n| format!("{{\"n\":{n},\"t\":{n},\"eyas\":{{\"detectors\":{{\"note\":{{\"n\":{n}}}}}}}}}\n")).collect();
    let topology = chain();
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &input)]);
        assert_eq!(ran.outputs, [input.clone(), kept.clone(), noted.clone()], "{cut:?}");
        assert_eq!((ran.rows(0), ran.rows(1), ran.faults()), (50, 25, 0), "{cut:?}");
    }
}
