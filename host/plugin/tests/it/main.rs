//! The crate against real WebAssembly: guests that do right, and hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod cache;
mod faults;
mod loading;
mod logging;
mod phases;
mod plugins;
mod results;
mod rows;
mod setup;
mod state;
mod support;
