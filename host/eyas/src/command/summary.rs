//! What a run says at its end.

use std::sync::atomic::Ordering::Relaxed;

use eyas_engine::Farthest;
use eyas_event::FieldType;

use super::Failure;
use crate::assembly::Assembly;
use crate::config::DeadLetters;
use crate::execute::{Ended, RunError};
use crate::text::{complain, count, seconds, thousands, time};

/// Says on standard error what went through and what came of it.
pub fn summarise(assembly: &Assembly, ended: &Ended) {
    let counters = &ended.counters;
    let (events, bytes) = (counters.of_sources(|source| &source.events), counters.of_sources(|source| &source.bytes));
    let passed = ended.elapsed.as_secs_f64().max(1e-9);
    complain(&format!(
        "{} in {passed:.2} s: {} events/s, {:.0} MB/s",
        count(events, "event", "events"),
        thousands((events as f64 / passed) as u64),
        bytes as f64 / passed / 1e6
    ));
    for (detector, figures) in assembly.plan.detectors.iter().zip(&counters.detectors) {
        let mut parts = vec![
            count(figures.alerts.load(Relaxed), "alert", "alerts"),
            format!("{} looked at", count(figures.rows.load(Relaxed), "event", "events")),
        ];
        for (number, name) in [(figures.row_errors.load(Relaxed), "it could not use"), (figures.faults.load(Relaxed), "faults")] {
            if number > 0 {
                parts.push(format!("{} {name}", thousands(number)));
            }
        }
        complain(&format!("{}: {}", detector.name, parts.join(", ")));
    }
    say_unreadable(assembly, ended);
    let (late, untimed) = (counters.of_sources(|source| &source.late), counters.of_sources(|source| &source.untimed));
    complain(&format!("late: {}, untimed: {}", thousands(late), thousands(untimed)));
    let dead = counters.dead_letters();
    if dead > 0 {
        let whereto = match &assembly.plan.dead_letters {
            DeadLetters::Taken => "in the sinks that take them".to_owned(),
            DeadLetters::File(path) => format!("in {path}"),
            DeadLetters::Stderr => "above, on standard error".to_owned(),
        };
        complain(&format!("{}: {whereto}", count(dead, "dead letter", "dead letters")));
    }
    if let Some(farthest) = ended.report.farthest {
        complain(&moved(&farthest, &ended.partitions.name(farthest.reference.partition)));
    }
}

/// Names that are in no event are most often misspelt, or want a `fields` map.
fn say_unreadable(assembly: &Assembly, ended: &Ended) {
    for (((detector, asked), cells), figures) in
        assembly.plan.detectors.iter().zip(&assembly.subscriptions).zip(&ended.report.invalid).zip(&ended.counters.detectors)
    {
        let rows = figures.rows.load(Relaxed);
        for (field, cells) in asked.fields.iter().zip(cells) {
            let wrong = cells.other_type + cells.out_of_range;
            if wrong > 0 {
                complain(&format!(
                    "{}: {:?} could not be read as {} in {}",
                    detector.name,
                    field.path,
                    kind(field.kind),
                    count(wrong, "event", "events")
                ));
            } else if rows > 0 && cells.absent == rows {
                complain(&format!("{}: no event has {:?}; a `fields` map of the source says where it is", detector.name, field.path));
            }
        }
    }
}

fn kind(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Ip => "an address",
        FieldType::S64 | FieldType::U64 => "a whole number",
        FieldType::F64 => "a number",
        FieldType::Boolean => "a truth value",
        FieldType::Timestamp => "a time",
        FieldType::Text | FieldType::Bytes => "a text",
        FieldType::Raw => "a value",
    }
}

fn moved(farthest: &Farthest, partition: &str) -> String {
    let position = thousands(farthest.reference.position);
    let (by, event) = (seconds(farthest.by), time(farthest.to));
    format!("the watermark moved farthest, by {by}, at the event of {event} at byte {position} of {partition}")
}

/// What failed, as the command's failure; the first of several, the others are said before.
pub fn fail(ended: Ended) -> Result<(), Failure> {
    let mut failures = ended.failures.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    for failure in failures {
        complain(&format!("error: {failure}"));
    }
    if let RunError::Files(files) = &first {
        complain(&format!("all but {} were read", count(files.len() as u64, "file", "files")));
    }
    Err(first.into())
}
