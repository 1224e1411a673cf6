//! A client of Vector's against a door of Vector's, with what a real one sent, and against receivers with their ways.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::thread;
use std::time::Duration;

use bytes::Bytes;

use super::{VectorClient, is_permanent};
use crate::deliver::{Compression, Failure, FailureKind};
use crate::grpc::tests::server::{Act, Server};
use crate::grpc::tests::support::*;
use crate::grpc::{Code, Service, Status};
use crate::http::HttpClientConfig;

/// What Vector's sink sent of 100 events.
const REAL: &[u8] = include_bytes!("../../../codec/tests/wire/vector.push_events.bin");

fn client(uri: String, compression: Compression) -> VectorClient {
    VectorClient::new(&HttpClientConfig { uri, compression, ..HttpClientConfig::default() }).unwrap()
}

fn send(client: &mut VectorClient, body: &'static [u8]) -> Result<(), Failure> {
    RUNTIME.block_on(async { tokio::time::timeout(LONG, client.send(Bytes::from_static(body))).await.unwrap() })
}

#[test]
fn what_a_real_one_sent_goes_through_byte_for_byte() {
    for compression in [Compression::None, Compression::Gzip] {
        let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
        let out = thread::spawn(|| drain_bytes(outlet));
        let mut client = client(format!("http://{}", listening.address()), compression);
        send(&mut client, REAL).unwrap();
        send(&mut client.another(), REAL).unwrap();
        assert_eq!(listening.end(), "");
        assert_eq!(out.join().unwrap(), REAL, "once, as it is the same");
    }
}

#[test]
fn only_what_is_about_the_events_is_for_good() {
    for code in Code::ALL {
        let permanent = matches!(code, Code::InvalidArgument | Code::AlreadyExists | Code::OutOfRange | Code::DataLoss);
        assert_eq!(is_permanent(code), permanent, "{code:?}");
    }
    let busy = Status { retry_after: Some(Duration::from_secs(3)), ..Status::new(Code::Unavailable, "") };
    let script =
        [Act::Refuse(busy), Act::Trail(Status::new(Code::Internal, "Delivery error")), Act::Trail(Status::new(Code::DataLoss, ""))];
    let mut client = client(Server::start(script).uri(), Compression::None);
    for (permanent, retry_after, code) in
        [(false, Some(Duration::from_secs(3)), "UNAVAILABLE"), (false, None, "INTERNAL"), (true, None, "DATA_LOSS")]
    {
        let kind = FailureKind::Refused { permanent, retry_after, code: code.into() };
        assert_eq!(send(&mut client, b"").unwrap_err().kind, kind);
    }
    send(&mut client, b"").unwrap();
}
