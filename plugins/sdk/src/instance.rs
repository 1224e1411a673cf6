//! A detector at work: it is fed batches, and calls the detector with one row and the state of its key at a time.

mod key;
mod order;
mod slab;
mod snapshot;
mod sorted;
mod store;
mod timers;

use std::cell::Cell;

use order::Order;
use slab::Slot;
use sorted::Sorted;
use store::{GROUPS, Group, NONE, Store, group};
use timers::Timers;

use crate::detector::NEVER;
use crate::{Config, Context, Detector, Host, Place, Problem, Routing, Row, Rows, Setup};

/// How often the host is told how far a batch has come, in rows.
const PROGRESS: usize = 256;

/// How many slots are looked at together.
const TOUCHED: usize = 256;

/// No row.
const NOWHERE: u32 = u32::MAX;

thread_local! {
    static ROW: Cell<u32> = const { Cell::new(NOWHERE) };
}

/// The row of the batch that is being worked on: where a panic happened.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively a panic unwinds, and nobody has to be told"))]
pub(crate) fn current_row() -> Option<u32> {
    let row = ROW.get();
    (row != NOWHERE).then_some(row)
}

/// One instance of a detector, with all its state.
pub struct Instance<D: Detector> {
    detector: D,
    config: D::Config,
    setup: Setup,
    store: Store<D::State>,
    timers: Timers,
    /// Keys that one group may have.
    keys_a_group: u32,
    /// Rows so far: what came when.
    rows: u64,
    /// The slots of the current batch.
    slots: Vec<u32>,
    floor: (i64, i64),
}

impl<D: Detector> Instance<D> {
    /// Configures a detector from JSON. `name` is its name in the configuration, `seed` the one for sketches, `table_seed` the one for
    /// hash tables, which shows in no output.
    pub fn new(config: &str, name: &str, seed: u64, table_seed: u64) -> Result<Self, Vec<Problem>> {
        let config = D::Config::parse(config)?;
        let mut setup = Setup::new(name, seed);
        let detector = D::new(&config, &mut setup)?;
        let keys_a_group = match setup.routing {
            Routing::Keyed(_) => u32::try_from(detector.max_keys().div_ceil(GROUPS as u64)).unwrap_or(u32::MAX).max(1),
            Routing::Global | Routing::Stateless => u32::MAX,
        };
        Ok(Instance {
            detector,
            config,
            setup,
            store: Store::new(table_seed),
            timers: Timers::default(),
            keys_a_group,
            rows: 0,
            slots: Vec::new(),
            floor: (0, 0),
        })
    }

    /// What it subscribed to.
    pub fn subscription(&self) -> &Setup {
        &self.setup
    }

    /// How many keys it has state of.
    pub fn keys(&self) -> usize {
        self.store.len()
    }

    /// Works on the rows of a batch. Timers that a row's watermark has reached fire before it.
    pub fn process(&mut self, rows: &Rows<'_>, host: &mut dyn Host) {
        let mut slots = std::mem::take(&mut self.slots);
        self.store.find_all(rows, &mut slots, D::warm);
        let found_at = self.store.removals;
        let mut due = self.timers.next();
        let mut ignored = 0;
        for (index, &found) in slots.iter().enumerate() {
            if index % PROGRESS == 0 {
                host.progress(index as u32);
            }
            ROW.set(index as u32);
            let row = rows.row(index);
            if row.watermark >= due {
                self.fire(row.watermark, host);
                due = self.timers.next();
            }
            if !self.detector.takes(&row) {
                ignored += 1;
                continue;
            }
            self.rows += 1;
            // A slot that was given up since may be another key's by now.
            let known = found != NONE && (self.store.removals == found_at || self.store.holds(found, rows.keys.get(index)));
            let slot = if known { found } else { self.slot(&row, host) };
            due = due.min(self.row(&row, slot, host));
        }
        ROW.set(NOWHERE);
        self.slots = slots;
        if ignored > 0 {
            host.count("ignored", ignored);
        }
        host.gauge("keys", self.store.len() as i64);
    }

    /// Fires all timers up to a watermark.
    pub fn advance(&mut self, watermark: i64, host: &mut dyn Host) {
        self.fire(watermark, host);
        host.gauge("keys", self.store.len() as i64);
    }

    /// The end of input: what is open is reported as it stands, and forgotten.
    pub fn flush(&mut self, host: &mut dyn Host) {
        let mut sorted = Sorted::new(host);
        for i in 0..self.store.slab.len() {
            let Some(slot) = self.store.slab.get_mut(i).filter(|s| s.live) else { continue };
            let evictions = evictions(&self.store.groups, slot.hash);
            let place = Place::Timer(slot.timer);
            let (mut cx, state) = Context::of(slot, &mut sorted, place, NEVER, evictions, &mut self.floor);
            self.detector.flush(state, &mut cx);
            self.store.remove(i);
        }
        sorted.give();
        self.timers.clear();
        self.store.order.clear();
    }

    /// The detector's part of a row; gives the time of its key's timer if that is new.
    #[inline]
    fn row(&mut self, row: &Row<'_>, i: u32, host: &mut dyn Host) -> i64 {
        let Some(slot) = self.store.slab.get_mut(i) else { return NEVER };
        slot.last = self.rows;
        let (timer, evictions) = (slot.timer, evictions(&self.store.groups, slot.hash));
        let (mut cx, state) = Context::of(slot, host, Place::Row(row.number()), timer, evictions, &mut self.floor);
        self.detector.row(row, state, &mut cx);
        let Context { timer, open, keep, .. } = cx;
        settle(slot, i, open, &mut self.store.order, &mut self.store.dirty);
        if !keep {
            self.store.remove(i);
            return NEVER;
        }
        if timer == slot.timer {
            return NEVER;
        }
        slot.timer = timer;
        self.timers.push(timer, i);
        timer
    }

    /// The slot of a row that was not found with the batch's others, or whose slot may since have been given up.
    #[cold]
    fn slot(&mut self, row: &Row<'_>, host: &mut dyn Host) -> u32 {
        let hash = row.rows.key_hashes.get(row.index).copied().unwrap_or(0);
        let key = row.rows.keys.get(row.index);
        let found = self.store.find(hash, key);
        if found != NONE {
            return found;
        }
        let of = group(hash);
        while let Some(keys) = self.store.groups.get(of).map(|g| g.keys).filter(|keys| *keys >= self.keys_a_group) {
            let Some(victim) = self.store.order.victim(of, keys, &self.store.slab) else { break };
            self.evict(row, victim, host);
        }
        self.store.insert(hash, key, self.rows)
    }

    /// A key makes room for the row's.
    fn evict(&mut self, row: &Row<'_>, i: u32, host: &mut dyn Host) {
        let Some(slot) = self.store.slab.get_mut(i) else { return };
        let Some(group) = self.store.groups.get_mut(group(slot.hash)) else { return };
        let (mut cx, state) = Context::of(slot, host, Place::Row(row.number()), NEVER, group.evictions, &mut self.floor);
        let until = self.detector.evict(state, &mut cx);
        group.evicted_until = group.evicted_until.max(until);
        group.evictions += u32::from(slot.open);
        group.dirty = true;
        self.store.remove(i);
        host.count("evictions", 1);
    }

    /// Fires all timers up to a time, each with its alerts in an order that no hash table can be seen in.
    fn fire(&mut self, until: i64, host: &mut dyn Host) {
        while let Some((at, slots)) = self.timers.pop(until) {
            let mut sorted = Sorted::new(host);
            for some in slots.chunks(TOUCHED) {
                // As for rows: all slots are looked at before any is worked on.
                let due = some.iter().filter(|i| self.store.slab.get(**i).is_some_and(|s| s.timer == at)).count();
                if due > 0 {
                    some.iter().for_each(|i| self.timer(at, *i, &mut sorted));
                }
            }
            sorted.give();
            self.timers.give_back(slots);
        }
    }

    fn timer(&mut self, at: i64, i: u32, host: &mut dyn Host) {
        let Some(slot) = self.store.slab.get_mut(i).filter(|s| s.live && s.timer == at) else { return };
        let evictions = evictions(&self.store.groups, slot.hash);
        let (mut cx, state) = Context::of(slot, host, Place::Timer(at), NEVER, evictions, &mut self.floor);
        self.detector.timer(at, state, &mut cx);
        let Context { timer, open, keep, .. } = cx;
        if !keep || timer == NEVER {
            return self.store.remove(i);
        }
        // A timer in the past is at the next moment: or this would never end.
        slot.timer = timer.max(at.saturating_add(1));
        settle(slot, i, open, &mut self.store.order, &mut self.store.dirty);
        self.timers.push(slot.timer, i);
    }
}

/// How many keys of a key's group were evicted with something open.
#[inline]
fn evictions(groups: &[Group], hash: u64) -> u32 {
    groups.get(group(hash)).map_or(0, |group| group.evictions)
}

/// Notes what a call has done to a slot: whether something is open now, and that the next increment holds it.
#[inline]
fn settle<S>(slot: &mut Slot<S>, i: u32, open: bool, order: &mut Order, dirty: &mut Vec<u32>) {
    if slot.open && !open {
        order.enter(group(slot.hash), slot.last, i);
    }
    slot.open = open;
    if !slot.dirty {
        slot.dirty = true;
        dirty.push(i);
    }
}

impl<'a> Context<'a> {
    /// A slot's side of a call, with its state.
    #[inline]
    fn of<S>(
        slot: &'a mut Slot<S>,
        host: &'a mut dyn Host,
        place: Place,
        timer: i64,
        evictions: u32,
        floor: &'a mut (i64, i64),
    ) -> (Self, &'a mut S) {
        let Slot { key, state, open, suspect_before, .. } = slot;
        let (key, open, suspect_before) = (key.get(), *open, *suspect_before);
        (Context { host, key, place, timer, open, keep: true, suspect_before, evictions, floor }, state)
    }
}
