//! What `eyas top` shows, as lines.

use crate::admin::status::{DetectorStatus, Problem, SinkStatus, SourceStatus, Status};
use crate::text::{bytes, count, thousands};

/// How a line looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// Above a table.
    Head,
    /// Something is wrong.
    Alarm,
}

type Line = (String, Style);

/// How a run stands. Rates are since `before`, or since the start; `width` is that of the terminal.
pub fn table(now: &Status, before: Option<&Status>, width: usize) -> Vec<Line> {
    let passed = (now.uptime_seconds - before.map_or(0.0, |before| before.uptime_seconds)).max(1e-3);
    let mut lines = vec![(title(now, before.is_some()), Style::Head)];
    now.problems.iter().for_each(|problem| lines.extend(wrong(problem, width)));
    let head = ["source", "events/s", "MB/s", "events", "late", "untimed", "dead", "unanswered", "credit used"];
    let known = |name: &str| before.and_then(|before| before.sources.iter().find(|source| source.name == name));
    let rows = now.sources.iter().map(|source| source_row(source, known(&source.name), passed));
    section(&mut lines, &head, rows.collect());
    let head = ["detector", "rows/s", "ns/row", "alerts", "keys", "evicted", "errors", "faults", "behind", "state"];
    let known = |name: &str| before.and_then(|before| before.detectors.iter().find(|detector| detector.name == name));
    let rows = now.detectors.iter().map(|detector| detector_row(detector, known(&detector.name), passed));
    section(&mut lines, &head, rows.collect());
    let head = ["sink", "MB/s", "written", "waiting", "retries", "state"];
    let known = |name: &str| before.and_then(|before| before.sinks.iter().find(|sink| sink.name == name));
    let rows = now.sinks.iter().map(|sink| sink_row(sink, known(&sink.name), passed));
    section(&mut lines, &head, rows.collect());
    lines.extend(durable(now));
    // Reasons and names come from elsewhere; a terminal takes some characters for orders.
    lines.iter_mut().for_each(|(line, _)| *line = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect());
    lines
}

fn title(now: &Status, live: bool) -> String {
    let (state, meaning) = now.state.explained();
    let memory = now.memory_bytes.map_or(String::new(), |memory| format!(", {}", bytes(memory)));
    let rates = if live { "" } else { "; rates are since the start" };
    format!("eyas {}: {state} ({meaning}), up {}{memory}{rates}", now.version, span(now.uptime_seconds))
}

/// A problem and what to do about it, wrapped.
fn wrong(problem: &Problem, width: usize) -> Vec<Line> {
    let first = format!("! {}: {}", problem.component, problem.problem);
    let mut lines: Vec<Line> = wrap(&first, 2, width).into_iter().map(|line| (line, Style::Alarm)).collect();
    lines.extend(wrap(&format!("  what to do: {}", problem.remedy), 2, width).into_iter().map(|line| (line, Style::Plain)));
    lines
}

/// Cut between words; what comes after the first line is indented.
fn wrap(text: &str, indent: usize, width: usize) -> Vec<String> {
    let (width, mut lines, mut line) = (width.max(20), Vec::new(), String::new());
    for word in text.split_inclusive(' ') {
        if line.chars().count() + word.trim_end().chars().count() > width && !line.trim().is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
        line += word;
    }
    lines.push(line);
    lines
}

fn source_row(now: &SourceStatus, before: Option<&SourceStatus>, passed: f64) -> Vec<String> {
    let credit = &now.credit;
    let share = |used: u64, most: u64| used as f64 / most.max(1) as f64 * 100.0;
    let used = share(credit.batches, credit.max_batches).max(share(credit.bytes, credit.max_bytes));
    vec![
        now.name.clone(),
        thousands(rate(now.events, before.map(|before| before.events), passed) as u64),
        megabytes(rate(now.bytes, before.map(|before| before.bytes), passed)),
        thousands(now.events),
        thousands(now.late),
        thousands(now.untimed),
        thousands(now.dead_letters.values().sum()),
        now.net.as_ref().map_or_else(none, |net| thousands(net.unacknowledged)),
        format!("{:.0} %", used.min(100.0)),
    ]
}

fn detector_row(now: &DetectorStatus, before: Option<&DetectorStatus>, passed: f64) -> Vec<String> {
    let rows = now.rows.saturating_sub(before.map_or(0, |before| before.rows));
    let busy = now.busy_seconds - before.map_or(0.0, |before| before.busy_seconds);
    vec![
        now.name.clone(),
        thousands((rows as f64 / passed) as u64),
        if rows == 0 { none() } else { format!("{:.0}", busy.max(0.0) * 1e9 / rows as f64) },
        thousands(now.alerts),
        now.keys.map_or_else(none, thousands),
        thousands(now.evictions),
        thousands(now.row_errors),
        thousands(now.faults),
        now.watermark_lag_seconds.map_or_else(none, span),
        if now.quarantined { "QUARANTINED".to_owned() } else { "working".to_owned() },
    ]
}

fn sink_row(now: &SinkStatus, before: Option<&SinkStatus>, passed: f64) -> Vec<String> {
    vec![
        now.name.clone(),
        megabytes(rate(now.bytes, before.map(|before| before.bytes), passed)),
        bytes(now.bytes),
        now.outbox.as_ref().map_or_else(none, |outbox| count(outbox.alerts, "alert", "alerts")),
        now.net.as_ref().map_or_else(none, |net| thousands(net.retries)),
        if now.failing.is_some() { "FAILING".to_owned() } else { "working".to_owned() },
    ]
}

/// Journal and checkpoints.
fn durable(now: &Status) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(journal) = &now.journal {
        let oldest = journal.oldest_age_seconds.map_or(String::new(), |age| format!(", the oldest events {} old", span(age)));
        lines.push((String::new(), Style::Plain));
        let files = count(journal.segments, "file", "files");
        lines.push((format!("journal: {} in {files}{oldest}", bytes(journal.bytes)), Style::Plain));
    }
    if let Some(known) = &now.checkpoint {
        let age = known.age_seconds.map_or("none yet".to_owned(), |age| format!("the last one {} ago", span(age)));
        lines.push((format!("checkpoints: {} in this run, {} failed, {age}", known.committed, known.failed), Style::Plain));
    }
    lines
}

/// A table: names to the left, figures to the right.
fn section(lines: &mut Vec<Line>, head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let head: Vec<String> = head.iter().map(|text| (*text).to_owned()).collect();
    let longest = |column: usize| rows.iter().chain([&head]).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| longest(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        cells.collect::<Vec<_>>().join("  ")
    };
    lines.push((String::new(), Style::Plain));
    lines.push((line(&head), Style::Head));
    lines.extend(rows.iter().map(|row| {
        let alarm = row.last().is_some_and(|state| state == "QUARANTINED" || state == "FAILING");
        (line(row), if alarm { Style::Alarm } else { Style::Plain })
    }));
}

fn rate(now: u64, before: Option<u64>, passed: f64) -> f64 {
    now.saturating_sub(before.unwrap_or_default()) as f64 / passed
}

fn megabytes(rate: f64) -> String {
    format!("{:.1}", rate / 1e6)
}

fn none() -> String {
    "-".to_owned()
}

/// So many seconds, in the two units that tell something.
fn span(seconds: f64) -> String {
    let (sign, whole) = (if seconds <= -1.0 { "-" } else { "" }, seconds.abs() as u64);
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    let text = match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, _) => format!("{minutes} min {} s", whole % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{} d {hours} h", thousands(days)),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn status(events: u64, uptime_seconds: f64) -> Status {
        Status {
            uptime_seconds,
            sources: vec![SourceStatus { name: "shipper".to_owned(), events, bytes: events * 500, ..SourceStatus::default() }],
            detectors: vec![DetectorStatus { rows: events, busy_seconds: events as f64 * 1e-7, ..DetectorStatus::default() }],
            ..Status::default()
        }
    }

    fn cells(lines: &[Line], name: &str) -> Vec<String> {
        let line = lines.iter().find(|(line, _)| line.starts_with(name)).map_or("", |(line, _)| line);
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn rates_are_since_the_last_look_or_since_the_start() {
        let (before, now) = (status(1_000_000, 10.0), status(1_300_000, 12.0));
        assert_eq!(cells(&table(&now, Some(&before), 200), "shipper")[1..3], ["150,000", "75.0"]);
        assert_eq!(cells(&table(&now, None, 200), "shipper")[1..3], ["108,333", "54.2"]);
    }

    #[test]
    fn problems_stand_on_top_with_what_to_do_and_no_line_is_wider_than_the_terminal() {
        let problem = Problem { component: "sink x".to_owned(), problem: "takes nothing: why ".repeat(9), remedy: "do this ".repeat(30) };
        let lines = table(&Status { problems: vec![problem], ..status(1, 1.0) }, None, 60);
        assert!(lines[1].0.starts_with("! sink x: takes nothing") && lines[1].1 == Style::Alarm);
        assert!(lines.iter().any(|(line, _)| line.starts_with("  what to do: do this")));
        assert!(lines[1..].iter().take_while(|(line, _)| !line.is_empty()).all(|(line, _)| line.trim_end().chars().count() <= 60));
    }

    #[test]
    fn what_comes_from_elsewhere_gives_a_terminal_no_orders() {
        let mut status = status(1, 1.0);
        status.sources[0].name = "a\x1b[2Jb\u{9b}c".to_owned();
        assert!(table(&status, None, 80).iter().all(|(line, _)| !line.chars().any(char::is_control)));
    }

    #[test]
    fn spans_are_said_in_the_two_units_that_tell_something() {
        let said = [0.4, 59.9, 61.0, 3_600.0, 90_000.0, -5.0].map(span);
        assert_eq!(said, ["0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h", "-5 s"]);
    }
}
