//! An instance: one configured detector with a memory of its own, called by one thread at a time.

use std::sync::Arc;

use eyas_event::{Part, Subscription, Timestamp};

use crate::{Entries, Fault, FaultKind, Findings, Limits, RestoreError, Scope};

/// What an instance is made with.
#[derive(Clone, Debug)]
pub struct InstanceConfig {
    /// The detector's name in the configuration.
    pub detector: String,
    /// Its configuration, one JSON value.
    pub config: String,
    /// For sketches and key hashes; belongs to the state.
    pub seed: u64,
    /// For hash tables; another at each start.
    pub table_seed: u64,
    /// How much it may take and give.
    pub limits: Limits,
}

/// A detector at work. After a [`Fault`] it is dead: every further call gives [`FaultKind::Dead`].
#[derive(Debug)]
pub struct Instance {
    subscription: Subscription,
}

impl Instance {
    /// What it asked to see.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Shows the rows of a part to the detector. `findings` is cleared first; on an error only its `progress` is set.
    pub fn process(&mut self, part: &Arc<Part>, findings: &mut Findings) -> Result<(), Fault> {
        let _ = part;
        self.dead(findings)
    }

    /// Fires all timers up to the watermark.
    pub fn advance(&mut self, watermark: Timestamp, findings: &mut Findings) -> Result<(), Fault> {
        let _ = watermark;
        self.dead(findings)
    }

    /// End of input: closes open windows and episodes as they stand.
    pub fn flush(&mut self, findings: &mut Findings) -> Result<(), Fault> {
        self.dead(findings)
    }

    /// Takes state out, in the chunks in which the guest gave it.
    pub fn snapshot(&mut self, scope: Scope) -> Result<Vec<Entries>, Fault> {
        let _ = scope;
        Err(Fault { kind: FaultKind::Dead, message: "not yet".to_owned(), progress: None })
    }

    /// Gives state to a fresh instance, with the state version and the configuration that it was made with.
    pub fn restore(&mut self, state_version: u32, config: String, entries: Vec<Entries>) -> Result<(), RestoreError> {
        let _ = (state_version, config, entries);
        Err(RestoreError::Refused("not yet".to_owned()))
    }

    /// How much linear memory it holds.
    pub fn memory_bytes(&self) -> usize {
        0
    }

    /// Whether an earlier fault has ended it.
    pub fn is_dead(&self) -> bool {
        true
    }

    fn dead(&mut self, findings: &mut Findings) -> Result<(), Fault> {
        findings.clear();
        Err(Fault { kind: FaultKind::Dead, message: "not yet".to_owned(), progress: None })
    }
}
