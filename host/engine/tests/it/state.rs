//! What stands in a state folder when a run ends before it has caught up.

use std::path::Path;
use std::thread;
use std::time::Duration;

use eyas_engine::{Engine, Feed, Input, Logging, Outlet, Recovery, Settings, State, Topology};
use eyas_state::{Folder, Journal, Record, SinkState, Store, Sync};

use crate::support::{FIRST, events, sink, slice, source};

/// A source whose bytes are logged, into a sink.
fn topology() -> Topology {
    let mut source = source("in", 4);
    source.logging = Logging::Bytes;
    Topology { sources: vec![source], detectors: Vec::new(), sinks: vec![sink(&[Feed::Events(Input::Source(0))])] }
}

/// Takes everything, and keeps nothing.
fn take(mut outlet: Outlet) {
    while let Some(delivery) = outlet.next_delivery() {
        if delivery.wants_state() {
            delivery.save(SinkState { name: "sink".to_owned(), ..SinkState::default() });
        }
        delivery.accept();
    }
}

/// Starts on a folder, does something, stops. Gives the place in the input log from which the next run begins.
fn run(folder: &Path, does: impl FnOnce(&eyas_engine::Admission)) -> u64 {
    let folder = Folder::open(folder).unwrap();
    let store = Store::open(&folder).unwrap();
    let checkpoint = store.checkpoint().unwrap();
    let next = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.next);
    let journal = Journal::open(&folder, next, Sync::Interval(Duration::from_secs(1)), true).unwrap();
    let recovery = Recovery::scan(journal.read(next, false).unwrap(), checkpoint).unwrap();
    let state = State { store, journal: Some(journal), recovery, interval: Duration::MAX };
    let settings = Settings { shards: 2, seed: 1, table_seed: 2, batch_events: 10 };
    let (engine, admission, outlets) = Engine::start(&topology(), &settings, Some(state)).unwrap();
    let sinks: Vec<_> = outlets.into_iter().map(|outlet| thread::spawn(move || take(outlet))).collect();
    does(&admission);
    admission.stop();
    sinks.into_iter().for_each(|sink| sink.join().unwrap());
    engine.join().unwrap();
    Store::open(&folder).unwrap().checkpoint().unwrap().map_or(0, |checkpoint| checkpoint.next)
}

#[test]
fn a_stop_before_the_replay_has_begun_leaves_the_checkpoint_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let kept = run(folder.path(), |admission| {
        admission.open(FIRST, "in", None, None).unwrap();
        admission.admit(slice(FIRST, 0, &events(0..10))).unwrap();
    });
    assert!(kept > 0);
    {
        // A later run that was killed: what it took in stands in the log alone.
        let held = Folder::open(folder.path()).unwrap();
        let journal = Journal::open(&held, kept, Sync::Always, true).unwrap();
        journal.append(&Record::Idle { partition: FIRST }, &[]).unwrap();
    }
    assert_eq!(run(folder.path(), |_| {}), kept);
    // With nothing to replay a stop is as good a time as any.
    let replay = |admission: &eyas_engine::Admission| {
        admission.replay(kept, Record::Idle { partition: FIRST }, std::sync::Arc::default()).unwrap();
        admission.replayed();
    };
    assert!(run(folder.path(), replay) > kept);
}
