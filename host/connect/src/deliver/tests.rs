//! Real sockets on both sides, and a real engine without detectors in the middle.

mod concurrent;
mod overflowing;
mod posting;
mod receiver;
mod refused;
pub(crate) mod sending;
