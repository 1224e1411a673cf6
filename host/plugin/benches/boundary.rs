//! What the border costs: a detector in WebAssembly beside the same natively, on the same columns; columns and calls alone; start.
//!
//! Each group gives its time for one row (`process` of whole parts, divided by their rows), but for `call` and `start`, which give it for
//! one call and one start. The plugins are those of `cargo xtask build`.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a bench that cannot run has nobody to tell")]

mod workload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use eyas_event::Part;
use eyas_hostile::Guest;
use eyas_plugin::{Findings, Instance, InstanceConfig, Limits, Plugin, Runtime, RuntimeConfig};
use eyas_sdk::{Detector, Recorder};
use workload::{Kind, ROWS, Workload, native_rows};

const KEYS: [usize; 3] = [10_000, 200_000, 1_000_000];
const CONFIG: &str = r#"{"max_keys": 4000000}"#;

fn detectors(criterion: &mut Criterion) {
    compare::<brute_force::Detector>(criterion, "brute_force", Kind::BruteForce);
    compare::<ddos::Detector>(criterion, "ddos", Kind::Ddos);
}

/// The same parts through both, three events a key a window, after every key was seen.
fn compare<D: Detector>(criterion: &mut Criterion, name: &str, kind: Kind) {
    let plugin = plugin(name);
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    for keys in KEYS {
        let mut workload = Workload::new(kind, keys);
        let mut instance = instance(&plugin);
        assert_eq!(instance.subscription().fields.iter().map(|field| &*field.path).collect::<Vec<_>>(), ["source_ip", "destination_ip"]);
        let mut findings = Findings::default();
        let mut process = |part: &Arc<Part>| instance.process(part, &mut findings).expect("no fault");
        workload.once_round(&mut process);
        group.bench_function(BenchmarkId::new("webassembly", keys), |bencher| {
            bencher.iter_custom(|rows| a_row(&mut workload, rows, &mut process));
        });

        let mut workload = Workload::new(kind, keys);
        let mut native = eyas_sdk::Instance::<D>::new(CONFIG, name, 42, 43).expect("a right configuration");
        let mut recorder = Recorder::default();
        let mut process = |part: &Arc<Part>| native_rows(part, kind, |rows| native.process(rows, &mut recorder));
        workload.once_round(&mut process);
        group.bench_function(BenchmarkId::new("native", keys), |bencher| {
            bencher.iter_custom(|rows| a_row(&mut workload, rows, &mut process));
        });
    }
    group.finish();
}

/// How long so many rows take, from the time that whole parts take. Making the parts does not count.
fn a_row(workload: &mut Workload, rows: u64, process: &mut impl FnMut(&Arc<Part>)) -> Duration {
    let parts = rows.div_ceil(ROWS as u64);
    let mut taken = Duration::ZERO;
    for _ in 0..parts {
        let part = workload.next_part();
        let begun = Instant::now();
        process(&part);
        taken += begun.elapsed();
    }
    taken.mul_f64(rows as f64 / (parts * ROWS as u64) as f64)
}

/// A guest that asks for all that a detector asks for, and does nothing with it.
fn columns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("columns_and_calls");
    let mut guest = Guest::new();
    let (ip, columns) = (guest.text("destination_ip"), guest.bytes(&[0; 4]));
    let configure = format!("(drop (call $setup.ip {ip})) (call $setup.keyed (i32.const {columns}) (i32.const 1))");
    let pulls = ["times", "watermarks", "key-hashes", "keys", "late"].map(|name| format!("(call $batch.{name} (i32.const 256))"));
    let process = format!(
        "(global.set $heap (i32.const {})) {} (call $batch.ip (i32.const 0) (i32.const 256))
         (call $batch.validity (i32.const 0) (i32.const 256))",
        1 << 20,
        pulls.concat()
    );
    let guest = guest.on("configure", &configure).on("process", &process);
    let mut instance = instance(&runtime().load("columns", &guest.build()).expect("it loads"));
    let mut findings = Findings::default();
    for rows in [256, 1024, 4096, 16_384] {
        let part = Workload::new(Kind::Ddos, rows).part_of(rows);
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter_custom(|wanted| {
                let calls = wanted.div_ceil(rows as u64);
                let begun = Instant::now();
                for _ in 0..calls {
                    instance.process(&part, &mut findings).expect("no fault");
                }
                begun.elapsed().mul_f64(wanted as f64 / (calls * rows as u64) as f64)
            });
        });
    }
    group.finish();
}

fn call(criterion: &mut Criterion) {
    let mut empty = instance(&runtime().load("empty", &Guest::new().build()).expect("it loads"));
    let (part, mut findings) = (Arc::new(Part::default()), Findings::default());
    criterion.bench_function("call/process", |bencher| bencher.iter(|| empty.process(&part, &mut findings).expect("no fault")));
    criterion.bench_function("call/advance", |bencher| bencher.iter(|| empty.advance(0, &mut findings).expect("no fault")));
}

fn start(criterion: &mut Criterion) {
    let cache = tempfile::tempdir().expect("a folder");
    let bytes = bytes("brute_force");
    let config = RuntimeConfig { cache_dir: Some(cache.path().to_owned()), ..RuntimeConfig::default() };
    let runtime = Runtime::new(config.clone()).expect("an engine");
    runtime.load("brute_force", &bytes).expect("it loads");
    criterion.bench_function("start/runtime", |bencher| bencher.iter(|| Runtime::new(config.clone()).expect("an engine")));
    criterion.bench_function("start/load_from_cache", |bencher| bencher.iter(|| runtime.load("brute_force", &bytes).expect("it loads")));
    let plugin = runtime.load("brute_force", &bytes).expect("it loads");
    criterion.bench_function("start/instantiate_and_configure", |bencher| bencher.iter(|| instance(&plugin)));
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10);
    let uncached = Runtime::new(RuntimeConfig::default()).expect("an engine");
    group.bench_function("compile", |bencher| bencher.iter(|| uncached.load("brute_force", &bytes).expect("it loads")));
    group.finish();
}

fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig::default()).expect("an engine")
}

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/../../target/plugins/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}; `cargo xtask build` makes it"))
}

fn plugin(name: &str) -> Plugin {
    runtime().load(name, &bytes(name)).expect("it loads")
}

fn instance(plugin: &Plugin) -> Instance {
    let limits = Limits { memory_bytes: 2 << 30, ..Limits::default() };
    let config = InstanceConfig { detector: "bench".to_owned(), config: CONFIG.to_owned(), seed: 42, table_seed: 43, limits };
    plugin.instantiate(&config).expect("a right configuration")
}

criterion_group! {
    name = boundary;
    config = Criterion::default().without_plots();
    targets = columns, call, start, detectors
}
criterion_main!(boundary);
