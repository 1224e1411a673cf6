//! Events that are refused for good.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use eyas_state::{Folder, Store};
use serde_json::Value;

use super::receiver::{Receiver, Verdict};
use super::sending::{HOUR, Posting, client, client_of, config};
use crate::http::tests::support::*;
use crate::{Compression, Concurrency, Credentials, HttpClientConfig, NetSinkConfig, Outbox, SinkSetup, Target, Writer};

/// Refuses every request with one of these events in it.
fn picky(poison: &[usize]) -> Receiver {
    let poison: Vec<String> = poison.iter().map(|n| format!("{{\"n\":{n}}}\n")).collect();
    Receiver::start(move |body| match body.split_inclusive('\n').any(|line| poison.iter().any(|poison| poison == line)) {
        true => Verdict::Refuse(400),
        false => Verdict::Take,
    })
}

fn letters(outbox: &Outbox) -> Vec<Value> {
    outbox.pending().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(letters: &[Value]) -> Vec<usize> {
    let number = |letter: &Value| {
        let event: Value = serde_json::from_str(letter["event"].as_str().unwrap()).unwrap();
        event["n"].as_u64().unwrap() as usize
    };
    letters.iter().map(number).collect()
}

#[test]
fn exactly_what_is_refused_for_good_becomes_dead_letters_wherever_it_stands() {
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..12 {
        let mut poison: Vec<usize> = (0..random.usize(..9)).map(|_| random.usize(..500)).chain([[0, 499], [7, 8]][round % 2]).collect();
        poison.sort_unstable();
        poison.dedup();
        let receiver = picky(&poison);
        let outbox = Outbox::new(1 << 20, &[]);
        let concurrency = [Concurrency::Fixed(1), Concurrency::Fixed(3), Concurrency::Adaptive][round % 3];
        let config = NetSinkConfig { concurrency, dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) };
        let mut posting = Posting::start(config, 50);
        let receipts: Vec<_> = (0..10).map(|i| posting.feed(&events(i * 50..i * 50 + 50))).collect();
        let figures = posting.figures.clone();
        posting.end();
        assert!(receipts.iter().all(|settled| settled.load(Relaxed) == 1), "a dead letter counts as taken");
        let letters = letters(&outbox);
        let mut found = numbers(&letters);
        if concurrency == Concurrency::Fixed(1) {
            let rest: String = (0..500).filter(|n| !poison.contains(n)).map(|n| events(n..n + 1)).collect();
            assert_eq!((receiver.taken().concat(), &found), (rest, &poison), "in order");
        }
        found.sort_unstable();
        assert_eq!(found, poison);
        assert!((0..500).all(|n| receiver.has(&events(n..n + 1)) != poison.contains(&n)));
        for letter in &letters {
            assert_eq!((&letter["source"], &letter["component"], &letter["encoding"]), (&"in".into(), &"back".into(), &"utf8".into()));
            assert_eq!(letter["ingest_time"], "1970-01-01T00:00:00Z");
            assert_eq!(letter["reason"], "answered 400 Bad Request: no, thank you");
        }
        assert_eq!((figures.dead_letters.load(Relaxed) as usize, figures.retries.load(Relaxed)), (poison.len(), 0));
    }
}

#[test]
fn a_request_that_is_too_large_is_halved_until_it_is_not_and_what_is_too_large_alone_is_a_dead_letter() {
    let receiver = Receiver::start(|body| if body.len() > 100 { Verdict::Refuse(413) } else { Verdict::Take });
    let outbox = Outbox::new(1 << 20, &[]);
    let mut posting = Posting::start(NetSinkConfig { dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) }, 50);
    let long = format!("{{\"n\":70,\"text\":\"{}\"}}\n", "x".repeat(100));
    posting.feed(&(events(0..70) + &long + &events(71..200)));
    posting.end();
    assert_eq!(receiver.taken().concat(), events(0..70) + &events(71..200));
    assert_eq!(numbers(&letters(&outbox)), [70]);
}

#[test]
fn what_people_can_mend_is_tried_again_though_there_is_a_place_for_dead_letters() {
    let mut statuses = [401, 403, 404, 405, 415, 302, 408, 429, 500, 501, 503].into_iter();
    let receiver = Receiver::start(move |_| statuses.next().map_or(Verdict::Take, Verdict::Refuse));
    let outbox = Outbox::new(1 << 20, &[]);
    let mut posting = Posting::start(NetSinkConfig { dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) }, 50);
    posting.feed(&events(0..10));
    let figures = posting.figures.clone();
    posting.end();
    assert_eq!((receiver.taken().concat(), outbox.pending()), (events(0..10), Vec::new()));
    assert_eq!((figures.retries.load(Relaxed), figures.refused().len()), (11, 11));
}

#[test]
fn alerts_that_are_refused_become_dead_letters_too() {
    let receiver = picky(&[3]);
    let (outbox, dead) = (Outbox::new(1 << 20, &["{\"n\":0}".to_owned()]), Outbox::new(1 << 20, &[]));
    let config = NetSinkConfig { outbox: Some(outbox.clone()), dead_letters: Some(dead.clone()), ..config(client(receiver.uri())) };
    let mut posting = Posting::start(config, 50);
    posting.feed(&events(1..10));
    posting.end();
    assert_eq!(receiver.taken().concat(), events(0..3) + &events(4..10));
    assert!(outbox.pending().is_empty());
    assert_eq!(numbers(&letters(&dead)), [3]);
}

#[test]
fn a_taker_stays_until_everybody_who_may_bring_dead_letters_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.ndjson");
    let receiver = picky(&[4, 5]);
    let writer = Writer::open("dead", Target::LateFile(path.clone()), SinkSetup { outbox: Some(1), ..SinkSetup::default() }).unwrap();
    let outbox = writer.outbox().unwrap().clone();
    receiver.close();
    let config = NetSinkConfig { dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) };
    let mut posting = Posting::start_beside(config, 50, None, |outlet, stop| {
        let stop = stop.clone();
        thread::spawn(move || {
            writer.run(outlet, &stop).unwrap();
            String::new()
        })
    });
    posting.feed(&events(0..10));
    wait_for("it is under way", || receiver.requests().0 == 1);
    let ending = thread::spawn(move || posting.end());
    receiver.open();
    ending.join().unwrap();
    let lines = std::fs::read_to_string(path).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(outbox.is_closed() && outbox.pending().is_empty());
}

#[test]
fn dead_letters_that_nobody_kept_at_the_checkpoint_are_brought_again() {
    let receiver = Receiver::willing();
    let outbox = Outbox::new(1 << 20, &[]);
    let config =
        NetSinkConfig { unsettled: vec!["{\"old\":1}".into()], dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) };
    Posting::start(config, 50).end();
    assert_eq!(outbox.pending(), ["{\"old\":1}"]);
}

#[test]
fn a_checkpoint_keeps_what_was_refused_after_the_taker_had_said_where_it_stands() {
    for early in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let held = Folder::open(folder.path()).unwrap();
        let receiver = picky(&[2]);
        receiver.close();
        let outbox = Outbox::new(1 << 20, &[]);
        let config = NetSinkConfig { dead_letters: Some(outbox.clone()), ..config(client(receiver.uri())) };
        let mut posting = Posting::start_with(config, 50, Some(state(&held)));
        posting.feed(&events(0..5));
        wait_for("it is under way", || receiver.requests().0 == 1);
        if early {
            outbox.capture(Some).unwrap();
        }
        receiver.open();
        posting.end_by_stop();
        assert_eq!(numbers(&letters(&outbox)), [2]);
        let checkpoint = Store::open(&held).unwrap().checkpoint().unwrap().unwrap();
        let kept = checkpoint.sinks.iter().find(|sink| sink.name == "back").unwrap();
        // Else it is in what the taker will say.
        assert_eq!(kept.dead_letters, if early { outbox.pending() } else { Vec::new() });
    }
}

#[test]
fn bodies_are_compressed_and_say_so_and_users_are_known() {
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Snappy] {
        let receiver = Receiver::willing();
        let credentials = Some(Credentials::Basic { user: "eyas".into(), password: "open: sesame".into() });
        let client = client_of(HttpClientConfig { uri: receiver.uri(), credentials, compression, ..HttpClientConfig::default() });
        let mut posting = Posting::start(NetSinkConfig { batch_bytes: 1 << 20, batch_timeout: HOUR, ..config(client) }, 50);
        let settled = posting.feed(&events(0..100));
        posting.end();
        assert_eq!(settled.load(Relaxed), 1);
        let heads = receiver.heads();
        assert_eq!(heads[0]["content-encoding"], compression.name().unwrap());
        assert_eq!(heads[0]["authorization"], "Basic ZXlhczpvcGVuOiBzZXNhbWU=");
        let body = receiver.bodies().concat();
        let plain = match compression {
            Compression::Gzip => {
                let mut plain = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*body), &mut plain).unwrap();
                plain
            }
            Compression::Zstd => zstd::decode_all(&*body).unwrap(),
            _ => snap::raw::Decoder::new().decompress_vec(&body).unwrap(),
        };
        assert_eq!(plain, events(0..100).into_bytes());
    }
}
