//! What a shard does for the batches whose home it is: decode, stamp with watermarks, hand out, put together, hand on.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use eyas_codec::{Decoded, Decoder, Encoder, Plan, UNTIMED};
use eyas_event::{Bits, Part, Slice, Timestamp};

use crate::clock::{BatchClock, NEVER, running_newest};
use crate::crew::{Crew, Duty, Task};
use crate::faults::Faults;
use crate::flight::{Batch, Flight, GroupRows, Load};
use crate::layout::Layout;
use crate::merge::{Results, dropped_before};
use crate::outlet::Delivery;
use crate::output::{Names, Packing};
use crate::sequencer::{Admitted, Item};
use crate::shard::Overrun;
use crate::wiring::{Ports, Work};
use crate::{Counters, Farthest, InvalidCells, Stage};

/// Reads and writes the events of one source.
struct Codec {
    decoder: Decoder,
    encoder: Encoder,
}

/// One shard's side as a home.
pub(crate) struct Home {
    pub(crate) layout: Arc<Layout>,
    pub(crate) farthest: Option<Farthest>,
    shard: usize,
    /// By source.
    codecs: Vec<Codec>,
    names: Names,
    faults: Arc<Faults>,
    counters: Arc<Counters>,
    /// How many flushes there were before this run: what the revisions of alerts are raised by (SEMANTICS 10.5).
    flushes: u32,
    /// By detector and field: cells without a value.
    pub(crate) invalid: Vec<Vec<InvalidCells>>,
}

impl Home {
    pub(crate) fn new(
        shard: usize,
        layout: Arc<Layout>,
        plans: &[Arc<Plan>],
        names: Names,
        faults: Arc<Faults>,
        counters: Arc<Counters>,
        flushes: u32,
    ) -> Self {
        let codec = |plan: &Arc<Plan>| Codec { decoder: Decoder::new(plan.clone()), encoder: Encoder::new(plan) };
        Self {
            farthest: None,
            shard,
            codecs: plans.iter().map(codec).collect(),
            invalid: vec![Vec::new(); layout.detectors.len()],
            layout,
            names,
            faults,
            counters,
            flushes,
        }
    }

    /// Decodes what was admitted.
    pub(crate) fn begin(&mut self, admitted: Admitted) -> Flight {
        let Admitted { number, logged, item, ticket } = admitted;
        let load = match item {
            Item::Slice(slice) => self.decode(slice),
            mark => Load::Mark(mark),
        };
        Flight { number, logged, ticket, load, watermarks: Vec::new(), phase: 0, answers: 0, outcomes: Vec::new() }
    }

    fn decode(&mut self, slice: Slice) -> Load {
        let started = Instant::now();
        let Some(codec) = self.codecs.get_mut(usize::from(slice.partition.source)) else { return Load::Mark(Item::Slice(slice)) };
        let Decoded { events, times, parts, dead, namesakes, opaque, invalid } = codec.decoder.decode(&slice, self.shard);
        let source = self.layout.sources.get(usize::from(slice.partition.source));
        let reached = source.map_or(&[][..], |source| &source.reached);
        for ((detector, _), invalid) in reached.iter().zip(invalid) {
            self.invalid.iter_mut().skip(*detector).take(1).for_each(|sums| InvalidCells::add_all(sums, &invalid));
        }
        let newest = running_newest(&times, slice.ingest_time);
        let untimed = times.iter().filter(|time| **time == UNTIMED).count() - opaque.len();
        let untimed = untimed * usize::from(source.is_some_and(|source| source.timed));
        if let Some(counters) = self.counters.sources.get(usize::from(slice.partition.source)) {
            counters.events.fetch_add(times.len() as u64, Relaxed);
            counters.untimed.fetch_add(untimed as u64, Relaxed);
            counters.bytes.fetch_add(slice.range.len() as u64, Relaxed);
            counters.batches.fetch_add(1, Relaxed);
            counters.bury(&dead);
            counters.newest.reach(newest.last().copied().unwrap_or(NEVER));
        }
        let events = Arc::new(events);
        let (clock, groups) = (BatchClock::default(), Vec::new());
        let batch = Batch { slice, events, times, untimed, parts, dead, namesakes, opaque, newest, clock, groups };
        self.counters.spend(Stage::Decode, started);
        Load::Batch(Box::new(batch))
    }

    /// Gives the rows of a batch their watermarks, once its clock is known.
    pub(crate) fn stamp(&mut self, flight: &mut Flight) {
        let Load::Batch(batch) = &mut flight.load else { return };
        let started = Instant::now();
        let Some(source) = self.layout.sources.get(usize::from(batch.slice.partition.source)) else { return };
        for &group in &source.groups {
            let times = &batch.times;
            let watermarks = batch.clock.rows(group, batch.newest.get(..times.len()).unwrap_or_default());
            let late = late_rows(times, &watermarks);
            // Timers up to the last row's watermark fire within this batch; what the last event itself moved is for the next.
            if let (Some(before), Some(last)) = (flight.watermarks.get_mut(group), watermarks.last()) {
                *before = *last;
            }
            batch.groups.push(GroupRows { group, watermarks, late });
        }
        if let Some(counters) = self.counters.sources.get(usize::from(batch.slice.partition.source)) {
            counters.late.fetch_add(batch.late_events() as u64, Relaxed);
        }
        for (index, (detector, _)) in source.reached.iter().enumerate() {
            let group = self.layout.detectors.get(*detector).and_then(|layout| layout.group);
            let parts = batch.parts.iter_mut().skip(index * self.layout.shards).take(self.layout.shards);
            for part in parts.filter(|part| !part.is_empty()) {
                part.events = Some(batch.events.clone());
                if let Some(rows) = batch.groups.iter().find(|rows| Some(rows.group) == group) {
                    mark(part, &rows.watermarks, &rows.late);
                }
            }
        }
        let farthest = batch.clock.farthest(&batch.newest, &batch.events);
        self.farthest = Farthest::farther(self.farthest, farthest);
        self.counters.spend(Stage::Clock, started);
    }

    /// Sends the tasks of an item's next phase to all shards.
    pub(crate) fn dispatch(&mut self, flight: &mut Flight, ports: &mut Ports) -> Result<(), Overrun> {
        let tasks = self.tasks(flight);
        let senders = ports.work_out.get_mut(flight.phase).ok_or(Overrun)?;
        for (sender, tasks) in senders.iter_mut().zip(tasks) {
            sender.send(Work { number: flight.number, tasks }).map_err(|_| Overrun)?;
        }
        Ok(())
    }

    /// By shard: the tasks of the phase. A batch brings rows to those that its source reaches; but the watermark that was left before it
    /// may fire anybody's timers, and their alerts stand before its first event.
    fn tasks(&self, flight: &mut Flight) -> Vec<Vec<Task>> {
        let shards = self.layout.shards;
        let mut tasks: Vec<Vec<Task>> = (0..shards).map(|_| Vec::new()).collect();
        let mark = if let Load::Mark(mark) = &flight.load { Some(mark) } else { None };
        let duty = |detector: usize| match mark {
            Some(Item::Flush) => Duty::Flush,
            Some(Item::Barrier(barrier)) if barrier.full => Duty::FullSnapshot,
            Some(Item::Barrier(_)) => Duty::Snapshot,
            Some(Item::Quarantine(this, _)) if *this == detector => Duty::Quarantine,
            Some(Item::Resume(this)) if *this == detector => Duty::Resume,
            _ => Duty::Nothing,
        };
        let duties: Vec<Duty> = (0..self.layout.detectors.len()).map(duty).collect();
        // A checkpoint can be seen nowhere: what is due with it fires with the next item.
        let timers = !matches!(mark, Some(Item::Barrier(_)));
        let reached = flight.source().and_then(|source| self.layout.sources.get(source)).map_or(&[][..], |source| &source.reached);
        let phase = flight.phase;
        for (detector, layout) in self.layout.detectors.iter().enumerate().filter(|(_, layout)| layout.phase == phase) {
            let rows = reached.iter().enumerate().find(|(_, (known, _))| *known == detector);
            let dropped = rows.map_or(Vec::new(), |(_, (_, path))| dropped_before(path, &flight.outcomes));
            let watermark = layout.group.and_then(|group| flight.watermarks.get(group).copied()).filter(|_| timers);
            let duty = duties.get(detector).copied().unwrap_or_default();
            for (shard, tasks) in tasks.iter_mut().enumerate().filter(|(shard, _)| self.layout.lives_on(detector, *shard)) {
                let part = rows.map_or(Part::default(), |(index, _)| flight.take_part(index * shards + shard));
                let part = crate::sieve::without(part, &dropped);
                if duty != Duty::Nothing || watermark.is_some() || !part.is_empty() {
                    tasks.push(Task { detector, number: flight.number, part, watermark, duty });
                }
            }
        }
        tasks
    }

    /// Puts together what became of a batch and hands it to the sinks.
    pub(crate) fn deliver(&mut self, mut flight: Flight, ports: &mut Ports, crew: &mut Crew) -> Result<(), Overrun> {
        let started = Instant::now();
        let mut results = Results::collect(&mut flight, &self.layout, &self.names.ranks, &self.faults, &self.counters);
        results.alerts.iter_mut().for_each(|entry| entry.alert.revision = entry.alert.revision.saturating_add(self.flushes));
        for (counters, detector) in self.counters.detectors.iter().zip(&self.layout.detectors) {
            let watermark = detector.group.and_then(|group| flight.watermarks.get(group));
            watermark.into_iter().for_each(|watermark| counters.watermark.reach(*watermark));
        }
        self.counters.spend(Stage::Merge, started);
        let started = Instant::now();
        let ticket = flight.ticket.take().map(Arc::new);
        if let Some(ticket) = &ticket {
            ticket.deliver();
        }
        let batch = if let Load::Batch(batch) = &flight.load { Some(batch) } else { None };
        let (ingest_time, events) = (batch.map(|batch| batch.slice.ingest_time), batch.map_or(0, |batch| batch.events.len()));
        let barrier = match &flight.load {
            Load::Mark(Item::Barrier(barrier)) => Some(barrier),
            Load::Mark(Item::End(barrier)) => barrier.as_ref(),
            _ => None,
        };
        if let Some(barrier) = barrier {
            barrier.said().number = flight.number;
        }
        let last = matches!(flight.load, Load::Mark(Item::End(_)));
        let source = flight.source();
        let mut codec = source.and_then(|source| self.codecs.get_mut(source));
        let mut packing = Packing::new(&self.layout, &self.names, &flight.load, &results);
        for (index, sink) in ports.sinks.iter_mut().enumerate() {
            let pieces = packing.pieces(index, codec.as_mut().map(|codec| &mut codec.encoder));
            let barrier = barrier.map(|barrier| (barrier.clone(), index));
            let delivery = Delivery { pieces, ticket: ticket.clone(), logged: flight.logged, source, events, ingest_time, barrier, last };
            sink.send(delivery).map_err(|_| Overrun)?;
        }
        self.counters.spend(Stage::Encode, started);
        for outcome in flight.outcomes {
            crew.recycle(outcome.findings);
            if let Some(codec) = &mut codec {
                codec.decoder.recycle_part(outcome.part);
            }
        }
        Ok(())
    }
}

/// Rows that are older than their watermark. Untimed ones are not late.
fn late_rows(times: &[Timestamp], watermarks: &[Timestamp]) -> Vec<u32> {
    let rows = (0u32..).zip(times.iter().zip(watermarks));
    rows.filter(|(_, (time, watermark))| time < watermark && **time != UNTIMED).map(|(row, _)| row).collect()
}

/// Gives a part the watermarks and the late flags of its rows.
fn mark(part: &mut Part, watermarks: &[Timestamp], late: &[u32]) {
    let of_row = |row: &u32| watermarks.get(*row as usize).copied().unwrap_or_default();
    let column = Arc::make_mut(&mut part.watermarks);
    column.clear();
    column.extend(part.rows.iter().map(of_row));
    part.late = if late.is_empty() { Bits::default() } else { Bits::pack(part.rows.iter().map(|row| late.binary_search(row).is_ok())) };
}
