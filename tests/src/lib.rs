//! What the end-to-end tests share: the real program run in a scratch folder, the lines it wrote, and the events to give it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "this library is for tests only")]

mod mersenne;
mod oracle;
pub mod peers;
mod process;
mod program;

pub use oracle::{A, B, Oracle};
pub use process::{Running, address, addresses, get, listens, until};
pub use program::{Finished, Scratch, eyas, lines, repository};
