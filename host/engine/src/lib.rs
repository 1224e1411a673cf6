//! The engine: batches in, in one order; through the detectors, on all shards at once; events and alerts out, in that order again.
//!
//! It knows neither files nor sockets nor async: a [`Admission`] takes slices, an [`Outlet`] a sink gives what is to be written.
//! Data flows one way: admission -> home shard (decode) -> shards (detect, phase by phase) -> home shard (merge, encode) -> outlets.

mod admission;
mod barrier;
mod bell;
mod checkpoint;
mod clock;
mod counters;
mod credit;
mod crew;
mod engine;
mod faults;
mod flight;
mod home;
mod layout;
mod ledger;
mod merge;
mod outlet;
mod output;
mod partitions;
mod receipt;
mod recovery;
mod requests;
mod restore;
mod sequencer;
mod shard;
mod sieve;
mod topology;
mod watch;
mod wiring;

pub use admission::{Admission, Closed, NotAdmitted};
pub use counters::{CheckpointCounters, Counters, DetectorCounters, InvalidCells, Latest, OwnFigures, SourceCounters, Stage};
pub use credit::CreditFigures;
pub use engine::{Engine, EngineError, Farthest, Report, State};
pub use outlet::{Delivery, Next, Outlet};
pub use partitions::Partitions;
pub use receipt::Receipt;
pub use recovery::Recovery;
pub use requests::Seen;
pub use topology::{Component, Detector, Feed, Input, Logging, OnFault, Settings, Sink, Source, Topology};
