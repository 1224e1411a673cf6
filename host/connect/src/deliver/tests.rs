//! Real sockets on both sides, and a real engine without detectors in the middle.

mod concurrent;
mod kept;
mod overflowing;
mod posting;
mod receiver;
mod refused;
mod secured;
pub(crate) mod sending;
