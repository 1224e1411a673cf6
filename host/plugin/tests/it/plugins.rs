//! The project's own plugins, as `cargo xtask build` makes them, behind this crate and natively.

use std::sync::Arc;

use eyas_event::{Alert, Buffer, Column, Events, Part, Partition, Place, Strings, Values, key_hash};
use eyas_plugin::{Findings, Instance, InstanceConfig, Plugin, PluginError, RestoreError, Scope};
use eyas_sdk::{ColumnData, Detector, Recorder, Rows};

use crate::support::{config, runtime};

const SECOND: i64 = 1_000_000_000;
const CONFIG: &str = r#"{"threshold": 4}"#;

fn plugin(name: &str) -> Plugin {
    let path = format!("{}/../../target/plugins/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; `cargo xtask build` makes it"));
    runtime().load(name, &bytes).unwrap()
}

fn instance(plugin: &Plugin) -> Instance {
    plugin.instantiate(&InstanceConfig { config: CONFIG.to_owned(), limits: eyas_plugin::Limits::default(), ..config() }).unwrap()
}

/// Parts of 100 rows, some keys far more often than others, times that go back now and then, and pauses in which windows close.
fn parts(fields_of_the_key: usize) -> Vec<Arc<Part>> {
    let (mut chance, mut now, mut watermark) = (1u64, 1_700_000_000 * SECOND, 0);
    let mut random = move |below: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    let mut make = |number| {
        let (mut part, mut keys, mut offsets, mut addresses) = (Part::default(), Vec::new(), vec![0], Vec::new());
        let (mut times, mut watermarks, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..100 {
            now += if random(150) == 0 { 300 * SECOND } else { SECOND };
            let (id, start) = (random(40) * random(40) / 20, keys.len());
            for _ in 0..fields_of_the_key {
                keys.push(8);
                keys.extend(16u32.to_le_bytes());
                keys.extend(std::net::Ipv4Addr::from(id as u32).to_ipv6_mapped().octets());
            }
            offsets.push(keys.len() as u32);
            hashes.push(key_hash(42, &keys[start..]));
            addresses.extend(std::net::Ipv4Addr::from(random(1000) as u32).to_ipv6_mapped().octets());
            let time = now - random(40) as i64 * SECOND;
            times.push(time);
            watermarks.push(watermark);
            watermark = watermark.max(time - 20 * SECOND);
            part.rows.push(row);
        }
        part.times = Arc::new(times);
        part.watermarks = Arc::new(watermarks);
        part.keys = Strings { offsets: Arc::new(offsets), data: Arc::new(keys) };
        part.hashes = Arc::new(hashes);
        part.columns = vec![Column { values: Values::Ip(Arc::new(addresses)), states: Arc::default() }; 2];
        part.events = Some(events(number));
        Arc::new(part)
    };
    (0..60).map(&mut make).collect()
}

/// A hundred events of one byte each, which nobody reads: what counts is that they can be named.
fn events(part: u64) -> Arc<Events> {
    let partition = Partition { source: 0, number: 0 };
    let (buffer, spans) = (Arc::new(Buffer::new(vec![b'x'; 100])), (0..100).map(|row| (row, row + 1)).collect());
    Arc::new(Events { partition, base: part * 100, buffer, spans, positions: None, frames: Vec::new() })
}

/// What an alert says, in a form that both sides can be brought to.
fn told(part: usize, alert: &Alert) -> String {
    let place = match alert.place {
        Place::Row(row) => format!("row {}", part * 100 + row as usize),
        Place::Timer(time) => format!("timer {time}"),
    };
    let facts: Vec<_> = alert.facts.iter().map(|fact| fact.name.as_str()).collect();
    let (start, end) = (alert.start.unwrap(), alert.end.unwrap());
    format!("{place} {} {} {:?} {} {start}..{end} {:?} {facts:?}", alert.rule, alert.dedup_key, alert.state, alert.revision, alert.title)
}

fn told_natively(alert: &eyas_sdk::Alert) -> String {
    let place = match alert.place {
        eyas_sdk::Place::Row(row) => format!("row {row}"),
        eyas_sdk::Place::Timer(time) => format!("timer {time}"),
    };
    let state = format!("{:?}", alert.state);
    let state = state.rsplit(':').next().unwrap();
    let facts: Vec<_> = alert.facts.iter().map(|fact| fact.name.as_str()).collect();
    let (start, end) = (alert.start.unwrap(), alert.end.unwrap());
    format!("{place} {} {} {state} {} {start}..{end} {:?} {facts:?}", alert.rule, alert.dedup_key, alert.revision, alert.title)
}

/// All that an instance finds in these parts, and at their end.
fn run(instance: &mut Instance, parts: &[Arc<Part>], first: usize) -> (Vec<String>, usize) {
    let (mut findings, mut alerts, mut annotations) = (Findings::default(), Vec::new(), 0);
    for (number, part) in parts.iter().enumerate() {
        instance.process(part, &mut findings).unwrap();
        alerts.extend(findings.alerts.iter().map(|alert| told(first + number, alert)));
        annotations += findings.annotations.len();
    }
    instance.flush(&mut findings).unwrap();
    alerts.extend(findings.alerts.iter().map(|alert| told(0, alert)));
    (alerts, annotations)
}

fn same_as_natively<D: Detector>(name: &str, fields_of_the_key: usize) {
    let parts = parts(fields_of_the_key);
    let found = run(&mut instance(&plugin(name)), &parts, 0);

    let mut native = eyas_sdk::Instance::<D>::new(CONFIG, "watch", 42, 7).unwrap();
    let mut recorder = Recorder::default();
    for (number, part) in parts.iter().enumerate() {
        recorder.first_row = number as u32 * 100;
        let Values::Ip(addresses) = &part.columns[0].values else { unreachable!() };
        native.process(
            &Rows {
                count: part.len(),
                times: &part.times,
                watermarks: &part.watermarks,
                keys: eyas_sdk::Strings { offsets: &part.keys.offsets, data: &part.keys.data },
                key_hashes: &part.hashes,
                columns: &[(ColumnData::Ip(addresses), &[][..]); 2],
            },
            &mut recorder,
        );
    }
    native.flush(&mut recorder);
    let alerts: Vec<_> = recorder.alerts.iter().map(told_natively).collect();
    assert!(alerts.len() > 20, "the test is about something: {}", alerts.len());
    assert_eq!(found, (alerts, recorder.annotations.len()));
}

#[test]
fn in_webassembly_a_detector_finds_what_it_finds_natively() {
    same_as_natively::<brute_force::Detector>("brute_force", 2);
    same_as_natively::<ddos::Detector>("ddos", 1);
}

#[test]
fn restored_from_snapshots_a_detector_goes_on_as_it_did() {
    for (name, fields_of_the_key) in [("brute_force", 2), ("ddos", 1)] {
        let (plugin, parts) = (plugin(name), parts(fields_of_the_key));
        let (whole, _) = run(&mut instance(&plugin), &parts, 0);
        for border in [0, 1, 17, 40, 59] {
            let (mut first, mut findings, mut alerts) = (instance(&plugin), Findings::default(), Vec::new());
            let mut entries = Vec::new();
            for (number, part) in parts.iter().enumerate().take(border) {
                if number == border / 2 {
                    entries.extend(first.snapshot(Scope::Full).unwrap());
                }
                first.process(part, &mut findings).unwrap();
                alerts.extend(findings.alerts.iter().map(|alert| told(number, alert)));
            }
            entries.extend(first.snapshot(if border == 0 { Scope::Full } else { Scope::Changed }).unwrap());
            let mut second = instance(&plugin);
            second.restore(plugin.description().state_version, CONFIG.to_owned(), entries).unwrap();
            alerts.extend(run(&mut second, &parts[border..], border).0);
            assert_eq!(alerts, whole, "{name}, restored at part {border}");
        }
    }
}

#[test]
fn state_of_another_version_or_configuration_is_refused() {
    let plugin = plugin("brute_force");
    for (version, config) in [(99, CONFIG), (1, r#"{"window_secs": 60}"#)] {
        let mut instance = instance(&plugin);
        let refused = instance.restore(version, config.to_owned(), Vec::new());
        assert!(matches!(refused, Err(RestoreError::Refused(_))), "{refused:?}");
    }
}

#[test]
fn a_wrong_configuration_is_told_by_its_path() {
    let wrong = InstanceConfig { config: r#"{"threshold": 0, "windw_secs": 1}"#.to_owned(), ..config() };
    let Err(PluginError::Configuration(problems)) = plugin("brute_force").instantiate(&wrong) else { panic!("it is taken") };
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert!(paths.contains(&"/threshold") && paths.contains(&"/windw_secs"), "{problems:?}");
}
