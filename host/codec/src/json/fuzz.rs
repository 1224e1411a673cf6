//! The walk and the templates against `serde_json`: on lines mutated at random they accept, reject and read alike.
//!
//! `EYAS_FUZZ_LINES` sets how many lines are tried; the default is modest.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use eyas_event::{Field, FieldType, Subscription};
use serde_json::Value;

use super::scan::{Native, Padded, Portable, Scan};
use super::string::unescape;
use super::{Kind, Slot};
use crate::decode::{Line, Lines};
use crate::{Decoding, Plan, Sharding};

/// Paths that the lines have, some of them within others.
const PATHS: [&str; 10] = [
    "timestamp",
    "event_type",
    "source_ip",
    "geo_location.country",
    "geo_location.latitude",
    "geo_location",
    "bytes_transferred",
    "tags",
    "a.b",
    "a.b.c",
];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % bound as u64) as usize
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

/// Bytes that mean something to JSON or to the scans.
const MEANINGFUL: &[u8] = b"\"\"\\\\{}[]:,0123-.eE+ \t\r\x00\x7f\x80\xff\xc3\xed\xa0untfas/";

/// A string's inside: long and short, with runs of backslashes, characters of all lengths, and half a surrogate pair.
fn inside(random: &mut Random) -> String {
    let n = random.below(70);
    match random.below(10) {
        0 => format!("{}{}", "x".repeat(n), "\\\\".repeat(random.below(40))),
        1 => format!("{}\\\"q", "\\\\".repeat(random.below(20))),
        2 => "São \\u00e9 \\ud83d\\ude00 日本 \\/\\b\\f\\n\\r\\t".to_owned(),
        3 => "a,b:{}[]\\n".to_owned(),
        4 => String::new(),
        5 => "\\ud800".to_owned(),
        6 => "é".repeat(n),
        7 => "10.0.0.1".to_owned(),
        _ => "y".repeat(n),
    }
}

fn number(random: &mut Random) -> &'static str {
    const NUMBERS: [&str; 22] = [
        "0",
        "-0",
        "-5",
        "01",
        "1e5",
        "1.5",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1E-7",
        "12345678",
        "123456789012345",
        "1234567890123456",
        "12345678901234567",
        "1234567890123456.5",
        "0.1234567890123456",
        "9223372036854775807",
        "92233720368547758070",
        "1e999",
        "-0.0",
    ];
    random.pick(&NUMBERS)
}

fn value(random: &mut Random, depth: usize) -> String {
    let space = random.pick(&["", "", "", " ", "\t "]);
    match random.below(if depth > 3 { 6 } else { 8 }) {
        0 | 1 => format!("\"{}\"", inside(random)),
        2 => number(random).to_owned(),
        3 => random.pick(&["null", "true", "false"]).to_owned(),
        4 => random.pick(&["{}", "[]", "[ ]", "{ }"]).to_owned(),
        5 => "1".to_owned(),
        6 => {
            let items: Vec<_> = (0..random.below(4)).map(|_| value(random, depth + 1)).collect();
            format!("[{space}{}{space}]", items.join(","))
        }
        _ => object(random, depth + 1),
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    const KEYS: [&str; 16] = [
        "timestamp",
        "event_type",
        "source_ip",
        "geo_location",
        "country",
        "latitude",
        "bytes_transferred",
        "tags",
        "a",
        "b",
        "c",
        "a.b",
        "b.c",
        "a.b.c",
        "\\u0061",
        "geo_location.country",
    ];
    let space = random.pick(&["", "", "", " ", "\t "]);
    let member = |random: &mut Random| {
        let key = if random.below(6) == 0 { inside(random) } else { random.pick(&KEYS).to_owned() };
        format!("{space}\"{key}\"{space}:{space}{}{space}", value(random, depth))
    };
    let members: Vec<_> = (0..random.below(7)).map(|_| member(random)).collect();
    format!("{{{}}}", members.join(","))
}

/// A line of a usual log, always of the same shape, so that templates read it.
fn usual(random: &mut Random) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-02 08:00:{:02}\",\"event_type\":\"{}\",\"source_ip\":\"10.0.{}.1\",\"user\":{},\"tags\":{},\
         \"bytes_transferred\":{},\"geo_location\":{{\"country\":\"{}\",\"city\":\"São Paulo\",\"latitude\":{}}}}}",
        random.below(60),
        random.pick(&["authentication", "network_connection"]),
        random.below(256),
        random.pick(&["null", "\"root\"", "true"]),
        random.pick(&["[]", "[\"a\",\"b\"]", "[[1,{\"a.b\":2}]]", "{\"a\":1}"]),
        random.pick(&["17", "-4.25", "123456789012345678"]),
        random.pick(&["DE", "BR"]),
        random.pick(&["52.52", "-23.55"]),
    )
}

fn mutate(random: &mut Random, line: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        if line.is_empty() {
            return;
        }
        let at = random.below(line.len());
        match random.below(7) {
            0 => line[at] = random.below(256) as u8,
            1 => line[at] ^= 1 << random.below(8),
            2 => drop(line.remove(at)),
            3 => line.insert(at, random.pick(MEANINGFUL)),
            4 => line.truncate(at),
            5 => line[at] = random.pick(MEANINGFUL),
            _ => {
                let other = random.below(line.len());
                line.swap(at, other);
            }
        }
    }
    line.retain(|&byte| byte != b'\n');
}

/// What `serde_json` says.
enum Verdict {
    Event(Value),
    /// An event, but with a number that `serde_json` finds out of range: it gives no values then.
    Valid,
    Dead,
    /// Such a number and an escape, which it then does not check.
    Unsure,
}

fn reference(line: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(line) else { return Verdict::Dead };
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => Verdict::Event(value),
        Err(error) if error.to_string().contains("out of range") => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) if text.contains("\\u") => Verdict::Unsure,
            Ok(_) if text.trim_start().starts_with('{') => Verdict::Valid,
            _ => Verdict::Dead,
        },
        _ => Verdict::Dead,
    }
}

/// All values at a path, split at any of its points. Where there are several the order of the text decides, which `serde_json` does not
/// keep: then any of them may be ours.
fn look_up<'a>(object: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    for (key, value) in object.as_object().unwrap() {
        if key == path {
            found.push(value);
        } else if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.'))
            && value.is_object()
        {
            look_up(value, rest, found);
        }
    }
}

fn matches(slot: Slot, bytes: &[u8], wanted: Option<&Value>) -> bool {
    match (slot.kind(), wanted) {
        (Kind::Absent, None)
        | (Kind::Null, Some(Value::Null))
        | (Kind::True, Some(Value::Bool(true)))
        | (Kind::False, Some(Value::Bool(false))) => true,
        (Kind::Text, Some(Value::String(text))) => slot.bytes(bytes) == text.as_bytes(),
        (Kind::Escaped, Some(Value::String(text))) => {
            let mut unescaped = Vec::new();
            unescape(slot.bytes(bytes), &mut unescaped);
            unescaped == text.as_bytes()
        }
        (Kind::Integer | Kind::Number | Kind::List | Kind::Object, Some(value)) => {
            serde_json::from_slice::<Value>(slot.raw(bytes)).is_ok_and(|own| own == *value)
        }
        _ => false,
    }
}

/// What our reading says of each line, by where it starts: its slots, or none.
fn read<S: Scan>(plan: &Plan, lines: &mut Lines, bytes: Padded<'_>, end: usize) -> BTreeMap<usize, Option<Vec<Slot>>> {
    let mut all = BTreeMap::new();
    let mut at = 0;
    while let Some(line) = lines.next::<S>(plan, bytes, at..end) {
        match line {
            Line::Event { span, next } => {
                all.insert(span.start, Some(lines.slots()[..PATHS.len()].to_vec()));
                at = next;
            }
            Line::Dead { span, next, .. } | Line::Opaque { span, next } => {
                all.insert(span.start, None);
                at = next;
            }
        }
    }
    all
}

#[test]
fn mutated_lines_are_read_as_serde_json_reads_them() {
    let count = std::env::var("EYAS_FUZZ_LINES").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let fields = PATHS.iter().map(|&path| Field { path: path.to_owned(), kind: FieldType::Raw }).collect();
    let all = Subscription { fields, timeless: true, ..Subscription::default() };
    let plan = Plan::new(&Decoding::default(), &[all], Sharding { shards: 1, seed: 0 }).unwrap();
    let (mut native, mut portable) = (Lines::new(&plan), Lines::new(&plan));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut tried, mut accepted, mut compared) = (0, 0, 0);
    while tried < count {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for _ in 0..100 {
            let mut line = if random.below(2) == 0 { usual(&mut random) } else { object(&mut random, 0) }.into_bytes();
            if random.below(3) > 0 {
                mutate(&mut random, &mut line);
            }
            starts.push((bytes.len(), line.clone()));
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        let end = bytes.len();
        // Behind the slice stand other bytes, hostile ones.
        (0..64).for_each(|_| bytes.push(random.pick(b"\"\\{}x\n\xff1,:")));
        let ours = read::<Native>(&plan, &mut native, Padded::new(&bytes), end);
        assert_eq!(ours, read::<Portable>(&plan, &mut portable, Padded::new(&bytes), end));
        for (start, line) in starts {
            if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                assert_eq!(ours.get(&start), None);
                continue;
            }
            tried += 1;
            let shown = String::from_utf8_lossy(&line);
            let (own, wanted) = (ours.get(&start).unwrap(), reference(&line));
            if !matches!(wanted, Verdict::Unsure) {
                assert_eq!(own.is_some(), !matches!(wanted, Verdict::Dead), "{shown}");
            }
            let Some(slots) = own else { continue };
            accepted += 1;
            let Verdict::Event(wanted) = wanted else { continue };
            for (path, &slot) in PATHS.iter().zip(slots) {
                let mut found = Vec::new();
                look_up(&wanted, path, &mut found);
                if found.len() < 2 {
                    compared += 1;
                    assert!(matches(slot, &bytes, found.first().copied()), "{path}: {slot:?} is not {found:?} in {shown}");
                } else {
                    assert!(
                        found.iter().any(|found| matches(slot, &bytes, Some(found))),
                        "{path}: {slot:?} is none of {found:?} in {shown}"
                    );
                }
            }
        }
    }
    assert!(
        accepted > tried / 4 && accepted < tried * 3 / 4 && compared > accepted * 8,
        "{tried} tried, {accepted} accepted, {compared} compared"
    );
}
