//! A sink and the server that it posts to, which has its ways.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::sending::{HOUR, Posting, client, client_of, config, listen, refusing};
use crate::http::tests::support::*;
use crate::{Cause, Credentials, HttpClient, HttpClientConfig, NetSinkConfig, Outbox};

#[test]
fn events_are_posted_in_order_in_requests_of_whole_lines() {
    let server = Server::start([]);
    let headers = vec![("x-tenant".to_owned(), "blue".to_owned())];
    let credentials = Some(Credentials::Bearer { token: "secret".into() });
    let client = client_of(HttpClientConfig { uri: server.uri(), credentials, headers, ..HttpClientConfig::default() });
    let mut posting = Posting::start(NetSinkConfig { batch_timeout: HOUR, ..config(client) }, 50);
    let long = format!("{{\"n\":\"{}\"}}\n", "x".repeat(3000));
    let text = events(0..500) + &long + &events(501..600);
    let receipts = [posting.feed(&text), posting.feed("nonsense\n")];
    let figures = posting.figures.clone();
    posting.end();
    let taken = server.taken();
    assert_eq!(taken.concat(), text);
    for body in &taken {
        assert!(body.ends_with('\n') && (body.len() <= 1000 || *body == long), "{} bytes", body.len());
    }
    assert!(taken.len() < text.len() / 900 + 5, "{} requests", taken.len());
    assert!(receipts.iter().all(|settled| settled.load(Relaxed) == 1));
    assert_eq!((figures.taken.load(Relaxed), figures.retries.load(Relaxed)), (taken.len() as u64, 0));
    let head = server.requests.lock().unwrap()[0].head.clone();
    assert!(head.starts_with("POST /events?from=eyas HTTP/1.1\r\n"), "{head}");
    let host = format!("host: {}", server.address);
    for header in [&*host, "content-type: application/x-ndjson", "authorization: Bearer secret", "x-tenant: blue"] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
    }
}

#[test]
fn whatever_the_server_does_nothing_is_lost_and_nothing_overtakes() {
    use Act::*;
    let script = [
        Answer(500, ""),
        Close,
        Take,
        Answer(429, "retry-after: 0\r\n"),
        Hang,
        Answer(400, ""),
        TakeAndClose,
        Take,
        TakeAndClose,
        Answer(301, "location: /elsewhere\r\n"),
        Close,
        Close,
        Take,
        Answer(503, "retry-after: 9999\r\n"),
        Hang,
        TakeAndClose,
        Answer(404, ""),
    ];
    let server = Server::start(script);
    let mut posting = Posting::start(NetSinkConfig { timeout: Duration::from_millis(100), ..config(client(server.uri())) }, 50);
    let receipts: Vec<_> = (0..10).map(|i| posting.feed(&events(i * 100..i * 100 + 100))).collect();
    let figures = posting.figures.clone();
    posting.end();
    let mut taken = server.taken();
    // What is answered too late is posted again.
    taken.dedup();
    assert_eq!(taken.concat(), events(0..1000));
    assert!(receipts.iter().all(|settled| settled.load(Relaxed) == 1));
    let refused: Vec<_> = figures.refused().into_iter().collect();
    assert_eq!(refused, ["301", "400", "404", "429", "500", "503"].map(|code| (code.to_owned(), 1)));
    // A kept connection that breaks is tried again at once, which is no failure yet; a request that hangs is one.
    assert!(figures.unanswered.load(Relaxed) >= 2, "{figures:?}");
    assert!(figures.failing().is_none(), "all is well again");
}

#[test]
fn nothing_is_said_to_be_safe_before_it_is_taken() {
    let barrier = Arc::new(Barrier::new(2));
    let server = Server::start([Act::Answer(500, ""), Act::TakeAt(barrier.clone())]);
    let mut posting = Posting::start(config(client(server.uri())), 50);
    let settled = posting.feed(&events(0..10));
    wait_for("it has been posted again", || server.requests.lock().unwrap().len() == 2);
    assert_eq!(settled.load(Relaxed), 0);
    barrier.wait();
    posting.end();
    assert_eq!(settled.load(Relaxed), 1);
}

#[test]
fn more_is_not_waited_for_where_the_source_is_out_of_credit() {
    let server = Server::start([]);
    let mut posting = Posting::start(NetSinkConfig { batch_timeout: HOUR, ..config(client(server.uri())) }, 4);
    for i in 0..50 {
        posting.feed(&events(i..i + 1));
    }
    posting.end();
    assert_eq!(server.taken().concat(), events(0..50));
}

#[test]
fn a_server_that_comes_later_gets_everything() {
    let (socket, address) = refusing();
    let mut posting = Posting::start(config(client(format!("http://{address}"))), 50);
    let settled = posting.feed(&events(0..100));
    let figures = posting.figures.clone();
    wait_for("it is tried again", || figures.retries.load(Relaxed) > 2);
    let why = figures.failing().unwrap();
    assert!(why.starts_with(&format!("cannot connect to {address}: Connection refused")), "{why}");
    assert_eq!(settled.load(Relaxed), 0);
    let server = Server::listen(listen(socket), []);
    posting.end();
    assert_eq!(server.taken().concat(), events(0..100));
    assert_eq!(settled.load(Relaxed), 1);
    assert!(server.requests.lock().unwrap()[0].head.starts_with("POST / HTTP/1.1\r\n"));
}

#[test]
fn a_stop_ends_a_long_wait_between_tries() {
    let server = Server::start([Act::Answer(503, "retry-after: 3000\r\n")]);
    let mut posting = Posting::start(NetSinkConfig { retry_max: HOUR, ..config(client(server.uri())) }, 50);
    posting.feed(&events(0..10));
    let figures = posting.figures.clone();
    wait_for("it waits", || figures.failing().is_some());
    posting.stop.request(Cause::Signal(15));
    posting.end();
    assert_eq!(server.taken(), [events(0..10)]);
}

#[test]
fn a_server_of_alerts_that_is_dead_holds_back_nobody_until_the_outbox_is_full() {
    let (socket, address) = refusing();
    let outbox = Outbox::new(1 << 20, &["{\"n\":0}".to_owned()]);
    let mut posting = Posting::start(NetSinkConfig { outbox: Some(outbox.clone()), ..config(client(format!("http://{address}"))) }, 50);
    let receipts: Vec<_> = (0..10).map(|i| posting.feed(&events(i * 100 + 1..i * 100 + 101))).collect();
    wait_for("all is in the outbox", || receipts.iter().all(|settled| settled.load(Relaxed) == 1));
    let pending = outbox.pending();
    assert_eq!(pending.join("\n") + "\n", events(0..1001), "nothing has been taken yet");
    let server = Server::listen(listen(socket), [Act::Answer(500, ""), Act::Close]);
    posting.end();
    assert_eq!(server.taken().concat(), events(0..1001));
    assert!(outbox.pending().is_empty());
}

#[test]
fn what_cannot_be_a_uri_or_a_header_is_said() {
    let error = |config: HttpClientConfig| HttpClient::new(&config).err().unwrap();
    let to = |uri: &str| HttpClientConfig { uri: uri.into(), ..HttpClientConfig::default() };
    assert!(error(to("ftp://there/")).contains("no http:// or https:// URI"));
    assert!(error(to("http://")).contains("no URI"));
    assert!(error(to("/only/a/path")).contains("no http:// or https:// URI"));
    let headers = vec![("x tenant".to_owned(), "blue".to_owned())];
    assert!(error(HttpClientConfig { headers, ..to("http://there") }).contains("cannot be the name"));
    let headers = vec![("x-tenant".to_owned(), "bl\nue".to_owned())];
    assert!(error(HttpClientConfig { headers, ..to("http://there") }).contains("cannot have this value"));
}
