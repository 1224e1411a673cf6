//! Messages at the door: refused, too long, and long.

use std::borrow::Cow;

use eyas_codec::forward::{Compression, Entries, Message, Scanner, frame, messages, parse, read_ack};
use eyas_codec::{Form, Notes};
use rmpv::Value;

use super::support::binary::encoded;
use super::{forward, pack, read};

#[test]
fn messages_that_are_none_are_refused_and_say_why() {
    let refused = |message: Value| parse(&pack(&message)).unwrap_err().to_string();
    assert_eq!(refused(1.into()), "not a list, at byte 0");
    assert_eq!(refused(Value::Array(vec!["t".into()])), "not a message: a tag and entries are expected, at byte 0");
    assert_eq!(refused(Value::Array(vec![1.into(), Value::Nil])), "neither text nor binary, at byte 1");
    assert_eq!(refused(Value::Array(vec!["t".into(), 1.into()])), "a time without a record, at byte 4");
    let with = |option: Value| Value::Array(vec!["t".into(), Value::Array(Vec::new()), option]);
    assert_eq!(refused(with(1.into())), "an option that is no map, at byte 4");
    let option = |key: &str, value: Value| with(Value::Map(vec![(key.into(), value)]));
    assert_eq!(refused(option("chunk", 1.into())), "a chunk that is neither text nor binary, at byte 11");
    assert_eq!(refused(option("compressed", "lz4".into())), "an unknown compression; text, gzip or zstd are expected, at byte 16");
    let nothing = Message { tag: Cow::default(), entries: Entries::Plain(Cow::default()), chunk: None, size: None, signal: 0 };
    assert_eq!(parse(&[0xc0]), Ok(nothing));
    assert_eq!(parse(&pack(&option("fluent_signal", 1.into()))).unwrap().signal, 1);
    let packed = Value::Array(vec!["t".into(), Value::Binary(vec![1]), Value::Map(vec![("compressed".into(), "zstd".into())])]);
    assert_eq!(parse(&pack(&packed)).unwrap().entries, Entries::Packed { compression: Compression::Zstd, bytes: &[1] });
    let mut out = vec![7];
    assert_eq!(frame("t", &[0xc0, 0x92, 0xc0], &mut out).unwrap_err().to_string(), "a MessagePack value that ends early, at byte 1");
    assert_eq!(frame("t", &[0xc0, 0x91, 0xc1], &mut out).unwrap_err().to_string(), "no MessagePack value, at byte 2");
    assert_eq!(out, [7]);
    assert!(read_ack(&[0x80]).is_err());
}

#[test]
fn what_is_too_long_is_refused_before_it_is_there() {
    let scan = |head: &[u8]| Scanner::default().scan(head, 1000);
    assert_eq!(scan(&[0x92, 0xa1, b't', 0xc6, 0, 0, 0x03, 0xe0]), Ok(None));
    for head in [
        &[0x92, 0xa1, b't', 0xc6, 0, 0, 0x04, 0][..],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(scan(head).is_err(), "{head:?}");
    }
    // However deep it is: no memory is held for what is open.
    let deep = vec![0x91; 100_000];
    let mut scanner = Scanner::default();
    assert_eq!(scanner.scan(&deep, 1 << 20), Ok(None));
    assert_eq!(scanner.scan(&[&deep[..], &[0xc0]].concat(), 1 << 20), Ok(Some(100_001)));
}

#[test]
fn long_lists_of_entries_become_messages_that_can_be_cut() {
    let entry = pack(&Value::Array(vec![1.into(), Value::Map(Vec::new())]));
    let mut stream = Vec::new();
    assert_eq!(frame("t", &entry.repeat(40_000), &mut stream).unwrap(), 40_000);
    let counts: Vec<_> = read(&stream).iter().map(|(_, entries)| entries.len()).collect();
    assert_eq!(counts, [16_384, 16_384, 40_000 - 2 * 16_384]);
    let joined: Vec<_> = messages(&stream).map(|batch| (batch.tag.into_owned(), batch.count, batch.entries.len())).collect();
    assert_eq!(joined, [("t".to_owned(), 40_000, 40_000 * entry.len())]);
    let output = encoded(&forward(), &stream, &Notes::default(), &[], Form::Forward).1;
    assert_eq!(output, stream);
}
