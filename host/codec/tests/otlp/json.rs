//! OTLP/JSON against the referee's own reading and writing of it.

use eyas_codec::otlp::{Signal, json_of, stream, stream_of_json};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::random::{self, Random, attributes, pick, text};

/// Attributes as the referee can read them: it has no value that says nothing.
fn plain(mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    attributes.iter_mut().for_each(|attribute| attribute.value = Some(said(attribute.value.take().unwrap_or_default())));
    attributes
}

fn said(value: AnyValue) -> AnyValue {
    let value = match value.value {
        None => Value::IntValue(5),
        Some(Value::ArrayValue(mut list)) => {
            list.values = list.values.into_iter().map(said).collect();
            Value::ArrayValue(list)
        }
        Some(Value::KvlistValue(mut list)) => {
            list.values = plain(list.values);
            Value::KvlistValue(list)
        }
        Some(value) => value,
    };
    AnyValue { value: Some(value) }
}

fn some<T>(random: &mut Random, one: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..random.below(3)).map(|_| one(random)).collect()
}

fn logs(random: &mut Random) -> ExportLogsServiceRequest {
    let record = |random: &mut Random| {
        let record = random::record(random);
        LogRecord { attributes: plain(record.attributes), body: record.body.map(said), ..record }
    };
    let scope_logs = |random: &mut Random| ScopeLogs { scope: scope(random), log_records: some(random, record), schema_url: text(random) };
    let resource_logs =
        |random: &mut Random| ResourceLogs { resource: resource(random), scope_logs: some(random, scope_logs), schema_url: text(random) };
    ExportLogsServiceRequest { resource_logs: some(random, resource_logs) }
}

fn scope(random: &mut Random) -> Option<opentelemetry_proto::tonic::common::v1::InstrumentationScope> {
    let mut scope = random::scope(random);
    scope.attributes = plain(scope.attributes);
    (random.below(3) > 0).then_some(scope)
}

fn resource(random: &mut Random) -> Option<opentelemetry_proto::tonic::resource::v1::Resource> {
    let mut resource = random::resource(random);
    resource.attributes = plain(resource.attributes);
    (random.below(3) > 0).then_some(resource)
}

fn number(random: &mut Random) -> f64 {
    pick(random, &[0.0, 1.0, -2.5, 1e300, 0.1])
}

fn count(random: &mut Random) -> u64 {
    pick(random, &[0, 1, 1 << 40, u64::MAX])
}

/// Without a value: the referee has it in an object of its own, against the specification.
fn exemplar(random: &mut Random) -> Exemplar {
    Exemplar {
        filtered_attributes: plain(attributes(random, 3)),
        time_unix_nano: count(random),
        span_id: vec![1; 8],
        trace_id: vec![255; 16],
        value: None,
    }
}

fn point(random: &mut Random) -> NumberDataPoint {
    let value = match random.below(3) {
        0 => Some(number_data_point::Value::AsInt(pick(random, &[0, i64::MIN, 77]))),
        1 => Some(number_data_point::Value::AsDouble(number(random))),
        _ => None,
    };
    NumberDataPoint {
        attributes: plain(attributes(random, 3)),
        start_time_unix_nano: count(random),
        time_unix_nano: count(random),
        exemplars: some(random, exemplar),
        flags: random.below(2) as u32,
        value,
    }
}

fn histogram_point(random: &mut Random) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: plain(attributes(random, 3)),
        start_time_unix_nano: count(random),
        time_unix_nano: count(random),
        count: count(random),
        sum: (random.below(2) == 0).then(|| number(random)),
        bucket_counts: some(random, count),
        explicit_bounds: some(random, number),
        exemplars: some(random, exemplar),
        flags: random.below(2) as u32,
        min: (random.below(2) == 0).then(|| number(random)),
        max: (random.below(2) == 0).then(|| number(random)),
    }
}

fn exponential_point(random: &mut Random) -> ExponentialHistogramDataPoint {
    let buckets = |random: &mut Random| Buckets { offset: pick(random, &[0, -5, i32::MIN]), bucket_counts: some(random, count) };
    ExponentialHistogramDataPoint {
        attributes: plain(attributes(random, 3)),
        start_time_unix_nano: count(random),
        time_unix_nano: count(random),
        count: count(random),
        sum: (random.below(2) == 0).then(|| number(random)),
        scale: pick(random, &[0, -1, 20, i32::MAX]),
        zero_count: count(random),
        positive: (random.below(2) == 0).then(|| buckets(random)),
        negative: (random.below(2) == 0).then(|| buckets(random)),
        flags: random.below(2) as u32,
        exemplars: some(random, exemplar),
        min: (random.below(2) == 0).then(|| number(random)),
        max: (random.below(2) == 0).then(|| number(random)),
        zero_threshold: number(random),
    }
}

fn summary_point(random: &mut Random) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: plain(attributes(random, 3)),
        start_time_unix_nano: count(random),
        time_unix_nano: count(random),
        count: count(random),
        sum: number(random),
        quantile_values: some(random, |random| ValueAtQuantile { quantile: number(random), value: number(random) }),
        flags: random.below(2) as u32,
    }
}

fn metrics(random: &mut Random) -> ExportMetricsServiceRequest {
    let metric = |random: &mut Random| {
        let temporality = random.below(3) as i32;
        let data = match random.below(6) {
            0 => Some(Data::Gauge(Gauge { data_points: some(random, point) })),
            1 => Some(Data::Sum(Sum { data_points: some(random, point), aggregation_temporality: temporality, is_monotonic: true })),
            2 => Some(Data::Histogram(Histogram { data_points: some(random, histogram_point), aggregation_temporality: temporality })),
            3 => {
                let data_points = some(random, exponential_point);
                Some(Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: temporality }))
            }
            4 => Some(Data::Summary(Summary { data_points: some(random, summary_point) })),
            _ => None,
        };
        let metadata = plain(attributes(random, 3));
        Metric { name: text(random), description: text(random), unit: "By".to_owned(), metadata, data }
    };
    let scope_metrics =
        |random: &mut Random| ScopeMetrics { scope: scope(random), metrics: some(random, metric), schema_url: text(random) };
    let resource_metrics = |random: &mut Random| ResourceMetrics {
        resource: resource(random),
        scope_metrics: some(random, scope_metrics),
        schema_url: text(random),
    };
    ExportMetricsServiceRequest { resource_metrics: some(random, resource_metrics) }
}

fn traces(random: &mut Random) -> ExportTraceServiceRequest {
    let event = |random: &mut Random| Event {
        time_unix_nano: count(random),
        name: text(random),
        attributes: plain(attributes(random, 3)),
        dropped_attributes_count: 3,
    };
    let link = |random: &mut Random| Link {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: text(random),
        attributes: plain(attributes(random, 3)),
        dropped_attributes_count: 0,
        flags: 256,
    };
    let span = |random: &mut Random| Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        trace_state: text(random),
        parent_span_id: pick(random, &[vec![], vec![7; 8]]),
        flags: pick(random, &[0, 1, 257]),
        name: text(random),
        kind: random.below(6) as i32,
        start_time_unix_nano: count(random),
        end_time_unix_nano: count(random),
        attributes: plain(attributes(random, 3)),
        dropped_attributes_count: 1,
        events: some(random, event),
        dropped_events_count: 2,
        links: some(random, link),
        dropped_links_count: 0,
        status: (random.below(2) == 0).then(|| Status { message: text(random), code: random.below(3) as i32 }),
    };
    let scope_spans = |random: &mut Random| ScopeSpans { scope: scope(random), spans: some(random, span), schema_url: text(random) };
    let resource_spans = |random: &mut Random| ResourceSpans {
        resource: resource(random),
        scope_spans: some(random, scope_spans),
        schema_url: text(random),
    };
    ExportTraceServiceRequest { resource_spans: some(random, resource_spans) }
}

/// There and back: ours reads what the referee writes, and the referee what ours does.
fn agree<T>(signal: Signal, request: &T)
where
    T: Message + Default + PartialEq + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let bytes = request.encode_to_vec();
    let theirs = serde_json::to_vec(request).unwrap();
    let ours = stream_of_json(signal, &theirs).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&theirs)));
    assert_eq!(T::decode(&*request_of(&ours)).unwrap(), *request);
    let json = json_of(signal, &bytes);
    if signal != Signal::Metrics {
        let read: T = serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&json)));
        assert_eq!(read, *request);
    }
    // The referee has most counts of metrics as plain numbers, against the specification.
    let normal = |json: &[u8]| normal(serde_json::from_slice(json).unwrap());
    assert_eq!(normal(&json), normal(&theirs));
    let again = request_of(&stream_of_json(signal, &json).unwrap());
    assert_eq!(T::decode(&*again).unwrap(), *request);
    assert_eq!(request_of(&stream(signal, bytes).unwrap()).len(), request.encoded_len());
}

/// JSON with all numbers as texts, and without members that say nothing.
fn normal(json: Json) -> Json {
    match json {
        Json::Number(number) => json!(number.to_string()),
        Json::Array(items) => items.into_iter().map(normal).collect(),
        Json::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, normal(value)));
            let nothing = [json!(""), json!("0"), json!("0.0"), json!(false), json!([]), json!({}), Json::Null];
            members.filter(|(_, value)| !nothing.contains(value)).collect()
        }
        other => other,
    }
}

/// The request of one signal that brings the stream form.
fn request_of(stream: &[u8]) -> Vec<u8> {
    let mut requests = eyas_codec::otlp::requests(stream);
    let request = requests.next().map(|(_, request)| request).unwrap_or_default();
    assert!(requests.next().is_none());
    request
}

#[test]
fn json_and_protobuf_say_the_same() {
    let mut random = Random(41);
    for _ in 0..300 {
        agree(Signal::Logs, &logs(&mut random));
        agree(Signal::Metrics, &metrics(&mut random));
        agree(Signal::Traces, &traces(&mut random));
    }
}

fn record_of(record: &Json) -> Result<LogRecord, eyas_codec::Malformed> {
    let json = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string();
    let stream = stream_of_json(Signal::Logs, json.as_bytes())?;
    Ok(LogRecord::decode(&*crate::flat(&stream)[0].bytes).unwrap())
}

#[test]
fn numbers_may_be_texts_ids_are_hexadecimal_and_what_is_unknown_is_ignored() {
    let record = record_of(&json!({
        "timeUnixNano": "1700000000000000001", "observedTimeUnixNano": 5, "severityNumber": 9.0, "traceId": "ABcd", "flags": null,
        "body": {"bytesValue": "-_8"}, "new": {"a": [1]}, "attributes": [{"key": "d", "value": {"doubleValue": "NaN"}},
        {"key": "i", "value": {"intValue": -3}}, {"key": "e", "value": {"doubleValue": 7}}, {"key": "n", "value": {}}]
    }))
    .unwrap();
    assert_eq!((record.time_unix_nano, record.observed_time_unix_nano, record.severity_number), (1_700_000_000_000_000_001, 5, 9));
    assert_eq!(record.trace_id, [0xab, 0xcd]);
    assert_eq!(record.body.unwrap().value, Some(Value::BytesValue(vec![0xfb, 0xff])));
    let values: Vec<_> = record.attributes.into_iter().map(|attribute| attribute.value.unwrap().value).collect();
    assert!(matches!(values[0], Some(Value::DoubleValue(number)) if number.is_nan()));
    assert_eq!(values[1..], [Some(Value::IntValue(-3)), Some(Value::DoubleValue(7.0)), None]);
}

#[test]
fn what_is_no_request_is_refused_at_its_byte() {
    let refused = |json: &[u8]| stream_of_json(Signal::Logs, json).unwrap_err().to_string();
    assert_eq!(refused(b"{\"resourceLogs\":[}"), "no JSON, at byte 17");
    assert_eq!(refused(b"{\"resourceLogs\":\n["), "JSON that ends early, at byte 18");
    assert_eq!(refused(b"{\"resourceLogs\": 1}"), "a value of another type than OTLP/JSON has there, at byte 17");
    assert_eq!(refused(b"[]").split(',').next(), Some("a value of another type than OTLP/JSON has there"));
    for wrong in [
        json!({"traceId": "abc"}),
        json!({"traceId": "zz"}),
        json!({"body": {"bytesValue": "*"}}),
        json!({"timeUnixNano": -1}),
        json!({"severityNumber": 1e10}),
        json!({"severityNumber": 1.5}),
        json!({"attributes": {}}),
        json!({"attributes": [null]}),
        json!({"body": {"boolValue": 1}}),
        json!({"severityText": 1}),
        json!({"body": "text"}),
    ] {
        assert!(record_of(&wrong).is_err(), "{wrong}");
    }
    assert_eq!(stream_of_json(Signal::Logs, b"{}"), Ok(Vec::new()));
}

#[test]
fn numbers_of_64_bits_and_what_json_has_no_number_for_are_texts() {
    let point = |value| NumberDataPoint { value: Some(number_data_point::Value::AsDouble(value)), ..NumberDataPoint::default() };
    let exemplars = [exemplar::Value::AsInt(-9), exemplar::Value::AsDouble(0.5)];
    let exemplars = exemplars.map(|value| Exemplar { value: Some(value), ..Exemplar::default() }).to_vec();
    let points = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(point).to_vec();
    let points = [points, vec![NumberDataPoint { exemplars, ..NumberDataPoint::default() }]].concat();
    let metric = Metric { data: Some(Data::Gauge(Gauge { data_points: points })), ..Metric::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let request = ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] };
    let json = json_of(Signal::Metrics, &request.encode_to_vec());
    let text = String::from_utf8(json.clone()).unwrap();
    assert!(text.contains(r#"[{"asDouble":"NaN"},{"asDouble":"Infinity"},{"asDouble":"-Infinity"},"#), "{text}");
    assert!(text.contains(r#"{"exemplars":[{"asInt":"-9"},{"asDouble":0.5}]}"#), "{text}");
    assert_eq!(request_of(&stream_of_json(Signal::Metrics, &json).unwrap()), request.encode_to_vec());
}
