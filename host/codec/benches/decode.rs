//! What decoding costs an event, beside two floors: copying the same bytes, and validating the same JSON and nothing else.
//!
//! `EYAS_EVENTS=file.ndjson` measures other events than the built-in ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eyas_codec::{Decoder, Decoding, Encoder, Encoding, Note, Notes, Plan, cut};
use eyas_event::{Slice, Value};
use support::{SHARDS, detectors, slice, time};

const BATCH: usize = 4096;

#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "what is not read is not parsed")]
struct Asked<'a> {
    timestamp: Option<&'a str>,
    event_type: Option<&'a str>,
    result: Option<&'a str>,
    source_ip: Option<&'a str>,
    destination_ip: Option<&'a str>,
}

fn batches() -> Vec<Slice> {
    let bytes = std::env::var_os("EYAS_EVENTS").map_or_else(|| support::events(200_000), |path| std::fs::read(path).unwrap());
    let whole = slice(bytes);
    let mut batches = Vec::new();
    let mut at = 0;
    while at < whole.range.end {
        let length = cut(&Encoding::Ndjson, &whole.buffer.bytes()[at..], BATCH);
        batches.push(Slice { position: at as u64, range: at..at + length, ..whole.clone() });
        at += length;
    }
    batches
}

fn decoding(c: &mut Criterion) {
    let batches = batches();
    let events: usize = batches.iter().map(|batch| batch.bytes().iter().filter(|&&byte| byte == b'\n').count()).sum();
    let mut group = c.benchmark_group("event");
    group.throughput(Throughput::Elements(events as u64)).sample_size(20).measurement_time(Duration::from_secs(5));

    let mut copy = Vec::new();
    group.bench_function("floor: memcpy", |b| {
        b.iter(|| {
            for batch in &batches {
                copy.clear();
                copy.extend_from_slice(black_box(batch.bytes()));
            }
        });
    });
    let lines = |batch: &Slice, line: &mut dyn FnMut(&[u8])| {
        batch.bytes().split(|&byte| byte == b'\n').filter(|bytes| !bytes.is_empty()).for_each(line);
    };
    group.bench_function("floor: serde_json validates", |b| {
        b.iter(|| {
            batches.iter().for_each(|batch| lines(batch, &mut |line| _ = serde_json::from_slice::<serde::de::IgnoredAny>(line).unwrap()))
        });
    });
    group.bench_function("baseline: serde_json into a borrowed struct", |b| {
        b.iter(|| {
            batches.iter().for_each(|batch| lines(batch, &mut |line| _ = black_box(serde_json::from_slice::<Asked<'_>>(line).unwrap())))
        });
    });

    let decoding = Decoding { time: time("timestamp", "%Y-%m-%d %H:%M:%S"), ..Decoding::default() };
    let plan = Arc::new(Plan::new(&decoding, &detectors(), SHARDS).unwrap());
    let mut decoder = Decoder::new(Arc::clone(&plan));
    group.bench_function("decode into the parts of two shards", |b| {
        b.iter(|| {
            for batch in &batches {
                let decoded = decoder.decode(black_box(batch), 0);
                decoder.recycle(decoded);
            }
        });
    });
    let mut walker = Decoder::new(Arc::new(Plan::new(&Decoding::default(), &[], SHARDS).unwrap()));
    group.bench_function("decode with nothing asked for", |b| {
        b.iter(|| {
            for batch in &batches {
                let decoded = walker.decode(black_box(batch), 0);
                walker.recycle(decoded);
            }
        });
    });

    let mut encoder = Encoder::new(&plan);
    let decoded: Vec<_> = batches.iter().map(|batch| decoder.decode(batch, 0)).collect();
    let value = Value::Json("[\"0123456789abcdef0123456789abcdef\"]".to_owned());
    let tenth: Vec<_> =
        (0..BATCH as u32).step_by(10).map(|row| Note { row, detector: "brute_force", name: "alerts", value: &value }).collect();
    for (name, annotations) in [("encode untouched", &[][..]), ("encode with one in ten annotated", &tenth)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &decoded {
                    let last = annotations.partition_point(|note| (note.row as usize) < batch.events.len());
                    let notes = Notes { annotations: &annotations[..last], ..Notes::default() };
                    black_box(encoder.encode(&batch.events, &batch.namesakes, &notes, &[], eyas_codec::Form::Ndjson))
                        .write_to(&mut std::io::sink())
                        .unwrap();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
