//! A source with a door for gRPC, and a caller that calls with whatever it is told.

use std::io::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use eyas_codec::{Decoding, Encoding};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

pub use crate::bed::*;
use crate::grpc::{GrpcDoor, Service, Status, prefix};
use crate::net::{Address, Door, Listener, NetSource};

pub const PUSH: &str = "/vector.Vector/PushEvents";
pub const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Where a service's methods are called, without any conditions.
pub fn door(service: Service) -> GrpcDoor {
    GrpcDoor { service, auth: None, max_body_bytes: 1 << 20 }
}

/// A source with this door.
pub fn source_with(door: GrpcDoor) -> NetSource {
    let encoding = match door.service {
        Service::Otlp => Encoding::Otlp,
        Service::Vector => Encoding::Vector,
    };
    source_of(encoding, Door::Grpc(door))
}

/// The same with any door.
pub fn source_of(encoding: Encoding, door: Door) -> NetSource {
    let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
    let decoding = Decoding { encoding, ..Decoding::default() };
    NetSource { decoding, ..source(vec![Listener { address, tls: None, door }]) }
}

/// What Vector's definition says of a request, down to the text of a log.
pub mod vector {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct PushEventsRequest {
        #[prost(message, repeated, tag = "1")]
        pub events: Vec<EventWrapper>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct EventWrapper {
        #[prost(message, optional, tag = "1")]
        pub log: Option<Log>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Log {
        #[prost(map = "string, message", tag = "1")]
        pub fields: std::collections::HashMap<String, Value>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Value {
        #[prost(bytes = "vec", optional, tag = "1")]
        pub raw_bytes: Option<Vec<u8>>,
    }
}

/// A `PushEventsRequest` with events of these numbers.
pub fn push(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let event = |n: usize| {
        let value = vector::Value { raw_bytes: Some(format!("event {n}").into_bytes()) };
        vector::EventWrapper { log: Some(vector::Log { fields: [("message".to_owned(), value)].into() }) }
    };
    vector::PushEventsRequest { events: numbers.map(event).collect() }.encode_to_vec()
}

/// With what stands before a message.
pub fn framed(packed: bool, message: &[u8]) -> Vec<u8> {
    [&prefix(packed, message.len())[..], message].concat()
}

/// Packed as others do it.
pub fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::encode_all(bytes, 3).unwrap(),
    }
}

/// An answer, whatever it is.
#[derive(Debug)]
pub struct Answered {
    pub http: StatusCode,
    pub headers: HeaderMap,
    pub data: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

impl Answered {
    /// Where it is one of gRPC.
    pub fn status(&self) -> Status {
        Status::find(self.trailers.as_ref().unwrap_or(&self.headers)).unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A connection of a caller.
pub struct Caller(pub SendRequest<Full<Bytes>>);

impl Caller {
    pub fn to(address: SocketAddr) -> Self {
        let sender = RUNTIME.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self(sender)
    }

    /// Calls with a body of any kind; these headers replace the usual ones, an empty one takes it away.
    pub fn call(&mut self, path: &str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Answered {
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("http://there{path}").parse().unwrap();
        for &(name, value) in [("content-type", "application/grpc"), ("te", "trailers")].iter().chain(headers) {
            request.headers_mut().insert(name, value.parse().unwrap());
            if value.is_empty() {
                request.headers_mut().remove(name);
            }
        }
        RUNTIME.block_on(async {
            let response = self.0.send_request(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap();
            let trailers = body.trailers().cloned();
            Answered { http: head.status, headers: head.headers, data: body.to_bytes().to_vec(), trailers }
        })
    }

    /// Calls with one plain message.
    pub fn send(&mut self, path: &str, message: &[u8]) -> Answered {
        self.call(path, &[], framed(false, message))
    }
}
