//! The demo: events with attacks in them, two detectors, and what they found beside what was put in.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::build::build;
use crate::process::{Outcome, eyas, root, run, say, step};

/// Twenty minutes of a small network.
const EVENTS: &str = "300000";
const RATE: &str = "250";
const CONFIG: &str = "config/demo.toml";
const FOLDER: &str = "target/demo";

/// Builds, generates, runs and reports; fails unless exactly the labelled attacks were found.
pub fn demo() -> Outcome {
    build()?;
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for output in ["enriched.ndjson", "alerts.ndjson", "dead_letters.ndjson"] {
        // Sinks append: what the last demo left would be counted again.
        let _ = fs::remove_file(folder.join(output));
    }
    step(&format!("{EVENTS} events, {RATE} a second of event time, with attacks: {FOLDER}/events.ndjson"));
    let events = File::create(folder.join("events.ndjson")).map_err(|error| format!("{}: {error}", folder.display()))?;
    let labels = format!("{FOLDER}/labels.ndjson");
    run(eyas().args(["generate", "--count", EVENTS, "--rate", RATE, "--labels", &labels]).stdout(events))?;
    step(&format!("eyas run {CONFIG}"));
    let start = Instant::now();
    run(eyas().args(["run", CONFIG]).stdin(Stdio::null()))?;
    let seconds = start.elapsed().as_secs_f64();
    report(&folder, seconds)
}

/// One attack: put in by the generator, or found by a detector.
struct Attack {
    kind: String,
    source: Option<String>,
    destination: Option<String>,
    from: String,
    to: String,
}

impl Attack {
    /// A label of the generator.
    fn label(line: &str) -> Option<Self> {
        let from = text(line, "start")?;
        let (source, destination) = (text(line, "source_ip"), text(line, "destination_ip"));
        Some(Self { kind: text(line, "attack")?, source, destination, to: from.clone(), from })
    }

    /// An alert that opens an episode.
    fn alert(line: &str) -> Option<Self> {
        let (source, destination) = (text(line, "source_ip"), text(line, "destination_ip"));
        let opens = text(line, "state")? == "open";
        let (kind, from, to) = (text(line, "plugin")?, text(line, "start")?, text(line, "end")?);
        opens.then_some(Self { kind, source, destination, from, to })
    }

    /// Whether an alert is about a labelled attack: the same key, and the attack began within what the alert covers.
    fn is_about(&self, label: &Self) -> bool {
        let same = self.kind == label.kind && self.source == label.source && self.destination == label.destination;
        // All times are UTC in RFC 3339, so their texts are in the order of the times.
        same && self.from <= label.from && label.from < self.to
    }
}

/// The value of a text member. The demo's own files are compact JSON in which no name occurs twice and no value holds a quote.
fn text(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

fn report(folder: &Path, seconds: f64) -> Outcome {
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{}: {error}", folder.join(name).display()));
    let labels: Vec<Attack> = read("labels.ndjson")?.lines().filter_map(Attack::label).collect();
    let alerts: Vec<Attack> = read("alerts.ndjson")?.lines().filter_map(Attack::alert).collect();
    let (given, passed) = (read("events.ndjson")?.lines().count(), read("enriched.ndjson")?.lines().count());
    say("");
    say(&format!("{passed} of {given} events passed through in {seconds:.2} s, {:.0} a second", passed as f64 / seconds));
    for kind in ["brute_force", "ddos"] {
        let of = |attacks: &[Attack]| attacks.iter().filter(|attack| attack.kind == kind).count();
        let found = labels.iter().filter(|label| label.kind == kind && alerts.iter().any(|alert| alert.is_about(label))).count();
        let wrong = alerts.iter().filter(|alert| alert.kind == kind && !labels.iter().any(|label| alert.is_about(label))).count();
        say(&format!("{kind}: {found} of {} attacks found, {wrong} false alerts", of(&labels)));
        if found != of(&labels) || wrong > 0 || found == 0 {
            return Err(format!(
                "{kind} found other attacks than the labelled ones: compare {FOLDER}/alerts.ndjson with {FOLDER}/labels.ndjson"
            ));
        }
    }
    if passed != given {
        return Err("not every event passed through".to_owned());
    }
    say(&format!(
        "
the files are in {FOLDER}:
  events.ndjson     what went in
  enriched.ndjson   what came out; events of an attack carry its id under \"eyas\"
  alerts.ndjson     the alerts
  labels.ndjson     the attacks that were put in

to try next:
  grep '\"eyas\"' {FOLDER}/enriched.ndjson | head -n 3
  target/release/eyas run -d brute_force < {FOLDER}/events.ndjson > /dev/null
  target/release/eyas check {CONFIG}
  target/release/eyas plugin inspect target/plugins/ddos.wasm"
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str =
        r#"{"attack":"brute_force","source_ip":"1.2.3.4","destination_ip":"10.0.0.1","start":"2026-03-02T08:00:05Z","failures":20}"#;

    fn alert(source: &str, start: &str, end: &str) -> Attack {
        let line = format!(
            r#"{{"state":"open","plugin":"brute_force","start":"{start}","end":"{end}","entities":{{"source_ip":"{source}","destination_ip":"10.0.0.1"}}}}"#
        );
        Attack::alert(&line).unwrap()
    }

    #[test]
    fn an_alert_is_about_an_attack_of_the_same_key_that_began_within_it() {
        let label = Attack::label(LABEL).unwrap();
        assert!(alert("1.2.3.4", "2026-03-02T07:59:00Z", "2026-03-02T08:01:00Z").is_about(&label));
        assert!(alert("1.2.3.4", "2026-03-02T08:00:05Z", "2026-03-02T08:01:00Z").is_about(&label));
        assert!(!alert("1.2.3.4", "2026-03-02T07:58:00Z", "2026-03-02T08:00:05Z").is_about(&label));
        assert!(!alert("1.2.3.5", "2026-03-02T07:59:00Z", "2026-03-02T08:01:00Z").is_about(&label));
    }

    #[test]
    fn only_openings_are_counted() {
        assert!(Attack::alert(r#"{"state":"close","plugin":"ddos","start":"a","end":"b"}"#).is_none());
    }
}
