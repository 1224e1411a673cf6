//! OpenTelemetry's protocol at the door: the requests of all three signals, in protobuf and in JSON, and the stream form that they become.
//!
//! The stream form is `ResourceLogs` as field 1, `ResourceMetrics` as field 2 and `ResourceSpans` as field 3, one after another.

mod read;
mod schema;
mod write;

use crate::Malformed;
use crate::binary::otlp::{CHILD, OWNER, Part, Pieces, check};
use crate::binary::proto::{Field, Fields, Wire, put_bytes};

pub(crate) use write::write_frames;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// `ExportLogsServiceRequest`.
    Logs,
    /// `ExportMetricsServiceRequest`.
    Metrics,
    /// `ExportTraceServiceRequest`.
    Traces,
}

impl Signal {
    /// The field of the stream form.
    fn number(self) -> u32 {
        match self {
            Self::Logs => 1,
            Self::Metrics => 2,
            Self::Traces => 3,
        }
    }

    fn of(frame: &Field) -> Option<Self> {
        [Self::Logs, Self::Metrics, Self::Traces].into_iter().find(|signal| frame.is(signal.number()))
    }
}

/// No envelope of the stream form has more records: a larger one becomes several.
const MOST_RECORDS: usize = 1 << 14;

/// No more may stand around a record: it is there again for each piece of an envelope, and in JSON for each record.
const MOST_AROUND: usize = 64 << 10;

/// The stream form of an `Export…ServiceRequest`, whole on the outside: the envelopes down to the borders of the records (metrics, spans),
/// resources and scopes inside. Fields that the protocol does not know are left out.
pub fn stream(signal: Signal, request: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    let mut fields = Fields::new(&request, 0, request.len());
    let mut as_it_is = true;
    for field in fields.by_ref() {
        match (field.number, field.wire) {
            (1, Wire::Bytes) => {
                let records = envelope(&request, field)?;
                as_it_is &= signal == Signal::Logs && records.count <= MOST_RECORDS;
                if signal == Signal::Logs && records.around > MOST_AROUND {
                    return Err(Malformed::new("a resource or scope of more than 64 KiB", field.start));
                }
            }
            (1, _) => return Err(Malformed::new("an envelope that is no message", field.start)),
            _ => as_it_is = false,
        }
    }
    if !fields.is_whole() {
        return Err(Malformed::new("no field of protobuf", fields.at));
    }
    if as_it_is {
        return Ok(request);
    }
    let mut stream = Vec::with_capacity(request.len());
    for frame in Fields::new(&request, 0, request.len()).filter(|field| field.is(1)) {
        match signal {
            Signal::Logs => split(&request, frame, &mut stream),
            Signal::Metrics | Signal::Traces => put_bytes(signal.number(), frame.bytes(&request), &mut stream),
        }
    }
    Ok(stream)
}

/// What there is in an envelope.
struct Records {
    count: usize,
    /// How many bytes at most stand around one.
    around: usize,
}

/// Checks an envelope; gives what records it has.
fn envelope(bytes: &[u8], frame: Field) -> Result<Records, Malformed> {
    let (mut count, mut in_scope) = (0, 0);
    let around = around(bytes, frame, 1, |scope| {
        let around = around(bytes, scope, 3, |_| {
            count += 1;
            Ok(())
        })?;
        in_scope = in_scope.max(around);
        Ok(())
    })?;
    Ok(Records { count, around: around + in_scope })
}

/// Checks a message, and the attributes of its owner, which are the fields `attributes` of that; gives how much is around its children.
fn around(
    bytes: &[u8],
    message: Field,
    attributes: u32,
    mut child: impl FnMut(Field) -> Result<(), Malformed>,
) -> Result<usize, Malformed> {
    let mut around = 0;
    let mut fields = Fields::new(bytes, message.value, message.end);
    for field in fields.by_ref() {
        if field.is(CHILD) {
            child(field)?;
            continue;
        }
        around += field.end - field.start;
        if field.is(OWNER) {
            check(bytes, field, attributes)?;
        }
    }
    if fields.is_whole() { Ok(around) } else { Err(Malformed::new("no field of protobuf", fields.at)) }
}

/// Appends an envelope in pieces that are not too large.
fn split(bytes: &[u8], frame: Field, out: &mut Vec<u8>) {
    let mut count = 0;
    Pieces::rebuild(bytes, frame, &mut |part: Part<'_>| part.append(bytes, out), |pieces, record, sink| {
        if count == MOST_RECORDS {
            pieces.close(sink);
            count = 0;
        }
        count += 1;
        pieces.keep(record.start..record.end);
    });
}

/// The stream form of a request in OTLP/JSON.
pub fn stream_of_json(signal: Signal, json: &[u8]) -> Result<Vec<u8>, Malformed> {
    stream(signal, read::message(schema::request(signal), json)?)
}

/// The requests that bring the stream form to a receiver, in order: one for each run of envelopes of one signal.
pub fn requests(stream: &[u8]) -> impl Iterator<Item = (Signal, Vec<u8>)> {
    let mut frames = Fields::new(stream, 0, stream.len()).filter_map(|frame| Some((Signal::of(&frame)?, frame))).peekable();
    std::iter::from_fn(move || {
        let (signal, first) = frames.next()?;
        let mut request = Vec::new();
        put_bytes(1, first.bytes(stream), &mut request);
        while let Some((_, frame)) = frames.next_if(|(of, _)| *of == signal) {
            put_bytes(1, frame.bytes(stream), &mut request);
        }
        Some((signal, request))
    })
}

/// A request in OTLP/JSON. What the protocol does not know is left out.
pub fn json_of(signal: Signal, request: &[u8]) -> Vec<u8> {
    let mut json = Vec::with_capacity(request.len() * 2);
    write::message(schema::request(signal), request, &mut json);
    json
}
