//! State: what a snapshot holds, what a restore refuses, and how figures and sketches answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use eyas_sdk::testing::{key_hash, routing_key};
use eyas_sdk::{Aggregate, Distinct, Entries, Instance, Moments, Recorder, Scope, SeededHash, Sum};
use proptest::prelude::*;
use support::{Event, ManyDetector, SECOND, feed, feed_part, restored, snapshot};

fn rows(chunks: &[Entries]) -> usize {
    chunks.iter().map(|c| c.groups.len()).sum()
}

fn deleted(chunks: &[Entries]) -> u32 {
    chunks.iter().flat_map(|c| &c.deleted).map(|b| b.count_ones()).sum()
}

/// Many keys, one event each at this time.
fn crowd(keys: usize, second: i64) -> (Vec<Event>, Vec<Vec<u8>>) {
    let event = |key| Event { time: second * SECOND, watermark: second * SECOND, key, value: key as u8 };
    let name = |i: usize| routing_key(&[Some(&std::net::Ipv4Addr::from_bits(i as u32).to_string())]);
    ((0..keys).map(event).collect(), (0..keys).map(name).collect())
}

#[test]
fn increments_hold_what_changed_and_chunks_stay_bounded() {
    let (events, keys) = crowd(40_000, 0);
    let mut instance = Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap();
    let mut out = Recorder::default();
    feed_part(&mut instance, &feed(&events, &keys), 0, events.len(), &mut out);
    let full = snapshot(&mut instance, Scope::Changed);
    assert_eq!((rows(&full), deleted(&full)), (40_000, 0));
    for c in &full {
        let strings = [&c.keys, &c.sub_keys, &c.values];
        let size: usize = strings.iter().map(|s| s.data.len() + 4 * s.offsets.len()).sum::<usize>() + c.groups.len() + c.deleted.len();
        assert!(size <= 1 << 20, "{size}");
        assert!(strings.iter().all(|s| s.offsets.len() == c.groups.len() + 1 && s.offsets[0] == 0));
    }
    assert!(full.len() > 1);
    assert_eq!(rows(&snapshot(&mut instance, Scope::Changed)), 0);
    feed_part(&mut instance, &feed(&events[..7], &keys), 0, 7, &mut out);
    assert_eq!(rows(&snapshot(&mut instance, Scope::Changed)), 7);
    assert_eq!(rows(&snapshot(&mut instance, Scope::Full)), 40_000);
    instance.advance(1_000 * SECOND, &mut out);
    let gone = snapshot(&mut instance, Scope::Changed);
    assert_eq!((rows(&gone), deleted(&gone), instance.keys()), (40_000, 40_000, 0));
    assert_eq!(rows(&snapshot(&mut instance, Scope::Full)), 0);
}

#[test]
fn a_key_that_comes_back_before_the_next_snapshot_is_not_deleted() {
    let (first, keys) = crowd(1, 0);
    let (later, _) = crowd(1, 1_000);
    let mut instance = Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap();
    let mut out = Recorder::default();
    feed_part(&mut instance, &feed(&first, &keys), 0, 1, &mut out);
    snapshot(&mut instance, Scope::Full);
    feed_part(&mut instance, &feed(&later, &keys), 0, 1, &mut out);
    let changed = snapshot(&mut instance, Scope::Changed);
    assert_eq!((rows(&changed), deleted(&changed)), (1, 0));
}

#[test]
fn keys_are_put_in_the_group_of_their_hash() {
    let (events, keys) = crowd(1_000, 0);
    let mut instance = Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap();
    feed_part(&mut instance, &feed(&events, &keys), 0, events.len(), &mut Recorder::default());
    for chunk in snapshot(&mut instance, Scope::Full) {
        let keys = eyas_sdk::Strings { offsets: &chunk.keys.offsets, data: &chunk.keys.data };
        assert!(chunk.groups.iter().enumerate().all(|(i, g)| u64::from(*g) == (key_hash(keys.get(i)) >> 32) & 255));
    }
}

#[test]
fn state_that_does_not_fit_is_refused_with_the_reason() {
    let restore = |version, config: &str| {
        Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap().restore(version, config, &mut || None).map_err(|e| e.to_string())
    };
    assert_eq!(restore(3, r#"{"threshold": 9, "max_keys": 5}"#), Ok(()));
    assert_eq!(restore(2, "{}"), Err("the state is of version 2; this plugin reads version 3".to_owned()));
    let changed = "`slide_secs` has changed since the state was made, and the state does not fit it";
    assert_eq!(restore(3, r#"{"slide_secs": 60}"#), Err(changed.to_owned()));
}

#[test]
fn a_lower_threshold_counts_from_the_next_event_on() {
    let (_, keys) = crowd(1, 0);
    let event = |second: i64| Event { time: second * SECOND, watermark: 0, key: 0, value: 1 };
    let feed = feed(&[event(1), event(2), event(3), event(4)], &keys);
    let mut out = Recorder::default();
    let mut before = Instance::<ManyDetector>::new(r#"{"threshold": 9}"#, "many", 7, 0).unwrap();
    feed_part(&mut before, &feed, 0, 3, &mut out);
    let mut after = restored::<ManyDetector>(r#"{"threshold": 2}"#, 0, &snapshot(&mut before, Scope::Full));
    feed_part(&mut after, &feed, 3, 4, &mut out);
    assert_eq!(out.alerts.len(), 1);
}

#[test]
fn entries_that_are_nonsense_are_refused() {
    let (events, keys) = crowd(1, 0);
    let mut instance = Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap();
    feed_part(&mut instance, &feed(&events, &keys), 0, 1, &mut Recorder::default());
    let chunk = snapshot(&mut instance, Scope::Full).remove(0);
    for cut in 0..chunk.values.data.len() {
        let mut short = chunk.clone();
        short.values.data.truncate(cut);
        short.values.offsets[1] = cut as u32;
        let mut chunks = Some((short, vec![0]));
        let mut other = Instance::<ManyDetector>::new("{}", "many", 0, 0).unwrap();
        let error = other.restore(3, "{}", &mut || chunks.take()).unwrap_err();
        assert!(error.starts_with("an entry of the state cannot be read"), "{error}");
    }
    assert_eq!(restored::<ManyDetector>("{}", 0, &[chunk]).keys(), 1);
}

#[test]
fn distinct_counts_are_near_the_truth() {
    for n in [0u64, 1, 4, 5, 6, 100, 256, 257, 300, 1_000, 5_000, 20_000, 100_000, 1_000_000] {
        let hash = SeededHash::new(n);
        let mut sketch = Distinct::default();
        (0..n).for_each(|i| {
            sketch.add(hash.bytes(&i.to_le_bytes()));
        });
        let error = (sketch.estimate() as f64 - n as f64).abs() / (n as f64).max(1.0);
        // Three standard errors; while small nearly exact.
        assert!(error < if n <= 300 { 0.02 } else { 3.0 * 0.0163 }, "{n}: {}", sketch.estimate());
    }
}

fn sketch_of(values: &[u32]) -> Distinct {
    let hash = SeededHash::new(3);
    let mut sketch = Distinct::default();
    values.iter().for_each(|v| {
        sketch.add(hash.bytes(&v.to_le_bytes()));
    });
    sketch
}

fn carried<T: Aggregate>(value: &T) -> T {
    postcard::from_bytes(&postcard::to_allocvec(value).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn distinct_counts_answer_alike_in_any_order_merged_or_carried(
        mut values in prop::collection::vec(0..5_000u32, 0..1_500), cut in 0..1_500usize,
    ) {
        let whole = sketch_of(&values).estimate();
        prop_assert_eq!(carried(&sketch_of(&values)).estimate(), whole);
        let (left, right) = values.split_at(cut.min(values.len()));
        let mut merged = carried(&sketch_of(left));
        merged.merge(&sketch_of(right));
        prop_assert_eq!(merged.estimate(), whole);
        let mut merged = sketch_of(right);
        merged.merge(&carried(&sketch_of(left)));
        prop_assert_eq!(merged.estimate(), whole);
        values.sort_unstable();
        prop_assert_eq!(sketch_of(&values).estimate(), whole);
        values.reverse();
        values.extend_from_within(..);
        prop_assert_eq!(sketch_of(&values).estimate(), whole);
    }

    #[test]
    fn distinct_counts_never_fall(values in prop::collection::vec(any::<u32>(), 0..900)) {
        let (mut sketch, mut before) = (Distinct::default(), 0);
        let hash = SeededHash::new(3);
        for value in values {
            sketch.add(hash.bytes(&value.to_le_bytes()));
            prop_assert!(sketch.estimate() >= before);
            before = sketch.estimate();
        }
    }

    #[test]
    fn moments_are_those_of_the_textbook(values in prop::collection::vec(-1e6..1e6f64, 0..200), cut in 0..200usize) {
        let of = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|v| moments.add(*v));
            carried(&moments)
        };
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let (left, right) = values.split_at(cut.min(values.len()));
        let mut merged = of(left);
        merged.merge(&of(right));
        for moments in [of(&values), merged] {
            prop_assert_eq!(moments.count(), values.len() as u64);
            prop_assert!((moments.mean() - mean).abs() <= 1e-6);
            prop_assert!((moments.variance() - variance).abs() <= 1e-9 * (1.0 + variance));
        }
    }

    #[test]
    fn sums_saturate_and_are_carried(values in prop::collection::vec(any::<i64>(), 0..20)) {
        let mut sum = Sum::default();
        let mut right = 0i64;
        for value in values {
            sum.add(value);
            right = right.saturating_add(value);
        }
        prop_assert_eq!(carried(&sum).0, right);
    }
}
