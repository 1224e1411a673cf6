//! What the tests of encodings that are no text share: values that were asked for, trees to compare them with, and bytes gone wrong.

use eyas_codec::{Decoded, Decoding, Encoder, Encoding, Form, Notes, Plan};
use eyas_event::{CellState, FieldType, Values};
use serde_json::Value as Json;

use super::{Random, SHARDS, all, bytes, decode};

/// The members of an object in their order, as another program reads them.
pub trait Tree: Clone {
    /// The members, if it is an object.
    fn members(&self) -> Option<Vec<(String, Self)>>;
    /// Its JSON form.
    fn json(&self) -> Json;
}

/// What stands at a path, which may be split at any of its points: of duplicate keys the last counts with all that is in it, and of what is
/// found the last.
pub fn look_up<T: Tree>(members: &[(String, T)], path: &str) -> Option<T> {
    let last_of = |(i, (key, _)): &(usize, &(String, T))| !members[i + 1..].iter().any(|(other, _)| other == key);
    let mut found = None;
    for (_, (key, value)) in members.iter().enumerate().filter(last_of) {
        let here = if key == path {
            Some(value.clone())
        } else {
            let rest = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.'));
            rest.and_then(|rest| look_up(&value.members()?, rest))
        };
        found = here.or(found);
    }
    found
}

pub fn decoding(encoding: Encoding) -> Decoding {
    Decoding { encoding, ..Decoding::default() }
}

/// What each row has at each path: nothing, or its JSON form.
pub fn values(decoding: &Decoding, stream: &[u8], paths: &[&str]) -> Vec<Vec<Option<Json>>> {
    let fields: Vec<_> = paths.iter().map(|&path| (path, FieldType::Raw)).collect();
    let decoded = decode(decoding, &[all(&fields)], stream);
    assert_eq!(decoded.dead, [], "no dead letters");
    let columns = &decoded.parts[0].columns;
    (0..decoded.parts[0].rows.len())
        .map(|row| {
            columns
                .iter()
                .map(|column| {
                    let Values::Raw(values) = &column.values else { unreachable!() };
                    match column.states.get(row).copied().unwrap_or_default() {
                        state if state == CellState::Absent as u8 => None,
                        state if state == CellState::Null as u8 => Some(Json::Null),
                        _ => Some(serde_json::from_slice(values.get(row)).unwrap()),
                    }
                })
                .collect()
        })
        .collect()
}

/// A stream decoded with nothing asked for, and encoded again.
pub fn encoded(decoding: &Decoding, stream: &[u8], notes: &Notes<'_>, skip: &[u32], form: Form) -> (Decoded, Vec<u8>) {
    let decoded = decode(decoding, &[], stream);
    let plan = Plan::new(decoding, &[], SHARDS).unwrap();
    let output = Encoder::new(&plan).encode(&decoded.events, &decoded.namesakes, notes, skip, form);
    (decoded, bytes(&output))
}

/// The lines of a text as JSON.
pub fn lines(text: &[u8]) -> Vec<Json> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Changes a few bytes.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
        match random.below(7) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, random.below(256) as u8),
            4 => bytes.truncate(at),
            5 => bytes[at] = [0xff, 0x80, 0x7f, 0xdf, 0xdd, 0xc6, 0xc1, 0x0a][random.below(8)],
            _ => bytes.swap(at, other),
        }
    }
}

/// Whether each byte of the events is one of an event or of a dead letter, and of one only; gives how many bytes are of neither.
pub fn between(decoded: &Decoded, length: usize) -> usize {
    let mut places: Vec<_> = decoded.events.spans.iter().map(|&(start, end)| (start as usize, end as usize)).collect();
    places.extend(decoded.dead.iter().map(|dead| (dead.range.start, dead.range.end)));
    places.sort_unstable();
    let mut at = 0;
    let mut between = 0;
    for (start, end) in places {
        assert!(start >= at && end > start, "{start} to {end} behind {at}");
        between += start - at;
        at = end;
    }
    assert!(at <= length);
    between + length - at
}
