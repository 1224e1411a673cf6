//! Input order, whatever runs side by side.

use eyas_engine::{Feed, Input, Topology};
use eyas_event::Partition;

use crate::support::*;

const SECOND: Partition = Partition { source: 1, number: 0 };

#[test]
fn a_rows_alert_stands_right_behind_its_event_in_a_sink_that_takes_both() {
    let plugin = load(alerter());
    let topology = Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("b", &plugin, &[Input::Source(0)]), detector("a", &plugin, &[Input::Detector(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(1)), Feed::Alerts(0), Feed::Alerts(1)]), sink(&[Feed::Alerts(0)])],
    };
    let input = events(0..20);
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &input)]);
        let short = |line: &str| match line.split_once("\"detector\":\"") {
            Some((_, rest)) => rest[..1].to_owned(),
            None => line.to_owned(),
        };
        let got: Vec<String> = ran.outputs[0].lines().map(short).collect();
        let alerts = |n: i64| if n % 3 == 0 { vec!["a".to_owned(), "b".to_owned()] } else { Vec::new() };
        let expected: Vec<String> = (0..20).flat_map(|n| [vec![format!("{{\"n\":{n},\"t\":{n}}}")], alerts(n)].concat()).collect();
        assert_eq!(got, expected, "{cut:?}");
        assert_eq!(ran.outputs[1].lines().count(), 7, "{cut:?}");
    }
}

#[test]
fn a_timers_alert_stands_before_the_next_event_whosever_it_is() {
    let plugin = load(timer(5_000_000_000));
    let topology = Topology {
        sources: vec![source("one", 1), source("two", 1)],
        detectors: vec![detector("watch", &plugin, &[Input::Source(0)])],
        sinks: vec![sink(&[Feed::Events(Input::Detector(0)), Feed::Events(Input::Source(1)), Feed::Alerts(0)])],
    };
    let (first, other, last) = (events([1, 20].into_iter()), events([7].into_iter()), events([21].into_iter()));
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &first), (SECOND, &other), (FIRST, &last)]);
        let got: Vec<&str> = ran.outputs[0].lines().map(|line| &line[..6]).collect();
        assert_eq!(got, ["{\"n\":1", "{\"n\":2", "{\"id\":", "{\"n\":7", "{\"n\":2"], "{cut:?}");
    }
}

#[test]
fn events_of_several_sources_keep_the_order_in_which_they_were_admitted() {
    let plugin = load(noter());
    let topology = Topology {
        sources: vec![source("one", 1), source("two", 1)],
        detectors: vec![detector("note", &plugin, &[Input::Source(0), Input::Source(1)])],
        sinks: vec![sink(&[Feed::Events(Input::Source(1)), Feed::Events(Input::Source(0))]), sink(&[Feed::Events(Input::Detector(0))])],
    };
    let pieces: Vec<(Partition, String)> =
        (0..12).map(|piece| (if piece % 3 == 1 { SECOND } else { FIRST }, events(piece * 10..piece * 10 + 10))).collect();
    let pieces: Vec<(Partition, &str)> = pieces.iter().map(|(partition, text)| (*partition, text.as_str())).collect();
    for cut in cuts() {
        let ran = run(&topology, cut, &pieces);
        assert_eq!(ran.outputs[0], events(0..120), "{cut:?}");
        assert_eq!(ran.outputs[1].lines().count(), 120, "{cut:?}");
    }
}

#[test]
fn what_is_no_event_goes_to_the_dead_letters_and_the_rest_on() {
    let topology = Topology {
        sources: vec![source("in", 1)],
        detectors: Vec::new(),
        sinks: vec![sink(&[Feed::Events(Input::Source(0))]), sink(&[dead_letters()])],
    };
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, "{\"n\":1}\nnonsense\n\n{\"n\":2}\n")]);
        assert_eq!(ran.outputs[0].lines().count(), 2, "{cut:?}");
        assert!(ran.outputs[1].contains("\"position\":8,") && ran.outputs[1].contains("\"event\":\"nonsense\""), "{}", ran.outputs[1]);
    }
}
