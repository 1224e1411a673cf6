//! CSV in, and framing of both encodings.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use eyas_codec::{DeadReason, Decoded, Decoding, Encoding, Framing, Sharding, cut, first_record};
use eyas_event::{CellState, Condition, FieldType, Subscription, Test, Values};
use proptest::prelude::*;
use support::{all, decoder, slice, time};

fn csv(delimiter: u8, columns: &[&str]) -> Encoding {
    Encoding::Csv { delimiter, header: columns.is_empty(), columns: columns.iter().map(|&column| column.to_owned()).collect() }
}

fn decode(encoding: Encoding, header: Option<&str>, subscriptions: &[Subscription], bytes: &[u8]) -> Decoded {
    let decoding = Decoding { encoding, time: time("t", "rfc3339"), ..Decoding::default() };
    let mut slice = slice(bytes);
    slice.header = header.map(|header| header.as_bytes().into());
    decoder(&decoding, subscriptions).decode(&slice, 0)
}

fn events(decoded: &Decoded) -> Vec<String> {
    (0..decoded.events.len()).map(|row| String::from_utf8(decoded.events.get(row).bytes.to_vec()).unwrap()).collect()
}

#[test]
fn a_record_becomes_an_object_of_strings() {
    let decoded = decode(
        csv(b',', &[]),
        Some("\u{feff}t,\"a \"\"b\"\"\",c.d\r\n"),
        &[],
        b"2026-01-01T00:00:00Z,1,x\r\n,\"q \"\"u\"\"\n,\",\xc3\xa9\n\n",
    );
    assert_eq!(
        events(&decoded),
        [
            "{\"t\":\"2026-01-01T00:00:00Z\",\"a \\\"b\\\"\":\"1\",\"c.d\":\"x\"}",
            "{\"t\":\"\",\"a \\\"b\\\"\":\"q \\\"u\\\"\\n,\",\"c.d\":\"é\"}"
        ]
    );
    assert_eq!((decoded.events.get(1).reference.position, decoded.times[0]), (26, 1_767_225_600_000_000_000));
}

#[test]
fn types_come_from_the_subscription() {
    use CellState::{Null, OtherType, OutOfRange, Valid};
    let kinds = [
        ("s", FieldType::S64),
        ("u", FieldType::U64),
        ("f", FieldType::F64),
        ("b", FieldType::Boolean),
        ("i", FieldType::Ip),
        ("x", FieldType::Text),
    ];
    let decoded = decode(
        csv(b';', &["s", "u", "f", "b", "i", "x"]),
        None,
        &[all(&kinds)],
        b"-7;007;1e2;TRUE;::1;x\n1.5;-1;1e999;yes;h;\n+3;;;;;\"\"\n",
    );
    let columns = &decoded.parts[0].columns;
    let states: Vec<&[u8]> = columns.iter().map(|column| column.states.as_slice()).collect();
    let state = |a, b, c| vec![a as u8, b as u8, c as u8];
    assert_eq!(states[0], state(Valid, OtherType, Valid));
    assert_eq!(states[1], state(Valid, OutOfRange, Null));
    assert_eq!(states[2], state(Valid, OutOfRange, Null));
    assert_eq!(states[3], state(Valid, OtherType, Null));
    assert_eq!(states[4], state(Valid, OtherType, Null));
    assert_eq!(states[5], state(Valid, Null, Null));
    let (Values::S64(signed), Values::U64(unsigned)) = (&columns[0].values, &columns[1].values) else { unreachable!() };
    assert_eq!((signed.as_slice(), unsigned.as_slice()), (&[-7, 0, 3][..], &[7, 0, 0][..]));
    assert_eq!(decoded.invalid[0][5].null, 2);
}

#[test]
fn conditions_read_what_they_ask_for() {
    let when = |path: &str, test| Subscription { conditions: vec![Condition { path: path.to_owned(), test, negate: false }], ..all(&[]) };
    let subscriptions = [
        when("port", Test::Integer(vec![22, 443])),
        when("port", Test::Number { at_least: Some(100.0), below: None }),
        when("ok", Test::Boolean(true)),
        when("ok", Test::Present),
        when("port", Test::Text(vec!["22".to_owned()])),
    ];
    let decoded = decode(csv(b'\t', &["port", "ok"]), None, &subscriptions, b"22\ttrue\n443\t\n80\tfalse\n");
    let rows: Vec<_> = (0..5).map(|subscription| decoded.parts[subscription * 2].rows.clone()).collect();
    assert_eq!(rows, [vec![0, 1], vec![1], vec![0], vec![0, 2], vec![0]]);
}

#[test]
fn what_does_not_fit_the_columns_is_a_dead_letter_in_its_place() {
    let bytes = b"1,2\n3\n4,5,6\n\xff,7\n8,9\n\"open,\n";
    let decoded = decode(csv(b',', &["a", "b"]), None, &[], bytes);
    let dead: Vec<_> =
        decoded.dead.iter().map(|dead| (dead.before_row, dead.position, &bytes[dead.range.clone()], dead.reason.clone())).collect();
    let fields = |found| DeadReason::Fields { expected: 2, found };
    assert_eq!(
        dead,
        [
            (1, 4, &b"3"[..], fields(1)),
            (1, 6, b"4,5,6", fields(3)),
            (1, 12, b"\xff,7", DeadReason::Utf8 { at: 0 }),
            (2, 20, b"\"open,", DeadReason::OpenQuote),
        ]
    );
    assert_eq!(dead[0].3.to_string(), "1 fields where 2 are expected");
    assert_eq!(events(&decoded), ["{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"8\",\"b\":\"9\"}"]);
    let headless = decode(csv(b',', &[]), None, &[], b"1,2\n");
    assert_eq!((headless.events.len(), headless.dead[0].reason.clone()), (0, DeadReason::NoHeader));
}

#[test]
fn the_first_time_of_a_slice_is_the_first_that_can_be_read() {
    let decoding = Decoding { encoding: csv(b',', &["t", "x"]), time: time("t", "rfc3339"), ..Decoding::default() };
    let mut csv = decoder(&decoding, &[]);
    assert_eq!(csv.first_time(&slice("2026-01-01T00:00:00Z,\"\n\"\nx,y\n")), Some(1_767_225_600_000_000_000));
    assert_eq!(csv.first_time(&slice("\nx,y\n2026-01-01T00:00:00Z,x\n")), Some(1_767_225_600_000_000_000));
    assert_eq!(csv.first_time(&slice("x,y\n")), None);
    let decoding = Decoding { time: time("t", "rfc3339"), ..Decoding::default() };
    let mut ndjson = decoder(&decoding, &[]);
    assert_eq!(ndjson.first_time(&slice("\u{feff}{\"t\":\"2026-01-01T00:00:00Z\"}\n{}\n")), Some(1_767_225_600_000_000_000));
    let first = Some(1_767_225_600_000_000_000);
    for before in ["\n\r\n", "{}\n", "{\n", "{\"t\":\"x\"}\n"] {
        assert_eq!(
            ndjson.first_time(&slice(format!("{before}{{\"t\":\"2026-01-01T00:00:00Z\"}}\n{{\"t\":\"2025-01-01T00:00:00Z\"}}\n"))),
            first
        );
    }
    assert_eq!(ndjson.first_time(&slice("{}\n")), None);
    assert_eq!(ndjson.first_time(&slice("")), None);
}

#[test]
fn a_cut_holds_at_most_so_many_events() {
    let json = b"{}\n{}\n{}\n";
    assert_eq!([0, 1, 2, 3, 4].map(|events| cut(&Encoding::Ndjson, json, events)), [0, 3, 6, 9, 9]);
    let many = "{}\n".repeat(100_000);
    for events in [1, 21_845, 21_846, 50_000, 99_999, 100_000, 100_001] {
        assert_eq!(cut(&Encoding::Ndjson, many.as_bytes(), events), 3 * events.min(100_000));
    }
    let records = b"1,\"\n\"\n2,x\n";
    assert_eq!([1, 2, 3].map(|events| cut(&csv(b',', &["a", "b"]), records, events)), [6, 10, 10]);
    assert_eq!(first_record(&csv(b',', &[]), b"\"a\nb\",c\n1,2\n"), Some(8));
    assert_eq!(first_record(&csv(b',', &[]), b"\"a\nb"), None);
}

proptest! {
    #[test]
    fn fields_are_those_that_the_csv_crate_reads(text in "[a,;\"\n é]{0,60}") {
        let text = format!("{text}\n");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n')).from_reader(text.as_bytes());
        let records: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let closed = csv_is_closed(&text);
        for (number, record) in records.iter().enumerate() {
            if number + 1 == records.len() && !closed {
                break;
            }
            let names: Vec<String> = (0..record.len()).map(|column| column.to_string()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let decoded = decode(csv(b',', &names), None, &[], text.as_bytes());
            let object = events(&decoded).into_iter().find(|event| {
                let event: serde_json::Value = serde_json::from_str(event).unwrap();
                record.iter().enumerate().all(|(column, field)| event[column.to_string()] == **field)
            });
            prop_assert!(object.is_some(), "{:?} of {:?} is not in {:?}", record, text, events(&decoded));
            let same = records.iter().filter(|other| other.len() == record.len()).count();
            let ours = decoded.events.len() + usize::from(!closed && records.last().is_some_and(|last| last.len() == record.len()));
            prop_assert_eq!(ours, same, "{:?}", text);
        }
    }

    #[test]
    fn framing_finds_the_same_events_however_the_bytes_come(text in "[a,\"\n]{0,80}", steps in prop::collection::vec(1usize..9, 1..80), json: bool, take: bool) {
        let encoding = if json { Encoding::Ndjson } else { csv(b',', &["a"]) };
        let all = Framing::new(&encoding).whole(text.as_bytes());
        let mut framing = Framing::new(&encoding);
        let (mut from, mut to, mut whole) = (0, 0, 0);
        for step in steps.into_iter().cycle() {
            to = (to + step).min(text.len());
            let found = framing.whole(&text.as_bytes()[from..to]);
            whole = from + found;
            if take {
                framing.taken(found);
                from += found;
            }
            if to == text.len() {
                break;
            }
        }
        prop_assert_eq!(whole, all);
    }
}

/// Whether the last record ends outside quotes, by a plain reading of the rules.
fn csv_is_closed(text: &str) -> bool {
    Framing::new(&csv(b',', &["a"])).whole(text.as_bytes()) == text.len()
}

#[test]
fn a_plan_says_what_it_cannot_do() {
    let plan = |decoding: &Decoding, shards| {
        eyas_codec::Plan::new(decoding, &[], Sharding { shards, seed: 0 }).map(|_| ()).unwrap_err().to_string()
    };
    let greedy = all(&vec![("a", FieldType::Text); 1025]);
    let error = eyas_codec::Plan::new(&Decoding::default(), &[greedy], Sharding { shards: 1, seed: 0 }).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the detectors ask for 1025 fields and conditions; 1024 are the most");
    assert_eq!(plan(&Decoding::default(), 0), "0 shards; from 1 to 256 are possible");
    let nameless = Encoding::Csv { delimiter: b',', header: false, columns: Vec::new() };
    assert_eq!(plan(&Decoding { encoding: nameless, ..Decoding::default() }, 1), "csv without a header needs the names of its columns");
    assert_eq!(
        plan(&Decoding { encoding: csv(b'"', &[]), ..Decoding::default() }, 1),
        "csv cannot be delimited by a quote or a line's end"
    );
}
