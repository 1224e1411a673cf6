//! The engine with real guests on real threads: what comes out, and that it depends on the input alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod credit;
mod faults;
mod order;
mod phases;
mod retries;
mod state;
mod support;
mod time;
