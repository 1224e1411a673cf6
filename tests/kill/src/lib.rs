//! The kill test: the program is killed again and again under load, and what it gave in the end is compared with an undisturbed run over
//! the input log that it kept.
//!
//! [`scene`] is the folder and configuration, [`load`] brings events through every kind of source, [`receiver`] takes alerts,
//! [`program`] starts and ends the real program, [`check`] looks at what is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "this library is for tests only")]

mod check;
mod load;
mod program;
mod receiver;
mod run;
mod scene;

pub use run::{Options, Report, kill_test};

/// What goes wrong is for people to read.
pub type Outcome<T = ()> = Result<T, String>;
