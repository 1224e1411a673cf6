//! Finds the event time in the first events of a stream that nobody described.

use eyas_event::{Buffer, Field, FieldType, Keying, Partition, Slice, Subscription, Values};

use super::TimeSpec;
use super::read::Clock;
use crate::json::{Kind, Slot};
use crate::{Decoder, Decoding, Plan, Sharding};

/// Names under which event time is common, the likeliest first.
const NAMES: [&str; 24] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "event_time",
    "eventTime",
    "event.created",
    "datetime",
    "date_time",
    "date",
    "_time",
    "Timestamp",
    "TimeGenerated",
    "TimeCreated",
    "CreationTime",
    "createdAt",
    "created_at",
    "start",
    "start_time",
    "timereported",
    "__REALTIME_TIMESTAMP",
    "EventTime",
    "UtcTime",
    "log_time",
];

/// Formats of texts, the strictest first; those of numbers follow from their size.
const FORMATS: [&str; 8] = [
    "rfc3339",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
];

/// So many events are looked at.
const EVENTS: usize = 20;

/// The path of the field that holds the event time, and its format, from the first bytes of a stream of NDJSON. A field counts if one
/// format reads it in each of the first events that are whole.
pub fn guess_time(first: &[u8]) -> Option<(String, String)> {
    let whole = memchr::memrchr(b'\n', first).map_or(first.len(), |newline| newline);
    let mut bytes = first.get(..whole)?.to_vec();
    bytes.push(b'\n');
    let lines = crate::cut(&crate::Encoding::Ndjson, &bytes, EVENTS);
    let fields = NAMES.iter().map(|&name| Field { path: name.to_owned(), kind: FieldType::Raw }).collect();
    let all = Subscription { fields, keying: Keying::Stateless, timeless: true, ..Subscription::default() };
    let plan = Plan::new(&Decoding::default(), &[all], Sharding { shards: 1, seed: 0 }).ok()?;
    let slice = Slice {
        partition: Partition { source: 0, number: 0 },
        position: 0,
        ingest_time: 0,
        buffer: Buffer::new(bytes).into(),
        range: 0..lines,
        header: None,
        oversize: false,
        turn_end: None,
        request: None,
    };
    let decoded = Decoder::new(plan.into()).decode(&slice, 0);
    let events = decoded.events.len();
    let columns = &decoded.parts.first()?.columns;
    NAMES.iter().zip(columns).find_map(|(name, column)| {
        let Values::Raw(values) = &column.values else { return None };
        let values: Vec<&[u8]> = (0..events).map(|row| values.get(row)).collect();
        Some(((*name).to_owned(), format_of(&values)?))
    })
}

/// The one format that reads all values.
fn format_of(values: &[&[u8]]) -> Option<String> {
    let (&first, _) = values.split_first()?;
    let digits = first.iter().filter(|byte| !matches!(byte, b'"')).take_while(|byte| byte.is_ascii_digit()).count();
    let unix = match digits {
        9..=10 => "unix",
        12..=13 => "unix_ms",
        15..=16 => "unix_us",
        18..=19 => "unix_ns",
        _ => "",
    };
    let formats = FORMATS.iter().copied().chain(Some(unix).filter(|unix| !unix.is_empty()));
    formats.map(str::to_owned).find(|format| {
        let Ok(spec) = TimeSpec::new("time", std::slice::from_ref(format), "UTC") else { return false };
        let mut clock = Clock::new(spec, crate::dialect::Dialect::Json);
        values.iter().all(|value| {
            let slot = match value.first() {
                Some(b'"') => Slot::new(1, value.len() - 1, Kind::Text),
                Some(b'0'..=b'9') => Slot::new(0, value.len(), Kind::Number),
                _ => return false,
            };
            clock.read(slot, value).is_ok()
        })
    })
}
