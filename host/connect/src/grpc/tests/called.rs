//! A source that is called, by callers that are right.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use super::support::*;
use crate::grpc::{Code, GrpcDoor, Service};
use crate::http::Credentials;
use crate::net::{NetLimits, NetSource};

#[test]
fn a_call_is_answered_well_once_its_events_are_taken_and_they_come_out_as_they_came() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    let requests = [push(0..100), push(100..101), push(101..5000)];
    for request in &requests {
        let answered = caller.send(PUSH, request);
        assert_eq!((answered.http.as_u16(), &answered.data[..]), (200, &b"\0\0\0\0\0"[..]), "an empty message");
        assert_eq!(answered.headers["content-type"], "application/grpc");
        assert_eq!(answered.trailers.as_ref().unwrap()["grpc-status"], "0");
    }
    assert_eq!(caller.send(PUSH, b"").status().code, Code::Ok, "no events are taken at once");
    assert_eq!((listening.figures.requests(2), listening.figures.connections.load(Relaxed)), (4, 1));
    assert_eq!(listening.end(), "");
    assert_eq!(out.join().unwrap(), requests.concat());
}

#[test]
fn messages_may_be_packed() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    for (packing, request) in [("gzip", push(0..1000)), ("zstd", push(1000..2000))] {
        let body = framed(true, &packed(packing, &request));
        assert_eq!(caller.call(PUSH, &[("grpc-encoding", packing)], body).status().code, Code::Ok);
        // Small messages are often sent plain by those who pack others.
        let body = framed(false, &push(5000..5001));
        assert_eq!(caller.call(PUSH, &[("grpc-encoding", packing)], body).status().code, Code::Ok);
        let bomb = framed(true, &packed(packing, &vec![0; 30 << 20]));
        let answered = caller.call(PUSH, &[("grpc-encoding", packing)], bomb);
        assert_eq!(answered.status().code, Code::OutOfRange);
        assert!(answered.status().message.contains("1048576 bytes"), "{answered:?}");
        let answered = caller.call(PUSH, &[("grpc-encoding", packing)], framed(true, b"nonsense"));
        assert_eq!(answered.status().code, Code::InvalidArgument);
    }
    assert_eq!(listening.figures.repeated.load(Relaxed), 1, "the small one, which is the same");
    listening.end();
    assert_eq!(out.join().unwrap(), [push(0..1000), push(5000..5001), push(1000..2000)].concat());
}

/// The path, headers and body of a request; the code that it gets, and what is said.
type Case<'a> = (&'a str, &'a [(&'static str, &'a str)], &'a [u8], Code, &'a str);

#[test]
fn what_is_wrong_decides_whether_the_sender_comes_back() {
    let auth = Some(Credentials::Bearer { token: "open sesame".into() });
    let bears = ("authorization", "Bearer open sesame");
    let push = framed(false, &push(0..1));
    let twice = [&push[..], &push].concat();
    let table: &[Case<'_>] = &[
        ("/vector.Vector/PullEvents", &[bears], &push, Code::Unimplemented, "PushEvents"),
        (LOGS, &[bears], &push, Code::Unimplemented, "PushEvents"),
        (PUSH, &[], &push, Code::Unauthenticated, "bearer token"),
        (PUSH, &[("authorization", "Bearer open sesam")], &push, Code::Unauthenticated, "bearer token"),
        (PUSH, &[("authorization", "Basic open sesame")], &push, Code::Unauthenticated, "bearer token"),
        (PUSH, &[bears, ("grpc-encoding", "br")], &push, Code::Unimplemented, "gzip, deflate, zstd"),
        (PUSH, &[bears], b"", Code::InvalidArgument, "no message"),
        (PUSH, &[bears], b"\0\0\0", Code::InvalidArgument, "ends before"),
        (PUSH, &[bears], &push[..push.len() - 1], Code::InvalidArgument, "ends before"),
        (PUSH, &[bears], &twice, Code::InvalidArgument, "more than one"),
        (PUSH, &[bears], b"\x07\0\0\0\0", Code::InvalidArgument, "neither 0"),
        (PUSH, &[bears], b"\x01\0\0\0\x01a", Code::InvalidArgument, "grpc-encoding"),
        (PUSH, &[bears], b"\0\0\0\0\x03abc", Code::InvalidArgument, "at byte"),
        (PUSH, &[bears], b"\0\0\0\0\x02\x08\x01", Code::InvalidArgument, "no message"),
        (PUSH, &[bears], b"\0\xff\xff\xff\xff", Code::OutOfRange, "larger than 1048576 bytes"),
        ("/vector.Vector/HealthCheck", &[], b"\0\0\0\0\0", Code::Unauthenticated, "bearer token"),
    ];
    let (listening, outlet) = Listening::start(source_with(GrpcDoor { auth, ..door(Service::Vector) }), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    for (path, headers, body, code, said) in table {
        let answered = caller.call(path, headers, body.to_vec());
        let status = answered.status();
        assert_eq!((answered.http.as_u16(), status.code), (200, *code), "{path} {headers:?} {body:?}");
        assert!(status.message.contains(said), "{status:?} does not say {said:?}");
        assert_eq!(status.retry_after, None);
    }
    // Whoever does not speak gRPC would not understand a status of it.
    for (headers, status) in
        [(("content-type", ""), 415), (("content-type", "application/json"), 415), (("content-type", "application/grpc+json"), 415)]
    {
        assert_eq!(caller.call(PUSH, &[bears, headers], push.clone()).http.as_u16(), status);
    }
    for content_type in ["application/grpc+proto", "application/grpc; charset=utf-8"] {
        assert_eq!(caller.call(PUSH, &[bears, ("content-type", content_type), ("te", "")], push.clone()).status().code, Code::Ok);
    }
    listening.end();
    assert_eq!(out.join().unwrap(), push[5..], "once, as it is the same");
}

#[test]
fn health_is_answered_as_each_protocol_has_it() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    let mut caller = Caller::to(listening.address());
    let answered = caller.send("/vector.Vector/HealthCheck", b"");
    assert_eq!((answered.status().code, &answered.data[..]), (Code::Ok, &b"\0\0\0\0\0"[..]), "SERVING is 0");
    let answered = caller.send("/grpc.health.v1.Health/Check", b"\x0a\x0dvector.Vector");
    assert_eq!((answered.status().code, &answered.data[..]), (Code::Ok, &b"\0\0\0\0\x02\x08\x01"[..]), "SERVING is 1");
    listening.end();
    assert_eq!(out.join().unwrap(), b"");
}

#[test]
fn who_is_put_off_is_told_to_come_back_and_when_and_nothing_of_it_is_taken() {
    // Nobody takes anything for now, so one batch is all there is room for.
    let limits = NetLimits { admission: Duration::from_millis(20), ..NetLimits::default() };
    let (listening, outlet) = Listening::start(NetSource { limits, ..source_with(door(Service::Vector)) }, 1);
    let (address, (sender, answers)) = (listening.address(), sync_channel(4));
    for i in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || sender.send((i, Caller::to(address).send(PUSH, &push(i..i + 1)).status())));
    }
    let mut told: Vec<_> = (0..3).map(|_| answers.recv_timeout(LONG).unwrap()).collect();
    let out = thread::spawn(|| drain_bytes(outlet));
    told.push(answers.recv_timeout(LONG).unwrap());
    let mut taken = Vec::new();
    for (i, status) in told {
        match status.code {
            Code::Ok => taken.extend(push(i..i + 1)),
            code => assert_eq!((code, status.retry_after), (Code::Unavailable, Some(Duration::from_secs(1)))),
        }
    }
    listening.end();
    assert_eq!(out.join().unwrap(), taken);
}

#[test]
fn a_call_that_comes_again_is_taken_once() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 4);
    let out = thread::spawn(|| drain_bytes(outlet));
    for _ in 0..3 {
        // Packed or not, it is the same.
        let body = framed(true, &packed("zstd", &push(0..10)));
        assert_eq!(Caller::to(listening.address()).call(PUSH, &[("grpc-encoding", "zstd")], body).status().code, Code::Ok);
        assert_eq!(Caller::to(listening.address()).send(PUSH, &push(0..10)).status().code, Code::Ok);
    }
    assert_eq!(listening.figures.repeated.load(Relaxed), 5);
    listening.end();
    assert_eq!(out.join().unwrap(), push(0..10));
}

#[test]
fn calls_on_one_connection_wait_for_their_own_events_alone() {
    let (listening, outlet) = Listening::start(source_with(door(Service::Vector)), 64);
    let caller = Caller::to(listening.address());
    let calls: Vec<_> = (0..20)
        .map(|i| {
            let mut caller = Caller(caller.0.clone());
            thread::spawn(move || caller.send(PUSH, &push(i..i + 1)).status().code)
        })
        .collect();
    let figures = listening.figures.clone();
    wait_for("all are under way", || figures.unacknowledged.load(Relaxed) == 20);
    let out = thread::spawn(|| drain_bytes(outlet));
    assert!(calls.into_iter().all(|call| call.join().unwrap() == Code::Ok));
    assert_eq!(listening.figures.connections.load(Relaxed), 1);
    listening.end();
    assert_eq!(out.join().unwrap().len(), (0..20).map(|i| push(i..i + 1).len()).sum::<usize>());
}
