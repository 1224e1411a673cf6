//! What is wrong with a run, and what whoever was woken up can do about it.

use super::status::{DetectorStatus, NetSinkStatus, Problem, SinkStatus, SourceStatus, Status};
use crate::text::{bytes, count, thousands};

/// A source that has been out of credit for so long is worth a word; under load it always is for a moment.
const STUCK_SECONDS: f64 = 5.0;
/// An outbox is as good as full at this share of its limit.
const FULL: f64 = 0.9;

/// All that is wrong.
pub fn problems(status: &Status) -> Vec<Problem> {
    let mut problems = Vec::new();
    status.detectors.iter().for_each(|detector| of_detector(detector, &mut problems));
    status.sinks.iter().for_each(|sink| of_sink(sink, &mut problems));
    if status.journal.as_ref().is_some_and(|journal| journal.full) {
        let remedy = "make room on the disk of state_dir: it goes on by itself then, and nothing is lost until then";
        add(&mut problems, "journal".to_owned(), "its disk is full: nothing is taken in".to_owned(), remedy);
    }
    if let Some(why) = status.checkpoint.as_ref().and_then(|checkpoint| checkpoint.failing.as_ref()) {
        let problem = format!("the last one could not be written, the one before it stands: {why}");
        let remedy = "look after the disk of state_dir: the next one is tried by itself; until one succeeds the journal grows";
        add(&mut problems, "checkpoints".to_owned(), problem, remedy);
    }
    status.sources.iter().for_each(|source| of_source(source, &mut problems));
    status.sources.iter().for_each(|source| of_events(source, &mut problems));
    problems
}

fn of_detector(detector: &DetectorStatus, problems: &mut Vec<Problem>) {
    let component = format!("detector {}", detector.name);
    if detector.quarantined {
        let reason = detector.quarantine_reason.as_deref().unwrap_or("it was when the program ended last");
        let problem = format!("in quarantine, its events pass unwatched: {reason}");
        let remedy = "look for its faults in the log: a deadline wants deadline_ms, a memory cap memory_bytes, anything else another \
                      version of the plugin; it is tried again by itself, after a minute and then after twice as long each time";
        add(problems, component.clone(), problem, remedy);
    }
    if detector.evictions > 0 {
        let problem = format!("its state was full: {} forgotten before their time", count(detector.evictions, "key was", "keys were"));
        let remedy = "raise max_keys in its configuration, and memory_bytes with it, or make its key coarser; \
                      alerts that may be too small for it are marked degraded";
        add(problems, component, problem, remedy);
    }
}

fn of_sink(sink: &SinkStatus, problems: &mut Vec<Problem>) {
    let component = format!("sink {}", sink.name);
    if let Some(why) = &sink.failing {
        let remedy = if sink.net.is_some() {
            "see that where it sends to can be reached and takes what it is sent; it is tried again by itself, and nothing is lost until then"
        } else {
            "make room on the disk: it goes on by itself then, and nothing is lost until then"
        };
        add(problems, component.clone(), format!("takes nothing: {why}"), remedy);
    }
    if let Some(net) = &sink.net {
        of_sending(net, &component, problems);
    }
    if let Some(outbox) = sink.outbox.as_ref().filter(|outbox| outbox.bytes as f64 >= outbox.max_bytes as f64 * FULL) {
        let waiting = count(outbox.alerts, "alert waits", "alerts wait");
        let problem = format!("its outbox is full, so events are held back: {waiting}, {}", bytes(outbox.bytes));
        add(problems, component, problem, "bring the sink back, or raise outbox_bytes to bridge longer outages");
    }
}

fn of_sending(net: &NetSinkStatus, component: &str, problems: &mut Vec<Problem>) {
    if net.dead_letters > 0 {
        let problem = format!("its receiver refused {} for good", count(net.dead_letters, "event", "events"));
        let remedy = "look at its dead letters, which hold them and say why; nothing else is held up by them";
        add(problems, component.to_owned(), problem, remedy);
    }
    if net.dropped_events > 0 {
        let problem = format!("{} while it had no room", count(net.dropped_events, "event was dropped", "events were dropped"));
        let remedy = "its receiver takes too little: raise request.concurrency, or write when_full = \"block\" where nothing may be lost";
        add(problems, component.to_owned(), problem, remedy);
    }
}

fn of_source(source: &SourceStatus, problems: &mut Vec<Problem>) {
    let component = || format!("source {}", source.name);
    if let Some(seconds) = source.credit.stuck_seconds.filter(|seconds| *seconds >= STUCK_SECONDS) {
        let problem = format!("has taken nothing in for {seconds:.0} s: all of its credit is in use");
        let remedy = "some sink does not take what it gets, or some detector is slow: see those; credit.batches and credit.bytes only bridge \
                      short waits";
        add(problems, component(), problem, remedy);
    }
    if let Some(refused) = source.net.as_ref().map(|net| net.refused_connections).filter(|refused| *refused > 0) {
        let problem = format!("{} refused because too many were open", count(refused, "connection was", "connections were"));
        add(problems, component(), problem, "let the shippers keep fewer connections open");
    }
}

/// What comes in is mostly not what the configuration says it is.
fn of_events(source: &SourceStatus, problems: &mut Vec<Problem>) {
    let component = format!("source {}", source.name);
    let dead: u64 = source.dead_letters.values().sum();
    if dead > source.events {
        let most = source.dead_letters.iter().max_by_key(|(_, number)| **number).map_or("", |(reason, _)| reason);
        let problem = format!("most of what comes in is no event: {}, mostly for {most}", count(dead, "dead letter", "dead letters"));
        let remedy = "look at some of its dead letters, which say what is wrong with them, and compare encoding and max_event_bytes";
        add(problems, component.clone(), problem, remedy);
    }
    if source.untimed > source.events / 2 {
        let problem = format!("most events have no usable time: {} of {}", thousands(source.untimed), thousands(source.events));
        let remedy = "no detector that uses time sees them: compare time.field, time.format and time.zone with an event";
        add(problems, component, problem, remedy);
    }
}

fn add(problems: &mut Vec<Problem>, component: String, problem: String, remedy: &str) {
    problems.push(Problem { component, problem, remedy: remedy.to_owned() });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::admin::status::{CheckpointStatus, CreditStatus, JournalStatus, NetSourceStatus, OutboxStatus};

    #[test]
    fn a_run_that_is_well_has_no_problems_and_whatever_is_quarantined_full_or_failing_says_what_to_do() {
        let well = Status {
            sources: vec![SourceStatus {
                events: 10,
                untimed: 5,
                credit: CreditStatus { stuck_seconds: Some(0.1), ..CreditStatus::default() },
                net: Some(NetSourceStatus::default()),
                ..SourceStatus::default()
            }],
            detectors: vec![DetectorStatus { faults: 3, ..DetectorStatus::default() }],
            sinks: vec![SinkStatus { outbox: Some(OutboxStatus { max_bytes: 10, ..OutboxStatus::default() }), ..SinkStatus::default() }],
            journal: Some(JournalStatus::default()),
            checkpoint: Some(CheckpointStatus::default()),
            ..Status::default()
        };
        assert_eq!(problems(&well), []);
        let mut ill = well;
        ill.sources[0].credit.stuck_seconds = Some(12.0);
        ill.sources[0].net = Some(NetSourceStatus { refused_connections: 1, ..NetSourceStatus::default() });
        ill.sources[0].dead_letters = [("json".to_owned(), 11)].into();
        ill.sources[0].untimed = 6;
        ill.detectors[0] = DetectorStatus { quarantined: true, evictions: 2, ..DetectorStatus::default() };
        ill.sinks[0] = SinkStatus {
            failing: Some("no connection".to_owned()),
            net: Some(NetSinkStatus { dead_letters: 1, dropped_events: 2, ..NetSinkStatus::default() }),
            outbox: Some(OutboxStatus { alerts: 1, bytes: 9, max_bytes: 10 }),
            ..SinkStatus::default()
        };
        ill.journal = Some(JournalStatus { full: true, ..JournalStatus::default() });
        ill.checkpoint = Some(CheckpointStatus { failing: Some("no space".to_owned()), ..CheckpointStatus::default() });
        let problems = problems(&ill);
        assert_eq!(problems.len(), 12);
        assert!(problems.iter().all(|problem| !problem.problem.is_empty() && !problem.remedy.is_empty()));
    }
}
