//! Requests that come again, also after the program was killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use eyas_engine::{Admission, Engine, Feed, Input, Logging, Next, Outlet, Receipt, Recovery, Seen, Settings, State, Topology};
use eyas_event::{Request, Slice};
use eyas_state::{Folder, Journal, Record, SinkState, Store, Sync};

use crate::support::{Cut, FIRST, drain, events, sink, slice, source, start};

/// When everything comes.
const NOW: i64 = 4_000_000_000_000_000_000;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// Numbers that look like chance, from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

/// Takes everything until it is killed.
fn take(mut outlet: Outlet, killed: &AtomicBool) {
    while !killed.load(Ordering::Acquire) {
        match outlet.next_delivery_within(Duration::from_millis(1)) {
            Next::Delivery(delivery) => {
                if delivery.wants_state() {
                    delivery.save(SinkState { name: "sink".to_owned(), ..SinkState::default() });
                }
                delivery.accept();
            }
            Next::Late => {}
            Next::End => return,
        }
    }
}

/// A run on a folder. `does` gives whether the program is killed then: no checkpoint is taken after it.
fn run(folder: &Path, dedupe: i64, does: impl FnOnce(&Admission) -> bool) {
    let folder = Folder::open(folder).unwrap();
    let store = Store::open(&folder).unwrap();
    let checkpoint = store.checkpoint().unwrap();
    let next = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next);
    let journal = Journal::open(&folder, next, Sync::Interval(Duration::from_secs(1)), true).unwrap();
    let recovery = Recovery::scan(journal.read(next, false).unwrap(), checkpoint).unwrap();
    let replayed = journal.read(next, true).unwrap();
    let state = State { store, journal: Some(journal), recovery, interval: Duration::ZERO };
    let settings = Settings { shards: 2, seed: 1, table_seed: 2, batch_events: 2 };
    let mut source = source("in", 4);
    (source.logging, source.dedupe) = (Logging::Bytes, dedupe);
    let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks: vec![sink(&[Feed::Events(Input::Source(0))])] };
    let (engine, admission, mut outlets) = Engine::start(&topology, &settings, Some(state)).unwrap();
    let killed = AtomicBool::new(false);
    thread::scope(|scope| {
        let outlet = outlets.remove(0);
        scope.spawn(|| take(outlet, &killed));
        for logged in replayed.map(Result::unwrap) {
            admission.replay(logged.number, logged.record, Arc::new(eyas_event::Buffer::new(logged.bytes))).unwrap();
        }
        admission.replayed();
        admission.open(FIRST, "in", None, None).unwrap();
        killed.store(does(&admission), Ordering::Release);
        admission.stop();
    });
    engine.join().unwrap();
}

/// Waits until all that was taken in has been delivered; gives whether it has.
fn delivered(admission: &Admission) -> bool {
    fence(admission).recv_timeout(LONG).unwrap()
}

/// Where it is told that all has been delivered, or not.
fn fence(admission: &Admission) -> Receiver<bool> {
    let (told, heard) = sync_channel(1);
    admission.fence(0, &Arc::new(Receipt::new(move |taken| told.send(taken).unwrap())));
    heard
}

/// Brings a request as a source does, three lines a slice: of one that is known in part only the rest. `slices`: and then the program ends.
fn bring(admission: &Admission, id: u128, text: &str, slices: usize) {
    let from = match admission.seen(0, id, NOW) {
        Seen::New => 0,
        Seen::Part(bytes) => bytes as usize,
        Seen::Whole => return assert!(delivered(admission)),
    };
    let receipt = Arc::new(Receipt::new(|_| ()));
    let mut offset = from;
    for _ in 0..slices {
        let Some(length) = text[offset..].match_indices('\n').map(|(at, _)| at + 1).take(3).last() else { break };
        let request = Request { id, offset: offset as u64, last: offset + length == text.len() };
        let slice = Slice { request: Some(request), ..slice(FIRST, 0, &text[offset..offset + length]) };
        admission.admit_within(slice, &receipt, LONG).unwrap();
        offset += length;
    }
    if offset == text.len() {
        assert_eq!(admission.seen(0, id, NOW), Seen::Whole);
    }
}

/// How often each event stands in the log of a folder.
fn logged(folder: &Path) -> BTreeMap<String, usize> {
    let folder = Folder::look(folder).unwrap();
    let mut counts = BTreeMap::new();
    for logged in Journal::look(&folder, true).unwrap().map(Result::unwrap) {
        if let Record::Slice(_) = logged.record {
            for line in String::from_utf8(logged.bytes).unwrap().lines() {
                *counts.entry(line.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

#[test]
fn however_often_requests_come_again_and_the_program_is_killed_each_event_is_in_the_log_once() {
    for seed in 0..12 {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut chance = Chance(seed);
        let mut requests: Vec<String> = Vec::new();
        for _ in 0..8 {
            run(folder.path(), i64::MAX, |admission| {
                for _ in 0..chance.below(20) {
                    if chance.below(2) == 0 {
                        let first = requests.len() as i64 * 100;
                        requests.push(events(first..first + 1 + chance.below(30) as i64));
                    }
                    if let Some(which) = chance.below(requests.len() as u64 + 1).checked_sub(1) {
                        bring(admission, u128::from(which) << 70, &requests[which as usize], usize::MAX);
                    }
                    if chance.below(4) == 0 {
                        admission.tick(Duration::from_secs(1), NOW).unwrap();
                    }
                }
                let killed = chance.below(3) > 0;
                if killed && chance.below(2) == 0 && !requests.is_empty() {
                    let which = chance.below(requests.len() as u64);
                    bring(admission, u128::from(which) << 70, &requests[which as usize], 1 + chance.below(4) as usize);
                }
                killed
            });
        }
        // Whoever has no answer asks again.
        run(folder.path(), i64::MAX, |admission| {
            for (which, text) in requests.iter().enumerate() {
                bring(admission, (which as u128) << 70, text, usize::MAX);
            }
            assert!(delivered(admission));
            false
        });
        let mut counts = logged(folder.path());
        let all = requests.iter().flat_map(|text| text.lines());
        let lost: Vec<&str> = all.filter(|line| counts.remove(*line) != Some(1)).collect();
        assert!(lost.is_empty() && counts.is_empty(), "seed {seed}: lost or twice: {lost:?}; of no request: {counts:?}");
    }
}

#[test]
fn a_source_that_knows_no_requests_takes_each_in_as_often_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        run(folder.path(), 0, |admission| {
            bring_twice(admission, &events(0..5));
            false
        });
    }
    assert!(logged(folder.path()).values().all(|count| *count == 4));
}

fn bring_twice(admission: &Admission, text: &str) {
    for _ in 0..2 {
        assert_eq!(admission.seen(0, 1, NOW), Seen::New);
        let slice = Slice { request: Some(Request { id: 1, offset: 0, last: true }), ..slice(FIRST, 0, text) };
        admission.admit_within(slice, &Arc::new(Receipt::new(|_| ())), LONG).unwrap();
    }
}

/// An engine without a state folder whose sink takes something only when it is asked to: the opening, so far.
fn by_hand(credit: usize) -> (Engine, Admission, Outlet) {
    let mut source = source("in", credit);
    source.dedupe = i64::MAX;
    let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks: vec![sink(&[Feed::Events(Input::Source(0))])] };
    let (engine, admission, mut outlets) = start(&topology, Cut { shards: 2, batch_events: 1, credit });
    admission.open(FIRST, "in", None, None).unwrap();
    let mut outlet = outlets.remove(0);
    outlet.next_delivery().unwrap().accept();
    (engine, admission, outlet)
}

fn whole(id: u128) -> Slice {
    Slice { request: Some(Request { id, offset: 0, last: true }), ..slice(FIRST, 0, &events(0..1)) }
}

#[test]
fn what_found_no_room_is_not_remembered() {
    let (engine, admission, outlet) = by_hand(1);
    let admit = |id, within| admission.admit_within(whole(id), &Arc::new(Receipt::new(|_| ())), Duration::from_secs(within)).is_ok();
    assert_eq!((admit(1, 60), admit(2, 0)), (true, false));
    assert_eq!((admission.seen(0, 1, NOW), admission.seen(0, 2, NOW)), (Seen::Whole, Seen::New));
    admission.stop();
    drain(outlet);
    engine.join().unwrap();
}

#[test]
fn a_fence_holds_its_receipt_until_all_before_it_is_delivered_and_tells_whether_it_was() {
    let (engine, admission, mut outlet) = by_hand(10);
    assert!(delivered(&admission), "nothing is inside");
    let admit = || admission.admit_within(whole(1), &Arc::new(Receipt::new(|_| ())), LONG).unwrap();
    admit();
    admit();
    let before = fence(&admission);
    admit();
    let behind = fence(&admission);
    let [first, second, third] = [(); 3].map(|()| outlet.next_delivery().unwrap());
    second.accept();
    assert!(before.try_recv().is_err(), "the first one is still inside");
    first.accept();
    assert_eq!(before.recv_timeout(LONG), Ok(true));
    assert!(behind.try_recv().is_err());
    drop(third);
    assert_eq!(behind.recv_timeout(LONG), Ok(false), "the sink has not taken it");
    assert!(!delivered(&admission), "nor can it be said later that it has");
    admission.stop();
    drain(outlet);
    engine.join().unwrap();
}
