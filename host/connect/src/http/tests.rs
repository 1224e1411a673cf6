//! Real sockets on both sides, and a real engine without detectors in the middle.

mod kept;
mod misbehaving;
mod posted;
pub(crate) mod support;
