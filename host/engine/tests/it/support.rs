//! A topology of guests, fed and drained; and the guests.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::thread;

use eyas_codec::{Decoding, TimeSpec};
use eyas_engine::{
    Admission, Component, Counters, Detector, Engine, Feed, Input, Logging, OnFault, Outlet, Report, Settings, Sink, Source, Topology,
};
use eyas_event::{Buffer, Partition, Slice};
use eyas_hostile::{AlertRecord, Guest};
use eyas_plugin::{Limits, Plugin, Runtime, RuntimeConfig};

pub fn load(guest: Guest) -> Plugin {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig::default()).unwrap());
    runtime.load("guest.wasm", &guest.build()).unwrap()
}

/// How a run is cut up: nothing of it may show.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub shards: usize,
    pub batch_events: usize,
    pub credit: usize,
}

/// Many ways to cut up the same run.
pub fn cuts() -> impl Iterator<Item = Cut> {
    let shards = [1, 2, 3, 8].into_iter();
    shards.flat_map(|shards| [(1, 1), (1, 4), (7, 1), (7, 3), (4096, 2)].map(|(batch_events, credit)| Cut { shards, batch_events, credit }))
}

pub fn source(name: &str, credit: usize) -> Source {
    let time = TimeSpec::new("t", &["unix".to_owned()], "UTC").unwrap();
    let decoding = Decoding { time: Some(time), ..Decoding::default() };
    Source {
        name: name.to_owned(),
        decoding,
        max_lateness: 10_000_000_000,
        credit_batches: credit,
        credit_bytes: 1 << 20,
        logging: Logging::Nothing,
        idle: None,
        clock_on_idle: false,
        dedupe: 0,
    }
}

pub fn detector(name: &str, plugin: &Plugin, inputs: &[Input]) -> Detector {
    let limits = Limits::default();
    Detector {
        name: name.to_owned(),
        plugin: plugin.clone(),
        config: "{}".to_owned(),
        limits,
        inputs: inputs.to_vec(),
        on_fault: OnFault::Pass,
        max_faults: 50,
        reset_state: false,
    }
}

pub fn sink(inputs: &[Feed]) -> Sink {
    Sink { name: "sink".to_owned(), inputs: inputs.to_vec(), form: Default::default() }
}

pub fn dead_letters() -> Feed {
    Feed::DeadLetters(Component::Source(0))
}

/// What a run gave.
pub struct Ran {
    /// By sink.
    pub outputs: Vec<String>,
    pub counters: Arc<Counters>,
    pub report: Report,
}

impl Ran {
    pub fn faults(&self) -> u64 {
        self.counters.of_detectors(|detector| &detector.faults)
    }

    pub fn rows(&self, detector: usize) -> u64 {
        self.counters.detectors[detector].rows.load(Relaxed)
    }
}

/// Feeds some pieces of partitions, one after the other, to the end of input.
pub fn run(topology: &Topology, cut: Cut, pieces: &[(Partition, &str)]) -> Ran {
    let (engine, admission, outlets) = start(topology, cut);
    let drains: Vec<_> = outlets.into_iter().map(|outlet| thread::spawn(move || drain(outlet))).collect();
    feed(&admission, pieces);
    let outputs = drains.into_iter().map(|drain| drain.join().unwrap()).collect();
    let counters = engine.counters();
    Ran { outputs, counters, report: engine.join().unwrap() }
}

pub fn start(topology: &Topology, cut: Cut) -> (Engine, Admission, Vec<Outlet>) {
    let mut topology = topology.clone();
    topology.sources.iter_mut().for_each(|source| source.credit_batches = cut.credit);
    let settings = Settings { shards: cut.shards, seed: 1, table_seed: 2, batch_events: cut.batch_events };
    Engine::start(&topology, &settings, None).unwrap()
}

/// Opens all partitions, admits the pieces, closes each partition behind its last piece, and ends the input.
pub fn feed(admission: &Admission, pieces: &[(Partition, &str)]) {
    for (index, (partition, _)) in pieces.iter().enumerate() {
        if pieces[..index].iter().all(|(earlier, _)| earlier != partition) {
            admission.open(*partition, "partition", None, None).unwrap();
        }
    }
    for (index, (partition, text)) in pieces.iter().enumerate() {
        let before = pieces[..index].iter().filter(|(earlier, _)| earlier == partition).map(|(_, text)| text.len());
        admission.admit(slice(*partition, before.sum::<usize>() as u64, text)).unwrap();
        if pieces[index + 1..].iter().all(|(later, _)| later != partition) {
            admission.close(*partition).unwrap();
        }
    }
    admission.finish();
}

pub fn slice(partition: Partition, position: u64, text: &str) -> Slice {
    let buffer = Arc::new(Buffer::new(text.as_bytes().to_vec()));
    let ingest_time = 4_000_000_000_000_000_000;
    Slice { partition, position, ingest_time, range: 0..buffer.len(), buffer, header: None, oversize: false, turn_end: None, request: None }
}

pub fn drain(mut outlet: Outlet) -> String {
    let mut bytes = Vec::new();
    while let Some(delivery) = outlet.next_delivery() {
        delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
    }
    String::from_utf8(bytes).unwrap()
}

pub const FIRST: Partition = Partition { source: 0, number: 0 };

/// Events `{"n":i,"t":i}`, a second apart.
pub fn events(numbers: impl Iterator<Item = i64>) -> String {
    numbers.map(|n| format!("{{\"n\":{n},\"t\":{n}}}\n")).collect()
}

/// A guest that looks at the number `n` of each row; `body` has it in `$t` and the row in `$i`.
pub fn each_row(guest: Guest, setup: &str, body: &str) -> Guest {
    let mut guest = guest;
    let path = guest.text("n");
    let result = eyas_hostile::SCRATCH;
    guest.on("configure", &format!("(drop (call $setup.s64 {path})) {setup}")).on(
        "process",
        &format!(
            "(call $batch.s64 (i32.const 0) (i32.const {result}))
             (local.set $j (i32.load (i32.const {result})))
             (block $all (loop $rows
               (br_if $all (i32.ge_u (local.get $i) (local.get $rows)))
               (local.set $t (i64.load (i32.add (local.get $j) (i32.mul (local.get $i) (i32.const 8)))))
               {body}
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br $rows)))"
        ),
    )
}

/// Drops rows with an odd `n`.
pub fn dropper() -> Guest {
    let odd = "(if (i64.eqz (i64.sub (i64.and (local.get $t) (i64.const 1)) (i64.const 1))) (then (call $results.drop (local.get $i))))";
    each_row(Guest::new(), "(call $setup.drops)", odd)
}

/// Keyed by `n`; annotates each row with it, as `n`.
pub fn noter() -> Guest {
    let mut guest = Guest::new();
    let name = guest.text("n");
    let columns = guest.bytes(&[0; 4]);
    let keyed = format!("(call $setup.keyed (i32.const {columns}) (i32.const 1))");
    let note = format!("(call $results.annotate (local.get $i) {name} (i32.const 1) (local.get $t) (i32.const 0))");
    each_row(guest, &keyed, &note)
}

/// Raises one alert, of a timer at this time.
pub fn timer(at: i64) -> Guest {
    let mut guest = Guest::new();
    let mut record = AlertRecord::new(&mut guest);
    record.set(AlertRecord::PLACE, &[1]);
    record.set(AlertRecord::PLACE + 8, &at.to_le_bytes());
    let address = record.put(&mut guest);
    guest.with("(global $fired (mut i32) (i32.const 0))").on(
        "advance",
        &format!(
            "(if (i32.and (i32.eqz (global.get $fired)) (i64.ge_s (local.get $watermark) (i64.const {at}))) (then
               (global.set $fired (i32.const 1))
               (drop (call $results.report {address}))))"
        ),
    )
}

/// Raises an alert at each row whose `n` is a multiple of three; stateless.
pub fn alerter() -> Guest {
    let mut guest = Guest::new();
    let record = AlertRecord::new(&mut guest);
    let address = record.put(&mut guest);
    let place = AlertRecord::PLACE + 8;
    let report = format!(
        "(if (i64.eqz (i64.rem_s (local.get $t) (i64.const 3))) (then
           (i32.store (i32.add {address} (i32.const {place})) (local.get $i))
           (drop (call $results.report {address}))))"
    );
    each_row(guest, "(call $setup.stateless)", &report)
}
