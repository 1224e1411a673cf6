//! Detectors in WebAssembly: compile, link, limit, call, snapshot. The only crate that knows wasmtime.
//!
//! A [`Runtime`] loads a [`Plugin`] (compiled, compared with the contract, described), a plugin gives [`Instance`]s (configured, with a
//! memory of their own), and an instance takes [`eyas_event::Part`]s and gives [`Findings`]. Whatever a guest does, it ends as a value
//! here: a [`PluginError`] while it is loaded or configured, a [`Fault`] later. After a fault the instance is dead; a new one is cheap.

mod instance;
mod plugin;
mod runtime;

mod entries;
mod error;
mod findings;
mod limits;

mod abi;
mod cache;
mod contract;
mod convert;
mod encode;
mod fault;
mod guest;
mod host;
mod imports;
mod log;
mod memory;
mod refusal;
mod text;
mod ticker;
mod trusted;

pub use entries::{Entries, Scope};
pub use error::{Fault, FaultKind, PluginError, Problem, RestoreError};
pub use findings::Findings;
pub use instance::{Instance, InstanceConfig};
pub use limits::Limits;
pub use plugin::{Description, Plugin};
pub use runtime::{Runtime, RuntimeConfig};

/// The contract that this host offers: the package of `wit/` and its version.
pub const CONTRACT: &str = "eyas:detector@0.1.0-rc.1";
