//! When whoever sends is told that it is safe, and who is waited for before.

use eyas_connect::Acknowledge;
use eyas_engine::{Component, Feed, Input};

use crate::config::{Plan, SinkKind, SinkPlan, SourceKind, SourcePlan};

/// By source that answers, and by sink that has something to say about it.
pub fn acknowledged_parts(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, source) in plan.sources.iter().enumerate() {
        if matches!(&source.kind, SourceKind::Network(listening) if listening.door.answers()) {
            lines.push(format!("{}: {}", source.name, when(plan, number, source)));
        }
    }
    if lines.is_empty() {
        return lines;
    }
    for sink in &plan.sinks {
        let SinkKind::Network(sending) = &sink.kind else { continue };
        if sending.drop_newest {
            lines.push(format!("{}: takes no part, it drops what it has no room for (when_full = \"drop_newest\")", sink.name));
        } else if !sending.client.is_answered() {
            lines.push(format!("{}: has taken what was written to its connection; whoever reads there does not say so", sink.name));
        }
    }
    lines
}

fn when(plan: &Plan, number: usize, source: &SourcePlan) -> String {
    if source.acknowledge == Acknowledge::Journalled {
        return "once the journal holds it".to_owned();
    }
    let reached = |sink: &&SinkPlan| sink.place.is_some() && !sink.drops() && sink.feeds.iter().any(|feed| flows(plan, number, *feed));
    let (outboxes, takers): (Vec<_>, Vec<_>) = plan.sinks.iter().filter(reached).partition(|sink| sink.has_outbox());
    let names = |sinks: &[&SinkPlan]| sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>().join(", ");
    let outboxes = (!outboxes.is_empty()).then(|| format!("its alerts wait in the outbox of {}", names(&outboxes)));
    match (names(&takers).as_str(), outboxes) {
        ("", None) => "once the detectors have seen it".to_owned(),
        ("", Some(outboxes)) => format!("once {outboxes}"),
        (takers, None) => format!("once taken by {takers}"),
        (takers, Some(outboxes)) => format!("once taken by {takers}, and {outboxes}"),
    }
}

/// Whether anything of a source may be in a feed.
fn flows(plan: &Plan, source: usize, feed: Feed) -> bool {
    match feed {
        Feed::Events(input) => plan.reaches(source, input),
        Feed::Alerts(detector) | Feed::DeadLetters(Component::Detector(detector)) => plan.reaches(source, Input::Detector(detector)),
        Feed::DeadLetters(Component::Source(number)) => number == source,
        // It is refused after it was taken out of the way.
        Feed::DeadLetters(Component::Sink(_)) => false,
    }
}
