//! How a call went: a code, a text, and how long the caller is to stay away.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use eyas_codec::proto::{Fields, Wire, put_bytes, put_key, put_varint};
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::deliver::{Failure, FailureKind};

/// How the call went, as a number.
const CODE: HeaderName = HeaderName::from_static("grpc-status");
/// What there is to say about it.
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// The same as a `google.rpc.Status`, with details.
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// How much of a text is told.
const TOLD: usize = 200;
/// The detail that says when to come back.
const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
/// Whether there is padding is up to who writes it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The codes of gRPC, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are gRPC's")]
pub enum Code {
    Ok,
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

impl Code {
    /// All of them, each at its number.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// By its number; what is none of them is `Unknown`.
    fn numbered(text: &str) -> Self {
        text.parse().ok().and_then(|number: usize| Self::ALL.get(number)).copied().unwrap_or(Self::Unknown)
    }

    /// What an answer without a status says by its HTTP status (gRPC's own table).
    pub fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502..=504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// When the caller may come back, where that is said.
    pub retry_after: Option<Duration>,
}

impl Status {
    /// Without a word about coming back.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// All is well.
    pub fn ok() -> Self {
        Self::new(Code::Ok, "")
    }

    /// As a failure of the call.
    pub fn refused(self, permanent: bool) -> Failure {
        let (name, gap) = (self.code.name(), if self.message.is_empty() { "" } else { ": " });
        let kind = FailureKind::Refused { permanent, retry_after: self.retry_after, code: name.to_owned() };
        Failure { kind, told: format!("answered {name}{gap}{}", self.message.chars().take(TOLD).collect::<String>()) }
    }

    /// Writes it among headers or trailers.
    pub fn put(&self, headers: &mut HeaderMap) {
        headers.insert(CODE, HeaderValue::from(self.code as u16));
        if !self.message.is_empty()
            && let Ok(message) = HeaderValue::from_str(&escape(&self.message))
        {
            headers.insert(MESSAGE, message);
        }
        if self.retry_after.is_some()
            && let Ok(details) = HeaderValue::from_str(&BASE64.encode(self.to_proto()))
        {
            headers.insert(DETAILS, details);
        }
    }

    /// The one that stands among headers or trailers, if there is one.
    pub fn find(headers: &HeaderMap) -> Option<Self> {
        let text = |name| Some(headers.get(name)?.to_str().unwrap_or_default());
        let code = Code::numbered(text(CODE)?);
        let message = unescape(text(MESSAGE).unwrap_or_default()).into_owned();
        // Texts longer than a line may come in pieces, of which the first is enough.
        let details = text(DETAILS).and_then(|details| BASE64.decode(details).ok());
        Some(Self { code, message, retry_after: details.as_deref().and_then(retry_after) })
    }

    /// As a `google.rpc.Status`.
    pub fn to_proto(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_key(1, Wire::Varint, &mut out);
        put_varint(self.code as u64, &mut out);
        put_bytes(2, self.message.as_bytes(), &mut out);
        if let Some(delay) = self.retry_after {
            let (mut duration, mut info, mut detail) = (Vec::new(), Vec::new(), Vec::new());
            put_key(1, Wire::Varint, &mut duration);
            put_varint(delay.as_secs(), &mut duration);
            put_key(2, Wire::Varint, &mut duration);
            put_varint(u64::from(delay.subsec_nanos()), &mut duration);
            put_bytes(1, &duration, &mut info);
            put_bytes(1, RETRY_INFO, &mut detail);
            put_bytes(2, &info, &mut detail);
            put_bytes(3, &detail, &mut out);
        }
        out
    }

    /// As a `google.rpc.Status` in JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::json!({ "code": self.code as u8, "message": self.message }).to_string().into_bytes()
    }
}

/// What a `google.rpc.Status` says about coming back.
fn retry_after(status: &[u8]) -> Option<Duration> {
    let value = |message: &[u8], number| fields(message).find(|field| field.is(number)).map(|field| field.bytes(message).to_vec());
    let details = fields(status).filter(|field| field.is(3)).map(|field| field.bytes(status));
    let info = details.into_iter().find(|detail| value(detail, 1).is_some_and(|url| url == RETRY_INFO))?;
    let delay = value(&value(info, 2).unwrap_or_default(), 1).unwrap_or_default();
    let number = |number| fields(&delay).find(|field| field.number == number).map_or(0, |field| field.number_in(&delay));
    // A time before now is now.
    let seconds = i64::try_from(number(1)).map_or(0, |seconds| seconds.unsigned_abs());
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(number(2).min(999_999_999))))
}

fn fields(message: &[u8]) -> Fields<'_> {
    Fields::new(message, 0, message.len())
}

/// As headers have it: what is no plain ASCII is written as `%` and two digits.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// What is no such pair of digits stays as it is.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [byte, behind @ ..] = rest {
        let pair = behind.first_chunk::<2>().filter(|_| *byte == b'%');
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match pair.and_then(|&[high, low]| u8::try_from(digit(high)? << 4 | digit(low)?).ok()) {
            Some(meant) => {
                bytes.push(meant);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::time::Duration;

    use hyper::header::{HeaderMap, HeaderValue};
    use proptest::prelude::*;
    use prost::Message;

    use super::{BASE64, CODE, Code, DETAILS, Engine, MESSAGE, Status, retry_after};

    /// The messages as the public definition has them.
    mod google {
        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Status {
            #[prost(int32, tag = "1")]
            pub code: i32,
            #[prost(string, tag = "2")]
            pub message: String,
            #[prost(message, repeated, tag = "3")]
            pub details: Vec<Any>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Any {
            #[prost(string, tag = "1")]
            pub type_url: String,
            #[prost(bytes = "vec", tag = "2")]
            pub value: Vec<u8>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct RetryInfo {
            #[prost(message, optional, tag = "1")]
            pub retry_delay: Option<Span>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Span {
            #[prost(int64, tag = "1")]
            pub seconds: i64,
            #[prost(int32, tag = "2")]
            pub nanos: i32,
        }
    }

    fn again(status: &Status) -> Status {
        let mut headers = HeaderMap::new();
        status.put(&mut headers);
        Status::find(&headers).unwrap()
    }

    #[test]
    fn a_code_stands_at_its_number() {
        for (number, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!((code as usize, Code::numbered(&number.to_string())), (number, code));
        }
        for unknown in ["17", "-1", "", "ok", "99999999999999999999"] {
            assert_eq!(Code::numbered(unknown), Code::Unknown);
        }
    }

    #[test]
    fn a_status_is_written_as_its_definition_says() {
        let status = Status { retry_after: Some(Duration::from_millis(1500)), ..Status::new(Code::Unavailable, "später") };
        let read = google::Status::decode(&status.to_proto()[..]).unwrap();
        assert_eq!((read.code, &*read.message, read.details.len()), (14, "später", 1));
        assert_eq!(read.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
        let info = google::RetryInfo::decode(&read.details[0].value[..]).unwrap();
        assert_eq!(info.retry_delay, Some(google::Span { seconds: 1, nanos: 500_000_000 }));
        assert_eq!(status.to_json(), "{\"code\":14,\"message\":\"später\"}".as_bytes());
        let mut headers = HeaderMap::new();
        status.put(&mut headers);
        assert_eq!((&headers[CODE], &headers[MESSAGE]), (&HeaderValue::from(14), &HeaderValue::from_static("sp%C3%A4ter")));
    }

    #[test]
    fn the_time_to_come_back_is_found_among_other_details_and_with_padding() {
        let other = google::Any { type_url: "type.googleapis.com/google.rpc.DebugInfo".into(), value: b"\x0a\x03abc".to_vec() };
        let info = |seconds, nanos| {
            let info = google::RetryInfo { retry_delay: Some(google::Span { seconds, nanos }) };
            google::Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value: info.encode_to_vec() }
        };
        let details = |details| google::Status { code: 8, message: "full".into(), details }.encode_to_vec();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(retry_after(&details(vec![other.clone(), info(3, 0)])), seconds(3));
        assert_eq!(retry_after(&details(vec![info(-3, -5)])).map(|delay| delay.as_secs()), Some(0));
        assert_eq!(retry_after(&details(vec![google::Any { value: Vec::new(), ..info(0, 0) }])), seconds(0));
        assert_eq!(retry_after(&details(vec![other])), None);
        let mut headers = HeaderMap::new();
        headers.insert(CODE, HeaderValue::from_static("8"));
        let padded = base64::engine::general_purpose::STANDARD.encode(details(vec![info(7, 0)]));
        assert!(padded.ends_with('='));
        headers.insert(DETAILS, padded.parse().unwrap());
        assert_eq!(Status::find(&headers).unwrap().retry_after, seconds(7));
    }

    #[test]
    fn an_answer_without_a_status_has_none() {
        assert_eq!(Status::find(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(code in 0..17usize, message: String, delay: Option<u32>) {
            let status = Status { code: Code::ALL[code], message, retry_after: delay.map(|delay| Duration::from_millis(delay.into())) };
            prop_assert_eq!(again(&status), status);
        }

        #[test]
        fn whatever_a_peer_writes_is_read(code in "[ -~]{0,5}", message in "[ -~]{0,20}", details: Vec<u8>, at: prop::sample::Index, with: u8) {
            let mut headers = HeaderMap::new();
            headers.insert(CODE, code.parse().unwrap());
            headers.insert(MESSAGE, message.parse().unwrap());
            let mut valid = Status { retry_after: Some(Duration::from_secs(1)), ..Status::ok() }.to_proto();
            let at = at.index(valid.len());
            valid[at] ^= with;
            for details in [details, valid] {
                headers.insert(DETAILS, BASE64.encode(details).parse().unwrap());
                let read = Status::find(&headers).unwrap();
                prop_assert!(!message.contains('%') || read.message.len() <= 3 * message.len());
            }
        }
    }
}
