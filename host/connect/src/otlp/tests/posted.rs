//! A source that is posted to.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use prost::Message;

use super::support::*;
use crate::grpc::tests::support::{self as calls, Caller, LOGS, packed};
use crate::grpc::{Code, Service};
use crate::http::Credentials;
use crate::net::{NetLimits, NetSource};
use crate::otlp::OtlpHttpDoor;

const PROTO: &str = "content-type: application/x-protobuf\r\n";
const JSON: &str = "content-type: application/json; charset=utf-8\r\n";

/// Its code and its text, in either spelling.
fn status(answered: &Answered) -> (u64, String) {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(uint64, tag = "1")]
        code: u64,
        #[prost(string, tag = "2")]
        message: String,
    }
    if answered.head.contains("content-type: application/json") {
        let json: serde_json::Value = serde_json::from_slice(&answered.body).unwrap();
        return (json["code"].as_u64().unwrap(), json["message"].as_str().unwrap().to_owned());
    }
    assert!(answered.head.contains("content-type: application/x-protobuf"), "{answered:?}");
    let status = Status::decode(&answered.body[..]).unwrap();
    (status.code, status.message)
}

#[test]
fn all_signals_come_out_as_they_came_in_either_spelling() {
    for (headers, said) in [(PROTO, &b""[..]), (JSON, b"{}")] {
        let (listening, outlet) = Listening::start(source_with(door()), 4);
        let out = thread::spawn(|| drain_bytes(outlet));
        let mut connection = Connection::to(listening.address());
        for (path, proto, json, _) in of_each() {
            let body = if headers == JSON { json.into_bytes() } else { proto };
            let answered = connection.post(path, headers, &body);
            assert_eq!((answered.status, &answered.body[..]), (200, said), "{answered:?}");
            assert!(answered.head.contains(&headers.to_lowercase().split([';', '\r']).next().unwrap().to_owned()), "{answered:?}");
        }
        assert_eq!((listening.figures.requests(2), listening.figures.connections.load(Relaxed)), (3, 1));
        assert_eq!(listening.end(), "");
        let streams: Vec<u8> = of_each().into_iter().flat_map(|(_, _, _, stream)| stream).collect();
        assert_eq!(out.join().unwrap(), streams);
    }
}

#[test]
fn the_same_goes_over_grpc() {
    let (listening, outlet) = Listening::start(calls::source_with(calls::door(Service::Otlp)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    let methods = [
        LOGS,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ];
    for (method, (_, request, _, _)) in methods.into_iter().zip(of_each()) {
        let answered = caller.send(method, &request);
        assert_eq!((answered.status().code, &answered.data[..]), (Code::Ok, &b"\0\0\0\0\0"[..]));
    }
    let answered = caller.send(LOGS, b"\x0a\x02\x12\x05");
    assert_eq!(answered.status().code, Code::InvalidArgument);
    listening.end();
    let streams: Vec<u8> = of_each().into_iter().flat_map(|(_, _, _, stream)| stream).collect();
    assert_eq!(out.join().unwrap(), streams);
}

#[test]
fn bodies_may_be_packed() {
    let (listening, outlet) = Listening::start(source_with(door()), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut streams = Vec::new();
    for (i, packing) in ["gzip", "zstd"].into_iter().enumerate() {
        let request = logs(i as u64 * 100..i as u64 * 100 + 100).encode_to_vec();
        let headers = format!("{PROTO}content-encoding: {}\r\n", packing);
        let mut connection = Connection::to(listening.address());
        assert_eq!(connection.post("/v1/logs", &headers, &packed(packing, &request)).status, 200);
        let answered = Connection::to(listening.address()).post("/v1/logs", &headers, &packed(packing, &vec![0; 30 << 20]));
        assert_eq!(answered.status, 413);
        let answered = Connection::to(listening.address()).post("/v1/logs", &headers, &request);
        assert_eq!(answered.status, 400);
        streams.extend(request);
    }
    listening.end();
    assert_eq!(out.join().unwrap(), streams);
}

/// Method, path, headers in both spellings and body of a request; the status that it gets, its code, and what is said.
type Case<'a> = (&'a str, &'a str, [String; 2], &'a [u8], u16, u64, &'a str);

#[test]
fn what_is_wrong_is_said_in_the_spelling_of_the_request() {
    let auth = Some(Credentials::Basic { user: "collector".into(), password: "open sesame".into() });
    let bears = "authorization: Basic Y29sbGVjdG9yOm9wZW4gc2VzYW1l\r\n";
    let both = |headers: &str| [format!("{bears}{PROTO}{headers}"), format!("{bears}{JSON}{headers}")];
    let table: [Case<'_>; 8] = [
        ("POST", "/v1/profiles", both(""), b"", 404, 12, "/v1/logs"),
        ("GET", "/v1/logs", both(""), b"", 405, 3, "posted"),
        ("POST", "/v1/logs", [PROTO.to_owned(), JSON.to_owned()], b"", 401, 16, "password"),
        ("POST", "/v1/logs", [bears.to_owned(), format!("{bears}content-type: text/plain\r\n")], b"{}", 415, 3, "application/x-protobuf"),
        ("POST", "/v1/logs", both("content-encoding: br\r\n"), b"{}", 415, 12, "br"),
        ("POST", "/v1/logs", both(""), b"\x0a\x7f", 400, 3, "byte"),
        ("POST", "/v1/logs", both(""), b"{\"resourceLogs\":[{]}", 400, 3, "byte"),
        ("POST", "/v1/logs", both(""), &[0; 1 << 21], 413, 8, "larger than 1048576 bytes"),
    ];
    let (listening, outlet) = Listening::start(source_with(OtlpHttpDoor { auth, ..door() }), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    for (method, path, headers, body, http, code, said) in table {
        for headers in headers {
            let answered = Connection::to(listening.address()).ask(method, path, &headers, body);
            assert_eq!(answered.status, http, "{method} {path} {headers} {answered:?}");
            let (told, text) = status(&answered);
            assert_eq!(told, code, "{method} {path} {headers} {text}");
            assert!(text.contains(said), "{text:?} does not say {said:?}");
            assert!(!answered.head.contains("retry-after"));
        }
    }
    let answered = Connection::to(listening.address()).ask("POST", "/v1/logs", PROTO, b"");
    assert!(answered.head.contains("www-authenticate: basic"), "{answered:?}");
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn who_is_put_off_comes_back() {
    let limits = NetLimits { waiting_bytes: 500, ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source_with(door()) }, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    for headers in [PROTO, JSON] {
        let answered = Connection::to(listening.address()).post("/v1/logs", headers, &[0; 5000]);
        assert_eq!((answered.status, status(&answered).0), (503, 14));
        assert!(answered.head.contains("retry-after: 1\r\n"));
    }
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn one_source_listens_for_both() {
    let mut source = source_with(door());
    source.listeners.extend(calls::source_with(calls::door(Service::Otlp)).listeners);
    let (listening, outlet) = Listening::start(source, 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let (one, two) = (logs(0..1).encode_to_vec(), logs(1..2).encode_to_vec());
    assert_eq!(Connection::to(listening.addresses[0].unwrap()).post("/v1/logs", PROTO, &one).status, 200);
    assert_eq!(Caller::to(listening.addresses[1].unwrap()).send(LOGS, &two).status().code, Code::Ok);
    listening.end();
    assert_eq!(out.join().unwrap(), [one, two].concat());
}
