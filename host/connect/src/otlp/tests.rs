//! OpenTelemetry's protocol from end to end: a door, a client, and messages made by the protocol's own definitions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod posted;
mod sending;
mod support;
