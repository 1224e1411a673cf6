//! What a source does with requests that are as they should be.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use super::support::*;
use crate::net::{Address, Door, Listener, NetSource};

#[test]
fn every_form_of_body_comes_out_as_lines_in_the_order_of_the_requests() {
    let (listening, outlet) = Listening::start(source(), 4);
    let out = drain(outlet);
    let mut connection = listening.connect();
    for (headers, body) in [
        ("content-type: application/x-ndjson\r\n", "{\"n\":0}\n{\"n\":1}\r\n"),
        ("content-type: application/json\r\n", "[{\"n\": 2},\n {\"n\":\r\n3}]"),
        ("", "\u{feff}{\"n\":4}"),
        ("content-type: text/plain\r\n", "{\n\"n\": 5\n}"),
        ("content-type: application/json\r\n", " \n"),
        ("", ""),
        ("content-encoding: identity\r\nexpect: 100-continue\r\n", "{\"n\":6}{\"n\":7}"),
    ] {
        let mut answered = connection.post(headers, body);
        if answered.status == 100 {
            answered = connection.answer().unwrap();
        }
        assert_eq!((answered.status, &*answered.text), (200, ""), "{body:?}");
    }
    connection.send("PUT / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"n\":\r\n4\r\n8}\n\n\r\n0\r\n\r\n");
    assert_eq!(connection.answer().unwrap().status, 200);
    assert_eq!((listening.figures.requests(2), listening.figures.connections.load(Relaxed)), (8, 1));
    drop(connection);
    let figures = listening.figures.clone();
    assert_eq!(listening.end(), "");
    let lines = "{\"n\":0}\n{\"n\":1}\n{\"n\": 2}\n{\"n\":  3}\n{\"n\":4}\n{ \"n\": 5 }\n{\"n\":6}\n{\"n\":7}\n{\"n\":8}\n";
    assert_eq!(out.join().unwrap(), lines);
    wait_for("the connection is closed", || figures.connections.load(Relaxed) == 0);
    assert_eq!(figures.unacknowledged.load(Relaxed), 0);
}

#[test]
fn a_request_is_answered_well_once_every_batch_of_it_is_taken_and_not_before() {
    // Each batch is of 100 events, and there is credit for two.
    let (listening, mut outlet) = Listening::start(source(), 2);
    let mut connection = listening.connect();
    connection.send_post("", &events(0..1000));
    let mut batches = 0;
    while batches < 10 {
        let delivery = outlet.next_delivery().unwrap();
        batches += usize::from(!delivery.is_empty());
        assert!(connection.is_waiting(), "answered after {batches} batches were given out");
        delivery.accept();
    }
    assert_eq!(connection.answer().unwrap().status, 200);
    // Nothing but what was taken counts: here a sink gives one batch of ten up.
    connection.send_post("", &events(1000..2000));
    for batch in 0..10 {
        let delivery = outlet.next_delivery().unwrap();
        if batch != 5 {
            delivery.accept();
        }
    }
    let answered = connection.answer().unwrap();
    assert_eq!(answered.status, 503);
    assert!(answered.head.contains("\r\nretry-after: 1\r\n") && answered.text.contains("send it again"), "{answered:?}");
    drop(outlet);
    assert_eq!(connection.post("", &events(0..10)).status, 503, "there is no sink any more");
    assert_eq!((listening.figures.requests(2), listening.figures.requests(5)), (1, 2));
    listening.end();
}

#[test]
fn a_request_without_room_is_refused_before_any_of_it_is_taken_in() {
    let mut limits = source().limits;
    limits.admission = Duration::from_millis(20);
    let (listening, mut outlet) = Listening::start(NetSource { limits, ..source() }, 1);
    let (mut first, mut second) = (listening.connect(), listening.connect());
    let room = || listening.admission.credit()[0].batches == 0;
    // The opening of the partition is a batch, too.
    outlet.next_delivery().unwrap().accept();
    wait_for("there is room", room);
    first.send_post("", &events(0..300));
    let delivery = outlet.next_delivery().unwrap();
    // The feeder waits for room for the rest of the first request; one waits behind it.
    let answered = second.post("", "{\"n\":-1}");
    assert_eq!(answered.status, 503);
    assert!(answered.head.contains("\r\nretry-after: 1\r\n"), "{answered:?}");
    delivery.accept();
    for _ in 0..2 {
        outlet.next_delivery().unwrap().accept();
    }
    assert_eq!(first.answer().unwrap().status, 200);
    wait_for("there is room", room);
    second.send_post("", "{\"n\":1}");
    let held = outlet.next_delivery().unwrap();
    // Now it is the first batch that there is no room for.
    assert_eq!(first.post("", "{\"n\":-1}").status, 503);
    held.accept();
    assert_eq!(second.answer().unwrap().status, 200);
    let out = drain(outlet);
    listening.end();
    assert_eq!(out.join().unwrap(), "", "what was refused came out");
}

#[test]
fn all_of_many_clients_comes_out_once_and_each_ones_in_order() {
    let (clients, requests) = (8, 50);
    let (listening, outlet) = Listening::start(NetSource { batch_bytes: 300, ..source() }, 4);
    let (out, address) = (drain(outlet), listening.address());
    let client = |client: usize| {
        thread::spawn(move || {
            let mut connection = Connection::to(address);
            for request in 0..requests {
                // Two at once: the second is answered after the first.
                let line = |half| format!("{{\"client\":{client},\"n\":{}}}\n", request * 2 + half);
                connection.send_post("", &line(0));
                connection.send_post("", &line(1));
                assert_eq!([connection.answer().unwrap().status, connection.answer().unwrap().status], [200, 200]);
            }
        })
    };
    (0..clients).map(client).collect::<Vec<_>>().into_iter().for_each(|client| client.join().unwrap());
    listening.end();
    let out = out.join().unwrap();
    for client in 0..clients {
        let lines: String =
            out.lines().filter(|line| line.contains(&format!("\"client\":{client},"))).map(|line| format!("{line}\n")).collect();
        let sent: String = (0..requests * 2).map(|n| format!("{{\"client\":{client},\"n\":{n}}}\n")).collect();
        assert_eq!(lines, sent);
    }
    assert_eq!(out.lines().count(), clients * requests * 2);
}

#[test]
fn after_a_stop_what_was_taken_in_is_answered_and_the_rest_refused() {
    let (listening, mut outlet) = Listening::start(source(), 4);
    let [mut taken, mut half, mut idle] = [listening.connect(), listening.connect(), listening.connect()];
    half.send("POST / HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n");
    assert_eq!(half.answer().unwrap().status, 100, "its body is being read");
    half.send("{\"n\":2}");
    assert_eq!(idle.post("", "").status, 200);
    outlet.next_delivery().unwrap().accept();
    taken.send_post("", "{\"n\":1}");
    let delivery = outlet.next_delivery().unwrap();
    let (address, out) = (listening.address(), drain(outlet));
    let ending = thread::spawn(move || listening.end());
    assert_eq!(half.answer().unwrap().status, 503, "it is not whole, so it is not taken in");
    assert!(taken.is_waiting());
    delivery.accept();
    assert_eq!(taken.answer().unwrap().status, 200);
    assert!(idle.answer().is_none() && taken.answer().is_none(), "nothing more is taken on these connections");
    assert_eq!(ending.join().unwrap(), "");
    assert!(std::net::TcpStream::connect(address).is_err(), "still listening");
    assert_eq!(out.join().unwrap(), "");
}

#[test]
fn an_address_that_is_taken_is_said_with_the_sources_name_before_anything_runs() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listeners = vec![Listener { address: Address::Tcp(address), tls: None, door: Door::Http(door()) }];
    let error = NetSource { listeners, ..source() }.bind(RUNTIME.handle()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("source \"in\": cannot listen on {address}: Address already in use")), "{error}");
}
