//! A batch on its way through the engine, as its home shard holds it.

use std::collections::BTreeSet;
use std::sync::Arc;

use eyas_codec::{DeadSpan, Namesakes};
use eyas_event::{Events, Part, Partition, Slice, Timestamp};
use eyas_state::Standing;

use crate::barrier::Taken;
use crate::clock::{BatchClock, Clocks};
use crate::credit::Ticket;
use crate::crew::Outcome;
use crate::sequencer::Item;

/// One item of the input order, with all that has become of it so far.
pub(crate) struct Flight {
    /// Its place in the input order.
    pub(crate) number: u64,
    /// Its place in the input log.
    pub(crate) logged: Option<u64>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) load: Load,
    /// By watermark group: up to where timers fire with this item.
    pub(crate) watermarks: Vec<Timestamp>,
    /// The phase that runs, or runs next.
    pub(crate) phase: usize,
    /// How many shards have answered in this phase.
    pub(crate) answers: usize,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What an item is.
pub(crate) enum Load {
    /// Events.
    Batch(Box<Batch>),
    /// A mark: no events.
    Mark(Item),
}

/// The events of a batch, decoded.
pub(crate) struct Batch {
    pub(crate) slice: Slice,
    pub(crate) events: Arc<Events>,
    /// Event time of each event.
    pub(crate) times: Vec<Timestamp>,
    /// How many of them have none, of a source that has times.
    pub(crate) untimed: usize,
    /// The rows for the n-th detector that the source reaches and shard s at n * shards + s.
    pub(crate) parts: Vec<Part>,
    /// What is no event.
    pub(crate) dead: Vec<DeadSpan>,
    pub(crate) namesakes: Namesakes,
    /// Rows of events that are no logs.
    pub(crate) opaque: Vec<u32>,
    /// The newest event time before each row, and after the last.
    pub(crate) newest: Vec<Timestamp>,
    pub(crate) clock: BatchClock,
    pub(crate) groups: Vec<GroupRows>,
}

/// The rows of a batch as one watermark group sees them.
pub(crate) struct GroupRows {
    pub(crate) group: usize,
    /// The watermark of each row.
    pub(crate) watermarks: Vec<Timestamp>,
    /// Rows that are late, in order.
    pub(crate) late: Vec<u32>,
}

impl Batch {
    /// How many events are late for somebody.
    pub(crate) fn late_events(&self) -> usize {
        match self.groups.as_slice() {
            [] => 0,
            [group] => group.late.len(),
            groups => groups.iter().flat_map(|group| &group.late).collect::<BTreeSet<_>>().len(),
        }
    }

    /// The watermark of each row, in a group; nothing where the batch knows no such group.
    pub(crate) fn watermarks(&self, group: Option<usize>) -> &[Timestamp] {
        self.groups.iter().find(|known| Some(known.group) == group).map_or(&[], |known| &known.watermarks)
    }
}

impl Flight {
    /// The source of its events, if it has any.
    pub(crate) fn source(&self) -> Option<usize> {
        if let Load::Batch(batch) = &self.load { Some(usize::from(batch.slice.partition.source)) } else { None }
    }

    /// Takes in what a shard has made of it.
    pub(crate) fn take(&mut self, shard: usize, mut outcomes: Vec<Outcome>) {
        if let Load::Mark(Item::Barrier(barrier)) = &self.load {
            for outcome in &mut outcomes {
                if let Some((full, chunks)) = outcome.snapshot.take() {
                    barrier.said().taken.push(Taken { detector: outcome.detector, shard, full, chunks });
                }
            }
        }
        self.outcomes.extend(outcomes);
    }

    /// Takes a part out of its batch; a mark has empty ones.
    pub(crate) fn take_part(&mut self, number: usize) -> Part {
        let Load::Batch(batch) = &mut self.load else { return Part::default() };
        batch.parts.get_mut(number).map(std::mem::take).unwrap_or_default()
    }

    /// Its turn at the clocks: reads what it must know of all items before, and moves them on.
    pub(crate) fn read(&mut self, clocks: &mut Clocks) {
        match &mut self.load {
            Load::Batch(batch) => {
                self.watermarks = clocks.groups().map(|(_, watermark)| watermark).collect();
                let newest = batch.newest.last().copied().filter(|newest| *newest != Timestamp::MIN);
                batch.clock = clocks.batch(&batch.slice, newest);
            }
            Load::Mark(item) => {
                match item {
                    Item::Open(Partition { source, number }, first) => clocks.open(usize::from(*source), *number, *first),
                    Item::Close(Partition { source, number }) => clocks.leave(usize::from(*source), *number, Standing::Closed),
                    Item::Idle(Partition { source, number }) => clocks.leave(usize::from(*source), *number, Standing::Idle),
                    Item::Clock { source, elapsed, limit } => clocks.pass(*source, *elapsed, *limit),
                    Item::Barrier(barrier) => clocks.tell(&mut barrier.said()),
                    Item::End(_) => clocks.end = Some(self.number),
                    Item::Flush | Item::Slice(_) | Item::Quarantine(..) | Item::Resume(_) => {}
                }
                self.watermarks = clocks.groups().map(|(_, watermark)| watermark).collect();
            }
        }
    }
}
