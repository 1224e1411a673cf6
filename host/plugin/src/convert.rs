//! Between the contract's types and ours: the only place that names both. What comes from a guest is checked on the way.

use std::sync::Arc;

use eyas_event::{Alert, Entries, Episode, Fact, Place, Reference, Strings, Value};

use crate::abi;
use crate::refusal::{Refusal, at_most};
use crate::text::escape;
use crate::{Description, Limits, Problem, Scope};

const MESSAGE_BYTES: usize = 4096;
const LABELS: usize = 64;

impl From<&Strings> for abi::SharedStrings {
    fn from(strings: &Strings) -> Self {
        Self { offsets: Arc::clone(&strings.offsets), data: Arc::clone(&strings.data) }
    }
}

impl From<abi::Strings> for Strings {
    fn from(strings: abi::Strings) -> Self {
        Self { offsets: Arc::new(strings.offsets), data: Arc::new(strings.data) }
    }
}

impl From<Scope> for abi::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Full => Self::Full,
            Scope::Changed => Self::Changed,
        }
    }
}

/// Entries as a guest gave them; not checked yet.
pub(crate) fn entries_from(entries: abi::Entries) -> Entries {
    Entries {
        groups: entries.groups,
        keys: entries.keys.into(),
        sub_keys: entries.sub_keys.into(),
        values: entries.values.into(),
        deleted: entries.deleted,
    }
}

pub(crate) fn entries_to(entries: Entries) -> abi::SharedEntries {
    abi::SharedEntries {
        groups: entries.groups,
        keys: (&entries.keys).into(),
        sub_keys: (&entries.sub_keys).into(),
        values: (&entries.values).into(),
        deleted: entries.deleted,
    }
}

/// A value that the rest of the host can rely on: a finite number, an address of 16 bytes, one JSON value.
pub(crate) fn value_from(value: abi::Value, limits: &Limits) -> Result<Value, Refusal> {
    Ok(match value {
        abi::Value::Text(text) => {
            at_most(limits.text_bytes, text.len(), "bytes of a text")?;
            Value::Text(text)
        }
        abi::Value::S64(number) => Value::S64(number),
        abi::Value::U64(number) => Value::U64(number),
        abi::Value::F64(number) => Value::F64(finite(number)?),
        abi::Value::Boolean(truth) => Value::Boolean(truth),
        abi::Value::Time(time) => Value::Time(time),
        abi::Value::Ip(bytes) => {
            let length = bytes.len();
            Value::Ip(bytes.try_into().map_err(|_| Refusal::new(format!("an address of {length} bytes, not 16")))?)
        }
        abi::Value::Json(text) => {
            at_most(limits.text_bytes, text.len(), "bytes of a json value")?;
            serde_json::from_str::<&serde_json::value::RawValue>(&text)
                .map_err(|error| Refusal::new(format!("a json value that is none: {error}")))?;
            Value::Json(text)
        }
    })
}

fn finite(number: f64) -> Result<f64, Refusal> {
    if number.is_finite() { Ok(number) } else { Err(Refusal::new(format!("{number} is no value"))) }
}

/// An alert whose every part was checked, but for its place and whether it may lack start and end.
pub(crate) fn alert_from(alert: abi::Alert, limits: &Limits) -> Result<Alert, Refusal> {
    check_texts(&alert, limits)?;
    let (start, end) = (alert.start, alert.end);
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        return Err(Refusal::new("an alert that does not end after its start"));
    }
    let state = episode_from(alert.state);
    if alert.merged_into.is_some() && state != Episode::Close {
        return Err(Refusal::new("an alert that is merged into another, but does not close"));
    }
    if alert.severity > 100 {
        return Err(Refusal::new(format!("a severity of {}, more than 100", alert.severity)));
    }
    Ok(Alert {
        rule: alert.rule,
        title: alert.title,
        severity: alert.severity,
        state,
        revision: alert.revision,
        place: match alert.place {
            abi::Place::Row(row) => Place::Row(row),
            abi::Place::Timer(time) => Place::Timer(time),
        },
        dedup_key: alert.dedup_key,
        group_key: alert.group_key,
        start,
        end,
        entities: facts_from(alert.entities, "entities", limits)?,
        facts: facts_from(alert.facts, "facts", limits)?,
        techniques: alert.techniques,
        evidence: evidence_from(&alert.evidence, limits)?,
        score: alert.score.map(finite).transpose()?,
        merged_into: alert.merged_into,
        degraded: alert.degraded,
    })
}

fn check_texts(alert: &abi::Alert, limits: &Limits) -> Result<(), Refusal> {
    if alert.rule.is_empty() {
        return Err(Refusal::new("an alert without a rule"));
    }
    at_most(limits.name_bytes, alert.rule.len(), "bytes of a rule's name")?;
    for (what, text) in [
        ("bytes of a title", Some(&alert.title)),
        ("bytes of a deduplication key", Some(&alert.dedup_key)),
        ("bytes of a group key", Some(&alert.group_key)),
        ("bytes of a deduplication key", alert.merged_into.as_ref()),
    ] {
        at_most(limits.text_bytes, text.map_or(0, String::len), what)?;
    }
    at_most(limits.alert_items, alert.techniques.len(), "techniques")?;
    alert.techniques.iter().try_for_each(|technique| at_most(limits.name_bytes, technique.len(), "bytes of a technique"))
}

fn episode_from(state: abi::Episode) -> Episode {
    match state {
        abi::Episode::Open => Episode::Open,
        abi::Episode::Update => Episode::Update,
        abi::Episode::Close => Episode::Close,
    }
}

fn facts_from(facts: Vec<abi::Fact>, what: &str, limits: &Limits) -> Result<Vec<Fact>, Refusal> {
    at_most(limits.alert_items, facts.len(), what)?;
    let mut checked: Vec<Fact> = Vec::with_capacity(facts.len());
    for abi::Fact { name, value } in facts {
        if name.is_empty() {
            return Err(Refusal::new(format!("a name among the {what} is empty")));
        }
        at_most(limits.name_bytes, name.len(), "bytes of a name")?;
        if checked.iter().any(|earlier| earlier.name == name) {
            return Err(Refusal::new(format!("{:?} is given twice among the {what}", escape(&name, limits.name_bytes))));
        }
        checked.push(Fact { name, value: value_from(value, limits)? });
    }
    Ok(checked)
}

fn evidence_from(evidence: &[Vec<u8>], limits: &Limits) -> Result<Vec<Reference>, Refusal> {
    at_most(limits.alert_items, evidence.len(), "pieces of evidence")?;
    let read = |bytes: &Vec<u8>| Reference::from_bytes(bytes).ok_or_else(|| Refusal::new("evidence that `batch.references` never gave"));
    evidence.iter().map(read).collect()
}

/// The description, or what is wrong with it.
pub(crate) fn description_from(description: abi::Description, limits: &Limits) -> Result<Description, String> {
    let abi::Description { name, version, state_version, summary, config_schema, labels } = description;
    let mut letters = name.bytes();
    let lower = letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !lower || name.len() > limits.name_bytes {
        let shown = escape(&name, 64);
        return Err(format!("its name is {shown:?}; expected a lower-case letter, then lower-case letters, digits and underscores"));
    }
    if let Err(error) = semver::Version::parse(&version) {
        return Err(format!("its version {:?} is no semantic version: {error}", escape(&version, 64)));
    }
    if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&config_schema) {
        return Err(format!("its configuration schema is no JSON object: {error}"));
    }
    if labels.len() > LABELS {
        return Err(format!("{} labels are more than {LABELS}", labels.len()));
    }
    let summary = escape(&summary, limits.text_bytes);
    Ok(Description { name, version, state_version, summary, config_schema, labels })
}

/// What a guest finds wrong with its configuration; at least one problem.
pub(crate) fn problems_from(problems: Vec<abi::Problem>) -> Vec<Problem> {
    let of =
        |problem: abi::Problem| Problem { path: escape(&problem.path, MESSAGE_BYTES), message: escape(&problem.message, MESSAGE_BYTES) };
    let mut problems: Vec<_> = problems.into_iter().map(of).collect();
    if problems.is_empty() {
        problems.push(Problem { path: String::new(), message: "the plugin refuses it without saying why".to_owned() });
    }
    problems
}
