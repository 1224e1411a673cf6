//! Garbage, and what is nearly right: nothing panics, nothing grows, and what goes out is what came in.
//!
//! `EYAS_FUZZ_STREAMS` sets how many streams are tried; the default is modest.

use eyas_codec::otlp::{Signal, json_of, requests, stream, stream_of_json};
use eyas_codec::{Encoder, Encoding, Form, Note, Notes, Plan, cut};
use eyas_event::{FieldType, Tags, Value};

use crate::random::{self, Random, pick};
use crate::support::{SHARDS, all, bytes, decode};
use crate::{decoding, encode};

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    // Keys and lengths that mean something.
    const MEANINGFUL: &[u8] = &[0, 1, 2, 0x0a, 0x12, 0x1a, 0x32, 0x2a, 0x3a, 0x09, 0x10, 0x18, 0x0b, 0x7f, 0x80, 0xff];
    for _ in 0..1 + random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, pick(random, MEANINGFUL)),
            4 => bytes.truncate(at),
            5 => bytes[at] = pick(random, MEANINGFUL),
            _ => {
                let other = random.below(bytes.len());
                bytes.swap(at, other);
            }
        }
    }
}

fn streams() -> usize {
    std::env::var("EYAS_FUZZ_STREAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(6000)
}

/// All that is done with a stream, whatever it is.
fn try_all(bytes_in: &[u8]) -> usize {
    let asked = all(&["time", "body.a", "attributes.a.b", "resource.a", "scope.attributes.a"].map(|path| (path, FieldType::Raw)));
    let decoded = decode(&decoding(), &[asked], bytes_in.to_vec());
    let mut end = 0;
    for &(from, to) in &decoded.events.spans {
        assert!(end <= from && from <= to && to as usize <= bytes_in.len());
        end = to;
    }
    for row in 0..decoded.events.len() {
        assert!(decoded.opaque.contains(&(row as u32)) || decoded.events.get(row).bytes.len() <= decoding().max_event_bytes);
    }
    for line in encode::lines(&decoded).split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
    }
    let plan = Plan::new(&decoding(), &[], SHARDS).unwrap();
    let untouched = Encoder::new(&plan).encode(&decoded.events, &decoded.namesakes, &Notes::default(), &[], Form::Otlp);
    if decoded.dead.is_empty() && decoded.namesakes.is_empty() {
        assert_eq!(bytes(&untouched), bytes_in);
    }
    let value = Value::Boolean(true);
    let is_log = |row: &u32| !decoded.opaque.contains(row);
    let rows = || (0..decoded.events.len() as u32).filter(is_log);
    let tags: Vec<_> = rows().step_by(2).map(|row| (row, Tags::FAULT)).collect();
    let annotations: Vec<_> = rows().step_by(3).map(|row| Note { row, detector: "d", name: "n", value: &value }).collect();
    let skip: Vec<_> = rows().step_by(5).collect();
    let notes = Notes { tags: &tags, annotations: &annotations, lines: &[] };
    let out = bytes(&Encoder::new(&plan).encode(&decoded.events, &decoded.namesakes, &notes, &skip, Form::Otlp));
    // What goes out is whole, and has all events but the skipped ones.
    let again = decode(&decoding(), &[], out);
    assert_eq!((again.dead, again.events.len()), (Vec::new(), decoded.events.len() - skip.len()));
    decoded.events.len()
}

/// All that is done with requests, and with the stream form without a look at what is in it.
fn try_outside(bytes_in: &[u8]) {
    for signal in [Signal::Logs, Signal::Metrics, Signal::Traces] {
        if let Ok(stream) = stream(signal, bytes_in.to_vec()) {
            assert!(stream.len() <= bytes_in.len(), "nothing so small is split");
            try_all(&stream);
        }
        let json = json_of(signal, bytes_in);
        assert!(stream_of_json(signal, &json).is_ok() || json.len() > 500, "{}", String::from_utf8_lossy(&json));
    }
    assert!(requests(bytes_in).map(|(_, request)| request.len()).sum::<usize>() <= bytes_in.len() * 2);
    for most in [1, 7, 100] {
        assert!((1..=bytes_in.len().max(1)).contains(&cut(&Encoding::Otlp, bytes_in, most).max(1)));
        assert!(Form::Otlp.head(bytes_in, most) <= bytes_in.len());
    }
    if let Some((left, right)) = Form::Otlp.halve(bytes_in) {
        assert!(!left.is_empty() && !right.is_empty() && left.len() + right.len() <= bytes_in.len() * 2);
    }
}

#[test]
fn mutated_streams_hurt_nobody() {
    let mut random = Random(0x5eed);
    let mut events = 0;
    for _ in 0..streams() {
        let mut stream = random::stream(&mut random, 4, 4);
        mutate(&mut random, &mut stream);
        events += try_all(&stream);
        try_outside(&stream);
    }
    assert!(events > streams() / 2, "{events}");
}

#[test]
fn random_bytes_hurt_nobody() {
    let mut random = Random(0xbad);
    for _ in 0..streams() {
        let stream: Vec<u8> =
            (0..random.below(200)).map(|_| pick(&mut random, &[0x0a, 0x12, 0x1a, 1, 2, 3, 7, 0x32, 0x80, 0xff])).collect();
        try_all(&stream);
        try_outside(&stream);
    }
}

#[test]
fn mutated_json_is_refused_or_read() {
    let mut random = Random(0x15);
    let mut read = 0;
    for _ in 0..streams() {
        let whole = random::stream(&mut random, 3, 3);
        let Some((signal, request)) = requests(&whole).next() else { continue };
        let mut json = json_of(signal, &request);
        for _ in 0..1 + random.below(3) {
            if !json.is_empty() {
                let at = random.below(json.len());
                json[at] = pick(&mut random, b"\"{}[]:,0123-.eE \\xnull");
            }
        }
        if let Ok(stream) = stream_of_json(signal, &json) {
            try_all(&stream);
            read += 1;
        }
    }
    assert!(read > streams() / 100, "{read}");
}
