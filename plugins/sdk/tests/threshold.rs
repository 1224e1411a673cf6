//! Windows and episodes are what the reference model says, on any stream; and nobody can see batches, snapshots or calls of `advance`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use eyas_sdk::{Entries, Episode, Instance, Recorder, Scope};
use proptest::prelude::*;
use support::model::{Model, Settings};
use support::{Event, ManyDetector, Output, SECOND, SEED, feed, feed_part, keys_of_one_group, output, restored, run, snapshot};

#[derive(Clone, Debug)]
struct Case {
    settings: Settings,
    events: Vec<Event>,
}

impl Case {
    fn config(&self) -> String {
        let Settings { length, slide, threshold, min_distinct, windows, max_keys } = self.settings;
        format!(
            r#"{{"window_secs": {}, "slide_secs": {}, "threshold": {threshold}, "min_distinct": {min_distinct}, "max_keys": {},
                "emit": "{}"}}"#,
            length / SECOND,
            slide / SECOND,
            max_keys * 256,
            if windows { "windows" } else { "alerts" },
        )
    }
}

/// Times around the borders of panes, in order but for jumps back; the watermark follows at some distance, or jumps.
fn case() -> impl Strategy<Value = Case> {
    let sizes = prop_oneof![Just((120, 30)), Just((60, 30)), Just((30, 30)), Just((60, 20)), Just((300, 30))];
    let step = (0..12i64, prop_oneof![4 => Just(0i64), 1 => -25..1i64], -1..=1i64, 0..5usize, 0..6u8, 0..30u8);
    let most = prop_oneof![3 => Just(100usize), 1 => 1..4usize];
    (sizes, 1..6usize, 0..3u64, any::<bool>(), most, 0..4i64, prop::collection::vec(step, 1..90)).prop_map(
        |((length, slide), threshold, min_distinct, windows, max_keys, lateness, steps)| {
            let settings = Settings { length: length * SECOND, slide: slide * SECOND, threshold, min_distinct, windows, max_keys };
            let (mut now, mut latest, mut watermark) = (0, i64::MIN / 2, i64::MIN);
            let mut events = Vec::new();
            for (forward, back, border, key, value, jump) in steps {
                now += forward * 5 * SECOND;
                let time = now + back * 10 * SECOND + border;
                events.push(Event { time, watermark, key, value });
                latest = latest.max(time);
                let leap = if jump == 0 { 150 * SECOND } else { 0 };
                now += leap;
                watermark = watermark.max(latest - lateness * 45 * SECOND + leap);
            }
            Case { settings, events }
        },
    )
}

fn names(keys: &[Vec<u8>]) -> Vec<String> {
    let address = |key: &Vec<u8>| key.last_chunk::<4>().map(|b| std::net::Ipv4Addr::from(*b)).unwrap_or(std::net::Ipv4Addr::BROADCAST);
    keys.iter().map(|key| format!("[\"{}\"]", address(key))).collect()
}

/// The same rows in other batches, with other calls of `advance`, and with the state carried over to new instances.
fn disturbed(case: &Case, keys: &[Vec<u8>], cuts: &[(usize, u8)]) -> Output {
    let config = case.config();
    let feed = feed(&case.events, keys);
    let mut out = Recorder::default();
    let mut instance = Instance::<ManyDetector>::new(&config, "many", SEED, 99).unwrap();
    let mut saved: Vec<Entries> = snapshot(&mut instance, Scope::Full);
    let mut at = 0;
    for &(length, action) in cuts {
        let to = (at + length).min(feed.len());
        feed_part(&mut instance, &feed, at, to, &mut out);
        at = to;
        match action {
            0 => instance.advance(case.events.get(at).map_or(i64::MIN, |e| e.watermark), &mut out),
            1 => saved = snapshot(&mut instance, Scope::Full),
            2 => saved.extend(snapshot(&mut instance, Scope::Changed)),
            3 => {
                saved.extend(snapshot(&mut instance, Scope::Changed));
                instance = restored(&config, at as u64, &saved);
            }
            _ => {}
        }
    }
    feed_part(&mut instance, &feed, at, feed.len(), &mut out);
    instance.flush(&mut out);
    output(&out)
}

/// The first difference: whole outputs are too long to read.
fn same(ours: &Output, right: &Output) -> Result<(), TestCaseError> {
    for i in 0..ours.0.len().max(right.0.len()) {
        prop_assert_eq!(ours.0.get(i), right.0.get(i), "alert {}", i);
    }
    prop_assert_eq!(&ours.1, &right.1);
    Ok(())
}

/// Events of one key at these seconds, none of whose windows ever closes.
fn at(seconds: &[i64]) -> Vec<Event> {
    seconds.iter().map(|s| Event { time: s * SECOND, watermark: i64::MIN, key: 0, value: 0 }).collect()
}

#[test]
fn the_episode_that_opened_first_takes_in_the_other() {
    let config = r#"{"window_secs": 60, "slide_secs": 30, "threshold": 2}"#;
    let keys = keys_of_one_group(1);
    // One episode at 10 s, one at 130 s; what comes late in between makes them one.
    let (alerts, annotations) = run(config, &at(&[10, 11, 130, 131, 70, 71, 72]), &keys);
    let name = |start: i64| format!("{}@{}", names(&keys)[0], start * SECOND);
    let brief =
        |t: &support::Told| (t.state, t.revision, t.dedup_key.clone(), t.start / SECOND, t.end / SECOND, t.count, t.merged_into.clone());
    let right = [
        (Episode::Open, 0, name(-30), -30, 60, 2, None),
        (Episode::Open, 0, name(90), 90, 180, 2, None),
        (Episode::Update, 1, name(-30), -30, 180, 6, None),
        (Episode::Close, 1, name(90), 90, 180, 2, Some(name(-30))),
        (Episode::Close, 2, name(-30), -30, 180, 7, None),
    ];
    assert_eq!(alerts.iter().map(brief).collect::<Vec<_>>(), right);
    let rows: Vec<(u32, usize)> = annotations.iter().map(|(row, ids)| (*row, ids.len())).collect();
    assert_eq!(rows, [(1, 1), (3, 1), (5, 1), (6, 1)]);
}

#[test]
fn an_event_between_two_episodes_counts_in_both() {
    let config = r#"{"window_secs": 120, "slide_secs": 30, "threshold": 3}"#;
    // The windows that hold both ends hold too few between them; the event at 95 s lies in windows of both.
    let (alerts, annotations) = run(config, &at(&[0, 1, 2, 200, 201, 202, 95]), &keys_of_one_group(1));
    assert_eq!(annotations.last().map(|(row, ids)| (*row, ids.len())), Some((6, 2)));
    let counts: Vec<u64> = alerts.iter().filter(|t| t.state == Episode::Close).map(|t| t.count).collect();
    assert_eq!(counts, [4, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn windows_and_episodes_are_those_of_the_model(case in case()) {
        let keys = keys_of_one_group(5);
        let model = Model::run(case.settings, &case.events, names(&keys));
        same(&run(&case.config(), &case.events, &keys), &model)?;
    }

    #[test]
    fn batches_snapshots_and_advances_cannot_be_seen(case in case(), cuts in prop::collection::vec((0..12usize, 0..6u8), 0..30)) {
        let keys = keys_of_one_group(5);
        same(&disturbed(&case, &keys, &cuts), &run(&case.config(), &case.events, &keys))?;
    }
}
