//! A channel, and servers with their ways.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::server::{Act, Server};
use super::support::*;
use crate::deliver::{Compression, Failure, FailureKind};
use crate::grpc::{Channel, Code, Status};
use crate::http::{Credentials, HttpClientConfig};

fn channel(server: &Server) -> Channel {
    Channel::new(&HttpClientConfig { uri: server.uri(), ..HttpClientConfig::default() }).unwrap()
}

fn call(channel: &Channel, message: &'static [u8]) -> Result<(Status, Bytes), Failure> {
    RUNTIME.block_on(async { timeout(LONG, channel.call(PUSH, Bytes::from_static(message))).await.unwrap() })
}

#[test]
fn a_call_says_what_it_is_and_brings_its_message() {
    let server = Server::start([Act::Say(b"thanks".to_vec())]);
    let config = HttpClientConfig {
        uri: server.uri(),
        credentials: Some(Credentials::Bearer { token: "secret".into() }),
        headers: vec![("x-tenant".to_owned(), "blue".to_owned())],
        ..HttpClientConfig::default()
    };
    let channel = Channel::new(&config).unwrap();
    assert_eq!(call(&channel, b"events").unwrap(), (Status::ok(), Bytes::from_static(b"thanks")));
    let [called] = &server.calls()[..] else { panic!("one call") };
    assert_eq!((&*called.path, &called.body), (PUSH, &framed(false, b"events")));
    for (name, value) in
        [("content-type", "application/grpc+proto"), ("te", "trailers"), ("authorization", "Bearer secret"), ("x-tenant", "blue")]
    {
        assert_eq!(called.headers[name], value);
    }
}

#[test]
fn messages_are_packed_where_that_is_asked_for() {
    let server = Server::start([]);
    for (compression, name) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")] {
        let channel = Channel::new(&HttpClientConfig { uri: server.uri(), compression, ..HttpClientConfig::default() }).unwrap();
        call(&channel, b"events events events events").unwrap();
        let called = server.calls().pop().unwrap();
        assert_eq!(called.headers["grpc-encoding"], name);
        assert_eq!(called.body[0], 1);
        let mut unpacked = Vec::new();
        match compression {
            Compression::Gzip => flate2::read::GzDecoder::new(&called.body[5..]).read_to_end(&mut unpacked).unwrap(),
            _ => zstd::Decoder::new(&called.body[5..]).unwrap().read_to_end(&mut unpacked).unwrap(),
        };
        assert_eq!(unpacked, b"events events events events");
    }
}

#[test]
fn a_status_is_understood_wherever_it_stands() {
    let busy = Status { retry_after: Some(Duration::from_secs(7)), ..Status::new(Code::ResourceExhausted, "später: 100 % voll") };
    let server = Server::start([Act::Trail(busy.clone()), Act::Refuse(busy.clone()), Act::Http(503), Act::Http(404), Act::Http(500)]);
    let channel = channel(&server);
    assert_eq!(call(&channel, b"").unwrap().0, busy);
    assert_eq!(call(&channel, b"").unwrap().0, busy);
    for code in [Code::Unavailable, Code::Unimplemented, Code::Unknown] {
        assert_eq!(call(&channel, b"").unwrap().0.code, code);
    }
    assert_eq!(server.connections(), 1);
    let refused = busy.refused(true);
    assert_eq!(refused.told, "answered RESOURCE_EXHAUSTED: später: 100 % voll");
    let code = "RESOURCE_EXHAUSTED".to_owned();
    assert_eq!(refused.kind, FailureKind::Refused { permanent: true, retry_after: Some(Duration::from_secs(7)), code });
}

#[test]
fn an_answer_without_a_status_is_none() {
    let server = Server::start([Act::Forget, Act::Babble, Act::Close]);
    let channel = channel(&server);
    for _ in 0..3 {
        assert_eq!(call(&channel, b"").unwrap_err().kind, FailureKind::Broken);
    }
    assert_eq!(call(&channel, b"").unwrap().0.code, Code::Ok, "and it goes on");
}

#[test]
fn a_connection_that_is_gone_is_made_anew_without_a_word() {
    let server = Server::start([]);
    let channel = channel(&server);
    for round in 1..5 {
        for _ in 0..10 {
            assert_eq!(call(&channel, b"").unwrap().0.code, Code::Ok);
        }
        assert_eq!(server.connections(), round);
        server.hang_up();
        wait_for("it is noticed", || !channel.is_connected());
    }
}

#[test]
fn many_calls_share_one_connection_and_one_that_is_given_up_costs_the_others_nothing() {
    let go = Arc::new(Notify::new());
    let server = Server::start((0..10).map(|_| Act::Wait(go.clone())).chain([Act::Hang]));
    let channel = channel(&server);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let channel = channel.clone();
            RUNTIME.spawn(async move { channel.call(PUSH, Bytes::new()).await })
        })
        .collect();
    wait_for("all are there", || server.calls().len() == 10);
    assert_eq!(server.connections(), 1);
    RUNTIME.block_on(async { timeout(Duration::from_millis(20), channel.call(PUSH, Bytes::new())).await }).unwrap_err();
    wait_for("the one that hangs is there, too", || server.calls().len() == 11);
    assert_eq!(call(&channel, b"").unwrap().0.code, Code::Ok);
    assert_eq!(server.connections(), 2, "nobody knows whether anybody is still there");
    (0..10).for_each(|_| go.notify_one());
    wait_for("they are answered", || {
        go.notify_one();
        calls.iter().all(|call| call.is_finished())
    });
    for call in calls {
        assert_eq!(RUNTIME.block_on(call).unwrap().unwrap().0.code, Code::Ok);
    }
}

#[test]
fn who_is_not_there_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let channel = Channel::new(&HttpClientConfig { uri: uri.clone(), ..HttpClientConfig::default() }).unwrap();
    let failure = call(&channel, b"").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect);
    assert!(failure.told.contains(uri.trim_start_matches("http://")), "{failure}");
}

#[test]
fn who_does_not_speak_http_2_is_no_receiver() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let channel = Channel::new(&HttpClientConfig { uri, ..HttpClientConfig::default() }).unwrap();
    assert_eq!(call(&channel, b"").unwrap_err().kind, FailureKind::Broken);
}

#[test]
fn what_cannot_be_a_target_is_said() {
    let error = |uri: &str| Channel::new(&HttpClientConfig { uri: uri.into(), ..HttpClientConfig::default() }).unwrap_err();
    assert!(error("there:4317").contains("no http:// or https:// URI"));
    assert!(error("http://").contains("no URI") || error("http://").contains("no host"));
    assert!(error("http://there:4317/v1/logs").contains("has a path"));
    let headers = vec![("a b".to_owned(), "c".to_owned())];
    assert!(
        Channel::new(&HttpClientConfig { uri: "http://there".into(), headers, ..HttpClientConfig::default() }).unwrap_err().contains("a b")
    );
}
