//! The rows reach the guest as they are, whichever way it asks for them.

use std::sync::Arc;

use eyas_event::{Bits, Column, Part, Value, Values};
use eyas_hostile::Guest;
use eyas_plugin::{FaultKind, Findings};

use crate::support::{part, refused, start, strings, subscriber};

/// Calls a function whose result goes to 256 and gives back a list of 8-byte numbers, as u64s.
fn numbers(guest: &Guest, part: &Arc<Part>, call: &str) -> Vec<u64> {
    let mut guest = guest.clone();
    let name = guest.text("n");
    let body = format!(
        "{call} (local.set $j (i32.load (i32.const 260))) (local.set $i (i32.load (i32.const 256)))
         (block $end (loop $again (br_if $end (i32.eqz (local.get $j)))
           (call $results.annotate (i32.const 0) {name} (i32.const 2) (i64.load (local.get $i)) (i32.const 0))
           (local.set $i (i32.add (local.get $i) (i32.const 8))) (local.set $j (i32.sub (local.get $j) (i32.const 1))) (br $again)))"
    );
    let found = run(guest.on("process", &body), part);
    let number = |value: &Value| if let Value::U64(number) = value { *number } else { panic!("{value:?}") };
    found.annotations.iter().map(|annotation| number(&annotation.value)).collect()
}

/// Calls a function and gives back the bytes to which pointer and length at `at` lead, which must be UTF-8.
fn bytes(guest: &Guest, part: &Arc<Part>, call: &str, at: u32) -> String {
    let mut guest = guest.clone();
    let name = guest.text("n");
    let body = format!(
        "{call} (call $results.annotate (i32.const 0) {name} (i32.const 0)
            (i64.load32_u (i32.const {at})) (i32.load (i32.const {})))",
        at + 4
    );
    let found = run(guest.on("process", &body), part);
    let [annotation] = &*found.annotations else { panic!("{found:?}") };
    if let Value::Text(text) = &annotation.value { text.clone() } else { panic!("{annotation:?}") }
}

fn run(guest: Guest, part: &Arc<Part>) -> Findings {
    let mut findings = Findings::default();
    start(&guest).unwrap().process(part, &mut findings).unwrap();
    findings
}

/// As many u64s as the bytes are, given as bytes: so lists of bytes can be read by `numbers`, in whole words.
fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap())).collect()
}

/// After a call that gave a list of bytes: makes its length one of words.
const IN_WORDS: &str = "(i32.store (i32.const 260) (i32.div_u (i32.load (i32.const 260)) (i32.const 8)))";

#[test]
fn numbers_arrive_as_they_are_in_both_ways() {
    let (guest, part) = (subscriber(), part(1000));
    let times: Vec<u64> = (0..1000).collect();
    let watermarks: Vec<u64> = (0..1000).map(|i: i64| (i - 10) as u64).collect();
    let column: Vec<u64> = (100..1100).collect();
    assert_eq!(numbers(&guest, &part, "(call $batch.times (i32.const 256))"), times);
    assert_eq!(numbers(&guest, &part, "(call $batch.watermarks (i32.const 256))"), watermarks);
    assert_eq!(numbers(&guest, &part, "(call $batch.s64 (i32.const 1) (i32.const 256))"), column);
    assert_eq!(numbers(&guest, &part, &format!("(call $batch.times-le (i32.const 256)) {IN_WORDS}")), times);
    assert_eq!(numbers(&guest, &part, &format!("(call $batch.watermarks-le (i32.const 256)) {IN_WORDS}")), watermarks);
    assert_eq!(numbers(&guest, &part, &format!("(call $batch.numbers-le (i32.const 1) (i32.const 256)) {IN_WORDS}")), column);
}

#[test]
fn texts_and_whole_events_arrive_as_they_are() {
    let (guest, part) = (subscriber(), part(3));
    assert_eq!(bytes(&guest, &part, "(call $batch.text (i32.const 0) (i32.const 256))", 264), "text 0text 1text 2");
    assert_eq!(bytes(&guest, &part, "(call $batch.event (i32.const 2) (i32.const 256))", 256), "{\"n\":2}");
    assert_eq!(bytes(&guest, &part, "(call $batch.text-at (i32.const 0) (i32.const 1) (i32.const 256))", 256), "text 1");
    // The second of a list of strings: its pointer and length stand 8 bytes into the list.
    let second = "(call $batch.text-list (i32.const 0) (i32.const 256))
        (i64.store (i32.const 280) (i64.load offset=8 (i32.load (i32.const 256))))";
    assert_eq!(bytes(&guest, &part, second, 280), "text 1");
}

#[test]
fn keys_and_hashes_are_nothing_and_0_where_the_detector_is_not_keyed() {
    let (guest, part) = (subscriber(), part(3));
    assert_eq!(numbers(&guest, &part, "(call $batch.key-hashes (i32.const 256))"), [0; 3]);
    assert_eq!(bytes(&guest, &part, "(call $batch.keys (i32.const 256))", 264), "");
    let mut keyed = Part::clone(&part);
    keyed.keys = strings(&["a".to_owned(), "bc".to_owned(), "d".to_owned()]);
    keyed.hashes = Arc::new(vec![7, 8, 9]);
    let keyed = Arc::new(keyed);
    assert_eq!(numbers(&guest, &keyed, "(call $batch.key-hashes (i32.const 256))"), [7, 8, 9]);
    assert_eq!(numbers(&guest, &keyed, &format!("(call $batch.key-hashes-le (i32.const 256)) {IN_WORDS}")), [7, 8, 9]);
    assert_eq!(bytes(&guest, &keyed, "(call $batch.keys (i32.const 256))", 264), "abcd");
    assert_eq!(bytes(&guest, &keyed, "(call $batch.key (i32.const 1) (i32.const 256))", 256), "bc");
}

#[test]
fn references_come_back_as_the_evidence_they_are() {
    let mut guest = Guest::new();
    let mut alert = eyas_hostile::AlertRecord::new(&mut guest);
    // A list of one piece of evidence, which `process` fills with the reference of row 2.
    let evidence = guest.bytes(&[0; 8]);
    alert.list(eyas_hostile::AlertRecord::EVIDENCE, evidence, 1);
    let record = alert.put(&mut guest);
    let body = format!(
        "(call $batch.references (i32.const 256))
         (local.set $i (i32.load (i32.const 256)))
         (i32.store (i32.const {evidence}) (i32.add (i32.load (i32.const 264)) (i32.load offset=8 (local.get $i))))
         (i32.store offset=4 (i32.const {evidence}) (i32.sub (i32.load offset=12 (local.get $i)) (i32.load offset=8 (local.get $i))))
         (drop (call $results.report {record}))"
    );
    let part = part(3);
    let found = run(guest.on("process", &body), &part);
    assert_eq!(found.alerts[0].evidence, [part.event(2).unwrap().reference]);
}

#[test]
fn states_validity_and_flags_are_empty_where_all_is_well_and_else_exact() {
    let (guest, whole) = (subscriber(), part(64));
    let length = |part: &Arc<Part>, call: &str| {
        numbers(
            &guest,
            part,
            &format!(
                "{call} (i64.store (i32.const 264) (i64.load32_u (i32.const 260))) (i32.store (i32.const 256) (i32.const 264)) (i32.store (i32.const 260) (i32.const 1))"
            ),
        )[0]
    };
    for call in ["states (i32.const 1)", "validity (i32.const 1)", "late"] {
        assert_eq!(length(&whole, &format!("(call $batch.{call} (i32.const 256))")), 0, "{call}");
    }
    let states: Vec<u8> = (0..64).map(|row| if row % 3 == 0 { 2 } else { 0 }).collect();
    let valid = Bits::pack(states.iter().map(|&state| state == 0));
    let mut holes = Part::clone(&whole);
    holes.columns[1].states = Arc::new(states.clone());
    holes.late = Bits::pack((0..64).map(|row| row == 5));
    let holes = Arc::new(holes);
    assert_eq!(numbers(&guest, &holes, &format!("(call $batch.states (i32.const 1) (i32.const 256)) {IN_WORDS}")), words(&states));
    assert_eq!(numbers(&guest, &holes, &format!("(call $batch.validity (i32.const 1) (i32.const 256)) {IN_WORDS}")), words(&valid.bytes));
    assert_eq!(numbers(&guest, &holes, &format!("(call $batch.late (i32.const 256)) {IN_WORDS}")), [1 << 5]);
}

#[test]
fn every_type_of_column_crosses_and_no_other_is_given_for_it() {
    let all: [(&str, Values); 9] = [
        ("text", Values::Text(strings(&["x".to_owned()]))),
        ("bytes", Values::Bytes(strings(&["x".to_owned()]))),
        ("raw", Values::Raw(strings(&["x".to_owned()]))),
        ("s64", Values::S64(Arc::new(vec![1]))),
        ("u64", Values::U64(Arc::new(vec![1]))),
        ("f64", Values::F64(Arc::new(vec![1.5]))),
        ("timestamp", Values::Timestamp(Arc::new(vec![1]))),
        ("boolean", Values::Boolean(Arc::new(vec![1]))),
        ("ip", Values::Ip(Arc::new(vec![1; 16]))),
    ];
    for (kind, values) in all {
        let mut part = Part::clone(&part(1));
        part.columns = vec![Column { values, states: Arc::default() }];
        let part = Arc::new(part);
        for asked in ["text", "bytes", "raw", "s64", "u64", "f64", "timestamp", "boolean", "ip"] {
            let guest = Guest::new().on("process", &format!("(call $batch.{asked} (i32.const 0) (i32.const 256))"));
            let answer = start(&guest).unwrap().process(&part, &mut Findings::default());
            if asked == kind {
                answer.unwrap();
            } else {
                let message = answer.unwrap_err().message;
                assert!(message.contains(&format!("batch.{asked}: column 0 is {kind}, not {asked}")), "{message}");
            }
        }
    }
}

#[test]
fn columns_that_do_not_exist_are_refused() {
    for function in ["text", "s64", "ip", "states", "validity", "numbers-le", "text-list"] {
        let guest = subscriber().on("process", &format!("(call $batch.{function} (i32.const 2) (i32.const 256))"));
        refused(&guest, FaultKind::Refused, &format!("batch.{function}: there is no column 2, the subscription has 2"));
    }
    let guest = subscriber().on("process", "(call $batch.numbers-le (i32.const 0) (i32.const 256))");
    refused(&guest, FaultKind::Refused, "column 0 is text, not a number");
}

#[test]
fn a_timeless_detector_has_no_time() {
    for function in ["times", "watermarks", "times-le", "watermarks-le"] {
        let body = format!("(call $batch.{function} (i32.const 256))");
        let guest = Guest::new().on("configure", "(call $setup.timeless)").on("process", &body);
        refused(&guest, FaultKind::Refused, "a timeless detector has no time");
    }
}

#[test]
fn a_timeless_detector_is_never_advanced() {
    let guest = Guest::new().on("configure", "(call $setup.timeless)").on("advance", "(unreachable)");
    start(&guest).unwrap().advance(5, &mut Findings::default()).unwrap();
}

#[test]
fn the_part_is_given_back_when_the_call_ends_well_or_not() {
    for body in ["", "(unreachable)"] {
        let mut part = part(4);
        let mut instance = start(&Guest::new().on("process", body)).unwrap();
        instance.process(&part, &mut Findings::default()).ok();
        assert!(Arc::get_mut(&mut part).is_some(), "nobody else holds it");
    }
}
