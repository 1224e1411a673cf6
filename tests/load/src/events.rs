//! From a file of NDJSON to requests, each whole as it goes over the wire.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{Protocol, encode};

/// One request.
pub struct Request {
    /// Its body: with gRPC the message in its frame, with Forward the message.
    pub bytes: Bytes,
    /// How many events are in it.
    pub events: usize,
    /// With Forward, what is waited for.
    pub chunk: String,
}

/// An event with its time in nanoseconds.
pub struct Event {
    /// The event.
    pub members: Map<String, Value>,
    /// Its time.
    pub time: i64,
}

/// Makes the requests.
pub fn requests(text: &[u8], batch: usize, protocol: Protocol) -> Result<Vec<Request>, String> {
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let request = |(number, lines): (usize, &[&[u8]])| {
        let mut chunk = String::new();
        let _ = write!(chunk, "chunk-{number}-{}", std::process::id());
        let bytes = match protocol {
            Protocol::Http | Protocol::Idle => lines.concat(),
            Protocol::Otlp => encode::grpc(&encode::otlp(&events(lines)?)),
            Protocol::OtlpHttp => encode::otlp(&events(lines)?),
            Protocol::Vector => encode::grpc(&encode::vector(&events(lines)?)),
            Protocol::Forward => encode::forward(&events(lines)?, &chunk),
        };
        Ok(Request { bytes: bytes.into(), events: lines.len(), chunk })
    };
    lines.chunks(batch).enumerate().map(request).collect()
}

fn events(lines: &[&[u8]]) -> Result<Vec<Event>, String> {
    let event = |line: &&[u8]| {
        let members: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let text = members.get("timestamp").and_then(Value::as_str).ok_or("an event has no timestamp")?;
        let civil = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).map_err(|error| error.to_string())?;
        let time = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?.timestamp();
        Ok(Event { members, time: i64::try_from(time.as_nanosecond()).unwrap_or_default() })
    };
    lines.iter().map(event).collect()
}
