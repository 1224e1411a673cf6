//! Real sockets on both sides, and a real engine without detectors in the middle.

mod posting;
pub(crate) mod sending;
