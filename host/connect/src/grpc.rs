//! Unary calls of gRPC over HTTP/2: what OpenTelemetry's and Vector's protocols are spoken in.
//!
//! A call is a request with one message before which its length stands, and an answer the same way with a status behind it, in trailers.
//! Messages stay bytes: what is in them is the affair of who speaks the protocol. [`GrpcDoor`] is the side that is called, [`Channel`] the
//! side that calls.

mod body;
mod channel;
mod door;
mod message;
mod refusal;
mod service;
mod status;

use body::Parts;
pub(crate) use channel::Channel;
pub use door::GrpcDoor;
use message::{BadMessage, Reader, prefix};
pub(crate) use refusal::Refusal;
pub use service::Service;
pub(crate) use status::{Code, Status};

#[cfg(test)]
pub(crate) mod tests;
