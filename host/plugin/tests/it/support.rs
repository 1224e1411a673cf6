//! What the tests share: one runtime, parts of rows, and how a guest fares.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eyas_event::{Buffer, Column, Events, Part, Partition, Strings, Values};
use eyas_hostile::Guest;
use eyas_plugin::{Fault, FaultKind, Findings, Instance, InstanceConfig, Limits, Plugin, PluginError, Runtime, RuntimeConfig};

/// One engine for all tests: that guests of many tests run in it at once is part of what is tested.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig::default()).unwrap())
}

pub fn load(guest: &Guest) -> Result<Plugin, PluginError> {
    runtime().load("hostile.wasm", &guest.clone().build())
}

/// Tight enough for tests to be quick; the deadlines are long enough for a busy machine.
pub fn config() -> InstanceConfig {
    let limits = Limits {
        memory_bytes: 64 << 20,
        deadline: Duration::from_millis(500),
        state_deadline: Duration::from_millis(1000),
        result_bytes: 8 << 20,
        snapshot_bytes: 8 << 20,
        ..Limits::default()
    };
    InstanceConfig { detector: "watch".to_owned(), config: "{}".to_owned(), seed: 42, table_seed: 43, limits }
}

pub fn start(guest: &Guest) -> Result<Instance, PluginError> {
    load(guest)?.instantiate(&config())
}

/// The fault of a guest that cannot be started.
pub fn fault_at_start(guest: &Guest) -> Fault {
    match start(guest) {
        Err(PluginError::Fault { fault, .. }) => fault,
        other => panic!("no fault, but {other:?}"),
    }
}

/// What comes of one call of `process` with four rows.
pub fn process(guest: &Guest) -> Result<Findings, Fault> {
    let mut findings = Findings::default();
    start(guest).unwrap().process(&part(4), &mut findings)?;
    Ok(findings)
}

/// Fails unless `process` ends in a fault of this kind that says this, leaves nothing behind, and harms no other instance.
pub fn refused(guest: &Guest, kind: FaultKind, says: &str) -> Fault {
    let plugin = load(guest).unwrap();
    let (mut instance, mut other) = (plugin.instantiate(&config()).unwrap(), start(&Guest::new()).unwrap());
    let mut findings = Findings::default();
    let fault = instance.process(&part(4), &mut findings).unwrap_err();
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.message.contains(says), "{fault}");
    assert_eq!(findings, Findings { progress: fault.progress, ..Findings::default() });
    assert!(instance.is_dead());
    assert_eq!(instance.process(&part(4), &mut findings).unwrap_err().kind, FaultKind::Dead);
    assert_eq!(instance.advance(0, &mut findings).unwrap_err().kind, FaultKind::Dead);
    other.process(&part(4), &mut findings).unwrap();
    plugin.instantiate(&config()).unwrap().process(&part(0), &mut findings).ok();
    fault
}

/// Rows with all that a part may have: time i, watermark i - 10, key "k", a text column "text i" and an s64 column 100 + i.
pub fn part(rows: usize) -> Arc<Part> {
    let times: Vec<i64> = (0..rows as i64).collect();
    let lines: Vec<String> = (0..rows).map(|row| format!("{{\"n\":{row}}}")).collect();
    let mut spans = Vec::new();
    let mut bytes = Vec::new();
    for line in &lines {
        let start = bytes.len() as u32;
        bytes.extend(line.as_bytes());
        spans.push((start, bytes.len() as u32));
        bytes.push(b'\n');
    }
    let partition = Partition { source: 1, number: 2 };
    let text = strings(&times.iter().map(|i| format!("text {i}")).collect::<Vec<_>>());
    let numbers = times.iter().map(|i| 100 + i).collect();
    Arc::new(Part {
        rows: (0..rows as u32).collect(),
        watermarks: Arc::new(times.iter().map(|time| time - 10).collect()),
        times: Arc::new(times),
        columns: vec![
            Column { values: Values::Text(text), states: Arc::default() },
            Column { values: Values::S64(Arc::new(numbers)), states: Arc::default() },
        ],
        events: Some(Arc::new(Events {
            partition,
            base: 0,
            buffer: Arc::new(Buffer::new(bytes)),
            spans,
            positions: None,
            frames: Vec::new(),
        })),
        ..Part::default()
    })
}

pub fn strings(values: &[String]) -> Strings {
    let mut offsets = vec![0];
    let mut data = Vec::new();
    for value in values {
        data.extend(value.as_bytes());
        offsets.push(data.len() as u32);
    }
    Strings { offsets: Arc::new(offsets), data: Arc::new(data) }
}

/// A guest that subscribes to the two columns of [`part`], a text and an s64.
pub fn subscriber() -> Guest {
    let mut guest = Guest::new();
    let (text, number) = (guest.text("text"), guest.text("number"));
    guest.on("configure", &format!("(drop (call $setup.text {text})) (drop (call $setup.s64 {number}))"))
}
