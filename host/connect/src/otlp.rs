//! OpenTelemetry's protocol: over gRPC in both directions by [`crate::grpc`], over HTTP by a door and a client of its own.

mod answer;
mod client;
mod door;

pub use client::{OtlpClient, OtlpProtocol};
pub use door::OtlpHttpDoor;

#[cfg(test)]
mod tests;
