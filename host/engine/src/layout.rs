//! The topology, worked out: who reaches whom, in which phase, and whose watermarks are the same.

use std::collections::BTreeSet;

use eyas_codec::Form;
use eyas_event::{Keying, Subscription};

use crate::{Component, Feed, Input, OnFault, Topology};

/// What the shards must know of a detector.
#[derive(Debug)]
pub(crate) struct DetectorLayout {
    /// Detectors of one phase run at once; one that comes after a detector that drops is in a later phase.
    pub(crate) phase: usize,
    /// Which watermark it goes by; none: it uses no event time.
    pub(crate) group: Option<usize>,
    /// Where its state may live.
    pub(crate) keying: Keying,
    /// Whether some events end here: it may drop them, or divert those over which it fails.
    pub(crate) drops: bool,
}

/// What one sink gets of the batches of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// The detectors whose annotations the sink's events carry, in the order in which the events passed them; none: it gets no events.
    pub(crate) events: Option<Vec<usize>>,
    /// Whether it gets what could not be an event.
    pub(crate) dead_letters: bool,
    /// The detectors of which it gets the events over which they failed.
    pub(crate) diverted: Vec<usize>,
}

/// What must be known of a source.
#[derive(Debug)]
pub(crate) struct SourceLayout {
    /// The detectors that it reaches, in the order of the topology, each with the path to it (itself last).
    pub(crate) reached: Vec<(usize, Vec<usize>)>,
    /// By sink.
    pub(crate) shares: Vec<Share>,
    /// Whether its events have times at all. If not, none is missing.
    pub(crate) timed: bool,
    /// The watermark groups it belongs to.
    pub(crate) groups: Vec<usize>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) sources: Vec<SourceLayout>,
    pub(crate) detectors: Vec<DetectorLayout>,
    /// By sink: the detectors whose alerts it gets.
    pub(crate) alerts: Vec<Vec<usize>>,
    /// By sink: the form that it takes.
    pub(crate) forms: Vec<Form>,
    /// The sources of each watermark group.
    pub(crate) groups: Vec<BTreeSet<usize>>,
    pub(crate) phases: usize,
    pub(crate) shards: usize,
}

impl Layout {
    pub(crate) fn new(topology: &Topology, subscriptions: &[Subscription], shards: usize) -> Self {
        let paths = |source: usize| -> Vec<Option<Vec<usize>>> { paths_from(topology, source) };
        let by_source: Vec<_> = (0..topology.sources.len()).map(paths).collect();
        let mut groups: Vec<BTreeSet<usize>> = Vec::new();
        let mut detectors: Vec<DetectorLayout> = Vec::new();
        for (index, (detector, subscription)) in topology.detectors.iter().zip(subscriptions).enumerate() {
            let phase = detector.inputs.iter().map(|input| phase_after(*input, &detectors)).max().unwrap_or(0);
            let sources = by_source.iter().enumerate().filter(|(_, paths)| paths.get(index).is_some_and(Option::is_some));
            let sources: BTreeSet<usize> = sources.map(|(source, _)| source).collect();
            let group = (!subscription.timeless).then(|| number_of(&mut groups, sources));
            let drops = subscription.drops || detector.on_fault == OnFault::DeadLetter;
            detectors.push(DetectorLayout { phase, group, keying: subscription.keying.clone(), drops });
        }
        let phases = detectors.iter().map(|detector| detector.phase + 1).max().unwrap_or(0);
        let source = |(source, paths): (usize, &Vec<Option<Vec<usize>>>)| SourceLayout {
            reached: paths.iter().enumerate().filter_map(|(detector, path)| Some((detector, path.clone()?))).collect(),
            timed: topology.sources.get(source).is_some_and(|source| source.decoding.time.is_some()),
            shares: topology.sinks.iter().map(|sink| share(&sink.inputs, source, paths)).collect(),
            groups: groups.iter().enumerate().filter(|(_, sources)| sources.contains(&source)).map(|(group, _)| group).collect(),
        };
        let sources = by_source.iter().enumerate().map(source).collect();
        let alerts = topology.sinks.iter().map(|sink| alerts(&sink.inputs)).collect();
        let forms = topology.sinks.iter().map(|sink| sink.form).collect();
        Self { sources, detectors, alerts, forms, groups, phases, shards }
    }

    /// Whether a shard holds an instance of a detector.
    pub(crate) fn lives_on(&self, detector: usize, shard: usize) -> bool {
        match self.detectors.get(detector).map(|layout| &layout.keying) {
            Some(Keying::Global) => detector % self.shards == shard,
            Some(Keying::Keyed(_) | Keying::Stateless) => true,
            None => false,
        }
    }
}

fn phase_after(input: Input, before: &[DetectorLayout]) -> usize {
    match input {
        Input::Source(_) => 0,
        Input::Detector(index) => before.get(index).map_or(0, |upstream| upstream.phase + usize::from(upstream.drops)),
    }
}

fn number_of(groups: &mut Vec<BTreeSet<usize>>, sources: BTreeSet<usize>) -> usize {
    groups.iter().position(|known| *known == sources).unwrap_or_else(|| {
        groups.push(sources);
        groups.len() - 1
    })
}

/// By detector: the path on which the events of a source come to it, if they do. There is one at the most: events form a tree.
fn paths_from(topology: &Topology, source: usize) -> Vec<Option<Vec<usize>>> {
    let mut paths: Vec<Option<Vec<usize>>> = Vec::new();
    for (index, detector) in topology.detectors.iter().enumerate() {
        let path = detector.inputs.iter().find_map(|input| path_to(*input, source, &paths));
        paths.push(path.map(|mut path| {
            path.push(index);
            path
        }));
    }
    paths
}

fn path_to(input: Input, source: usize, paths: &[Option<Vec<usize>>]) -> Option<Vec<usize>> {
    match input {
        Input::Source(index) => (index == source).then(Vec::new),
        Input::Detector(index) => paths.get(index)?.clone(),
    }
}

fn share(inputs: &[Feed], source: usize, paths: &[Option<Vec<usize>>]) -> Share {
    let mut share = Share::default();
    for feed in inputs {
        match *feed {
            Feed::Events(input) => share.events = share.events.or_else(|| path_to(input, source, paths)),
            Feed::Alerts(_) => {}
            Feed::DeadLetters(Component::Detector(detector)) => share.diverted.push(detector),
            Feed::DeadLetters(component) => share.dead_letters |= component == Component::Source(source),
        }
    }
    share
}

fn alerts(inputs: &[Feed]) -> Vec<usize> {
    let detector = |feed: &Feed| if let Feed::Alerts(detector) = feed { Some(*detector) } else { None };
    inputs.iter().filter_map(detector).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eyas_event::Subscription;

    fn detector_inputs(inputs: &[&[Input]]) -> Vec<Vec<Input>> {
        inputs.iter().map(|inputs| inputs.to_vec()).collect()
    }

    #[test]
    fn a_path_is_the_detectors_between_source_and_component() {
        let inputs = detector_inputs(&[&[Input::Source(0)], &[Input::Detector(0), Input::Source(1)]]);
        let mut paths: Vec<Option<Vec<usize>>> = Vec::new();
        for (index, inputs) in inputs.iter().enumerate() {
            let path = inputs.iter().find_map(|input| path_to(*input, 0, &paths));
            paths.push(path.map(|path| path.into_iter().chain([index]).collect()));
        }
        assert_eq!(paths, [Some(vec![0]), Some(vec![0, 1])]);
        let feeds = [
            Feed::Events(Input::Detector(1)),
            Feed::Alerts(0),
            Feed::DeadLetters(Component::Source(0)),
            Feed::DeadLetters(Component::Detector(1)),
        ];
        assert_eq!(share(&feeds, 0, &paths), Share { events: Some(vec![0, 1]), dead_letters: true, diverted: vec![1] });
    }

    #[test]
    fn a_detector_after_one_that_drops_is_in_a_later_phase() {
        let layout = |drops| DetectorLayout { phase: 1, group: None, keying: Keying::Global, drops };
        assert_eq!(phase_after(Input::Detector(0), &[layout(true)]), 2);
        assert_eq!(phase_after(Input::Detector(0), &[layout(false)]), 1);
        assert_eq!(Layout::new(&Topology::default(), &[Subscription::default()], 2).phases, 0);
    }
}
