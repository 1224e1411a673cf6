//! Window alerts compared with what others counted.

use std::collections::BTreeMap;

use eyas_tests::lines;
use serde_json::Value;

/// Window counts by (start, end, key).
pub type Counts = BTreeMap<(String, String, Vec<String>), Count>;

/// What was counted in one window of one key.
#[derive(Debug, PartialEq)]
pub struct Count {
    /// Events.
    pub events: u64,
    /// Distinct sources, where they are asked for.
    pub sources: Option<u64>,
}

/// What another program counted: one flat object a line.
pub fn expected(bytes: &[u8], keys: &[&str]) -> Counts {
    let count = |line: &Value| (line["count"].as_u64().unwrap(), line["exact_sources"].as_u64());
    collect(lines(bytes).iter().map(|line| (line, keys.iter().map(|key| plain(&line[key])).collect(), count(line))))
}

/// What a detector's alerts say under `emit = "windows"`.
pub fn found(alerts: &[u8], detector: &str, keys: &[&str]) -> Counts {
    let alerts: Vec<Value> = lines(alerts).into_iter().filter(|alert| alert["detector"] == detector).collect();
    for alert in &alerts {
        assert_eq!((&alert["state"], &alert["revision"]), (&"close".into(), &0.into()), "{alert}");
    }
    let count = |alert: &Value| (alert["facts"]["count"].as_u64().unwrap(), alert["facts"]["unique_sources"].as_u64());
    collect(alerts.iter().map(|alert| (alert, keys.iter().map(|key| plain(&alert["entities"][key])).collect(), count(alert))))
}

/// The same windows, keys and counts; distinct sources within 5 % or 2 of the true number.
#[track_caller]
pub fn assert_same(found: &Counts, expected: &Counts) {
    let missing: Vec<_> = expected.keys().filter(|key| !found.contains_key(key)).collect();
    let surplus: Vec<_> = found.keys().filter(|key| !expected.contains_key(key)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:?}, too many: {surplus:?}");
    for (key, expected) in expected {
        let found = &found[key];
        assert_eq!(found.events, expected.events, "{key:?}");
        if let Some(exact) = expected.sources {
            let off = found.sources.unwrap().abs_diff(exact);
            assert!(off <= 2 || off as f64 <= 0.05 * exact as f64, "{key:?}: {found:?} for {exact} sources");
        }
    }
}

fn collect<'a>(rows: impl Iterator<Item = (&'a Value, Vec<String>, (u64, Option<u64>))>) -> Counts {
    let mut counts = Counts::new();
    for (line, key, (events, sources)) in rows {
        let name = (time(&line["start"]), time(&line["end"]), key);
        let before = counts.insert(name, Count { events, sources });
        assert_eq!(before, None, "given twice: {line}");
    }
    assert!(!counts.is_empty());
    counts
}

/// A key's value; one that is absent is empty.
fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whole seconds in one spelling.
fn time(value: &Value) -> String {
    value.as_str().unwrap().replace(".000Z", "Z")
}
