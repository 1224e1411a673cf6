//! What Fluent Bit itself sent.

use std::borrow::Cow;
use std::io::Read;

use eyas_codec::forward::{Compression, Entries, Scanner, ack, frame, parse, read_ack};
use eyas_codec::{Decoding, Form, Notes};
use eyas_event::Tags;
use rmpv::Value;
use serde_json::{Value as Json, json};

use super::support::binary::{encoded, lines};
use super::support::{decode, time};
use super::{forward, read};

fn sent() -> Vec<Json> {
    lines(include_bytes!("../wire/events.ndjson"))
}

pub const REAL: [&[u8]; 3] = [
    include_bytes!("../wire/fluent_bit.forward.bin"),
    include_bytes!("../wire/fluent_bit.forward.ack.bin"),
    include_bytes!("../wire/fluent_bit.forward.gzip.bin"),
];

/// The stream form of what Fluent Bit sent.
pub fn real(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(Scanner::default().scan(bytes, 1 << 20).unwrap(), Some(bytes.len()));
    let message = parse(bytes).unwrap();
    let entries = match message.entries {
        Entries::Plain(entries) => entries,
        Entries::Packed { compression: Compression::Gzip, bytes } => {
            let mut entries = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut entries).unwrap();
            Cow::Owned(entries)
        }
        Entries::Packed { .. } => panic!("zstd"),
    };
    let mut stream = Vec::new();
    let count = frame(&message.tag, &entries, &mut stream).unwrap() as u64;
    assert_eq!((count, message.size.unwrap_or(100)), (100, 100));
    stream
}

#[test]
fn real_bytes_are_the_events_that_were_sent() {
    let chunks: Vec<_> = REAL.iter().map(|bytes| parse(bytes).unwrap().chunk.map(|chunk| read_ack(&ack(chunk)).unwrap())).collect();
    assert_eq!(chunks[1].as_deref(), Some(&b"e2sZstgyf7w3Wa1DlV0fFg=="[..]));
    assert_eq!((&chunks[0], &chunks[2]), (&None, &chunks[1]));
    for bytes in REAL {
        let stream = real(bytes);
        let (decoded, out) = encoded(&forward(), &stream, &Notes::default(), &[], Form::Ndjson);
        assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.opaque.len()), (100, 0, 0));
        let wanted = sent().into_iter().map(|mut event| {
            event["@tag"] = json!("sec.events");
            event["@timestamp"] = json!(event["timestamp"].as_str().unwrap().replace(' ', "T") + "Z");
            event
        });
        assert_eq!(lines(&out), wanted.collect::<Vec<_>>());
        let timed = Decoding { time: time("@timestamp", "rfc3339"), ..forward() };
        assert!(decode(&timed, &[], stream).times.iter().all(|&time| time > 1_700_000_000_000_000_000));
    }
}

#[test]
fn real_bytes_annotated_keep_all_else() {
    let stream = real(REAL[0]);
    let tags: Vec<_> = (0..100).step_by(3).map(|row| (row, Tags::LATE)).collect();
    let (_, out) = encoded(&forward(), &stream, &Notes { tags: &tags, ..Notes::default() }, &[], Form::Forward);
    let mut wanted = read(&stream);
    for entry in wanted[0].1.iter_mut().step_by(3) {
        let Value::Array(parts) = entry else { panic!("no list") };
        let Value::Map(record) = &mut parts[1] else { panic!("no map") };
        record.push(("eyas".into(), Value::Map(vec![("tags".into(), Value::Array(vec!["late".into()]))])));
    }
    assert_eq!(read(&out), wanted);
}
