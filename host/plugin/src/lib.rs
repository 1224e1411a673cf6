//! Detectors in WebAssembly: compile, link, limit, call, snapshot. The only crate that knows wasmtime.
//!
//! A [`Runtime`] loads a [`Plugin`] (compiled, compared with the contract, described), a plugin gives [`Instance`]s (configured, with a
//! memory of their own), and an instance takes [`eyas_event::Part`]s and gives [`Findings`]. Whatever a guest does, it ends as a value
//! here: a [`PluginError`] while it is loaded or configured, a [`Fault`] later. After a fault the instance is dead; a new one is cheap.

// What others see, in the order in which it is used.
mod runtime;

mod plugin;

mod instance;

mod error;
mod findings;
mod limits;
mod scope;

// From bytes to something that can be linked.
mod cache;
mod contract;
mod encode;
mod trusted;

// The border: what crosses it, what is offered, what is called, what went wrong.
mod abi;
mod convert;
mod fault;
mod guest;
mod host;
mod imports;
mod refusal;

// Limits and diagnostics.
mod log;
mod memory;
mod text;
mod ticker;

pub use contract::CONTRACT;
pub use error::{Fault, FaultKind, PluginError, Problem, RestoreError};
pub use findings::{Asked, Findings};
pub use instance::{Instance, InstanceConfig};
pub use limits::Limits;
pub use plugin::{Description, Plugin};
pub use runtime::{Runtime, RuntimeConfig};
pub use scope::Scope;
