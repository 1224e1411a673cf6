//! Who takes what from whom: names become numbers, and what cannot be connected so is said.

use std::collections::{BTreeMap, BTreeSet};

use eyas_engine::{Component, Feed, Input};

use super::component::{Components, RawInput};
use super::document::Place;
use super::forms::{check_feeds, check_refusals};
use super::plan::{DeadLetters, DetectorPlan, Plan, SinkPlan, Top};
use super::problem::{Problems, suggest};
use super::targets::{check_shared, place_dead_letters};

/// Connects the components. Where that cannot be done the problems say why, and the plan is not to be used.
pub fn connect(top: Top, components: Components, problems: &Problems) -> Plan {
    check_names(&components, problems);
    let names = Names::new(&components);
    let order = order_detectors(&components, &names, problems);
    let names = names.renumbered(&order);
    let mut detectors: Vec<_> = components.detectors.into_iter().map(Some).collect();
    let mut plan = Plan { top, sources: components.sources, detectors: Vec::new(), sinks: Vec::new(), dead_letters: DeadLetters::Taken };
    // By detector, the sources that reach it.
    let mut reach: Vec<BTreeSet<usize>> = Vec::new();
    for raw in order.iter().filter_map(|&number| detectors.get_mut(number)?.take()) {
        let mut inputs = Vec::new();
        for input in &raw.inputs {
            match names.feed(input, problems) {
                Some(Feed::Events(event)) => inputs.push((event, &input.place)),
                Some(_) => problems.at(
                    &input.place,
                    format!("a detector cannot take {:?} yet", input.name),
                    "detectors take the events of sources and detectors; alerts and dead letters go to sinks",
                ),
                None => {}
            }
        }
        reach.push(check_tree(&plan, &reach, &inputs, &format!("detector {:?}", raw.name), problems));
        plan.detectors.push(DetectorPlan {
            name: raw.name,
            place: raw.place,
            plugin: raw.plugin,
            plugin_place: raw.plugin_place,
            config: raw.config,
            memory_bytes: raw.memory_bytes,
            deadline: raw.deadline,
            on_fault: raw.on_fault,
            max_faults: raw.max_faults,
            reset_state: raw.reset_state,
            inputs: inputs.into_iter().map(|(input, _)| input).collect(),
        });
    }
    for raw in components.sinks {
        let feeds: Vec<_> = raw.inputs.iter().filter_map(|input| Some((names.feed(input, problems)?, &input.place))).collect();
        let events: Vec<_> =
            feeds.iter().filter_map(|(feed, place)| if let Feed::Events(input) = feed { Some((*input, *place)) } else { None }).collect();
        check_tree(&plan, &reach, &events, &format!("sink {:?}", raw.name), problems);
        check_feeds(&plan, &reach, (&raw.name, &raw.kind), &feeds, problems);
        for (number, (feed, place)) in feeds.iter().enumerate() {
            if !matches!(feed, Feed::Events(_)) && feeds.iter().take(number).any(|(other, _)| other == feed) {
                problems.at(place, format!("sink {:?} takes this twice", raw.name), "name it once");
            }
        }
        let feeds = feeds.into_iter().map(|(feed, _)| feed).collect();
        plan.sinks.push(SinkPlan { name: raw.name, place: Some(raw.place), kind: raw.kind, feeds });
    }
    check_ends(&plan, problems);
    check_refusals(&plan, problems);
    check_shared(&plan, problems);
    place_dead_letters(&mut plan, problems);
    plan
}

/// What the names in `inputs` stand for.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, Named>,
    /// By sink: whether it has dead letters.
    refusing: Vec<bool>,
}

#[derive(Clone, Copy)]
enum Named {
    Component(Component),
    /// It is there, but could not be read: that has been said already.
    Broken,
}

impl Names {
    fn new(components: &Components) -> Self {
        let mut known = BTreeMap::new();
        known.extend(components.names.iter().map(|(name, _)| (name.clone(), Named::Broken)));
        let sinks = components.sinks.iter().enumerate().map(|(number, sink)| (&sink.name, Component::Sink(number)));
        let detectors = components.detectors.iter().enumerate().map(|(number, detector)| (&detector.name, Component::Detector(number)));
        let sources = components.sources.iter().enumerate().map(|(number, source)| (&source.name, Component::Source(number)));
        known.extend(sinks.chain(detectors).chain(sources).map(|(name, component)| (name.clone(), Named::Component(component))));
        Self { known, refusing: components.sinks.iter().map(|sink| sink.kind.may_refuse()).collect() }
    }

    /// The same names once the detectors stand in this order.
    fn renumbered(mut self, order: &[usize]) -> Self {
        for named in self.known.values_mut() {
            if let Named::Component(Component::Detector(number)) = named {
                *number = order.iter().position(|old| old == number).unwrap_or_default();
            }
        }
        self
    }

    /// What an input names; says it if there is no such thing.
    fn feed(&self, input: &RawInput, problems: &Problems) -> Option<Feed> {
        let (name, output) = input.name.split_once('.').map_or((input.name.as_str(), None), |(name, output)| (name, Some(output)));
        let Some(named) = self.known.get(name) else {
            let takeable = self.known.iter().filter(|(_, named)| !matches!(named, Named::Component(Component::Sink(_))));
            problems.at(&input.place, format!("there is no {name:?}"), suggest(name, takeable.map(|(name, _)| name.as_str())));
            return None;
        };
        let Named::Component(component) = *named else { return None };
        let wrong = |message: String, help: String| {
            problems.at(&input.place, message, help);
            None
        };
        match (output, component) {
            (None, Component::Source(number)) => Some(Feed::Events(Input::Source(number))),
            (None, Component::Detector(number)) => Some(Feed::Events(Input::Detector(number))),
            (None, Component::Sink(_)) => wrong(
                format!("{name:?} is a sink, and events end there"),
                format!("of a sink there are only its dead letters: \"{name}.dead_letters\""),
            ),
            (Some("alerts"), Component::Detector(number)) => Some(Feed::Alerts(number)),
            (Some("alerts"), _) => wrong(format!("{name:?} has no alerts"), "only detectors have alerts".to_owned()),
            (Some("dead_letters"), Component::Sink(number)) if !self.may_refuse(number) => wrong(
                format!("{name:?} has no dead letters: whatever it takes, it takes"),
                "dead letters of a sink are what the other side of a network refuses for good".to_owned(),
            ),
            (Some("dead_letters"), component) => Some(Feed::DeadLetters(component)),
            (Some(output), Component::Detector(_)) => {
                wrong(format!("{name:?} has no output {output:?}"), suggest(output, ["alerts", "dead_letters"]))
            }
            (Some(output), _) => wrong(format!("{name:?} has no output {output:?}"), suggest(output, ["dead_letters"])),
        }
    }

    fn may_refuse(&self, sink: usize) -> bool {
        self.refusing.get(sink).is_some_and(|may| *may)
    }

    /// The detector whose events an input names.
    fn detector(&self, input: &RawInput) -> Option<usize> {
        match self.known.get(input.name.as_str()) {
            Some(Named::Component(Component::Detector(number))) => Some(*number),
            _ => None,
        }
    }
}

/// A name is one component's alone, whatever it is.
fn check_names(components: &Components, problems: &Problems) {
    let mut seen = BTreeMap::new();
    for (name, place) in &components.names {
        if seen.insert(name, place).is_some() {
            problems.at(
                place,
                format!("the name {name:?} is taken"),
                "sources, detectors and sinks share their names: give this one another",
            );
        }
    }
}

/// The detectors in an order in which each stands after its inputs; says where there is none.
fn order_detectors(components: &Components, names: &Names, problems: &Problems) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        Not,
        Under,
        Done,
    }
    struct Walk<'a> {
        components: &'a Components,
        names: &'a Names,
        problems: &'a Problems,
        visits: Vec<Visit>,
        path: Vec<usize>,
        order: Vec<usize>,
    }
    impl Walk<'_> {
        fn visit(&mut self, number: usize) {
            let Some(detector) = self.components.detectors.get(number) else { return };
            if let Some(visit) = self.visits.get_mut(number) {
                *visit = Visit::Under;
            }
            self.path.push(number);
            for input in &detector.inputs {
                let Some(before) = self.names.detector(input) else { continue };
                match self.visits.get(before) {
                    Some(Visit::Not) => self.visit(before),
                    Some(Visit::Under) => self.say_cycle(before, &input.place),
                    _ => {}
                }
            }
            self.path.pop();
            if let Some(visit) = self.visits.get_mut(number) {
                *visit = Visit::Done;
            }
            self.order.push(number);
        }

        fn say_cycle(&self, from: usize, place: &Place) {
            let cycle = self.path.iter().skip_while(|number| **number != from).chain([&from]);
            let mut names: Vec<_> = cycle.filter_map(|number| Some(self.components.detectors.get(*number)?.name.as_str())).collect();
            // The walk went against the flow.
            names.reverse();
            self.problems.at(place, format!("events would go round in a circle: {}", names.join(" -> ")), "take one of these inputs away");
        }
    }
    let count = components.detectors.len();
    let mut walk = Walk { components, names, problems, visits: vec![Visit::Not; count], path: Vec::new(), order: Vec::new() };
    for number in 0..count {
        if walk.visits.get(number) == Some(&Visit::Not) {
            walk.visit(number);
        }
    }
    walk.order
}

/// Events form a tree (SEMANTICS 7.4): no source may reach a component by two ways. Gives the sources that do.
fn check_tree(plan: &Plan, reach: &[BTreeSet<usize>], inputs: &[(Input, &Place)], what: &str, problems: &Problems) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    for (input, place) in inputs {
        let behind = match input {
            Input::Source(number) => BTreeSet::from([*number]),
            // One that stands later is part of a circle, which has been said.
            Input::Detector(number) => reach.get(*number).cloned().unwrap_or_default(),
        };
        if let Some(source) = behind.intersection(&reached).next() {
            let source = plan.input_name(Input::Source(*source));
            let message = format!("two paths lead from source {source:?} to {what}: it would see each event twice");
            problems.at(place, message, "take one of its inputs away, or put the detectors in a chain");
        }
        reached.extend(behind);
    }
    reached
}

/// What nobody takes would be work for nothing, and most often a forgotten line.
fn check_ends(plan: &Plan, problems: &Problems) {
    let taken = |input: Input| {
        plan.detectors.iter().any(|detector| detector.inputs.contains(&input))
            || plan.sinks.iter().any(|sink| sink.feeds.contains(&Feed::Events(input)))
    };
    for (number, source) in plan.sources.iter().enumerate() {
        if !taken(Input::Source(number)) {
            problems.at(
                &source.place,
                format!("nobody takes the events of source {:?}", source.name),
                "name it in the inputs of a detector or a sink",
            );
        }
    }
    for (number, detector) in plan.detectors.iter().enumerate() {
        let alerts = plan.sinks.iter().any(|sink| sink.feeds.contains(&Feed::Alerts(number)));
        if !alerts && !taken(Input::Detector(number)) {
            let help = format!("name \"{0}\" or \"{0}.alerts\" in the inputs of a sink", detector.name);
            problems.at(&detector.place, format!("nobody takes the events or the alerts of detector {:?}", detector.name), help);
        }
    }
}
