//! Silence: a host that used to report and has not been heard of for a while.

use eyas_sdk::{Alert, Context, Detector, Fact, Filter, Info, Key, Problem, Row, Setup, Value};
use serde::{Deserialize, Serialize};

eyas_sdk::config! {
    /// What `silence` can be told.
    pub struct Config {
        /// Which events count.
        filter as "where": Filter = Filter::parse("{}");
        /// Whose silence.
        key: Key = Key::of(&["host"]);
        /// How long without an event is silence.
        after_secs: u64 = 600, 1..=86_400;
        /// How many events it takes until a host is known.
        min_events: u64 = 10;
    }
}

/// What is remembered of a host. Deriving these three is all that bounds and snapshots need.
#[derive(Default, Serialize, Deserialize)]
pub struct Heard {
    events: u64,
    last: i64,
}

/// The detector.
pub struct Silence {
    config: Config,
    after: i64,
}

impl Detector for Silence {
    type Config = Config;
    type State = Heard;
    const INFO: Info = Info { name: "silence", version: "0.1.0", state_version: 1, summary: "A host that went silent" };

    fn new(config: &Config, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        setup.filter(&config.filter);
        setup.keyed(&config.key);
        Ok(Silence { config: config.clone(), after: config.after_secs as i64 * 1_000_000_000 })
    }

    fn row(&self, row: &Row<'_>, heard: &mut Heard, cx: &mut Context<'_>) {
        heard.events += 1;
        heard.last = heard.last.max(row.time());
        cx.wake_at(heard.last.saturating_add(self.after));
    }

    fn timer(&self, at: i64, heard: &mut Heard, cx: &mut Context<'_>) {
        let silent_at = heard.last.saturating_add(self.after);
        if silent_at > at {
            return cx.wake_at(silent_at);
        }
        if heard.events >= self.config.min_events {
            cx.report(Alert {
                severity: 40,
                dedup_key: format!("{}@{}", cx.key_text(), heard.last),
                start: Some(heard.last),
                end: Some(at),
                entities: cx.entities(self.config.key.fields()),
                facts: vec![Fact { name: "events".to_owned(), value: Value::U64(heard.events) }],
                ..cx.alert("silence", format!("Silence: {}", cx.key_text()))
            });
        }
    }
}

eyas_sdk::export!(Silence);

#[cfg(test)]
mod tests {
    use super::*;
    use eyas_sdk::testing::{Feed, run};

    #[test]
    fn a_known_host_that_stops_is_told_once_and_a_stranger_never() {
        let mut feed = Feed::of::<Silence>("{}").unwrap();
        for i in 0..100 {
            let now = i * 60_000_000_000;
            // "a" stops after half of the time, "b" goes on, "c" came once.
            let host = if i % 2 == 0 && i < 50 {
                "a"
            } else if i == 1 {
                "c"
            } else {
                "b"
            };
            feed.row(now, now, &[Some(host)], &[]);
        }
        let alerts = run::<Silence>("{}", &feed).unwrap().alerts;
        assert_eq!(alerts.len(), 1);
        assert_eq!(alerts[0].title, r#"Silence: ["a"]"#);
        assert_eq!(alerts[0].end, Some((48 + 10) * 60_000_000_000));
    }
}
