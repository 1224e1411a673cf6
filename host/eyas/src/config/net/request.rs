//! `request`, `batch`: how a sink sends.

use std::time::Duration;

use eyas_connect::Concurrency;

use crate::config::plan::{Batching, RequestPlan};
use crate::config::reader::Reader;
use crate::config::tree::{Text, Value};

/// More at once would only queue up on the other side.
const MOST_AT_ONCE: i64 = 256;
/// Headers that say what the body is, or where it goes.
const OURS: [&str; 7] = ["host", "content-length", "content-encoding", "transfer-encoding", "connection", "te", "upgrade"];

/// `request`; `has_headers`: whether the protocol has headers.
pub fn read_request(reader: &Reader<'_>, has_headers: bool) -> RequestPlan {
    let (mut timeout, mut backoff, mut longest, mut headers, mut concurrency) = (60, 1, 30, Vec::new(), Concurrency::Fixed(1));
    let mut backoff_place = None;
    if let Some(request) = reader.within("request") {
        concurrency = read_concurrency(&request);
        timeout = request.integer("timeout_secs", 1..=3_600, timeout);
        backoff = request.integer("retry_initial_backoff_secs", 1..=3_600, backoff);
        longest = request.integer("retry_max_duration_secs", 1..=86_400, longest);
        if has_headers {
            headers = read_headers(&request);
        }
        backoff_place = request.table.get("retry_initial_backoff_secs").or(request.table.get("retry_max_duration_secs"));
        request.finish();
    }
    if let (true, Some(entry)) = (backoff > longest, backoff_place) {
        let message = format!("the first wait between tries, {backoff} s, is longer than the longest, {longest} s");
        reader.problems.at(&entry.place, message, "retry_initial_backoff_secs doubles up to retry_max_duration_secs");
    }
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    RequestPlan { concurrency, timeout: seconds(timeout), retry_initial_backoff: seconds(backoff), retry_max: seconds(longest), headers }
}

/// `batch`.
pub fn read_batch(reader: &Reader<'_>) -> Batching {
    let mut batching = Batching { max_bytes: 1 << 20, timeout: Duration::from_secs(1) };
    if let Some(batch) = reader.within("batch") {
        batching.max_bytes = batch.size("max_bytes", 1024..=1 << 30, batching.max_bytes);
        batching.timeout = Duration::from_nanos(batch.seconds("timeout_secs", 1).unsigned_abs());
        batch.finish();
    }
    batching
}

fn read_concurrency(request: &Reader<'_>) -> Concurrency {
    let right = format!("it is a number, 1 to {MOST_AT_ONCE}, or \"adaptive\"");
    match request.entry("concurrency").map(|entry| (&entry.node.value, &entry.node.place)) {
        None => Concurrency::Fixed(1),
        Some((Value::Integer(_), _)) => Concurrency::Fixed(request.size("concurrency", 1..=MOST_AT_ONCE, 1)),
        Some((Value::Text(text), _)) if text.value == "adaptive" => Concurrency::Adaptive,
        Some((Value::Text(text), place)) => {
            request.problems.at(place, format!("concurrency cannot be {text:?}"), right);
            Concurrency::Adaptive
        }
        Some((other, place)) => {
            request.problems.at(place, format!("this is {}, not how many requests may be under way", other.kind()), right);
            Concurrency::Adaptive
        }
    }
}

/// `headers`: names and texts.
fn read_headers(request: &Reader<'_>) -> Vec<(String, Text)> {
    let Some(headers) = request.within("headers") else { return Vec::new() };
    let mut read = Vec::new();
    for entry in &headers.table.entries {
        let name = entry.key.to_ascii_lowercase();
        let problem = |message: String, help: &str| headers.problems.at(&entry.place, message, help);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
            problem(format!("{:?} cannot be the name of a header", entry.key), "it is made of letters, digits and \"-\"");
        } else if OURS.contains(&name.as_str()) || name.starts_with("grpc-") {
            problem(format!("the header {:?} is ours to send", entry.key), "take it away");
        } else if name == "authorization" {
            problem(format!("{:?} is said by auth", entry.key), "write auth = { strategy = \"bearer\", token = \"${TOKEN}\" }");
        }
        match &entry.node.value {
            Value::Text(text) if text.value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) => read.push((name, text.clone())),
            Value::Text(_) => {
                headers.problems.at(&entry.node.place, "this cannot be the value of a header", "it is made of visible ASCII characters")
            }
            _ => headers.wrong(&entry.node, "a text in quotes"),
        }
    }
    read
}
