//! For tests: a real engine without detectors, with an input log in a folder of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eyas_codec::Decoding;
use eyas_engine::{Admission, Component, Engine, Feed, Input, Logging, Outlet, Recovery, Settings, Sink, Source, State, Topology};
use eyas_event::Buffer;
use eyas_state::{Folder, Journal, PartitionState, Record, Store, Sync};

use crate::Rereader;

/// An engine that runs, and what came out of it so far.
pub struct Bed {
    pub admission: Admission,
    /// Where the partitions of earlier runs stand.
    pub known: Vec<PartitionState>,
    engine: Engine,
    sinks: Vec<JoinHandle<()>>,
    events: Arc<Mutex<String>>,
    dead: Arc<Mutex<String>>,
    _folder: Folder,
}

impl Bed {
    /// Goes on with the input log of a folder: what stands in it goes through again first.
    pub fn start(folder: &Path, decoding: &Decoding, logging: Logging) -> Self {
        let source = Source {
            name: "in".into(),
            decoding: decoding.clone(),
            max_lateness: 1 << 60,
            credit_batches: 4,
            credit_bytes: 1 << 24,
            logging,
            idle: None,
            clock_on_idle: false,
            dedupe: 0,
        };
        let sink = |feed| Sink { name: "out".into(), inputs: vec![feed], form: Default::default() };
        let sinks = vec![sink(Feed::Events(Input::Source(0))), sink(Feed::DeadLetters(Component::Source(0)))];
        let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks };
        let settings = Settings { shards: 2, seed: 0, table_seed: 0, batch_events: 4096 };
        let held = Folder::open(folder).unwrap();
        let (store, journal) = (Store::open(&held).unwrap(), open(&held));
        let recovery = Recovery::scan(journal.read(0, false).unwrap(), None).unwrap();
        let known = recovery.partitions.clone();
        let state = State { store, journal: Some(journal.clone()), recovery, interval: Duration::MAX };
        let (engine, admission, outlets) = Engine::start(&topology, &settings, Some(state)).unwrap();
        let (events, dead) = (Arc::default(), Arc::default());
        let sinks = outlets.into_iter().zip([&events, &dead]).map(|(outlet, into)| collect(outlet, into)).collect();
        replay(&journal, &admission);
        Self { admission, known, engine, sinks, events, dead, _folder: held }
    }

    /// All events that have come out.
    pub fn events(&self) -> String {
        self.events.lock().unwrap().clone()
    }

    /// Waits until the events are such.
    pub fn wait(&self, what: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !what(&self.events()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "never came: {}", self.events());
            std::thread::yield_now();
        }
    }

    /// Ends without a flush. Gives the events and the dead letters.
    pub fn stop(self) -> (String, String) {
        self.admission.stop();
        self.sinks.into_iter().for_each(|sink| sink.join().unwrap());
        drop(self.admission);
        self.engine.join().unwrap();
        let take = |text: Arc<Mutex<String>>| text.lock().unwrap().clone();
        (take(self.events), take(self.dead))
    }
}

/// The records of a folder's input log, and the bytes of each.
pub fn records(folder: &Path) -> Vec<(Record, Vec<u8>)> {
    let held = Folder::open(folder).unwrap();
    open(&held).read(0, true).unwrap().map(|logged| logged.map(|logged| (logged.record, logged.bytes)).unwrap()).collect()
}

/// Makes an input log of some records.
pub fn write(folder: &Path, records: &[(Record, Vec<u8>)]) {
    let held = Folder::open(folder).unwrap();
    let journal = open(&held);
    for (record, bytes) in records {
        journal.append(record, bytes).unwrap();
    }
}

fn open(folder: &Folder) -> Journal {
    Journal::open(folder, 0, Sync::Interval(Duration::from_secs(3600)), true).unwrap()
}

fn collect(mut outlet: Outlet, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        while let Some(delivery) = outlet.next_delivery() {
            let bytes: Vec<u8> = delivery.slices().flatten().copied().collect();
            into.lock().unwrap().push_str(std::str::from_utf8(&bytes).unwrap());
            delivery.accept();
        }
    })
}

fn replay(journal: &Journal, admission: &Admission) {
    let mut rereader = Rereader::default();
    for logged in journal.read(0, true).unwrap() {
        let logged = logged.unwrap();
        let mut buffer = Buffer::new(logged.bytes);
        match &logged.record {
            Record::Open { partition, file: Some(file), .. } => rereader.open(*partition, file),
            Record::Slice(slice) if !slice.journalled => buffer = rereader.read(slice).unwrap(),
            _ => {}
        }
        admission.replay(logged.number, logged.record, Arc::new(buffer)).unwrap();
    }
    admission.replayed();
}
