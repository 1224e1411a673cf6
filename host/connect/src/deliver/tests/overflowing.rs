//! Sinks that drop what they have no room for.

use std::sync::atomic::Ordering::Relaxed;

use eyas_state::Folder;

use super::receiver::Receiver;
use super::sending::{HOUR, Posting, client, config, refusing};
use crate::http::tests::support::*;
use crate::{Cause, NetSinkConfig, Outbox, WhenFull};

#[test]
fn a_sink_that_drops_accepts_everything_at_once_and_counts_what_it_has_no_room_for() {
    let receiver = Receiver::willing();
    receiver.close();
    let when_full = WhenFull::DropNewest { max_bytes: 5000 };
    let mut posting = Posting::start(NetSinkConfig { when_full, ..config(client(receiver.uri())) }, 4);
    let mut fed = 0;
    for i in 0..100 {
        let settled = posting.feed(&events(i * 50..i * 50 + 50));
        wait_for("it is accepted", || settled.load(Relaxed) == 1);
        fed += events(i * 50..i * 50 + 50).len();
        assert!(posting.figures.held_bytes.load(Relaxed) <= 5000);
    }
    let figures = posting.figures.clone();
    let (dropped, bytes) = (figures.dropped_events.load(Relaxed) as usize, figures.dropped_bytes.load(Relaxed) as usize);
    assert!(dropped > 4000 && dropped < 5000, "{dropped}");
    receiver.open();
    posting.end();
    let taken = receiver.taken().concat();
    assert_eq!((taken.lines().count() + dropped, taken.len() + bytes), (5000, fed));
    assert!(taken.starts_with(&events(0..50)), "the newest are dropped");
    assert_eq!(figures.held_bytes.load(Relaxed), 0);
}

#[test]
fn a_sink_that_drops_holds_up_neither_a_checkpoint_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::open(folder.path()).unwrap();
    let (_socket, address) = refusing();
    let when_full = WhenFull::DropNewest { max_bytes: 1 << 20 };
    let client = client(format!("http://{address}"));
    let backoff = HOUR;
    let config = NetSinkConfig { when_full, retry_initial_backoff: backoff, retry_max: backoff, ..config(client) };
    let state = eyas_engine::State { interval: std::time::Duration::ZERO, ..state(&held) };
    let mut posting = Posting::start_with(config, 50, Some(state));
    let settled = posting.feed(&events(0..10));
    wait_for("it is accepted", || settled.load(Relaxed) == 1);
    let figures = posting.figures.clone();
    wait_for("it is not taken", || figures.failing().is_some());
    posting.admission.tick(std::time::Duration::ZERO, 0).unwrap();
    wait_for("the checkpoint is committed", || posting.committed() == 1);
    posting.end();
    let dropped = (figures.dropped_events.load(Relaxed), figures.dropped_bytes.load(Relaxed));
    assert_eq!((dropped, figures.held_bytes.load(Relaxed)), ((10, events(0..10).len() as u64), 0));
    // And with a stop.
    let (_socket, address) = refusing();
    let client = super::sending::client(format!("http://{address}"));
    let mut posting = Posting::start(NetSinkConfig { when_full, ..super::sending::config(client) }, 50);
    posting.feed(&events(0..10));
    posting.stop.request(Cause::Signal(15));
    posting.end_by_stop();
}

#[test]
fn a_sink_of_alerts_that_drops_holds_back_nobody_though_its_outbox_is_full() {
    let receiver = Receiver::willing();
    receiver.close();
    let outbox = Outbox::new(500, &[]);
    let when_full = WhenFull::DropNewest { max_bytes: 0 };
    let mut posting = Posting::start(NetSinkConfig { when_full, outbox: Some(outbox), ..config(client(receiver.uri())) }, 4);
    for i in 0..100 {
        let settled = posting.feed(&events(i * 10..i * 10 + 10));
        wait_for("it is accepted", || settled.load(Relaxed) == 1);
    }
    let dropped = posting.figures.dropped_events.load(Relaxed) as usize;
    receiver.open();
    posting.end();
    let taken = receiver.taken().concat();
    assert!(taken.starts_with(&events(0..10)) && dropped >= 900);
    assert_eq!(taken.lines().count() + dropped, 1000);
}
