//! The rule: `threshold` events of one key within a window. What is an event and what is a key is configured.

use eyas_sdk::{Emit, Filter, Finding, Info, Key, Problem, Report, Rule, Setup, Windowed};

eyas_sdk::config! {
    /// What `brute_force` can be told.
    pub struct Config {
        /// Which events count: for each field a value, a list of values, or a table of tests.
        filter as "where": Filter = Filter::parse(r#"{"event_type": "authentication", "result": "failure"}"#);
        /// By which fields they are counted: who attacks whom.
        key: Key = Key::of(&["source_ip", "destination_ip"]);
        /// How long a window is.
        window_secs: u64 = 120;
        /// How long after one window the next starts; divides `window_secs`.
        slide_secs: u64 = 30;
        /// Events within one window from which on it is an attack.
        threshold: u64 = 5, 1..=u64::MAX;
        /// How many keys are remembered, over all shards.
        max_keys: u64 = 1_000_000, 1..=u64::MAX;
        /// "alerts": one when an attack begins and one when it is over; "windows": one for each window that reached the threshold.
        emit: Emit = Emit::Alerts;
    }
}

/// The rule; it needs nothing beside what all windowed thresholds have.
#[derive(Debug)]
pub struct BruteForce;

impl Rule for BruteForce {
    type Config = Config;
    type Extra = ();
    const INFO: Info = Info {
        name: "brute_force",
        version: env!("CARGO_PKG_VERSION"),
        state_version: 1,
        summary: "Too many failed authentications between two addresses within a window of event time",
    };
    const TECHNIQUES: &'static [&'static str] = &["T1110"];

    fn new(config: &Config, _setup: &mut Setup) -> Result<(Self, Windowed), Vec<Problem>> {
        let windowed = Windowed {
            filter: config.filter.clone(),
            key: config.key.clone(),
            window_secs: config.window_secs,
            slide_secs: config.slide_secs,
            threshold: config.threshold,
            max_keys: config.max_keys,
            emit: config.emit,
        };
        Ok((BruteForce, windowed))
    }

    fn report(&self, finding: &Finding<'_, ()>) -> Report {
        let title = format!("Brute force: {} failures, {}", finding.totals.count, finding.entities(" -> "));
        Report { title, severity: finding.graded(60) }
    }
}
