//! An instance: one configured detector with a memory of its own, called by one thread at a time.

use std::sync::Arc;
use std::time::Duration;

use eyas_event::{Entries, Part, Subscription, Timestamp};
use wasmtime::Store;

use crate::convert::problems_from;
use crate::fault::fault_of;
use crate::guest::Guest;
use crate::host::{Host, Phase, Restoring};
use crate::plugin::Loaded;
use crate::text::escape;
use crate::ticker::ticks_of;
use crate::{Asked, Fault, FaultKind, Findings, Limits, PluginError, RestoreError, Scope, abi};

const MESSAGE_BYTES: usize = 4096;

/// What an instance is made with.
#[derive(Clone, Debug, Default)]
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
pub struct Instance {
    subscription: Subscription,
    room: Room,
}

impl Instance {
    pub(crate) fn new(loaded: &Arc<Loaded>, config: &InstanceConfig) -> Result<Self, PluginError> {
        let mut room = Room::new(loaded, config)?;
        let text = config.config.clone();
        let configured = room.call(Phase::CONFIGURE, config.limits.state_deadline, |guest, store| guest.configure.call(store, (text,)));
        let (answer,) = configured.map_err(|fault| loaded.failed("configure", fault))?;
        answer.map_err(|problems| PluginError::Configuration(problems_from(problems)))?;
        let subscription = room.store.data().subscription.clone();
        Ok(Self { subscription, room })
    }

    /// What it asked to see.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Shows the rows of a part to the detector. `findings` is cleared first; on an error only its `progress` is set.
    pub fn process(&mut self, part: &Arc<Part>, findings: &mut Findings) -> Result<(), Fault> {
        let deadline = self.room.store.data().limits.deadline;
        self.process_within(part, deadline, findings)
    }

    /// The same with another deadline.
    pub fn process_within(&mut self, part: &Arc<Part>, deadline: Duration, findings: &mut Findings) -> Result<(), Fault> {
        let host = self.room.store.data_mut();
        host.part = Some(Arc::clone(part));
        host.asked = Asked::default();
        if let Some(&watermark) = part.watermarks.last() {
            host.watermark = host.watermark.max(watermark);
        }
        let rows = part.len() as u32;
        self.room.find(Phase::PROCESS, deadline, findings, |guest, store| guest.process.call(store, (rows,)))
    }

    /// What it asked for of the events behind the rows, in the last call of `process`.
    pub fn asked(&self) -> Asked {
        self.room.store.data().asked
    }

    /// Fires all timers up to the watermark. Of a timeless detector it does nothing: that has no timers.
    pub fn advance(&mut self, watermark: Timestamp, findings: &mut Findings) -> Result<(), Fault> {
        if self.subscription.timeless && !self.room.dead {
            findings.clear();
            return Ok(());
        }
        let host = self.room.store.data_mut();
        host.watermark = host.watermark.max(watermark);
        let deadline = host.limits.state_deadline;
        self.room.find(Phase::ADVANCE, deadline, findings, |guest, store| guest.advance.call(store, (watermark,)))
    }

    /// End of input: closes open windows and episodes as they stand.
    pub fn flush(&mut self, findings: &mut Findings) -> Result<(), Fault> {
        let deadline = self.room.store.data().limits.state_deadline;
        self.room.find(Phase::FLUSH, deadline, findings, |guest, store| guest.flush.call(store, ()))
    }

    /// Takes state out, in the chunks in which the guest gave it.
    pub fn snapshot(&mut self, scope: Scope) -> Result<Vec<Entries>, Fault> {
        let Limits { state_deadline, hostcall_bytes, chunk_bytes, .. } = self.room.store.data().limits;
        self.room.store.set_hostcall_fuel(chunk_bytes);
        let taken = self.room.call(Phase::SNAPSHOT, state_deadline, |guest, store| guest.snapshot.call(store, (scope.into(),)));
        self.room.store.set_hostcall_fuel(hostcall_bytes);
        let entries = std::mem::take(&mut self.room.store.data_mut().snapshot);
        taken.map(|()| entries)
    }

    /// Gives state to a fresh instance, with the state version and the configuration that it was made with. After any error the
    /// instance is dead: some of the state may be in it.
    pub fn restore(&mut self, state_version: u32, config: String, entries: Vec<Entries>) -> Result<(), RestoreError> {
        let host = self.room.store.data_mut();
        host.restoring = Some(Restoring { state_version, config, chunks: entries.into_iter(), last: Entries::default() });
        let deadline = host.limits.state_deadline;
        let (answer,) = self.room.call(Phase::RESTORE, deadline, |guest, store| guest.restore.call(store, ()))?;
        answer.map_err(|reason| {
            self.room.dead = true;
            RestoreError::Refused(escape(&reason, MESSAGE_BYTES))
        })
    }

    /// How much linear memory it holds.
    pub fn memory_bytes(&self) -> usize {
        self.room.store.data().memory.held()
    }

    /// Whether an earlier fault has ended it.
    pub fn is_dead(&self) -> bool {
        self.room.dead
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Instance").field("host", self.room.store.data()).field("dead", &self.room.dead).finish_non_exhaustive()
    }
}

/// Lets a plugin that was just loaded describe itself, in an instance that lives no longer.
pub(crate) fn describe(loaded: &Loaded) -> Result<abi::Description, PluginError> {
    // It has no state to visit: even its start has the time of a short call alone.
    let limits = Limits { state_deadline: Limits::default().deadline, ..Limits::default() };
    let config = InstanceConfig { detector: loaded.origin().to_owned(), limits, ..InstanceConfig::default() };
    let mut room = Room::new(loaded, &config)?;
    let described = room.call(Phase::DESCRIBE, config.limits.deadline, |guest, store| guest.describe.call(store, ()));
    described.map(|(description,)| description).map_err(|fault| loaded.failed("describe", fault))
}

/// A store with one guest in it. One each: after a trap wasmtime lets nobody into anything in a store again.
struct Room {
    store: Store<Host>,
    guest: Guest,
    dead: bool,
}

impl Room {
    fn new(loaded: &Loaded, config: &InstanceConfig) -> Result<Self, PluginError> {
        let mut store = Store::new(loaded.runtime.engine(), Host::new(config, loaded.runtime.ticks()));
        store.limiter(|host| &mut host.memory);
        store.set_hostcall_fuel(config.limits.hostcall_bytes);
        let deadline = config.limits.state_deadline;
        store.set_epoch_deadline(ticks_of(deadline));
        let instance = loaded.linked.instantiate(&mut store);
        let instance = instance.map_err(|error| loaded.failed("instantiate", fault_of(&error, store.data(), deadline)))?;
        let guest = Guest::new(&mut store, &instance, &loaded.exports).map_err(|error| loaded.of_another_draft(&error))?;
        Ok(Self { store, guest, dead: false })
    }

    /// A call that finds something.
    fn find(
        &mut self,
        phase: Phase,
        deadline: Duration,
        findings: &mut Findings,
        function: impl FnOnce(&Guest, &mut Store<Host>) -> wasmtime::Result<()>,
    ) -> Result<(), Fault> {
        findings.clear();
        let host = self.store.data_mut();
        findings.gauges.append(&mut host.restored_gauges);
        std::mem::swap(&mut host.findings, findings);
        let called = self.call(phase, deadline, function);
        std::mem::swap(&mut self.store.data_mut().findings, findings);
        if called.is_err() {
            findings.forget_results();
        }
        called
    }

    /// Any call: with a deadline of its own, and the end of the instance where it fails.
    fn call<R>(
        &mut self,
        phase: Phase,
        deadline: Duration,
        function: impl FnOnce(&Guest, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        if self.dead {
            self.store.data_mut().end();
            return Err(Fault { kind: FaultKind::Dead, message: "dead since an earlier fault".to_owned(), progress: None });
        }
        self.store.data_mut().begin(phase);
        self.store.set_epoch_deadline(ticks_of(deadline));
        let called = function(&self.guest, &mut self.store);
        let called = called.map_err(|error| fault_of(&error, self.store.data(), deadline));
        self.dead = called.is_err();
        self.store.data_mut().end();
        called
    }
}
