//! Port scan: one source that reaches for too many ports of one host within a window of event time.

use eyas_sdk::{Column, Distinct, Emit, Fact, Filter, Finding, Info, Key, Problem, Report, Row, Rule, SeededHash, Setup, Threshold};
use eyas_sdk::{Value, Windowed, column};

eyas_sdk::config! {
    /// What `port_scan` can be told.
    pub struct Config {
        /// Which events count.
        filter as "where": Filter = Filter::parse(r#"{"event_type": "network_connection"}"#);
        /// Who scans whom.
        key: Key = Key::of(&["source_ip", "destination_ip"]);
        /// Distinct ports within one window from which on it is a scan.
        min_ports: u64 = 50, 2..=65_536;
        /// How long a window is; the next starts half a window later.
        window_secs: u64 = 60, 2..=86_400;
        /// "alerts" or "windows".
        emit: Emit = Emit::Alerts;
    }
}

/// What the rule needs to know of each row.
pub struct PortScan {
    port: Column<column::S64>,
    hash: SeededHash,
    min_ports: u64,
}

impl Rule for PortScan {
    type Config = Config;
    type Extra = Distinct;
    const INFO: Info = Info { name: "port_scan", version: "0.1.0", state_version: 1, summary: "Too many ports of one host" };
    const TECHNIQUES: &'static [&'static str] = &["T1046"];

    fn new(config: &Config, setup: &mut Setup) -> Result<(Self, Windowed), Vec<Problem>> {
        let rule = PortScan { port: setup.s64("port"), hash: SeededHash::new(setup.seed()), min_ports: config.min_ports };
        let windowed = Windowed {
            filter: config.filter.clone(),
            key: config.key.clone(),
            window_secs: config.window_secs,
            slide_secs: config.window_secs / 2,
            threshold: config.min_ports,
            max_keys: 1_000_000,
            emit: config.emit,
        };
        Ok((rule, windowed))
    }

    fn add(&self, row: &Row<'_>, ports: &mut Distinct) -> bool {
        row.s64(self.port).is_some_and(|port| ports.add(self.hash.bytes(&port.to_le_bytes())))
    }

    fn qualifies(&self, ports: &mut dyn FnMut() -> Distinct) -> bool {
        ports().estimate() >= self.min_ports
    }

    fn facts(&self, ports: &Distinct) -> Vec<Fact> {
        vec![Fact { name: "ports".to_owned(), value: Value::U64(ports.estimate()) }]
    }

    fn report(&self, finding: &Finding<'_, Distinct>) -> Report {
        Report { title: format!("Port scan: {}", finding.entities(" -> ")), severity: finding.graded(40) }
    }
}

eyas_sdk::export!(Threshold<PortScan>);

#[cfg(test)]
mod tests {
    use super::*;
    use eyas_sdk::testing::{Feed, run};

    #[test]
    fn many_ports_are_a_scan_and_many_events_are_not() {
        let config = r#"{"min_ports": 10}"#;
        let key = [Some("10.0.0.1"), Some("10.0.0.2")];
        for (ports, alerts) in [(20, 2), (3, 0)] {
            let mut feed = Feed::of::<Threshold<PortScan>>(config).unwrap();
            for i in 0..100 {
                feed.row(i * 100_000_000, 0, &key, &[Some(&(i % ports).to_string())]);
            }
            assert_eq!(run::<Threshold<PortScan>>(config, &feed).unwrap().alerts.len(), alerts);
        }
    }
}
