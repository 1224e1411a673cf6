//! A client, and receivers with their ways.

use std::time::Duration;

use bytes::Bytes;
use eyas_codec::otlp::{Signal, requests};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;

use super::support::*;
use crate::deliver::{Compression, Failure, FailureKind};
use crate::grpc::tests::server::{Act, Server};
use crate::grpc::tests::support::{self as calls, framed};
use crate::grpc::{Code, Service, Status};
use crate::http::HttpClientConfig;
use crate::otlp::answer::{Partial, is_permanent, is_permanent_http};
use crate::otlp::{OtlpClient, OtlpProtocol};

fn send(client: &mut OtlpClient, body: &[u8]) -> Result<(), Failure> {
    let body = Bytes::copy_from_slice(body);
    RUNTIME.block_on(async { tokio::time::timeout(LONG, client.send(body)).await.unwrap() })
}

/// Logs, metrics, logs, traces: in the stream form.
fn mixed() -> Vec<u8> {
    let [logs, metrics, traces] = of_each().map(|(_, _, _, stream)| stream);
    [&logs[..], &metrics, &logs, &logs, &traces].concat()
}

#[test]
fn each_run_of_a_signal_is_a_request_of_its_own() {
    let server = Server::start([]);
    let mut client = OtlpClient::new(OtlpProtocol::Grpc, &HttpClientConfig { uri: server.uri(), ..HttpClientConfig::default() }).unwrap();
    send(&mut client, &mixed()).unwrap();
    let calls = server.calls();
    let expected: Vec<_> = requests(&mixed()).collect();
    assert_eq!(
        expected.iter().map(|(signal, _)| *signal).collect::<Vec<_>>(),
        [Signal::Logs, Signal::Metrics, Signal::Logs, Signal::Traces]
    );
    assert_eq!(calls.len(), 4);
    for (call, (signal, request)) in calls.iter().zip(expected) {
        assert!(call.path.to_lowercase().contains(&format!("{signal:?}").to_lowercase()[..4]), "{} for {signal:?}", call.path);
        assert_eq!(call.body, framed(false, &request));
    }
}

#[test]
fn everything_arrives_over_every_protocol() {
    for (protocol, compression) in [
        (OtlpProtocol::Grpc, Compression::None),
        (OtlpProtocol::Grpc, Compression::Zstd),
        (OtlpProtocol::HttpProto, Compression::None),
        (OtlpProtocol::HttpProto, Compression::Gzip),
        (OtlpProtocol::HttpJson, Compression::Zstd),
    ] {
        let source = match protocol {
            OtlpProtocol::Grpc => calls::source_with(calls::door(Service::Otlp)),
            _ => source_with(door()),
        };
        let (listening, outlet) = Listening::start(source, 4);
        let out = std::thread::spawn(|| drain_bytes(outlet));
        let config = HttpClientConfig { uri: format!("http://{}", listening.address()), compression, ..HttpClientConfig::default() };
        let mut client = OtlpClient::new(protocol, &config).unwrap();
        send(&mut client, &mixed()).unwrap();
        send(&mut client.another(), &logs(100..200).encode_to_vec()).unwrap();
        let failure = send(&mut client, &logs(0..20_000).encode_to_vec()).unwrap_err();
        assert!(matches!(&failure.kind, FailureKind::Refused { permanent: true, retry_after: None, .. }), "{failure:?}");
        listening.end();
        let [logs_0, metrics, traces] = of_each().map(|(_, _, _, stream)| stream);
        // What comes again within a body is known, too.
        let twice = [&logs_0[..], &logs_0].concat();
        let all = [&logs_0[..], &metrics, &twice, &traces, &logs(100..200).encode_to_vec()].concat();
        assert_eq!(out.join().unwrap(), all, "{protocol:?} {compression:?}");
    }
}

#[test]
fn what_a_refusal_means_is_what_the_protocol_says() {
    let permanent = [Code::InvalidArgument, Code::AlreadyExists, Code::Internal, Code::ResourceExhausted];
    for code in Code::ALL {
        assert_eq!(is_permanent(&Status::new(code, "so it is")), permanent.contains(&code), "{code:?}");
    }
    assert!(!is_permanent(&Status { retry_after: Some(Duration::ZERO), ..Status::new(Code::ResourceExhausted, "") }));
    let too_large = "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes";
    assert!(is_permanent(&Status::new(Code::OutOfRange, too_large)));
    let permanent: Vec<u16> = (100..600).filter(|&status| is_permanent_http(status.try_into().unwrap())).collect();
    assert_eq!(permanent, [400, 413, 422, 500]);
}

#[test]
fn refusals_come_back_with_their_names_and_times() {
    let busy = Status { retry_after: Some(Duration::from_secs(3)), ..Status::new(Code::Unavailable, "later") };
    let server = Server::start([Act::Refuse(busy), Act::Trail(Status::new(Code::InvalidArgument, "never"))]);
    let mut client = OtlpClient::new(OtlpProtocol::Grpc, &HttpClientConfig { uri: server.uri(), ..HttpClientConfig::default() }).unwrap();
    let refused = |permanent, retry_after, code: &str| FailureKind::Refused { permanent, retry_after, code: code.into() };
    assert_eq!(send(&mut client, &mixed()).unwrap_err().kind, refused(false, Some(Duration::from_secs(3)), "UNAVAILABLE"));
    assert_eq!(send(&mut client, &mixed()).unwrap_err().kind, refused(true, None, "INVALID_ARGUMENT"));
}

#[test]
fn what_a_receiver_drops_is_counted_and_not_sent_again() {
    let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records: 5, error_message: "too old".into() });
    let response = ExportLogsServiceResponse { partial_success };
    let told = Partial { rejected: 5, told: "too old".into() };
    assert_eq!(Partial::of_proto(&response.encode_to_vec()), told);
    assert_eq!(Partial::of_json(serde_json::to_string(&response).unwrap().as_bytes()), told);
    assert_eq!(Partial::of_json(br#"{"partialSuccess":{"rejectedSpans":"5","errorMessage":"too old"}}"#), told);
    for nothing in [&b""[..], b"{}", b"nonsense", b"\x0a", b"\x0a\x7f\x08"] {
        assert_eq!((Partial::of_proto(nothing), Partial::of_json(nothing)), Default::default());
    }
    let server = Server::start([Act::Say(response.encode_to_vec())]);
    let mut client = OtlpClient::new(OtlpProtocol::Grpc, &HttpClientConfig { uri: server.uri(), ..HttpClientConfig::default() }).unwrap();
    send(&mut client.another(), &logs(0..10).encode_to_vec()).unwrap();
    send(&mut client, &logs(0..10).encode_to_vec()).unwrap();
    assert_eq!(client.rejected(), 5);
    assert_eq!(server.calls().len(), 2);
}
