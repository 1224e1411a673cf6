//! Alerts as lines of JSON (SEMANTICS 5.5).

use eyas_event::{Alert, Episode, Fact, Partition, Timestamp, alert_id};

use crate::json::write;

/// An alert, with all that its line says beside what the detector gave.
#[derive(Clone, Copy)]
pub struct AlertLine<'a> {
    /// What the detector gave.
    pub alert: &'a Alert,
    /// Its id.
    pub id: &'a str,
    /// The detector's name in the configuration.
    pub detector: &'a str,
    /// The plugin's name.
    pub plugin: &'a str,
    /// The plugin's version.
    pub plugin_version: &'a str,
    /// Event time of what caused it; none for alerts of timeless detectors.
    pub time: Option<Timestamp>,
    /// The names of a source and of a partition of it, for evidence.
    pub names: &'a dyn Fn(Partition) -> (String, String),
}

/// Members of one object.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    any: bool,
}

impl Members<'_> {
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.push(if self.any { b',' } else { b'{' });
        self.any = true;
        write::string(name, self.out);
        self.out.push(b':');
        self.out
    }

    fn text(&mut self, name: &str, text: &str) {
        write::string(text, self.name(name));
    }

    fn time(&mut self, name: &str, time: Option<Timestamp>) {
        if let Some(time) = time {
            write::time(time, self.name(name));
        }
    }

    fn facts(&mut self, name: &str, facts: &[Fact]) {
        let out = self.name(name);
        out.push(b'{');
        list(facts, out, |fact, out| {
            write::string(&fact.name, out);
            out.push(b':');
            write::value(&fact.value, out);
        });
        out.push(b'}');
    }
}

/// Appends items with commas between them.
fn list<T>(items: &[T], out: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

impl AlertLine<'_> {
    /// Appends the line, with its newline. Optional members without a value, and empty lists, are left out.
    pub fn append(&self, out: &mut Vec<u8>) {
        let alert = self.alert;
        let mut line = Members { out, any: false };
        line.text("id", self.id);
        write::display(alert.revision, line.name("revision"));
        line.text(
            "state",
            match alert.state {
                Episode::Open => "open",
                Episode::Update => "update",
                Episode::Close => "close",
            },
        );
        line.text("detector", self.detector);
        line.text("plugin", self.plugin);
        line.text("plugin_version", self.plugin_version);
        line.text("rule", &alert.rule);
        line.text("title", &alert.title);
        write::display(alert.severity, line.name("severity"));
        line.time("time", self.time);
        line.time("start", alert.start);
        line.time("end", alert.end);
        line.facts("entities", &alert.entities);
        line.facts("facts", &alert.facts);
        if !alert.techniques.is_empty() {
            let out = line.name("techniques");
            out.push(b'[');
            list(&alert.techniques, out, |technique, out| write::string(technique, out));
            out.push(b']');
        }
        if let Some(score) = alert.score {
            write::float(score, line.name("score"));
        }
        if !alert.evidence.is_empty() {
            let out = line.name("evidence");
            out.push(b'[');
            list(&alert.evidence, out, |reference, out| {
                let (source, partition) = (self.names)(reference.partition);
                let mut evidence = Members { out, any: false };
                evidence.text("source", &source);
                evidence.text("partition", &partition);
                write::display(reference.position, evidence.name("position"));
                out.push(b'}');
            });
            out.push(b']');
        }
        write::display(alert.degraded, line.name("degraded"));
        if let Some(episode) = &alert.merged_into {
            line.text("merged_into", &alert_id(self.detector, &alert.rule, episode));
        }
        if !alert.group_key.is_empty() {
            line.text("group_key", &alert.group_key);
        }
        out.extend_from_slice(b"}\n");
    }
}
