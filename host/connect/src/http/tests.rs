//! Real sockets on both sides, and a real engine without detectors in the middle.

mod again;
mod kept;
mod misbehaving;
mod packed;
mod posted;
pub(crate) mod support;
