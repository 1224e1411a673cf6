//! The rule: `threshold` events of one key within a window, of at least `min_sources` distinct sources, which are counted approximately.

use eyas_sdk::config::problem;
use eyas_sdk::{
    Column, Distinct, Emit, Fact, Filter, Finding, Info, Key, Problem, Report, Row, Rule, SeededHash, Setup, Value, Windowed, column,
};

eyas_sdk::config! {
    /// What `ddos` can be told.
    pub struct Config {
        /// Which events count: for each field a value, a list of values, or a table of tests.
        filter as "where": Filter = Filter::parse(r#"{"event_type": "network_connection"}"#);
        /// By which fields they are counted: who is attacked.
        key: Key = Key::of(&["destination_ip"]);
        /// The field whose distinct values are counted, approximately (1.6 % standard error): an address. Values that are none are left out.
        distinct: String = "source_ip".to_owned();
        /// Distinct values that a window must have, too; 0: any number.
        min_sources: u64 = 0;
        /// How long a window is.
        window_secs: u64 = 60;
        /// How long after one window the next starts; divides `window_secs`.
        slide_secs: u64 = 30;
        /// Events within one window from which on it is an attack.
        threshold: u64 = 100, 1..=u64::MAX;
        /// How many keys are remembered, over all shards.
        max_keys: u64 = 1_000_000, 1..=u64::MAX;
        /// "alerts": one when an attack begins and one when it is over; "windows": one for each window that reached the threshold.
        emit: Emit = Emit::Alerts;
    }
}

/// The rule.
#[derive(Debug)]
pub struct Ddos {
    source: Column<column::Ip>,
    hash: SeededHash,
    min_sources: u64,
}

impl Rule for Ddos {
    type Config = Config;
    type Extra = Distinct;
    const INFO: Info = Info {
        name: "ddos",
        version: env!("CARGO_PKG_VERSION"),
        state_version: 1,
        summary: "Too many events at one destination, of many sources, within a window of event time",
    };
    const TECHNIQUES: &'static [&'static str] = &["T1498"];
    const MAY_CHANGE: &'static [&'static str] = &["threshold", "max_keys", "min_sources"];

    fn new(config: &Config, setup: &mut Setup) -> Result<(Self, Windowed), Vec<Problem>> {
        if config.distinct.is_empty() {
            return Err(vec![problem("/distinct", "must name a field, is empty")]);
        }
        let rule = Ddos { source: setup.ip(&config.distinct), hash: SeededHash::new(setup.seed()), min_sources: config.min_sources };
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

    #[inline]
    fn add(&self, row: &Row<'_>, sources: &mut Distinct) -> bool {
        let new = row.ip(self.source).is_some_and(|source| sources.add(self.hash.ip(source)));
        new || self.min_sources == 0
    }

    fn qualifies(&self, sources: &mut dyn FnMut() -> Distinct) -> bool {
        self.min_sources == 0 || sources().estimate() >= self.min_sources
    }

    fn facts(&self, sources: &Distinct) -> Vec<Fact> {
        vec![Fact { name: "unique_sources".to_owned(), value: Value::U64(sources.estimate()) }]
    }

    fn report(&self, finding: &Finding<'_, Distinct>) -> Report {
        let (count, sources) = (finding.totals.count, finding.totals.extra.estimate());
        let title = format!("Denial of service: {count} events of about {sources} sources at {}", finding.entities(", "));
        Report { title, severity: finding.graded(70) }
    }
}
