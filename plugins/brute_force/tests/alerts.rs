//! What people see of `brute_force`, word for word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use brute_force::Detector;
use eyas_sdk::testing::{Feed, run};
use eyas_sdk::{Condition, Episode, Fact, Instance, Place, Test, Value};

const SECOND: i64 = 1_000_000_000;
const KEY: [Option<&str>; 2] = [Some("10.0.0.1"), Some("2001:db8::7")];

/// Failures at these seconds, in order, with a watermark a minute behind.
fn failures(config: &str, seconds: &[i64]) -> Feed {
    let mut feed = Feed::of::<Detector>(config).unwrap();
    for second in seconds {
        feed.row(second * SECOND, (second - 60) * SECOND, &KEY, &[]);
    }
    feed
}

fn fact(name: &str, value: Value) -> Fact {
    Fact { name: name.to_owned(), value }
}

#[test]
fn five_failures_open_an_episode_and_silence_closes_it() {
    let out = run::<Detector>("{}", &failures("{}", &[600, 610, 620, 630, 640, 650, 2_000])).unwrap();
    let [open, close] = out.alerts.as_slice() else { unreachable!("two alerts, not {:?}", out.alerts) };
    assert_eq!(open.title, "Brute force: 5 failures, 10.0.0.1 -> 2001:db8::7");
    assert_eq!((open.state, open.revision, open.place), (Episode::Open, 0, Place::Row(4)));
    assert_eq!((open.rule.as_str(), open.severity, open.techniques.as_slice()), ("brute_force", 60, &["T1110".to_owned()][..]));
    // Three windows hold all five: those from 540, 570 and 600 s.
    assert_eq!((open.start, open.end), (Some(540 * SECOND), Some(720 * SECOND)));
    assert_eq!(open.dedup_key, r#"["10.0.0.1","2001:db8::7"]@540000000000"#);
    let entities: Vec<&str> = open.entities.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(entities, ["source_ip", "destination_ip"]);
    assert!(matches!(&open.entities[0].value, Value::Ip(ip) if ip.ends_with(&[255, 255, 10, 0, 0, 1])));
    assert_eq!(
        open.facts,
        [fact("count", Value::U64(5)), fact("first", Value::Time(600 * SECOND)), fact("last", Value::Time(640 * SECOND))]
    );

    // The next one, from 630 s, holds three; the episode is over when it closes.
    assert_eq!((close.state, close.revision, close.place), (Episode::Close, 1, Place::Timer(750 * SECOND)));
    assert_eq!((close.start, close.end), (Some(540 * SECOND), Some(720 * SECOND)));
    assert_eq!(close.dedup_key, open.dedup_key);
    assert_eq!(
        close.facts,
        [fact("count", Value::U64(6)), fact("first", Value::Time(600 * SECOND)), fact("last", Value::Time(650 * SECOND))]
    );

    let annotated: Vec<u32> = out.annotations.iter().map(|(row, ..)| *row).collect();
    assert_eq!(annotated, [4, 5]);
    assert_eq!(out.annotations[0].1, "alerts");
}

#[test]
fn windows_are_given_one_by_one() {
    let config = r#"{"emit": "windows"}"#;
    let out = run::<Detector>(config, &failures(config, &[600, 610, 620, 630, 640, 650])).unwrap();
    let given: Vec<(i64, u32, Place)> = out.alerts.iter().map(|a| (a.start.unwrap() / SECOND, a.revision, a.place)).collect();
    let window = |start: i64| (start, 0, Place::Timer((start + 120) * SECOND));
    assert_eq!(given, [window(540), window(570), window(600)]);
    assert!(out.annotations.is_empty());
}

#[test]
fn it_asks_for_failed_authentications() {
    let instance = Instance::<Detector>::new("{}", "brute_force", 0, 0).unwrap();
    let is = |path: &str, value: &str| Condition { path: path.to_owned(), test: Test::Text(vec![value.to_owned()]), negate: false };
    assert_eq!(instance.subscription().conditions, [is("event_type", "authentication"), is("result", "failure")]);
    assert!(instance.subscription().fields.iter().all(|f| !f.read));
}

#[test]
fn what_is_no_address_keeps_its_text_and_null_is_left_out() {
    let mut feed = Feed::of::<Detector>("{}").unwrap();
    (0..5).for_each(|i| feed.row(i, 0, &[None, Some("db\"1")], &[]));
    let out = run::<Detector>("{}", &feed).unwrap();
    assert_eq!(out.alerts[0].entities, [fact("destination_ip", Value::Text("db\"1".to_owned()))]);
    assert!(out.alerts[0].dedup_key.starts_with(r#"[null,"db\"1"]@"#));
}
