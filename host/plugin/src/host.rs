//! The host's side of one instance: what its imported functions work on while a call runs.

use std::sync::Arc;

use eyas_event::{Entries, Part, Subscription, Timestamp};

use crate::log::Log;
use crate::memory::Memory;
use crate::refusal::Refusal;
use crate::ticker::Ticks;
use crate::{Asked, Findings, InstanceConfig, Limits};

/// Which call into the guest runs. The numbers are bits, so that a function can name all in which it may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase(u16);

impl Phase {
    /// No export runs: the component is being instantiated, or nothing happens at all.
    pub const START: Self = Self(1);
    pub const DESCRIBE: Self = Self(1 << 1);
    pub const CONFIGURE: Self = Self(1 << 2);
    pub const PROCESS: Self = Self(1 << 3);
    pub const ADVANCE: Self = Self(1 << 4);
    pub const FLUSH: Self = Self(1 << 5);
    pub const SNAPSHOT: Self = Self(1 << 6);
    pub const RESTORE: Self = Self(1 << 7);

    /// Any.
    pub const ANY: Self = Self(u16::MAX);
    /// Those in which a detector finds something.
    pub const RESULTS: Self = Self::PROCESS.or(Self::ADVANCE).or(Self::FLUSH);

    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn is_in(self, phases: Self) -> bool {
        self.0 & phases.0 != 0
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::DESCRIBE => "describe",
            Self::CONFIGURE => "configure",
            Self::PROCESS => "process",
            Self::ADVANCE => "advance",
            Self::FLUSH => "flush",
            Self::SNAPSHOT => "snapshot",
            Self::RESTORE => "restore",
            _ => "instantiate",
        }
    }
}

/// The data of an instance's store.
#[derive(Debug)]
pub(crate) struct Host {
    pub phase: Phase,
    pub detector: Arc<str>,
    pub seed: u64,
    pub table_seed: u64,
    pub limits: Limits,
    pub memory: Memory,
    pub log: Log,
    /// Built by `setup` in `configure`.
    pub subscription: Subscription,
    /// Whether `setup.keyed` or `setup.stateless` was called.
    pub keying_chosen: bool,
    /// The rows that `process` is about.
    pub part: Option<Arc<Part>>,
    /// What the guest asked for of the events behind them.
    pub asked: Asked,
    /// The latest watermark that the host has told.
    pub watermark: Timestamp,
    pub findings: Findings,
    /// Gauges set in `restore`, which the next call gives.
    pub restored_gauges: Vec<(String, i64)>,
    /// What this call has given so far, in bytes.
    spent: usize,
    pub snapshot: Vec<Entries>,
    /// What `restore` gives to the guest.
    pub restoring: Option<Restoring>,
}

/// State on its way in, with what it was made with.
#[derive(Debug)]
pub(crate) struct Restoring {
    pub state_version: u32,
    pub config: String,
    pub chunks: std::vec::IntoIter<Entries>,
    /// The chunk that `state.next` gave last.
    pub last: Entries,
}

impl Host {
    pub fn new(config: &InstanceConfig, ticks: Ticks) -> Self {
        let detector: Arc<str> = config.detector.as_str().into();
        Self {
            phase: Phase::START,
            detector: Arc::clone(&detector),
            seed: config.seed,
            table_seed: config.table_seed,
            limits: config.limits.clone(),
            memory: Memory::new(config.limits.memory_bytes),
            log: Log::new(detector, ticks, config.limits.log_lines),
            subscription: Subscription::default(),
            keying_chosen: false,
            part: None,
            asked: Asked::default(),
            watermark: Timestamp::MIN,
            findings: Findings::default(),
            restored_gauges: Vec::new(),
            spent: 0,
            snapshot: Vec::new(),
            restoring: None,
        }
    }

    /// A call begins.
    pub fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.spent = 0;
        self.memory.begin();
        self.log.begin();
    }

    /// A call has ended, well or not: lets go of what was lent for it.
    pub fn end(&mut self) {
        self.phase = Phase::START;
        self.part = None;
        self.restoring = None;
    }

    /// Counts what the guest gives in this call.
    pub fn spend(&mut self, bytes: usize, limit: usize) -> Result<(), Refusal> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > limit {
            return Err(Refusal::limit(format!("all that one call gives may take {limit} bytes")));
        }
        Ok(())
    }

    pub fn part(&self) -> Result<&Part, Refusal> {
        self.part.as_deref().ok_or_else(|| Refusal::new("there are no rows"))
    }

    pub fn restoring(&mut self) -> Result<&mut Restoring, Refusal> {
        self.restoring.as_mut().ok_or_else(|| Refusal::new("there is no state to restore"))
    }

    /// Whether a row of the part exists.
    pub fn row(&self, row: u32) -> Result<usize, Refusal> {
        let rows = self.part.as_ref().map_or(0, |part| part.len());
        if (row as usize) < rows {
            return Ok(row as usize);
        }
        Err(Refusal::new(match rows {
            0 => format!("there is no row {row} in {}", self.phase.name()),
            _ => format!("there is no row {row}, the call has {rows}"),
        }))
    }
}
