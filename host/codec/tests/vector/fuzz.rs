//! Requests gone wrong.

use eyas_codec::{Decoding, Encoding, Form, Note, Notes, cut};
use eyas_event::{FieldType, Value as Said};
use prost::Message;

use super::support::binary::{between, encoded, lines, mutate};
use super::support::{Random, all, decode, time};
use super::{Request, real_bytes, vector};

#[test]
fn mutated_requests_are_refused_or_come_out_whole() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let real = real_bytes();
    let ends: Vec<_> = (1..=4).map(|most| cut(&Encoding::Vector, &real, most)).collect();
    let value = Said::S64(1);
    let (mut accepted, mut strict) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = real[..ends[random.below(ends.len())]].to_vec();
        mutate(&mut random, &mut bytes);
        // Without the door, too.
        let (unchecked, _) = encoded(&vector(), &bytes, &Notes::default(), &[], Form::Vector);
        assert_eq!(between(&unchecked, bytes.len()), 0);
        let Ok(stream) = eyas_codec::vector::stream(&bytes) else { continue };
        accepted += 1;
        let notes: Vec<_> = (0..4).map(|row| Note { row, detector: "d", name: "n", value: &value }).collect();
        let notes = Notes { annotations: &notes, ..Notes::default() };
        let (decoded, out) = encoded(&vector(), &stream, &notes, &[], Form::Vector);
        assert_eq!(between(&decoded, stream.len()), 0);
        let before: Vec<_> =
            decoded.events.spans.iter().map(|&(start, end)| Request::decode(&stream[start as usize..end as usize])).collect();
        if before.iter().all(Result::is_ok) {
            strict += 1;
            assert_eq!(Request::decode(out.as_slice()).unwrap().events.len(), decoded.events.len());
        }
        let (_, text) = encoded(&vector(), &stream, &notes, &[], Form::Ndjson);
        assert_eq!(lines(&text).len(), decoded.events.len());
        let _ = (Form::Vector.head(&bytes, 300), Form::Vector.halve(&bytes), cut(&Encoding::Vector, &bytes, 2));
        let _ = values_of(&stream);
    }
    assert!(accepted > 5_000 && strict > 2_000, "{accepted} accepted, {strict} strictly");
}

fn values_of(stream: &[u8]) -> usize {
    let kinds = [FieldType::Text, FieldType::Raw, FieldType::S64, FieldType::F64, FieldType::Timestamp, FieldType::Ip, FieldType::Boolean];
    let fields: Vec<_> =
        ["source_ip", "geo_location", "port", "geo_location.latitude"].iter().flat_map(|path| kinds.map(|kind| (*path, kind))).collect();
    decode(&Decoding { time: time("timestamp", "unix"), ..vector() }, &[all(&fields)], stream).parts.len()
}
