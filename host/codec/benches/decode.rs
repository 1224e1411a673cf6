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
use eyas_codec::otlp::Signal;
use eyas_codec::{Decoder, Decoding, Encoder, Encoding, Form, Note, Notes, Plan, cut};
use eyas_event::{FieldType, Slice, Subscription, Value};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use support::{SHARDS, detectors, field, is_text, slice, time};

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

/// The same events as log records, each value an attribute, 100 of them in an envelope.
fn otlp(lines: &[Slice]) -> Vec<Slice> {
    let text = |text: &str| AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) };
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(string) => text(string),
        serde_json::Value::Number(number) => AnyValue { value: number.as_i64().map(any_value::Value::IntValue) },
        _ => AnyValue { value: None },
    };
    let attribute = |key: &str, value: AnyValue| KeyValue { key: key.to_owned(), value: Some(value) };
    let record = |line: &[u8]| {
        let event: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).unwrap();
        let plain = event.iter().filter(|(key, value)| *key != "timestamp" && !value.is_object());
        let mut attributes: Vec<_> = plain.map(|(key, of_key)| attribute(key, value(of_key))).collect();
        attributes.push(attribute("host.name", text("bastion-17.example.com")));
        let body = Some(text("Failed password for invalid user from 10.1.2.3 port 22 ssh2"));
        LogRecord {
            time_unix_nano: 1_700_000_000_000_000_000,
            observed_time_unix_nano: 1_700_000_000_000_000_001,
            severity_number: 9,
            severity_text: "INFO".to_owned(),
            body,
            attributes,
            ..LogRecord::default()
        }
    };
    let slice_of = |batch: &Slice| {
        let lines: Vec<_> = batch.bytes().split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        let envelope = |lines: &[&[u8]]| {
            let log_records = lines.iter().map(|line| record(line)).collect();
            let scope = Some(InstrumentationScope { name: "scope".to_owned(), ..InstrumentationScope::default() });
            let scope_logs = vec![ScopeLogs { scope, log_records, ..ScopeLogs::default() }];
            let attributes = vec![attribute("service.name", text("sshd"))];
            ResourceLogs { resource: Some(Resource { attributes, ..Resource::default() }), scope_logs, ..ResourceLogs::default() }
        };
        let request = LogsData { resource_logs: lines.chunks(100).map(envelope).collect() };
        slice(request.encode_to_vec())
    };
    lines.iter().map(slice_of).collect()
}

fn opentelemetry(c: &mut Criterion) {
    let lines: Vec<_> = batches().into_iter().take(12).collect();
    let events: usize = lines.iter().map(|batch| batch.bytes().iter().filter(|&&byte| byte == b'\n').count()).sum();
    let batches = otlp(&lines);
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Elements(events as u64)).sample_size(20).measurement_time(Duration::from_secs(5));
    let asked = ["source_ip", "destination_ip", "event_type", "result", "username", "port"];
    let fields = asked.iter().map(|&name| (name.to_owned(), format!("attributes.{name}"))).collect();
    let decoding = Decoding { encoding: Encoding::Otlp, time: time("time", "rfc3339"), fields, ..Decoding::default() };
    let nobody = Subscription {
        conditions: vec![is_text("nothing", "there")],
        fields: asked.iter().map(|name| field(name, FieldType::Raw)).collect(),
        ..Subscription::default()
    };
    let mut decode = |name: &str, subscriptions: &[Subscription]| {
        let mut decoder = Decoder::new(Arc::new(Plan::new(&decoding, subscriptions, SHARDS).unwrap()));
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &batches {
                    let decoded = decoder.decode(black_box(batch), 0);
                    decoder.recycle(decoded);
                }
            });
        });
        batches.iter().map(|batch| decoder.decode(batch, 0)).collect::<Vec<_>>()
    };
    decode("walk with six attributes asked for", &[nobody]);
    let decoded = decode("decode into the parts of two shards", &detectors());
    let mut encoder = Encoder::new(&Plan::new(&decoding, &[], SHARDS).unwrap());
    let value = Value::Json("[\"0123456789abcdef0123456789abcdef\"]".to_owned());
    let tenth: Vec<_> =
        (0..BATCH as u32).step_by(10).map(|row| Note { row, detector: "brute_force", name: "alerts", value: &value }).collect();
    let forms = [
        ("encode untouched", &[][..], Form::Otlp),
        ("encode with one in ten annotated", &tenth, Form::Otlp),
        ("encode as lines", &[], Form::Ndjson),
    ];
    for (name, annotations, form) in forms {
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &decoded {
                    let last = annotations.partition_point(|note| (note.row as usize) < batch.events.len());
                    let notes = Notes { annotations: &annotations[..last], ..Notes::default() };
                    black_box(encoder.encode(&batch.events, &batch.namesakes, &notes, &[], form)).write_to(&mut std::io::sink()).unwrap();
                }
            });
        });
    }
    group.bench_function("from a request to the stream form", |b| {
        let request = batches[0].bytes().to_vec();
        b.iter(|| black_box(eyas_codec::otlp::stream(Signal::Logs, request.clone()).unwrap()).len());
    });
    group.finish();
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
                    black_box(encoder.encode(&batch.events, &batch.namesakes, &notes, &[], Form::Ndjson))
                        .write_to(&mut std::io::sink())
                        .unwrap();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, opentelemetry);
criterion_main!(benches);
