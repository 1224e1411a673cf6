//! How long a request is inside: from the hand of a source to the word that every sink has taken it, through an engine without detectors.
//! With a folder as argument the same with a journal there.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use eyas_codec::{Decoding, TimeSpec};
use eyas_engine::{Admission, Engine, Feed, Input, Logging, Outlet, Receipt, Recovery, Settings, Sink, Source, State, Topology};
use eyas_event::{Buffer, Partition, Request, Slice};
use eyas_state::{Folder, Journal, SinkState, Store, Sync};

const FIRST: Partition = Partition { source: 0, number: 0 };
const NOW: i64 = 4_000_000_000_000_000_000;
const LONG: Duration = Duration::from_secs(60);

fn topology(logging: Logging, dedupe: i64) -> Topology {
    let time = TimeSpec::new("t", &["unix".to_owned()], "UTC").unwrap();
    let source = Source {
        name: "in".to_owned(),
        decoding: Decoding { time: Some(time), ..Decoding::default() },
        max_lateness: 10_000_000_000,
        credit_batches: 6,
        credit_bytes: 32 << 20,
        logging,
        idle: None,
        clock_on_idle: false,
        dedupe,
    };
    let sink = Sink { name: "sink".to_owned(), inputs: vec![Feed::Events(Input::Source(0))], form: Default::default() };
    Topology { sources: vec![source], detectors: Vec::new(), sinks: vec![sink] }
}

fn take(mut outlet: Outlet) {
    while let Some(delivery) = outlet.next_delivery() {
        if delivery.wants_state() {
            delivery.save(SinkState { name: "sink".to_owned(), ..SinkState::default() });
        }
        delivery.accept();
    }
}

/// A request of so many events of 370 bytes.
fn request(id: u128, events: usize) -> Slice {
    let line = format!("{{\"t\":1700000000,\"source_ip\":\"10.1.2.3\",\"rest\":\"{}\"}}\n", "x".repeat(320));
    let buffer = Arc::new(Buffer::new(line.repeat(events).into_bytes()));
    let request = Some(Request { id, offset: 0, last: true });
    let (header, turn_end) = (None, None);
    Slice { partition: FIRST, position: 0, ingest_time: NOW, range: 0..buffer.len(), buffer, header, oversize: false, turn_end, request }
}

/// Runs an engine, with a state folder or without.
fn run(state: Option<(&Path, Sync)>, dedupe: i64, does: impl FnOnce(&Admission)) {
    let folder = state.map(|(path, sync)| (Folder::open(path).unwrap(), sync));
    let logging = if folder.is_some() { Logging::Bytes } else { Logging::Nothing };
    let state = folder.as_ref().map(|(folder, sync)| {
        let store = Store::open(folder).unwrap();
        let journal = Journal::open(folder, 0, *sync, false).unwrap();
        let recovery = Recovery::scan(journal.read(0, false).unwrap(), None).unwrap();
        State { store, journal: Some(journal), recovery, interval: Duration::from_secs(10) }
    });
    let settings = Settings { shards: 2, seed: 1, table_seed: 2, batch_events: 4096 };
    let (engine, admission, outlets) = Engine::start(&topology(logging, dedupe), &settings, state).unwrap();
    let sinks: Vec<_> = outlets.into_iter().map(|outlet| thread::spawn(move || take(outlet))).collect();
    admission.open(FIRST, "in", None, None).unwrap();
    does(&admission);
    admission.stop();
    sinks.into_iter().for_each(|sink| sink.join().unwrap());
    engine.join().unwrap();
}

/// Brings a request, which says after how long it was settled.
fn bring(admission: &Admission, slice: Slice, told: &SyncSender<Duration>) {
    let (told, began) = (told.clone(), Instant::now());
    let receipt = Arc::new(Receipt::new(move |_| told.send(began.elapsed()).unwrap()));
    admission.admit_within(slice, &receipt, LONG).unwrap();
}

fn report(what: &str, heard: &Receiver<Duration>, count: usize) {
    let mut times: Vec<Duration> = (0..count).map(|_| heard.recv_timeout(LONG).unwrap()).collect();
    times.sort_unstable();
    let at = |share: usize| times.get((count * share / 1000).min(count - 1)).copied().unwrap_or_default();
    println!("{what}: p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, most {:.1?}", at(500), at(990), at(999), at(1000));
}

/// One at a time, each once the one before is out; then at a steady rate; then as fast as they go.
fn latency(name: &str, state: Option<(&Path, Sync)>) {
    run(state, i64::MAX, |admission| {
        let (told, heard) = sync_channel(10_000);
        let (out, word) = sync_channel(1);
        for id in 0..2000 {
            bring(admission, request(id, 1), &out);
            told.send(word.recv_timeout(LONG).unwrap()).unwrap();
        }
        report(&format!("{name}, one at a time, 1 event each"), &heard, 2000);
        let began = Instant::now();
        for number in 0..2500_u32 {
            let due = began + Duration::from_millis(2) * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            bring(admission, request((1 << 64) | u128::from(number), 100), &told);
        }
        report(&format!("{name}, 50,000 events/s by 100"), &heard, 2500);
        let began = Instant::now();
        for id in 0..10_000 {
            bring(admission, request((1 << 65) | id, 1), &told);
        }
        report(&format!("{name}, 10,000 in a row, 1 event each"), &heard, 10_000);
        println!("{name}: 10,000 requests took {:.1?}", began.elapsed());
    });
}

fn main() {
    latency("no journal", None);
    if let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        for (name, sync) in [("interval", Sync::Interval(Duration::from_secs(1))), ("always", Sync::Always)] {
            let folder = tempfile::tempdir_in(&folder).unwrap();
            latency(name, Some((folder.path(), sync)));
        }
    }
}
