//! Requests side by side, whatever the receiver does: when they are sent, what is in them, and what is accepted when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use eyas_state::Folder;

use super::receiver::{Receiver, Verdict};
use super::sending::{HOUR, Posting, client, config};
use crate::http::tests::support::*;
use crate::{Concurrency, NetSinkConfig};

/// A receiver that has a mind of its own.
fn moody(seed: u64) -> Receiver {
    let mut random = fastrand::Rng::with_seed(seed);
    Receiver::start(move |_| match random.u8(..10) {
        0 => Verdict::Refuse(503),
        1 => Verdict::Refuse(429),
        2 => Verdict::Refuse(404),
        3 => Verdict::Cut,
        4 => Verdict::TakeAndCut,
        5 | 6 => Verdict::TakeSlowly,
        _ => Verdict::Take,
    })
}

#[test]
fn whatever_the_receiver_does_nothing_is_lost_and_nothing_is_accepted_before_it_is_taken() {
    for (seed, concurrency) in
        (0..).zip([Concurrency::Fixed(1), Concurrency::Fixed(2), Concurrency::Fixed(7), Concurrency::Adaptive, Concurrency::Adaptive])
    {
        let receiver = moody(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut posting = Posting::start(NetSinkConfig { concurrency, batch_bytes: 300, ..config(client(receiver.uri())) }, 20);
        let early = Arc::new(AtomicBool::new(false));
        let (mut next, mut receipts) = (0, Vec::new());
        for _ in 0..60 {
            let most = [5, 40, 250][random.usize(..3)];
            let count = random.usize(1..most);
            let text = events(next..next + count);
            next += count;
            let (looking, seen, told) = (receiver.clone(), early.clone(), text.clone());
            receipts.push(posting.feed_and(&text, move |taken| {
                if !taken || !looking.has(&told) {
                    seen.store(true, Relaxed);
                }
            }));
        }
        let figures = posting.figures.clone();
        posting.end();
        assert!(receipts.iter().all(|settled| settled.load(Relaxed) == 1) && !early.load(Relaxed), "{concurrency:?}");
        assert!(receiver.has(&events(0..next)), "{concurrency:?}");
        assert!(receiver.taken().iter().all(|body| body.ends_with('\n') && body.len() <= 300));
        assert_eq!((figures.under_way.load(Relaxed), figures.failing()), (0, None));
        match concurrency {
            Concurrency::Fixed(most) => assert!(receiver.requests().1 <= most, "{:?} for {most}", receiver.requests()),
            Concurrency::Adaptive => assert!(figures.limit.load(Relaxed) >= 1),
        }
        if concurrency == Concurrency::Fixed(1) {
            let mut taken = receiver.taken();
            taken.dedup();
            assert_eq!(taken.concat(), events(0..next), "one at a time keeps the order");
        }
    }
}

#[test]
fn a_lone_event_is_sent_at_once_and_what_comes_meanwhile_goes_together() {
    let receiver = Receiver::willing();
    let mut posting = Posting::start(NetSinkConfig { batch_timeout: HOUR, ..config(client(receiver.uri())) }, 500);
    let settled = posting.feed(&events(0..1));
    wait_for("it is taken", || settled.load(Relaxed) == 1);
    receiver.close();
    posting.feed(&events(1..2));
    wait_for("the second is under way", || receiver.requests().0 == 1);
    let receipts: Vec<_> = (2..80).map(|n| posting.feed(&events(n..n + 1))).collect();
    wait_for("all are there", || posting.figures.waiting_bytes.load(Relaxed) as usize == events(2..80).len());
    assert_eq!((receiver.requests().1, receiver.taken().len()), (1, 1), "one at a time");
    receiver.open();
    wait_for("all is taken", || receipts.iter().all(|settled| settled.load(Relaxed) == 1));
    posting.end();
    let taken = receiver.taken();
    assert_eq!(taken.concat(), events(0..80));
    assert_eq!(taken.len(), 3);
}

#[test]
fn more_requests_are_under_way_only_where_they_are_full_and_never_more_than_there_may_be() {
    let receiver = Receiver::willing();
    receiver.close();
    let concurrency = Concurrency::Fixed(3);
    let mut posting = Posting::start(NetSinkConfig { batch_timeout: HOUR, concurrency, ..config(client(receiver.uri())) }, 500);
    for n in 0..50 {
        posting.feed(&events(n..n + 1));
    }
    wait_for("the first is under way", || receiver.requests().0 == 1);
    assert_eq!(posting.figures.under_way.load(Relaxed), 1, "what is behind it gathers");
    for n in 50..1000 {
        posting.feed(&events(n..n + 1));
        if n >= 400 {
            break;
        }
    }
    wait_for("there are as many as there may be", || receiver.requests().0 == 3);
    receiver.open();
    posting.end();
    assert!(receiver.has(&events(0..401)));
    assert_eq!(receiver.requests(), (0, 3));
}

#[test]
fn the_longest_wait_ends_where_another_request_is_allowed() {
    let receiver = Receiver::willing();
    receiver.close();
    let mut posting = Posting::start(NetSinkConfig { concurrency: Concurrency::Fixed(2), ..config(client(receiver.uri())) }, 500);
    posting.feed(&events(0..1));
    wait_for("the first is under way", || receiver.requests().0 == 1);
    posting.feed(&events(1..2));
    wait_for("the second has waited for long enough", || receiver.requests().0 == 2);
    receiver.open();
    posting.end();
}

#[test]
fn a_delivery_is_accepted_though_one_before_it_is_not() {
    let mut first = true;
    let receiver = Receiver::start(move |body| match body.contains("\"n\":0}") && std::mem::replace(&mut first, false) {
        true => Verdict::Refuse(503),
        false => Verdict::Take,
    });
    let backoff = (HOUR, HOUR);
    let config = NetSinkConfig {
        concurrency: Concurrency::Fixed(2),
        retry_initial_backoff: backoff.0,
        retry_max: backoff.1,
        ..config(client(receiver.uri()))
    };
    let mut posting = Posting::start(config, 500);
    let stuck = posting.feed(&events(0..1));
    wait_for("it is refused", || posting.figures.failing().is_some());
    let other = posting.feed(&events(1..2));
    wait_for("the other is accepted", || other.load(Relaxed) == 1);
    assert_eq!(stuck.load(Relaxed), 0);
    posting.end_by_stop();
    assert_eq!(stuck.load(Relaxed), 1);
}

#[test]
fn a_stalled_receiver_gets_no_more_than_the_credit_and_all_of_it_later() {
    let receiver = Receiver::willing();
    receiver.close();
    let credit = 8;
    let mut posting = Posting::start(config(client(receiver.uri())), credit);
    let admission = posting.admission.clone();
    let figures = posting.figures.clone();
    let feeding = std::thread::spawn(move || {
        let receipts: Vec<_> = (0..100).map(|n| posting.feed(&events(n * 10..n * 10 + 10))).collect();
        posting.end();
        receipts
    });
    wait_for("the credit is used up", || admission.credit()[0].batches == credit);
    wait_for("a request is under way", || receiver.requests().0 == 1);
    assert_eq!((figures.under_way.load(Relaxed), receiver.taken().len()), (1, 0));
    receiver.open();
    assert!(feeding.join().unwrap().iter().all(|settled| settled.load(Relaxed) == 1));
    assert_eq!(receiver.taken().concat(), events(0..1000));
}

#[test]
fn a_checkpoint_passes_once_all_before_it_is_taken_and_stops_nothing_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::open(folder.path()).unwrap();
    let receiver = Receiver::start(|body| if body.contains("\"n\":0}") { Verdict::TakeSlowly } else { Verdict::Take });
    receiver.close();
    let state = eyas_engine::State { interval: std::time::Duration::ZERO, ..state(&held) };
    let concurrency = Concurrency::Fixed(2);
    let mut posting = Posting::start_with(NetSinkConfig { concurrency, ..config(client(receiver.uri())) }, 500, Some(state));
    let first = posting.feed(&events(0..1));
    wait_for("it is under way", || receiver.requests().0 == 1);
    posting.admission.tick(std::time::Duration::ZERO, 0).unwrap();
    let behind = posting.feed(&events(1..2));
    wait_for("what is behind the checkpoint is under way, too", || receiver.requests().0 == 2);
    assert_eq!(posting.committed(), 0, "a checkpoint passed what is not taken");
    assert_eq!((first.load(Relaxed), behind.load(Relaxed)), (0, 0));
    receiver.open();
    wait_for("the checkpoint is committed", || posting.committed() == 1);
    assert_eq!(first.load(Relaxed), 1);
    posting.end_by_stop();
}
