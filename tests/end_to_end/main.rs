//! The real program, end to end: what goes in as bytes, what comes out as bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod windows;

mod counting;
mod golden;
mod oracle;
mod zeek;

mod admin;
mod durable;
mod ending;
mod every_byte;
mod faults;
mod inputs;
mod kill;
mod mistakes;
mod order;
mod shippers;

mod peers;

mod documents;
