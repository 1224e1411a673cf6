//! What may flow into which sink: events are converted to NDJSON alone, and what sinks refuse goes by a way of its own.

use std::collections::BTreeSet;

use eyas_codec::Form;
use eyas_engine::{Component, Feed, Input};

use super::document::Place;
use super::plan::{Plan, SinkKind, SourcePlan};
use super::problem::Problems;

/// Whether what a sink is to take can be made what it takes. `reach`: by detector, the sources that reach it.
pub fn check_feeds(plan: &Plan, reach: &[BTreeSet<usize>], (name, kind): (&str, &SinkKind), feeds: &[(Feed, &Place)], problems: &Problems) {
    let form = kind.form();
    for (feed, place) in feeds {
        match feed {
            Feed::Events(input) if form != Form::Ndjson => {
                let sources = match input {
                    Input::Source(number) => BTreeSet::from([*number]),
                    Input::Detector(number) => reach.get(*number).cloned().unwrap_or_default(),
                };
                let sources = sources.into_iter().filter_map(|number| plan.sources.get(number));
                sources.filter(|source| source.decoding.encoding.form() != form).for_each(|source| {
                    let message = format!(
                        "sink {name:?} speaks {}, and the events of source {:?} are in {}",
                        form_name(form),
                        source.name,
                        form_name(source.decoding.encoding.form())
                    );
                    problems.at(place, message, what_would_do(kind, source));
                });
            }
            Feed::DeadLetters(_) if form != Form::Ndjson => {
                let message = format!("sink {name:?} speaks {}, and dead letters are lines of JSON", form_name(form));
                problems.at(place, message, "give them to a sink of type file, http, socket, stdout or stderr");
            }
            _ => {}
        }
    }
    let refused = feeds.iter().find(|(feed, _)| matches!(feed, Feed::DeadLetters(Component::Sink(_))));
    if let (Some((_, place)), true) = (refused, feeds.iter().any(|(feed, _)| matches!(feed, Feed::Events(_)))) {
        let message = format!("sink {name:?} takes events, so it cannot take what another sink refuses");
        problems.at(place, message, "events wait for their sinks, refused ones wait for nobody: give them a sink of their own");
    }
}

/// What sinks refuse must come to an end somewhere.
pub fn check_refusals(plan: &Plan, problems: &Problems) {
    for (number, sink) in plan.sinks.iter().enumerate() {
        let (mut behind, mut next) = (BTreeSet::new(), vec![number]);
        while let Some(refusing) = next.pop() {
            let refused = Feed::DeadLetters(Component::Sink(refusing));
            let takers = plan.sinks.iter().enumerate().filter(|(_, sink)| sink.feeds.contains(&refused)).map(|(taker, _)| taker);
            next.extend(takers.filter(|taker| behind.insert(*taker)));
        }
        if let (true, Some(place)) = (behind.contains(&number), &sink.place) {
            let message = format!("what sink {:?} refuses would come back to it", sink.name);
            problems.at(place, message, "let its dead letters, or those of the sinks that take them, go to a file");
        }
    }
}

fn what_would_do(kind: &SinkKind, source: &SourcePlan) -> String {
    let instead = match source.decoding.encoding.form() {
        Form::Ndjson => "",
        Form::Otlp => "otlp, ",
        Form::Vector => "vector, ",
        Form::Forward => "forward, ",
    };
    format!(
        "events go out as they came in, or as NDJSON: give these to a sink of type {instead}http, socket, file or stdout, or let them \
         come in by a source of type {}",
        kind.name()
    )
}

/// What a form is called.
fn form_name(form: Form) -> &'static str {
    match form {
        Form::Ndjson => "JSON",
        Form::Otlp => "OTLP",
        Form::Vector => "Vector's protocol",
        Form::Forward => "Fluent Forward",
    }
}
