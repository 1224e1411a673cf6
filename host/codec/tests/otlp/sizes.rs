//! The stream form and the requests that bring it, by size.

use eyas_codec::otlp::{Signal, requests, stream};
use eyas_codec::{Encoding, Form, cut};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use crate::random::{self, Random, put};
use crate::{Flat, fields, flat};

/// Without the order of the fields of envelopes, which may change where one becomes two.
fn sorted(mut events: Vec<Flat>) -> Vec<Flat> {
    for event in &mut events {
        event.resource.sort();
        event.scope.sort();
    }
    events
}

#[test]
fn halved_down_to_single_events_nothing_is_lost() {
    fn halve(bytes: Vec<u8>, singles: &mut Vec<Flat>) {
        match Form::Otlp.halve(&bytes) {
            Some((left, right)) => {
                let (before, after) = (flat(&left).len(), flat(&right).len());
                assert!(before.abs_diff(after) <= 1);
                halve(left, singles);
                halve(right, singles);
            }
            None => singles.extend(flat(&bytes)),
        }
    }
    let mut random = Random(29);
    for _ in 0..300 {
        let stream = random::stream(&mut random, 6, 8);
        let mut singles = Vec::new();
        halve(stream.clone(), &mut singles);
        assert_eq!(sorted(singles), sorted(flat(&stream)));
    }
}

#[test]
fn cuts_and_heads_are_whole_frames_within_their_bounds() {
    let mut random = Random(31);
    for _ in 0..500 {
        let stream = random::stream(&mut random, 8, 6);
        let most = 1 + random.below(10);
        let mut at = 0;
        while at < stream.len() {
            let length = cut(&Encoding::Otlp, &stream[at..], most);
            let frames = fields(&stream[at..at + length]);
            assert!(frames.len() == 1 || flat(&stream[at..at + length]).len() <= most);
            at += length;
        }
        let most = 1 + random.below(3000);
        let mut at = 0;
        while at < stream.len() {
            let length = Form::Otlp.head(&stream[at..], most);
            assert!(length <= most || fields(&stream[at..at + length]).len() == 1);
            at += length;
        }
        assert_eq!(at, stream.len());
    }
}

#[test]
fn envelopes_without_events_fill_batches_too() {
    assert_eq!(cut(&Encoding::Otlp, &[0x0a, 0].repeat(1000), 10), 20);
}

#[test]
fn requests_become_the_stream_form_and_the_stream_form_requests() {
    let mut random = Random(37);
    for _ in 0..300 {
        let whole = random::stream(&mut random, 9, 4);
        let mut again = Vec::new();
        let mut before = None;
        for (signal, request) in requests(&whole) {
            assert_ne!(before.replace(signal), Some(signal), "one request for each run");
            assert!(fields(&request).iter().all(|field| field.0 == 1));
            again.extend(stream(signal, request).unwrap());
        }
        assert_eq!(again, whole);
    }
}

#[test]
fn what_the_protocol_does_not_know_is_left_out_and_what_is_broken_outside_is_refused() {
    let (mut request, mut wanted) = (Vec::new(), Vec::new());
    put(7, b"?", &mut request);
    put(1, b"", &mut request);
    put(3, b"", &mut wanted);
    assert_eq!(stream(Signal::Traces, request), Ok(wanted));
    let refused = |bytes: &[u8]| stream(Signal::Logs, bytes.to_vec()).unwrap_err().to_string();
    assert_eq!(refused(b"{\"resourceLogs\":[]}"), "no field of protobuf, at byte 0");
    assert_eq!(refused(&[0x08, 1]), "an envelope that is no message, at byte 0");
    assert_eq!(refused(&[0x0a, 4, 0x12, 2, 0x12, 9]), "no field of protobuf, at byte 4");
    assert_eq!(refused(&[0x0a, 4, 0x0a, 2, 0x0a, 9]), "no field of protobuf, at byte 4");
    // What would be repeated for each record is not large.
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    put(3, &[b'x'; 65 << 10], &mut resource);
    put(1, &resource, &mut request);
    assert_eq!(refused(&request), "a resource or scope of more than 64 KiB, at byte 0");
    assert!(stream(Signal::Metrics, request).is_ok());
    // What is wrong inside a record is for the walk to find.
    assert!(stream(Signal::Logs, vec![0x0a, 5, 0x12, 3, 0x12, 1, 0xff]).is_ok());
}

#[test]
fn large_envelopes_are_split_and_nothing_is_lost() {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    put(1, b"\x0a\x01s", &mut scope);
    for i in 0..40_000 {
        put(2, &LogRecord { time_unix_nano: i, ..LogRecord::default() }.encode_to_vec(), &mut scope);
    }
    put(1, b"\x10\x03", &mut resource);
    put(2, &scope, &mut resource);
    put(1, &resource, &mut request);
    let whole = stream(Signal::Logs, request.clone()).unwrap();
    assert_eq!(fields(&whole).len(), 3);
    assert_eq!(flat(&whole), flat(&request));
    assert_eq!(
        cut(&Encoding::Otlp, &whole, 20_000),
        whole.len() - fields(&whole)[1..].iter().map(|frame| frame.1.len() + 4).sum::<usize>()
    );
}
