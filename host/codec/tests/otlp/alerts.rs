//! Alerts as log records.

use eyas_codec::Form;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::json;

use crate::{flat, tree};

#[test]
fn an_alert_is_a_record_with_its_members_as_attributes() {
    let alert = json!({"id": "0f", "revision": 1, "state": "open", "rule": "r", "title": "Brute force", "severity": 70, "score": 0.5,
        "time": "2023-11-14T22:13:20.5Z", "entities": {"source_ip": "10.0.0.1"}, "techniques": ["T1110"], "degraded": false});
    let mut out = Vec::new();
    Form::Otlp.lines(format!("{alert}\n{{\"rule\":\"r\"}}\n").as_bytes(), &mut out);
    let events = flat(&out);
    let record = LogRecord::decode(&*events[0].bytes).unwrap();
    assert_eq!((record.time_unix_nano, record.severity_number, &*record.severity_text), (1_700_000_000_500_000_000, 19, "ERROR3"));
    assert_eq!(tree::value(record.body.as_ref()).json(), json!("Brute force"));
    assert_eq!(tree::attributes(&record.attributes).json(), alert);
    let resource = Resource::decode(&*events[0].resource[0].1).unwrap();
    assert_eq!(tree::attributes(&resource.attributes).json(), json!({"service.name": "eyas"}));
    let second = LogRecord::decode(&*events[1].bytes).unwrap();
    assert_eq!((second.time_unix_nano, tree::value(second.body.as_ref()).json()), (0, json!("r")));
    assert_eq!(events.len(), 2);
    assert!(ResourceLogs::decode(&*crate::fields(&out)[0].1).is_ok());
}
