//! Both sides of gRPC, each against one that does exactly what it is told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod called;
mod calling;
mod misbehaving;
mod secured;
pub(crate) mod server;
pub(crate) mod support;
