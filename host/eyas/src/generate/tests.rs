use std::collections::HashMap;

use super::{Options, generate};

/// 2026-03-02T08:00:00Z.
const START: i64 = 1_772_438_400_000_000_000;

fn run(count: u64, rate: f64, late: f64) -> (Vec<serde_json::Value>, Vec<serde_json::Value>, Vec<u8>) {
    let (mut events, mut labels) = (Vec::new(), Vec::new());
    generate(&Options { count, rate, hosts: 10_000, seed: 7, late, start: START }, &mut events, Some(&mut labels)).unwrap();
    let parse = |bytes: &[u8]| str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (parse(&events), parse(&labels), events)
}

/// What the thresholds are about, without the rest.
#[derive(serde::Deserialize)]
struct Seen<'a> {
    timestamp: &'a str,
    event_type: &'a str,
    source_ip: &'a str,
    destination_ip: &'a str,
    result: &'a str,
}

fn seconds(civil: &str) -> i64 {
    let civil: jiff::civil::DateTime = civil.parse().unwrap();
    civil.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

fn second(event: &serde_json::Value) -> i64 {
    seconds(event["timestamp"].as_str().unwrap())
}

/// The most events of one key in any stretch of so many seconds.
fn busiest(mut times: HashMap<(&str, &str), Vec<i64>>, stretch: i64) -> usize {
    let mut most = 0;
    for times in times.values_mut() {
        times.sort_unstable();
        let mut from = 0;
        for to in 0..times.len() {
            while times[to] - times[from] >= stretch {
                from += 1;
            }
            most = most.max(to + 1 - from);
        }
    }
    most
}

/// Counted over any 60 s and any 120 s, not only over windows that start on the half minute.
#[test]
fn without_its_attacks_the_background_stays_below_half_of_both_thresholds() {
    for (count, rate) in [(150_000, 1_000.0), (300_000, 2_000.0), (200_000, 100_000.0)] {
        let (mut events, mut labels) = (Vec::new(), Vec::new());
        generate(&Options { count, rate, hosts: 10_000, seed: 7, late: 0.0, start: START }, &mut events, Some(&mut labels)).unwrap();
        let labels = String::from_utf8(labels).unwrap();
        let guessed = |source: &str, destination: &str| {
            labels.contains(&format!("\"brute_force\",\"source_ip\":\"{source}\",\"destination_ip\":\"{destination}\""))
        };
        let flooded = |destination: &str| labels.contains(&format!("\"ddos\",\"destination_ip\":\"{destination}\""));
        let (mut failures, mut connections) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for line in str::from_utf8(&events).unwrap().lines() {
            let Seen { timestamp, event_type, source_ip, destination_ip, result } = serde_json::from_str(line).unwrap();
            match (event_type, result) {
                ("authentication", "failure") => failures.entry((source_ip, destination_ip)).or_default().push(seconds(timestamp)),
                ("network_connection", _) => connections.entry((destination_ip, "")).or_default().push(seconds(timestamp)),
                _ => {}
            }
        }
        failures.retain(|(source, destination), _| !guessed(source, destination));
        connections.retain(|(destination, _), _| !flooded(destination));
        assert!(busiest(failures, 120) <= 2, "2 failures are below half of 5");
        assert!(busiest(connections, 60) <= 49, "49 connections are below half of 100");
    }
}

#[test]
fn labels_say_what_the_events_hold() {
    let (events, labels, _) = run(300_000, 1_000.0, 0.0);
    assert_eq!(labels.iter().filter(|label| label["attack"] == "brute_force").count(), 4);
    assert_eq!(labels.iter().filter(|label| label["attack"] == "ddos").count(), 2);
    for label in &labels {
        let of =
            |event: &&serde_json::Value| event["destination_ip"] == label["destination_ip"] && event["event_type"] == "network_connection";
        if label["attack"] == "ddos" {
            assert!(events.iter().filter(of).count() >= 3_000);
            continue;
        }
        let guess = |event: &&serde_json::Value| {
            event["source_ip"] == label["source_ip"] && event["destination_ip"] == label["destination_ip"] && event["result"] == "failure"
        };
        let times: Vec<_> = events.iter().filter(guess).map(second).collect();
        assert_eq!(times.len(), 20);
        assert_eq!(times[19] - times[0], 57);
    }
}

#[test]
fn the_schema_is_the_oracles_and_an_event_takes_about_370_bytes() {
    let (events, _, bytes) = run(20_000, 100.0, 0.0);
    let keys = [
        "timestamp",
        "event_id",
        "event_type",
        "source_ip",
        "destination_ip",
        "username",
        "result",
        "protocol",
        "port",
        "severity",
        "failure_reason",
        "bytes_transferred",
        "geo_location",
    ];
    let line = str::from_utf8(&bytes).unwrap().lines().next().unwrap();
    let places: Vec<_> = keys.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted());
    assert!(
        events.iter().all(|event| event.as_object().unwrap().len() == keys.len() && event["geo_location"].as_object().unwrap().len() == 4)
    );
    let mean = bytes.len() / events.len();
    assert!((360..=380).contains(&mean), "{mean} bytes");
}

#[test]
fn the_count_is_exact_and_the_same_options_give_the_same_bytes() {
    for count in [0, 1, 999, 50_000] {
        let (events, _, bytes) = run(count, 300.0, 0.1);
        assert_eq!(events.len() as u64, count);
        assert_eq!(bytes, run(count, 300.0, 0.1).2);
    }
}

#[test]
fn late_events_are_written_up_to_a_minute_after_their_place_and_are_the_same_events() {
    let (mut on_time, _, _) = run(50_000, 500.0, 0.0);
    let (mut late, _, _) = run(50_000, 500.0, 0.2);
    let (mut newest, mut latest, mut count) = (0, 0, 0);
    for event in &late {
        newest = newest.max(second(event));
        latest = latest.max(newest - second(event));
        count += usize::from(newest - second(event) > 1);
    }
    assert!((50..=60).contains(&latest), "{latest}");
    assert!((9_000..=11_000).contains(&count), "{count}");
    let id = |event: &serde_json::Value| event["event_id"].to_string();
    on_time.sort_by_key(id);
    late.sort_by_key(id);
    assert_eq!(on_time, late);
}
