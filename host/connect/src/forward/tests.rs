//! Real sockets on both sides, real bytes of Fluent Bit, and a real engine without detectors behind the door.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod acks;
mod misbehaving;
mod sending;
mod support;
mod taken;
