//! OpenTelemetry's protocol, with `opentelemetry-proto` as the referee: what is read, what goes out, and what becomes of garbage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod alerts;
mod encode;
mod fuzz;
mod json;
mod random;
mod sizes;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod walk;

use eyas_codec::proto::Fields;
use eyas_codec::{Decoding, Encoding, TimeSpec};

/// How such a source is read.
fn decoding() -> Decoding {
    let time = TimeSpec::new("time", &["rfc3339".to_owned()], "UTC").unwrap();
    Decoding { encoding: Encoding::Otlp, time: Some(time), max_future: None, ..Decoding::default() }
}

/// One event of the stream form, with all that is around it.
#[derive(Clone, Debug, PartialEq)]
struct Flat {
    /// Which signal.
    number: u32,
    /// What of the envelope, and of the scope, is no record: numbers and values of the fields.
    resource: Vec<(u32, Vec<u8>)>,
    scope: Vec<(u32, Vec<u8>)>,
    /// The record; of metrics and spans the whole envelope.
    bytes: Vec<u8>,
}

fn fields(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut fields = Fields::new(bytes, 0, bytes.len());
    let all = fields.by_ref().map(|field| (field.number, field.bytes(bytes).to_vec())).collect();
    assert!(fields.is_whole());
    all
}

/// All events of the stream form, in order.
fn flat(stream: &[u8]) -> Vec<Flat> {
    let mut all = Vec::new();
    for (number, frame) in fields(stream) {
        if number != 1 {
            all.push(Flat { number, resource: Vec::new(), scope: Vec::new(), bytes: frame });
            continue;
        }
        let (scopes, resource): (Vec<_>, Vec<_>) = fields(&frame).into_iter().partition(|field| field.0 == 2);
        for (_, scope) in scopes {
            let (records, scope): (Vec<_>, Vec<_>) = fields(&scope).into_iter().partition(|field| field.0 == 2);
            all.extend(records.into_iter().map(|(_, bytes)| Flat { number, resource: resource.clone(), scope: scope.clone(), bytes }));
        }
    }
    all
}
