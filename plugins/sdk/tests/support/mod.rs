//! A rule to test with, and how it is driven.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests; each uses a part")]

pub mod model;

use eyas_sdk::testing::{Feed, key_hash, routing_key};
use eyas_sdk::{
    Alert, Column, Distinct, Emit, Entries, Fact, Filter, Finding, Host, Info, Instance, Key, Problem, Recorder, Report, Row, Rule, Scope,
    SeededHash, Setup, Threshold, Value, Windowed, column,
};

eyas_sdk::config! {
    /// What the rule can be told.
    pub struct Config {
        /// Events.
        filter as "where": Filter = Filter::parse("{}");
        /// By what.
        key: Key = Key::of(&["source_ip"]);
        /// Length.
        window_secs: u64 = 120;
        /// Slide.
        slide_secs: u64 = 30;
        /// From here on.
        threshold: u64 = 3, 1..=u64::MAX;
        /// Distinct values.
        min_distinct: u64 = 0;
        /// Bound.
        max_keys: u64 = 1_000_000, 1..=u64::MAX;
        /// What comes out.
        emit: Emit = Emit::Alerts;
    }
}

/// Counts events and their distinct values.
pub struct Many {
    value: Column<column::Ip>,
    hash: SeededHash,
    min_distinct: u64,
}

impl Rule for Many {
    type Config = Config;
    type Extra = Distinct;
    const INFO: Info = Info { name: "many", version: "1.0.0", state_version: 3, summary: "Many events" };
    const TECHNIQUES: &'static [&'static str] = &["T1498"];

    fn new(config: &Config, setup: &mut Setup) -> Result<(Self, Windowed), Vec<Problem>> {
        let rule = Many { value: setup.ip("value"), hash: SeededHash::new(setup.seed()), min_distinct: config.min_distinct };
        let windowed = Windowed {
            filter: config.filter.clone(),
            key: config.key.clone(),
            window_secs: config.window_secs,
            slide_secs: config.slide_secs,
            threshold: config.threshold,
            max_keys: config.max_keys,
            emit: config.emit,
        };
        Ok((rule, windowed))
    }
    fn add(&self, row: &Row<'_>, extra: &mut Distinct) -> bool {
        let new = row.ip(self.value).is_some_and(|value| extra.add(self.hash.ip(value)));
        new || self.min_distinct == 0
    }
    fn qualifies(&self, extra: &mut dyn FnMut() -> Distinct) -> bool {
        self.min_distinct == 0 || extra().estimate() >= self.min_distinct
    }
    fn facts(&self, extra: &Distinct) -> Vec<Fact> {
        vec![Fact { name: "distinct".into(), value: Value::U64(extra.estimate()) }]
    }
    fn report(&self, finding: &Finding<'_, Distinct>) -> Report {
        Report { title: format!("{} of {}", finding.totals.count, finding.entities(" ")), severity: 50 }
    }
}

pub type ManyDetector = Threshold<Many>;
pub const SEED: u64 = 7;
pub const SECOND: i64 = 1_000_000_000;

/// One event as tests write it.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub time: i64,
    pub watermark: i64,
    /// Which of the test's keys.
    pub key: usize,
    /// Which value, for distinct ones.
    pub value: u8,
}

pub fn address(n: u8) -> [u8; 16] {
    std::net::Ipv4Addr::new(10, 0, 0, n).to_ipv6_mapped().octets()
}

/// Keys that all lie in one key group.
pub fn keys_of_one_group(n: usize) -> Vec<Vec<u8>> {
    let all = (0..u32::MAX).map(|i| routing_key(&[Some(&std::net::Ipv4Addr::from_bits(i + (10 << 24)).to_string())]));
    all.filter(|key| (key_hash(key) >> 32) & 255 == 77).take(n).collect()
}

pub fn feed(events: &[Event], keys: &[Vec<u8>]) -> Feed {
    let mut feed = Feed::of::<ManyDetector>("{}").unwrap();
    for event in events {
        let value = std::net::Ipv4Addr::new(10, 0, 0, event.value).to_string();
        feed.row_of_key(event.time, event.watermark, &keys[event.key], &[Some(&value)]);
    }
    feed
}

/// Feeds rows from one number up to another as one batch.
pub fn feed_part<D: eyas_sdk::Detector>(instance: &mut Instance<D>, feed: &Feed, from: usize, to: usize, out: &mut Recorder) {
    out.first_row = from as u32;
    feed.batch(from, to, |rows| instance.process(rows, out));
}

pub fn snapshot<D: eyas_sdk::Detector>(instance: &mut Instance<D>, scope: Scope) -> Vec<Entries> {
    let mut chunks = Vec::new();
    instance.snapshot(scope, &mut |chunk| chunks.push(chunk));
    chunks
}

/// Another instance with the state of these chunks.
pub fn restored<D: eyas_sdk::Detector>(config: &str, table_seed: u64, chunks: &[Entries]) -> Instance<D> {
    let mut instance = Instance::new(config, "many", SEED, table_seed).unwrap();
    let mut chunks = chunks.iter();
    let next = &mut || {
        let chunk = chunks.next()?.clone();
        let keys = eyas_sdk::Strings { offsets: &chunk.keys.offsets, data: &chunk.keys.data };
        let hashes = (0..chunk.groups.len()).map(|i| if keys.get(i).is_empty() { 0 } else { key_hash(keys.get(i)) }).collect();
        Some((chunk, hashes))
    };
    instance.restore(D::INFO.state_version, config, next).unwrap();
    instance
}

/// An alert as the model gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub state: eyas_sdk::Episode,
    pub revision: u32,
    /// The row, or the timer.
    pub place: Result<u32, i64>,
    pub dedup_key: String,
    pub start: i64,
    pub end: i64,
    pub count: u64,
    pub distinct: u64,
    pub first: i64,
    pub last: i64,
    pub merged_into: Option<String>,
    pub degraded: bool,
}

pub fn told(alert: &Alert) -> Told {
    let number = |name: &str| match alert.facts.iter().find(|f| f.name == name).unwrap().value {
        Value::U64(n) => n as i64,
        Value::Time(t) => t,
        _ => panic!("{name} is no number"),
    };
    Told {
        state: alert.state,
        revision: alert.revision,
        place: match alert.place {
            eyas_sdk::Place::Row(row) => Ok(row),
            eyas_sdk::Place::Timer(at) => Err(at),
        },
        dedup_key: alert.dedup_key.clone(),
        start: alert.start.unwrap(),
        end: alert.end.unwrap(),
        count: number("count") as u64,
        distinct: number("distinct") as u64,
        first: number("first"),
        last: number("last"),
        merged_into: alert.merged_into.clone(),
        degraded: alert.degraded,
    }
}

/// What came out: alerts, and by row the ids that it was annotated with.
pub type Output = (Vec<Told>, Vec<(u32, Vec<String>)>);

pub fn output(out: &Recorder) -> Output {
    let ids = |value: &Value| match value {
        Value::Json(list) => serde_json::from_str(list).unwrap(),
        _ => panic!("not a list"),
    };
    (out.alerts.iter().map(told).collect(), out.annotations.iter().map(|(row, _, value)| (*row, ids(value))).collect())
}

/// All rows in one batch, then the end of input.
pub fn run(config: &str, events: &[Event], keys: &[Vec<u8>]) -> Output {
    let mut instance = Instance::<ManyDetector>::new(config, "many", SEED, 1).unwrap();
    let mut out = Recorder::default();
    feed_part(&mut instance, &feed(events, keys), 0, events.len(), &mut out);
    instance.flush(&mut out);
    assert_eq!(instance.keys(), 0);
    let _: &dyn Host = &out;
    output(&out)
}
