//! Alerts of windowed thresholds.

use super::episodes::Run;
use super::{Rule, Threshold, Totals};
use crate::{Alert, Context, Episode, Fact, Place, Value, entity};

/// What a rule makes an alert's title and severity from.
#[derive(Debug)]
pub struct Finding<'a, E> {
    /// Who.
    pub entities: &'a [Fact],
    /// What was counted so far.
    pub totals: &'a Totals<E>,
    /// The threshold it had to reach.
    pub threshold: u64,
}

impl<E> Finding<'_, E> {
    /// An entity as people write it, by its place in the key; "?" where that field was null.
    pub fn entity(&self, name: &str) -> String {
        self.entities.iter().find(|e| e.name == name).map_or_else(|| "?".to_owned(), |e| entity::shown(&e.value))
    }

    /// All entities as people write them, in the order of the key, with this between them.
    pub fn entities(&self, between: &str) -> String {
        let all: Vec<String> = self.entities.iter().map(|e| entity::shown(&e.value)).collect();
        if all.is_empty() { "?".to_owned() } else { all.join(between) }
    }

    /// A severity that grows with how far the threshold was passed: by ten for ten times it, by twenty for a hundred times.
    pub fn graded(&self, severity: u8) -> u8 {
        let times = self.totals.count / self.threshold.max(1);
        let more = match times {
            0..10 => 0,
            10..100 => 10,
            _ => 20,
        };
        severity.saturating_add(more).min(100)
    }
}

/// What people see of an alert first.
#[derive(Clone, Debug)]
pub struct Report {
    /// One line.
    pub title: String,
    /// 0 to 100.
    pub severity: u8,
}

/// What an alert says of its episode.
pub(super) struct Said<'a> {
    pub state: Episode,
    pub revision: u32,
    pub place: Place,
    pub dedup_key: String,
    pub start: i64,
    pub end: i64,
    pub evidence: &'a [u8],
    pub merged_into: Option<String>,
    pub degraded: bool,
}

impl<R: Rule> Threshold<R> {
    /// Names an episode: the key, the start of its first window when it opened, and how many keys of its group were evicted with something open.
    pub(super) fn dedup_key(cx: &Context<'_>, start: i64, evictions: u32) -> String {
        let key = cx.key_text();
        if evictions == 0 { format!("{key}@{start}") } else { format!("{key}@{start}#{evictions}") }
    }

    /// What an episode says now.
    pub(super) fn said<'a>(&self, run: &'a Run<R::Extra>, state: Episode, cx: &Context<'_>) -> Said<'a> {
        Said {
            state,
            revision: run.revision,
            place: cx.place(),
            dedup_key: Self::dedup_key(cx, run.named, run.evictions),
            start: run.from,
            end: self.end(run.to),
            evidence: &run.evidence,
            merged_into: None,
            degraded: false,
        }
    }

    pub(super) fn tell(&self, said: Said<'_>, totals: &Totals<R::Extra>, cx: &mut Context<'_>) {
        let entities = cx.entities(self.key.fields());
        let report = self.rule.report(&Finding { entities: &entities, totals, threshold: self.threshold });
        let fact = |name: &str, value| Fact { name: name.to_owned(), value };
        let mut facts = vec![fact("count", Value::U64(totals.count))];
        facts.extend(self.rule.facts(&totals.extra));
        facts.push(fact("first", Value::Time(totals.first)));
        facts.push(fact("last", Value::Time(totals.last)));
        let alert = Alert {
            rule: R::INFO.name.to_owned(),
            title: report.title,
            severity: report.severity.min(100),
            state: said.state,
            revision: said.revision,
            place: said.place,
            dedup_key: said.dedup_key,
            group_key: cx.key_text(),
            start: Some(said.start),
            end: Some(said.end),
            entities,
            facts,
            techniques: R::TECHNIQUES.iter().map(|t| (*t).to_owned()).collect(),
            evidence: if said.evidence.is_empty() { Vec::new() } else { vec![said.evidence.to_vec()] },
            score: None,
            merged_into: said.merged_into,
            degraded: said.degraded || said.start < cx.suspect_before(),
        };
        cx.report(alert);
    }
}
