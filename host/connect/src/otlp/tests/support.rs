//! Requests of all signals, and a connection on which anything may be posted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use eyas_codec::Encoding;
use eyas_codec::otlp::{Signal, stream};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

pub use crate::bed::*;
use crate::grpc::tests::support::source_of;
use crate::net::{Door, NetSource};
use crate::otlp::OtlpHttpDoor;

pub fn door() -> OtlpHttpDoor {
    OtlpHttpDoor { auth: None, max_body_bytes: 1 << 20 }
}

pub fn source_with(door: OtlpHttpDoor) -> NetSource {
    source_of(Encoding::Otlp, Door::OtlpHttp(door))
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(Value::StringValue(value.into())) }) }
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![text("service.name", "login")], ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: "tests".into(), ..InstrumentationScope::default() })
}

/// Log records of these numbers.
pub fn logs(numbers: std::ops::Range<u64>) -> ExportLogsServiceRequest {
    let record = |n| LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + n,
        severity_text: "INFO".into(),
        body: Some(AnyValue { value: Some(Value::StringValue(format!("event {n}"))) }),
        attributes: vec![text("source_ip", "10.0.0.1")],
        trace_id: vec![7; 16],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { scope: scope(), log_records: numbers.map(record).collect(), ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }] }
}

pub fn metrics() -> ExportMetricsServiceRequest {
    let point = NumberDataPoint { time_unix_nano: 7, value: Some(number_data_point::Value::AsDouble(0.5)), ..NumberDataPoint::default() };
    let data = Some(metric::Data::Gauge(Gauge { data_points: vec![point] }));
    let metrics = vec![Metric { name: "load".into(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource: resource(), scope_metrics, ..ResourceMetrics::default() }],
    }
}

pub fn traces() -> ExportTraceServiceRequest {
    let spans = vec![Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: "login".into(), ..Span::default() }];
    let scope_spans = vec![ScopeSpans { scope: scope(), spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() }] }
}

/// All three: where it is posted to, the request, the same in JSON, and its stream form.
pub fn of_each() -> [(&'static str, Vec<u8>, String, Vec<u8>); 3] {
    let streamed = |signal, request: &[u8]| stream(signal, request.to_vec()).unwrap();
    let (logs, metrics, traces) = (logs(0..10), metrics(), traces());
    let (of_logs, of_metrics, of_traces) = (logs.encode_to_vec(), metrics.encode_to_vec(), traces.encode_to_vec());
    let json = |value: serde_json::Result<String>| value.unwrap();
    let streams = [streamed(Signal::Logs, &of_logs), streamed(Signal::Metrics, &of_metrics), streamed(Signal::Traces, &of_traces)];
    let [one, two, three] = streams;
    [
        ("/v1/logs", of_logs, json(serde_json::to_string(&logs)), one),
        ("/v1/metrics", of_metrics, json(serde_json::to_string(&metrics)), two),
        ("/v1/traces", of_traces, json(serde_json::to_string(&traces)), three),
    ]
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// A connection on which anything may be posted.
pub struct Connection(TcpStream);

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    /// Posts with headers, each with its line's end.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Answered {
        self.ask("POST", path, headers, body)
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answered {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: here\r\n{headers}content-length: {}\r\n\r\n", body.len());
        self.0.write_all(head.as_bytes()).unwrap();
        // It may be refused before all of it is written.
        let _ = self.0.write_all(body);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answered { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body }
    }
}
