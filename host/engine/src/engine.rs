//! Starting the engine and waiting for its end.

use std::sync::Arc;

use eyas_event::{Reference, Timestamp};

use crate::{Admission, Counters, Outlet, Settings, Topology};

/// Why the engine did not start, or did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A detector's plugin refused to be instantiated or configured.
    #[error("detector {detector}: {source}")]
    Detector {
        /// The detector's configured name.
        detector: String,
        /// What its plugin or the host said.
        source: eyas_plugin::PluginError,
    },
    /// What a source's detectors asked for cannot be read from it.
    #[error("source {name}: {message}")]
    Source {
        /// The source's configured name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A thread could not be started or ended by a panic.
    #[error("shard {0} ended by a panic: this is a defect of the host")]
    Shard(usize),
}

/// The event that moved a source's watermark farthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farthest {
    /// By how many nanoseconds.
    pub by: i64,
    /// To which event time.
    pub to: Timestamp,
    /// The event.
    pub reference: Reference,
}

/// What is known at the end of a run, beside the counters.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The event that moved a watermark farthest, once there was one.
    pub farthest: Option<Farthest>,
    /// By detector: its own counters (summed over shards) and gauges.
    pub figures: Vec<std::collections::BTreeMap<String, i64>>,
}

/// A running engine.
pub struct Engine {
    counters: Arc<Counters>,
}

impl Engine {
    /// Instantiates and configures all detectors on all shards and starts the threads. Gives the way in and, in the order of the
    /// topology's sinks, the ways out.
    pub fn start(_topology: Topology, _settings: &Settings) -> Result<(Self, Admission, Vec<Outlet>), EngineError> {
        Err(EngineError::Shard(0))
    }

    /// The figures, while it runs and after.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Waits until everything admitted has run out: after [`Admission::finish`] or [`Admission::stop`].
    pub fn join(self) -> Result<Report, EngineError> {
        Err(EngineError::Shard(0))
    }
}
