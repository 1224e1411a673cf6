//! What people see of `ddos`, word for word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ddos::Detector;
use eyas_sdk::testing::{Feed, run};
use eyas_sdk::{Alert, Value};

/// Connections to one host, ten a second, of so many sources in turn.
fn connections(events: i64, sources: i64) -> Vec<Alert> {
    let config = r#"{"min_sources": 20}"#;
    let mut feed = Feed::of::<Detector>(config).unwrap();
    for i in 0..events {
        let source = format!("10.0.{}.{}", i % sources / 250, i % sources % 250);
        feed.row(i * 100_000_000, 0, &[Some("192.0.2.1")], &[Some(&source)]);
    }
    run::<Detector>(config, &feed).unwrap().alerts
}

#[test]
fn many_events_of_many_sources_are_an_attack() {
    let alerts = connections(200, 40);
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[0].title, "Denial of service: 100 events of about 40 sources at 192.0.2.1");
    assert_eq!((alerts[0].severity, alerts[0].techniques.as_slice()), (70, &["T1498".to_owned()][..]));
    let names: Vec<&str> = alerts[1].facts.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["count", "unique_sources", "first", "last"]);
    assert_eq!(alerts[1].facts[0].value, Value::U64(200));
    assert_eq!(alerts[1].facts[1].value, Value::U64(40));
}

#[test]
fn few_events_or_few_sources_are_none() {
    assert!(connections(99, 40).is_empty());
    assert!(connections(200, 10).is_empty());
}

#[test]
fn a_name_is_wanted_for_what_is_distinct() {
    let problems = run::<Detector>(r#"{"distinct": ""}"#, &Feed::of::<Detector>("{}").unwrap()).unwrap_err();
    assert_eq!((problems[0].path.as_str(), problems[0].message.as_str()), ("/distinct", "must name a field, is empty"));
}
