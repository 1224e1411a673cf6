//! The engine: batches in, in one order; through the detectors, on all shards at once; events and alerts out, in that order again.
//!
//! It knows neither files nor sockets nor async: a [`Admission`] takes slices, an [`Outlet`] a sink gives what is to be written.
//! Data flows one way: admission -> home shard (decode) -> shards (detect, phase by phase) -> home shard (merge, encode) -> outlets.

mod admission;
mod bell;
mod counters;
mod credit;
mod engine;
mod outlet;
mod topology;

pub use admission::{Admission, Closed};
pub use counters::{Counters, DetectorCounters, Stage};
pub use outlet::{Delivery, Outlet};
pub use credit::Ticket;
pub use engine::{Engine, EngineError, Farthest, Report};
pub use topology::{Component, Detector, Feed, Input, Settings, Sink, Source, Topology};
