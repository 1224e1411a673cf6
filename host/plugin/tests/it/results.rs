//! All that a guest gives is checked: what is wrong is a fault that says what, and nothing is cut.

use eyas_event::{Annotation, Place, Value};
use eyas_hostile::{AlertRecord, Guest};
use eyas_plugin::{FaultKind, Findings};

use crate::support::{part, process, refused, start};

/// A guest that reports one alert in `process`, changed by the test.
fn reports(change: impl FnOnce(&mut Guest, &mut AlertRecord)) -> Guest {
    let mut guest = Guest::new();
    let mut alert = AlertRecord::new(&mut guest);
    change(&mut guest, &mut alert);
    let record = alert.put(&mut guest);
    guest.on("process", &format!("(drop (call $results.report {record}))"))
}

/// A guest that annotates row 0 with a value of this case.
fn annotates(case: u32, word: &str, length: usize) -> Guest {
    let mut guest = Guest::new();
    let name = guest.text("n");
    guest.on("process", &format!("(call $results.annotate (i32.const 0) {name} (i32.const {case}) {word} (i32.const {length}))"))
}

/// The same with bytes in its memory: a text, an address, a JSON value.
fn annotates_with(case: u32, bytes: &[u8]) -> Guest {
    let mut guest = Guest::new();
    let (name, value) = (guest.text("n"), guest.bytes(bytes));
    let value = format!("(i64.const {value}) (i32.const {})", bytes.len());
    guest.on("process", &format!("(call $results.annotate (i32.const 0) {name} (i32.const {case}) {value})"))
}

const TEXT: u32 = 0;
const F64: u32 = 3;
const IP: u32 = 6;
const JSON: u32 = 7;

#[test]
fn right_results_come_through() {
    let found = process(&reports(|_, _| ())).unwrap();
    assert_eq!((found.alerts.len(), found.alerts[0].place, found.alerts[0].end), (1, Place::Row(0), Some(10)));
    let found = process(&annotates_with(JSON, br#"{"a":[1,null]}"#)).unwrap();
    let value = Value::Json(r#"{"a":[1,null]}"#.to_owned());
    assert_eq!(found.annotations, [Annotation { row: 0, name: "n".to_owned(), value }]);
    assert_eq!(process(&annotates_with(IP, &[1; 16])).unwrap().annotations[0].value, Value::Ip([1; 16]));
}

#[test]
fn values_that_are_none_are_refused() {
    for (guest, says) in [
        (annotates(F64, "(i64.const 0x7ff8000000000000)", 0), "NaN is no value"),
        (annotates(F64, "(i64.const 0x7ff0000000000000)", 0), "inf is no value"),
        (annotates_with(IP, &[1; 4]), "an address of 4 bytes"),
        (annotates_with(JSON, b"{\"a\":1"), "a json value that is none"),
        (annotates_with(JSON, b"1 2"), "a json value that is none"),
        (annotates_with(JSON, b""), "a json value that is none"),
        (annotates_with(TEXT, b"\xff\xfe"), "utf-8"),
        (annotates(TEXT, "(i64.const 0x7fffff00)", 8), "out of bounds"),
        (annotates(99, "(i64.const 0)", 0), "discriminant"),
    ] {
        refused(&guest, FaultKind::Refused, says);
    }
}

#[test]
fn rows_that_do_not_exist_are_refused() {
    let mut guest = Guest::new();
    let text = guest.text("n");
    let annotate = format!("(call $results.annotate (i32.const 4) {text} (i32.const 1) (i64.const 0) (i32.const 0))");
    for call in [
        annotate,
        format!("(call $results.row-error (i32.const 4) {text})"),
        "(call $results.progress (i32.const 4))".to_owned(),
        "(call $batch.event (i32.const 4) (i32.const 256))".to_owned(),
        "(call $batch.key (i32.const -1) (i32.const 256))".to_owned(),
    ] {
        refused(&guest.clone().on("process", &call), FaultKind::Refused, "there is no row");
    }
    let drops = guest.on("configure", "(call $setup.drops)").on("process", "(call $results.drop (i32.const 4))");
    refused(&drops, FaultKind::Refused, "there is no row 4, the call has 4");
}

#[test]
fn a_drop_must_be_announced() {
    let guest = Guest::new().on("process", "(call $results.drop (i32.const 1))");
    refused(&guest, FaultKind::Refused, "a drop that was not announced");
    assert_eq!(process(&guest.on("configure", "(call $setup.drops)")).unwrap().drops, [1]);
}

#[test]
fn alerts_that_break_the_contract_are_refused() {
    let changed = |at: usize, bytes: &'static [u8]| reports(move |_, alert| alert.set(at, bytes));
    for (guest, says) in [
        (changed(AlertRecord::SEVERITY, &[101]), "a severity of 101"),
        (changed(AlertRecord::STATE, &[3]), "discriminant"),
        (reports(|_, alert| alert.list(0, 0, 0)), "without a rule"),
        (reports(|_, alert| alert.time(AlertRecord::START, None)), "without start and end"),
        (reports(|_, alert| alert.time(AlertRecord::END, None)), "without start and end"),
        (reports(|_, alert| alert.time(AlertRecord::END, Some(0))), "does not end after its start"),
        (reports(|guest, alert| alert.facts(guest, AlertRecord::ENTITIES, &["a", "b", "a"])), "\"a\" is given twice among the entities"),
        (reports(|guest, alert| alert.facts(guest, AlertRecord::FACTS, &["a", "a"])), "given twice among the facts"),
        (reports(|guest, alert| alert.facts(guest, AlertRecord::FACTS, &[""])), "is empty"),
        (changed(AlertRecord::MERGED, &[1]), "does not close"),
        (changed(AlertRecord::SCORE, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]), "inf is no value"),
        (reports(|_, alert| alert.list(AlertRecord::EVIDENCE, 0, 1)), "evidence that `batch.references` never gave"),
        (reports(|_, alert| alert.list(AlertRecord::TITLE, 0xffff_0000, 4)), "out of bounds"),
    ] {
        refused(&guest, FaultKind::Refused, says);
    }
    // The same name once among the entities and once among the facts is no contradiction.
    let both = reports(|guest, alert| {
        alert.facts(guest, AlertRecord::ENTITIES, &["a"]);
        alert.facts(guest, AlertRecord::FACTS, &["a"]);
    });
    process(&both).unwrap();
}

#[test]
fn lies_about_places_are_refused() {
    let at = |kind: u8, place: i64| {
        reports(move |_, alert| {
            alert.set(AlertRecord::PLACE, &[kind]);
            alert.set(AlertRecord::PLACE + 8, &place.to_le_bytes());
        })
    };
    refused(&at(0, 4), FaultKind::Refused, "there is no row 4");
    // The watermark of the last of four rows is -7.
    refused(&at(1, -6), FaultKind::Refused, "an alert placed at the timer -6, which the watermark -7 has not reached");
    assert_eq!(process(&at(1, -7)).unwrap().alerts[0].place, Place::Timer(-7));
}

#[test]
fn in_advance_and_flush_there_are_no_rows() {
    let mut guest = Guest::new();
    let mut alert = AlertRecord::new(&mut guest);
    let at_row = format!("(drop (call $results.report {}))", alert.put(&mut guest));
    alert.set(AlertRecord::PLACE, &[1]);
    alert.set(AlertRecord::PLACE + 8, &100i64.to_le_bytes());
    let at_timer = format!("(drop (call $results.report {}))", alert.put(&mut guest));
    let mut findings = Findings::default();

    let mut advances = |body: &str, watermark| start(&guest.clone().on("advance", body)).unwrap().advance(watermark, &mut findings);
    assert!(advances(&at_row, 100).unwrap_err().message.contains("there is no row 0 in advance"));
    assert!(advances(&at_timer, 99).unwrap_err().message.contains("has not reached"));
    advances(&at_timer, 100).unwrap();

    let mut flushes = |body: &str| start(&guest.clone().on("flush", body)).unwrap().flush(&mut findings);
    assert!(flushes(&at_row).unwrap_err().message.contains("there is no row 0 in flush"));
    flushes(&at_timer).unwrap();
}

#[test]
fn a_timeless_detector_may_leave_out_start_and_end() {
    let guest = reports(|_, alert| {
        alert.time(AlertRecord::START, None);
        alert.time(AlertRecord::END, None);
    });
    assert_eq!(process(&guest.on("configure", "(call $setup.timeless)")).unwrap().alerts[0].start, None);
}

#[test]
fn a_gigabyte_of_alerts_is_stopped_at_the_limit() {
    let mut guest = Guest::new();
    let alert = AlertRecord::new(&mut guest);
    let call = format!("(loop $again (drop (call $results.report {})) (br $again))", alert.put(&mut guest));
    refused(&guest.on("process", &call), FaultKind::Limit, "all that one call gives may take");
}

#[test]
fn annotations_and_row_errors_without_end_are_stopped_at_the_limit() {
    let mut guest = Guest::new();
    let text = guest.text("n");
    for call in [
        format!("(call $results.annotate (i32.const 0) {text} (i32.const 1) (i64.const 0) (i32.const 0))"),
        format!("(call $results.row-error (i32.const 0) {text})"),
    ] {
        refused(&guest.clone().on("process", &format!("(loop $again {call} (br $again))")), FaultKind::Limit, "");
    }
}

#[test]
fn a_million_strings_on_one_megabyte_are_stopped_by_the_fuel() {
    // A list of techniques: 100,000 times the same text of a megabyte, or of nothing.
    for length in [1 << 20, 0] {
        let guest = reports(|_, alert| alert.list(AlertRecord::TECHNIQUES, 1 << 20, 1_000_000));
        let fill = format!(
            "(drop (memory.grow (i32.const 256)))
             (local.set $i (i32.const {})) (loop $again
                (i32.store (local.get $i) (i32.const 0)) (i32.store offset=4 (local.get $i) (i32.const {length}))
                (local.set $i (i32.add (local.get $i) (i32.const 8)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const {}))))",
            1 << 20,
            (1 << 20) + 8_000_000
        );
        // The list is there before `process` reports it.
        refused(&guest.on("configure", &fill), FaultKind::Limit, "too much data");
    }
}

#[test]
fn texts_and_names_have_an_end() {
    let long = "x".repeat(70_000);
    refused(&annotates_with(TEXT, long.as_bytes()), FaultKind::Limit, "70000 bytes of a text are more than 65536");
    let title = reports(|guest, alert| {
        let text = guest.bytes(long.as_bytes());
        alert.list(AlertRecord::TITLE, text, long.len() as u32);
    });
    refused(&title, FaultKind::Limit, "bytes of a title");
    let mut guest = Guest::new();
    let name = guest.text(&long[..300]);
    let guest = guest.on("process", &format!("(call $results.count {name} (i64.const 1))"));
    refused(&guest, FaultKind::Limit, "300 bytes of a name");
}

#[test]
fn counters_add_up_and_gauges_keep_the_last() {
    let mut guest = Guest::new();
    let (a, b) = (guest.text("a"), guest.text("b"));
    let count = format!("(call $results.count {a} (i64.const 2)) (call $results.count {b} (i64.const -1))");
    let gauge = format!("(call $results.gauge {a} (i64.const -5)) (call $results.gauge {a} (i64.const 7))");
    let found = process(&guest.on("process", &format!("{count} {count} {gauge}"))).unwrap();
    assert_eq!(found.counts, [("a".to_owned(), 4), ("b".to_owned(), u64::MAX)]);
    assert_eq!(found.gauges, [("a".to_owned(), 7)]);
}

#[test]
fn names_of_measures_without_end_are_stopped() {
    // The name is the eight bytes of the counter itself, changed each time.
    let mut guest = Guest::new();
    let name = guest.bytes(b"aaaaaaaa");
    let call = format!(
        "(loop $again (i32.store (i32.const {name}) (local.get $i)) (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (call $results.count (i32.const {name}) (i32.const 8) (i64.const 1)) (br_if $again (i32.lt_u (local.get $i) (i32.const 120))))"
    );
    refused(&guest.on("process", &call), FaultKind::Limit, "names of measures");
}

#[test]
fn findings_of_an_earlier_call_do_not_stay() {
    let mut instance = start(&reports(|_, _| ())).unwrap();
    let mut findings = Findings::default();
    for _ in 0..3 {
        instance.process(&part(4), &mut findings).unwrap();
        assert_eq!(findings.alerts.len(), 1);
    }
    instance.flush(&mut findings).unwrap();
    assert_eq!(findings, Findings::default());
}

#[test]
fn the_id_of_an_alert_is_the_hosts_own() {
    let mut guest = Guest::new();
    let (rule, key, name) = (guest.text("r"), guest.text("k"), guest.text("id"));
    // Pointer and length of the id come to 256; it goes out again as a text.
    let call = format!(
        "(call $results.alert-id {rule} {key} (i32.const 256))
         (call $results.annotate (i32.const 0) {name} (i32.const 0) (i64.load32_u (i32.const 256)) (i32.load (i32.const 260)))"
    );
    let found = process(&guest.on("process", &call)).unwrap();
    assert_eq!(found.annotations[0].value, Value::Text(eyas_event::alert_id("watch", "r", "k")));
}
