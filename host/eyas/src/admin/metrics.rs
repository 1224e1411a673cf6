//! How a run stands, in the text format of Prometheus. What is exported is in tables here; `docs/metrics.md` says the same, and a test
//! sees to it.

mod tables;

use std::fmt::Write;

use super::status::Status;

/// What the text is, for the reader.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric of something that is `T`. Its name ends in `_total` if it is a counter; all others are gauges.
struct Metric<T: 'static> {
    name: &'static str,
    help: &'static str,
    value: Value<T>,
}

/// How a metric gets its values.
enum Value<T: 'static> {
    /// There is one at the most.
    One(fn(&T) -> Option<f64>),
    /// There is one for each value of a label.
    Each(&'static str, fn(&T) -> Vec<(String, f64)>),
}

const fn one<T>(name: &'static str, help: &'static str, value: fn(&T) -> Option<f64>) -> Metric<T> {
    Metric { name, help, value: Value::One(value) }
}

const fn each<T>(name: &'static str, help: &'static str, label: &'static str, values: fn(&T) -> Vec<(String, f64)>) -> Metric<T> {
    Metric { name, help, value: Value::Each(label, values) }
}

/// All metrics that have a value.
pub fn metrics(status: &Status) -> String {
    let mut text = String::new();
    write_all(&mut text, tables::RUN, &[(None, status)]);
    write_all(&mut text, tables::SOURCES, &labelled("source", &status.sources, |source| &source.name));
    write_all(&mut text, tables::DETECTORS, &labelled("detector", &status.detectors, |detector| &detector.name));
    write_all(&mut text, tables::SINKS, &labelled("sink", &status.sinks, |sink| &sink.name));
    text
}

/// What metrics are of, each with the label that names it.
type Labelled<'a, T> = (Option<(&'static str, &'a str)>, &'a T);

fn labelled<'a, T>(label: &'static str, all: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Vec<Labelled<'a, T>> {
    all.iter().map(|one| (Some((label, name(one))), one)).collect()
}

fn write_all<T>(text: &mut String, metrics: &[Metric<T>], all: &[Labelled<'_, T>]) {
    for metric in metrics {
        let mut samples = String::new();
        for (label, of) in all {
            let label = label.map(|(label, value)| (label, value.to_owned()));
            match metric.value {
                Value::One(value) => {
                    if let Some(value) = value(of) {
                        sample(&mut samples, metric.name, label.as_slice(), value);
                    }
                }
                Value::Each(by, values) => {
                    for (key, value) in values(of) {
                        let labels: Vec<_> = label.iter().cloned().chain([(by, key)]).collect();
                        sample(&mut samples, metric.name, &labels, value);
                    }
                }
            }
        }
        if !samples.is_empty() {
            // Writing to a text cannot fail.
            let _ = write!(text, "# HELP {0} {1}\n# TYPE {0} {2}\n{samples}", metric.name, metric.help, kind(metric.name));
        }
    }
}

fn sample(text: &mut String, name: &str, labels: &[(&str, String)], value: f64) {
    text.push_str(name);
    for (index, (label, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let _ = write!(text, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
    }
    let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
}

fn kind(name: &str) -> &'static str {
    if name.ends_with("_total") { "counter" } else { "gauge" }
}

#[cfg(test)]
mod tests;
