//! What encodings that are no text cost an event, beside the same events as NDJSON.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eyas_codec::{Decoder, Decoding, Encoder, Encoding, Form, Note, Notes, Plan};
use eyas_event::{FieldType, Slice, Subscription, Value};
use support::{SHARDS, all, detectors, is_text, slice, time};

const BATCH: usize = 4096;
const EVENTS: usize = 49 * BATCH;

/// The same events in a form, a batch a slice.
fn batches(form: Form) -> Vec<Slice> {
    let lines = support::events(EVENTS);
    let lines: Vec<_> = lines.split_inclusive(|&byte| byte == b'\n').collect();
    let batch = |lines: &[&[u8]]| {
        let mut bytes = Vec::new();
        form.lines(&lines.concat(), &mut bytes);
        slice(bytes)
    };
    lines.chunks(BATCH).map(batch).collect()
}

/// Six fields, of which no row needs to be made.
fn six() -> [Subscription; 1] {
    let fields = ["event_type", "source_ip", "destination_ip", "username", "result", "port"].map(|path| (path, FieldType::Text));
    [Subscription { conditions: vec![is_text("event_type", "nothing")], ..all(&fields) }]
}

fn encoding(c: &mut Criterion, name: &str, encoding: Encoding) {
    let form = encoding.form();
    let batches = batches(form);
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20).measurement_time(Duration::from_secs(3));
    let plain = Decoding { encoding, ..Decoding::default() };
    let timed = Decoding { time: time("timestamp", "%Y-%m-%d %H:%M:%S"), ..plain.clone() };
    for (name, decoding, subscriptions) in
        [("walk, nothing asked for", &plain, &[][..]), ("walk, six fields", &plain, &six()), ("decode into parts", &timed, &detectors())]
    {
        let mut decoder = Decoder::new(Arc::new(Plan::new(decoding, subscriptions, SHARDS).unwrap()));
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &batches {
                    let decoded = decoder.decode(black_box(batch), 0);
                    decoder.recycle(decoded);
                }
            });
        });
    }
    let plan = Arc::new(Plan::new(&plain, &[], SHARDS).unwrap());
    let (mut decoder, mut encoder) = (Decoder::new(Arc::clone(&plan)), Encoder::new(&plan));
    let decoded: Vec<_> = batches.iter().map(|batch| decoder.decode(batch, 0)).collect();
    let value = Value::Json("[\"0123456789abcdef0123456789abcdef\"]".to_owned());
    let note = |row| Note { row, detector: "brute_force", name: "alerts", value: &value };
    let tenth: Vec<_> = (0..BATCH as u32).step_by(10).map(note).collect();
    for (name, annotations, form) in
        [("encode untouched", &[][..], form), ("encode with one in ten annotated", &tenth, form), ("encode as lines", &[], Form::Ndjson)]
    {
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &decoded {
                    let notes = Notes { annotations, ..Notes::default() };
                    let output = encoder.encode(&batch.events, &batch.namesakes, &notes, &[], form);
                    black_box(output).write_to(&mut std::io::sink()).unwrap();
                }
            });
        });
    }
    group.finish();
}

fn all_encodings(c: &mut Criterion) {
    encoding(c, "ndjson", Encoding::Ndjson);
    encoding(c, "otlp", Encoding::Otlp);
    encoding(c, "vector", Encoding::Vector);
    encoding(c, "forward", Encoding::Forward);
}

criterion_group!(benches, all_encodings);
criterion_main!(benches);
