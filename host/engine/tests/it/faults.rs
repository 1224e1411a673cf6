//! Guests that fail while events flow: what they fail over is skipped, all else comes out as if it had not been there, and nobody else
//! is harmed.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use eyas_engine::{Component, Feed, Input, OnFault, Topology};
use eyas_hostile::{AlertRecord, Guest, SCRATCH};

use crate::support::*;

/// Global, with a state: it adds up the `n` of all rows, and annotates each with the sum so far as `sum`. The sum is its one entry.
/// `body` runs behind that.
fn summer(guest: Guest, body: &str) -> Guest {
    let mut guest = guest;
    let name = guest.text("sum");
    let [group, empty, value, sum] = [vec![0], vec![0; 8], vec![0, 0, 0, 0, 8, 0, 0, 0], vec![0; 8]].map(|bytes| guest.bytes(&bytes));
    let list = |address: u32, length: u32| format!("(i32.const {address}) (i32.const {length})");
    let nothing = format!("{} {}", list(empty, 2), list(empty, 0));
    let put = format!(
        "(i64.store (i32.const {sum}) (global.get $sum))
         (call $state.put {} {nothing} {nothing} {} {} {})",
        list(group, 1),
        list(value, 2),
        list(sum, 8),
        list(empty, 0)
    );
    // Behind the option's tag: pointers and lengths of groups, keys, sub-keys and values (offsets, then data).
    let take = format!(
        "(block $end (loop $chunks
           (call $state.next (i32.const {SCRATCH}))
           (br_if $end (i32.eqz (i32.load (i32.const {SCRATCH}))))
           (global.set $sum (i64.load (i32.load (i32.const {}))))
           (br $chunks)))",
        SCRATCH + 4 + 6 * 8
    );
    let add = format!(
        "(global.set $sum (i64.add (global.get $sum) (local.get $t)))
         {body}
         (call $results.annotate (local.get $i) {name} (i32.const 1) (global.get $sum) (i32.const 0))"
    );
    let guest = guest.with("(global $sum (mut i64) (i64.const 0))").on("snapshot", &put).on("restore", &take);
    // What lists lie in is used again in each call.
    each_row(guest.on("process", "(global.set $heap (i32.const 1048576))"), "", &add)
}

/// Traps at rows of these numbers.
fn trap_at(numbers: &[i64]) -> String {
    let trap = |n: &i64| format!("(if (i64.eq (local.get $t) (i64.const {n})) (then (unreachable)))");
    numbers.iter().map(trap).collect()
}

/// One detector behind a source, and behind it another that annotates each event.
fn two(first: Guest, on_fault: OnFault) -> Topology {
    let (first, second) = (load(first), load(noter()));
    let mut topology = Topology {
        sources: vec![source("in", 1)],
        detectors: vec![detector("bad", &first, &[Input::Source(0)]), detector("good", &second, &[Input::Detector(0)])],
        sinks: vec![
            sink(&[Feed::Events(Input::Detector(1)), Feed::Alerts(0), Feed::Alerts(1)]),
            sink(&[Feed::DeadLetters(Component::Detector(0))]),
        ],
    };
    topology.detectors[0].on_fault = on_fault;
    topology.detectors[0].limits.deadline = Duration::from_millis(50);
    topology.detectors[0].limits.memory_bytes = 8 << 20;
    topology
}

fn is_tagged(line: &&str) -> bool {
    line.contains("\"tags\":[\"fault\"]")
}

#[test]
fn an_event_over_which_a_detector_fails_is_skipped_alone_and_all_else_is_as_without_it() {
    let poison = [13, 14, 30];
    let topology = two(summer(Guest::new(), &trap_at(&poison)), OnFault::Pass);
    let clean: String = events((0..40).filter(|n| !poison.contains(n)));
    let expected = run(&topology, Cut { shards: 1, batch_events: 7, credit: 1 }, &[(FIRST, &clean)]);
    assert_eq!(expected.outputs[0].lines().filter(|line| !is_tagged(line)).count(), 37);
    let input = events(0..40);
    let mut first: Option<String> = None;
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &input)]);
        let skipped: Vec<&str> = ran.outputs[0].lines().filter(is_tagged).map(|line| &line[..7]).collect();
        assert_eq!(skipped, ["{\"n\":13", "{\"n\":14", "{\"n\":30"], "{cut:?}");
        let rest: String = ran.outputs[0].lines().filter(|line| !is_tagged(line)).map(|line| format!("{line}\n")).collect();
        assert_eq!(rest, expected.outputs[0], "{cut:?}");
        assert_eq!(*first.get_or_insert(ran.outputs[0].clone()), ran.outputs[0], "{cut:?}");
        assert_eq!(ran.counters.detectors[0].skipped.load(Relaxed), 3, "{cut:?}");
    }
}

#[test]
fn a_guest_that_says_where_it_is_is_made_anew_once() {
    let body = format!("(call $results.progress (local.get $i)) {}", trap_at(&[25]));
    let topology = two(summer(Guest::new(), &body), OnFault::Pass);
    let ran = run(&topology, Cut { shards: 1, batch_events: 4096, credit: 1 }, &[(FIRST, &events(0..40))]);
    assert_eq!((ran.faults(), ran.counters.detectors[0].skipped.load(Relaxed)), (1, 1));
    assert!(ran.outputs[0].lines().last().unwrap().contains(&format!("\"sum\":{}", (0..40).sum::<i64>() - 25)));
}

#[test]
fn what_was_seen_before_the_last_snapshot_is_not_forgotten() {
    let last = 299_990;
    let topology = two(summer(Guest::new(), &trap_at(&[100, last])), OnFault::Pass);
    let ran = run(&topology, Cut { shards: 1, batch_events: 4096, credit: 1 }, &[(FIRST, &events(0..300_000))]);
    let sum = (0..300_000).sum::<i64>() - 100 - last;
    assert!(ran.outputs[0].lines().last().unwrap().contains(&format!("\"sum\":{sum}")));
    assert_eq!(ran.counters.detectors[0].skipped.load(Relaxed), 2);
}

#[test]
fn poison_may_go_to_the_dead_letters_and_nobody_behind_sees_it() {
    let topology = two(summer(Guest::new(), &trap_at(&[13, 30])), OnFault::DeadLetter);
    let input = events(0..40);
    let expected =
        run(&topology, Cut { shards: 1, batch_events: 7, credit: 1 }, &[(FIRST, &events((0..40).filter(|n| *n != 13 && *n != 30)))]);
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, &input)]);
        assert_eq!(ran.outputs[0], expected.outputs[0], "{cut:?}");
        assert_eq!(ran.rows(1), 38, "{cut:?}");
        let letters: Vec<&str> = ran.outputs[1].lines().collect();
        let [first, second] = letters[..] else { panic!("{letters:?}") };
        assert!(first.contains("\"component\":\"bad\"") && first.contains("unreachable") && first.contains("\\\"n\\\":13"), "{first}");
        assert!(first.contains(&format!("\"position\":{},", input.find("{\"n\":13").unwrap())), "{first}");
        assert!(second.contains("\\\"n\\\":30"), "{second}");
    }
}

#[test]
fn an_event_behind_which_a_run_is_to_stop_is_lost_neither() {
    let topology = two(summer(Guest::new(), &trap_at(&[13])), OnFault::Stop);
    let ran = run(&topology, Cut { shards: 1, batch_events: 4096, credit: 1 }, &[(FIRST, &events(0..40))]);
    assert_eq!(ran.outputs[0].lines().filter(is_tagged).count(), 1);
}

#[test]
fn alerts_that_a_skipped_event_may_touch_are_degraded_and_no_others() {
    let mut guest = Guest::new();
    let record = AlertRecord::new(&mut guest);
    let (address, place) = (record.put(&mut guest), AlertRecord::PLACE + 8);
    let body = format!(
        "{} (i32.store (i32.add {address} (i32.const {place})) (local.get $i)) (drop (call $results.report {address}))",
        trap_at(&[5, 7])
    );
    let topology = two(each_row(guest, "", &body), OnFault::Pass);
    // Its alerts are of the time from 0 to 10 nanoseconds, in which the second poison lies, and the first does not.
    let input = "{\"n\":1,\"t\":3}\n{\"n\":5,\"t\":4}\n{\"n\":2,\"t\":5}\n{\"n\":7,\"t\":0}\n{\"n\":3,\"t\":6}\n{\"n\":4,\"t\":7}\n";
    for cut in cuts() {
        let ran = run(&topology, cut, &[(FIRST, input)]);
        let alerts = ran.outputs[0].lines().filter(|line| line.contains("\"rule\""));
        let degraded: Vec<bool> = alerts.map(|line| line.contains("\"degraded\":true")).collect();
        assert_eq!(degraded, [false, false, true, true], "{cut:?}: {}", ran.outputs[0]);
    }
}

#[test]
fn a_detector_that_fails_too_often_is_put_in_quarantine_and_comes_back() {
    let guest = each_row(Guest::new(), "", "(if (i64.lt_s (local.get $t) (i64.const 100)) (then (unreachable)))");
    let topology = two(guest, OnFault::Pass);
    let (engine, admission, outlets) = start(&topology, Cut { shards: 2, batch_events: 10, credit: 4 });
    let drains: Vec<_> = outlets.into_iter().map(|outlet| std::thread::spawn(move || drain(outlet))).collect();
    admission.open(FIRST, "partition", None, None).unwrap();
    let feed = |numbers: std::ops::Range<i64>| {
        let (before, text) = (events(0..numbers.start), events(numbers));
        admission.admit(slice(FIRST, before.len() as u64, &text)).unwrap();
    };
    let (second, counters) = (1_000_000_000, engine.counters());
    let until = |done: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to pass");
            std::thread::yield_now();
        }
    };
    feed(0..80);
    until(&|| counters.detectors[0].skipped.load(Relaxed) == 80);
    let mut now = second;
    until(&|| {
        admission.tick(Duration::from_nanos(now as u64), now).unwrap();
        counters.detectors[0].quarantined.load(Relaxed) == 1
    });
    feed(80..100);
    until(&|| counters.detectors[0].rows.load(Relaxed) == 100);
    now += 120 * second;
    until(&|| {
        admission.tick(Duration::from_nanos(now as u64), now).unwrap();
        counters.detectors[0].quarantined.load(Relaxed) == 0
    });
    feed(100..120);
    admission.finish();
    let output = drains.into_iter().map(|drain| drain.join().unwrap()).next().unwrap();
    engine.join().unwrap();
    let of = |tag: &str| output.lines().filter(|line| line.contains(&format!("\"tags\":[\"{tag}\"]"))).count();
    assert_eq!((of("fault"), of("unwatched"), output.lines().count()), (80, 20, 122));
    let alerts: Vec<&str> = output.lines().filter(|line| line.contains("\"rule\":\"quarantine\"")).collect();
    let [open, close] = alerts[..] else { panic!("{alerts:?}") };
    assert!(open.contains("\"state\":\"open\"") && open.contains("more than 50 times within a minute"), "{open}");
    assert!(close.contains("\"state\":\"close\"") && close.contains("\"revision\":1"), "{close}");
    assert_eq!(open.split("\"id\":").nth(1).unwrap()[..34], close.split("\"id\":").nth(1).unwrap()[..34]);
}

/// Guests that do wrong, each where it does, and whether there is something to blame an event for.
fn hostile() -> Vec<(&'static str, Guest)> {
    let mut endless = Guest::new();
    let long = endless.text(&"x".repeat(1 << 20));
    let mut invalid = Guest::new();
    let bytes = invalid.bytes(&[0xff, 0xfe]);
    let mut within = Guest::new();
    let said = within.text("from within");
    let recurse = "(func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))";
    let grow = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) (unreachable)";
    let at_13 = |body: &str| format!("(if (i64.eq (local.get $t) (i64.const 13)) (then {body}))");
    vec![
        ("never returns", summer(Guest::new(), &at_13("(loop $again (br $again))"))),
        ("recurses without end", summer(Guest::new().with(recurse), &at_13("(drop (call $recurse (i32.const 0)))"))),
        ("takes all memory at once", summer(Guest::new(), &at_13(grow))),
        ("lies about its rows", summer(Guest::new(), &at_13("(call $results.progress (i32.const 70000))"))),
        ("says too much", summer(endless, &at_13(&format!("(loop $again (call $results.count {long} (i64.const 1)) (br $again))")))),
        (
            "says what is not UTF-8",
            summer(invalid, &at_13(&format!("(call $results.count (i32.const {bytes}) (i32.const 2) (i64.const 1))"))),
        ),
        ("asks for what is not there", summer(Guest::new(), &at_13("(call $batch.text (i32.const 7) (i32.const 256))"))),
        (
            "calls from within an allocation",
            summer(
                within
                    .with("(global $poison (mut i32) (i32.const 0))")
                    .on_realloc(&format!("(if (global.get $poison) (then (call $log.log (i32.const 1) {said})))")),
                &at_13("(global.set $poison (i32.const 1)) (call $batch.times (i32.const 256))"),
            ),
        ),
    ]
}

#[test]
fn whatever_a_guest_does_over_one_event_costs_that_event_alone() {
    let clean = events((0..40).filter(|n| *n != 13));
    let input = events(0..40);
    for (what, guest) in hostile() {
        let topology = two(guest, OnFault::Pass);
        let expected = run(&topology, Cut { shards: 1, batch_events: 7, credit: 1 }, &[(FIRST, &clean)]);
        assert!(!expected.outputs[0].contains("tags"), "{what}");
        for cut in [(1, 4096), (2, 7), (3, 1)].map(|(shards, batch_events)| Cut { shards, batch_events, credit: 2 }) {
            let ran = run(&topology, cut, &[(FIRST, &input)]);
            let (bad, rest): (Vec<&str>, Vec<&str>) = ran.outputs[0].lines().partition(is_tagged);
            assert!(matches!(bad[..], [line] if line.starts_with("{\"n\":13,")), "{what}, {cut:?}: {bad:?}");
            assert_eq!(rest, expected.outputs[0].lines().collect::<Vec<_>>(), "{what}, {cut:?}");
        }
    }
}

#[test]
fn a_guest_whose_memory_grows_a_little_each_call_goes_on_without_a_tag() {
    let guest = summer(Guest::new(), "").on("process", "(if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then (unreachable)))");
    let topology = two(guest, OnFault::Pass);
    let ran = run(&topology, Cut { shards: 1, batch_events: 1, credit: 2 }, &[(FIRST, &events(0..200))]);
    assert!(ran.outputs[0].lines().all(|line| !is_tagged(&line)));
    assert!(ran.outputs[0].lines().last().unwrap().contains(&format!("\"sum\":{}", (0..200).sum::<i64>())));
    assert!(ran.counters.detectors[0].recycled.load(Relaxed) > 0);
}

#[test]
fn a_detector_that_cannot_be_made_anew_lets_all_events_pass() {
    let trap = trap_at(&[290_000]);
    let cases = [
        ("traps at a snapshot", summer(Guest::new(), "").on("snapshot", "(unreachable)")),
        ("traps at each timer", summer(Guest::new(), "").on("advance", "(unreachable)")),
        ("traps at the end", summer(Guest::new(), "").on("flush", "(unreachable)")),
        ("traps at a restore", summer(Guest::new(), &trap).on("restore", "(unreachable)")),
    ];
    let input = events(0..300_000);
    for (what, guest) in cases {
        let topology = two(guest, OnFault::Pass);
        let ran = run(&topology, Cut { shards: 2, batch_events: 4096, credit: 4 }, &[(FIRST, &input)]);
        assert_eq!(ran.outputs[0].lines().filter(|line| !line.contains("\"rule\"")).count(), 300_000, "{what}");
        assert!(ran.outputs[0].lines().all(|line| line.contains("\"good\":{\"n\":")), "{what}");
        assert!(ran.faults() > 0, "{what}");
    }
}
