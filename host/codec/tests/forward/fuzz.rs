//! Messages gone wrong.

use eyas_codec::forward::{Entries, Message, Scanner, frame, messages, msgpack, parse, read_ack, write};
use eyas_codec::{Decoding, Encoding, Form, Note, Notes, cut};
use eyas_event::{FieldType, Value as Said};

use super::real::{REAL, real};
use super::support::binary::{between, encoded, lines, mutate};
use super::support::{Random, all, decode, time};
use super::{forward, read};

#[test]
fn mutated_messages_are_refused_or_come_out_whole() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let full = real(REAL[0]);
    let entries = messages(&full).next().unwrap().entries.into_owned();
    let mut ends = Vec::new();
    let mut reader = msgpack::Reader::new(&entries);
    while ends.len() < 4 {
        reader.value().unwrap();
        ends.push(reader.at());
    }
    let value = Said::S64(1);
    let notes: Vec<_> = (0..4).map(|row| Note { row, detector: "d", name: "n", value: &value }).collect();
    let notes = Notes { annotations: &notes, ..Notes::default() };
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        write("sec.events", &entries[..ends[random.below(4)]], 4, Some("chunk"), Some("text"), &mut bytes);
        if random.below(2) == 0 {
            // Forward mode.
            let count = ends.iter().filter(|&&end| end <= bytes.len()).count().max(1);
            bytes = [&[0x92, 0xa1, b't', 0x90 | count as u8][..], &entries[..ends[count - 1]]].concat();
        }
        mutate(&mut random, &mut bytes);
        let _ = (read_ack(&bytes), messages(&bytes).count(), cut(&Encoding::Forward, &bytes, 2));
        // Without the door, too.
        let (unchecked, _) = encoded(&forward(), &bytes, &Notes::default(), &[], Form::Forward);
        between(&unchecked, bytes.len());
        let mut scanner = Scanner::default();
        let half = random.below(bytes.len() + 1);
        let first = scanner.scan(&bytes[..half], 1 << 16);
        let whole = if first == Ok(None) { scanner.scan(&bytes, 1 << 16) } else { first };
        assert_eq!(whole, Scanner::default().scan(&bytes, 1 << 16));
        let Ok(Some(end)) = whole else { continue };
        let Ok(Message { tag, entries: Entries::Plain(entries), .. }) = parse(&bytes[..end]) else { continue };
        let mut stream = Vec::new();
        let Ok(count) = frame(&tag, &entries, &mut stream) else { continue };
        accepted += 1;
        let (decoded, out) = encoded(&forward(), &stream, &notes, &[], Form::Forward);
        assert_eq!(decoded.events.len() + decoded.dead.len(), count);
        let out: usize = if out.is_empty() { 0 } else { read(&out).iter().map(|(_, entries)| entries.len()).sum() };
        assert_eq!(out, decoded.events.len());
        let (_, text) = encoded(&forward(), &stream, &notes, &[], Form::Ndjson);
        assert_eq!(lines(&text).len(), decoded.events.len());
        let _ = (Form::Forward.head(&stream, 300), Form::Forward.halve(&stream));
        let kinds =
            [FieldType::Text, FieldType::Raw, FieldType::S64, FieldType::F64, FieldType::Timestamp, FieldType::Ip, FieldType::Boolean];
        let paths = ["source_ip", "geo_location", "port", "geo_location.latitude", "@timestamp", "@metadata.a"];
        let fields: Vec<_> = paths.iter().flat_map(|path| kinds.map(|kind| (*path, kind))).collect();
        decode(&Decoding { time: time("@timestamp", "unix"), ..forward() }, &[all(&fields)], stream);
    }
    assert!(accepted > 3_000, "{accepted}");
}
