//! Alerts of many keys at once, in an order that no hash table can be seen in.

use crate::{Alert, Host, Place, Value};

/// Holds back the alerts of many keys, to give them by timer, deduplication key and rule.
pub(super) struct Sorted<'a> {
    host: &'a mut dyn Host,
    alerts: Vec<Alert>,
}

impl<'a> Sorted<'a> {
    pub fn new(host: &'a mut dyn Host) -> Self {
        Sorted { host, alerts: Vec::new() }
    }

    pub fn give(mut self) {
        let timer = |a: &Alert| match a.place {
            Place::Timer(at) => at,
            Place::Row(_) => i64::MIN,
        };
        self.alerts.sort_by(|a, b| (timer(a), &a.dedup_key, &a.rule).cmp(&(timer(b), &b.dedup_key, &b.rule)));
        for alert in self.alerts {
            self.host.report(alert);
        }
    }
}

impl Host for Sorted<'_> {
    fn report(&mut self, alert: Alert) {
        self.alerts.push(alert);
    }
    fn annotate(&mut self, row: u32, name: &str, value: &Value) {
        self.host.annotate(row, name, value);
    }
    fn drop_event(&mut self, row: u32) {
        self.host.drop_event(row);
    }
    fn alert_id(&mut self, rule: &str, dedup_key: &str) -> String {
        self.host.alert_id(rule, dedup_key)
    }
    fn row_error(&mut self, row: u32, message: &str) {
        self.host.row_error(row, message);
    }
    fn count(&mut self, name: &str, n: u64) {
        self.host.count(name, n);
    }
    fn gauge(&mut self, name: &str, value: i64) {
        self.host.gauge(name, value);
    }
    fn progress(&mut self, row: u32) {
        self.host.progress(row);
    }
    fn reference(&mut self, row: u32) -> Vec<u8> {
        self.host.reference(row)
    }
    fn event(&mut self, row: u32) -> Vec<u8> {
        self.host.event(row)
    }
}
