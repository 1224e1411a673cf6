//! Real sockets on both sides, and a real engine without detectors in the middle.

mod kept;
mod misbehaving;
mod posted;
mod posting;
mod sending;
mod support;
