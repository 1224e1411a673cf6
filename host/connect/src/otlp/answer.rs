//! What the answers of a receiver mean.

use eyas_codec::proto::Fields;
use hyper::StatusCode;

use crate::grpc::{Code, Status};

/// What was dropped out of a request that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// How many log records, data points or spans.
    pub rejected: u64,
    /// Why.
    pub told: String,
}

impl Partial {
    /// By an `Export…ServiceResponse`. What is none says nothing.
    pub fn of_proto(response: &[u8]) -> Self {
        let fields = |bytes| Fields::new(bytes, 0, <[u8]>::len(bytes));
        let mut partial = Self::default();
        for message in fields(response).filter(|field| field.is(1)).map(|field| field.bytes(response)) {
            for field in fields(message) {
                if field.is(2) {
                    partial.told = String::from_utf8_lossy(field.bytes(message)).into_owned();
                } else if field.number == 1 {
                    partial.rejected = i64::try_from(field.number_in(message)).map_or(0, i64::unsigned_abs);
                }
            }
        }
        partial
    }

    /// The same in JSON.
    pub fn of_json(response: &[u8]) -> Self {
        let response: serde_json::Value = serde_json::from_slice(response).unwrap_or_default();
        let said = response.get("partialSuccess");
        let value = |key| said.and_then(|said| said.get(key));
        let rejected = ["rejectedLogRecords", "rejectedDataPoints", "rejectedSpans"].into_iter().find_map(value);
        // 64 bits are a text in JSON; not all know it.
        let rejected = rejected.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
        let told = value("errorMessage").and_then(serde_json::Value::as_str);
        Self { rejected: rejected.unwrap_or_default(), told: told.unwrap_or_default().to_owned() }
    }
}

/// Whether these bytes will never be taken. After some codes the protocol has one try again; some are about how we or the receiver are set
/// up, which people can mend; what is left is about the bytes, or the receiver says that of its own error, and a sender that follows the
/// protocol would drop them.
pub fn is_permanent(status: &Status) -> bool {
    match status.code {
        Code::Ok | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::Unavailable | Code::DataLoss => false,
        // Where it says when to come back it is busy, else it is the request that is too much.
        Code::ResourceExhausted => status.retry_after.is_none(),
        // A widespread server says that of a request that is too large.
        Code::OutOfRange => status.message.contains("message length too large"),
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented | Code::NotFound | Code::FailedPrecondition => false,
        // Whoever gives no reason, or is something between us and the receiver.
        Code::Unknown => false,
        Code::InvalidArgument | Code::AlreadyExists | Code::Internal => true,
    }
}

/// The same of an answer over HTTP: after 429, 502, 503 and 504 the protocol has one try again, and 500 is how a collector says that what
/// it does with the bytes failed for good.
pub fn is_permanent_http(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 413 | 422 | 500)
}
