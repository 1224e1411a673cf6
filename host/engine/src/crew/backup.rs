//! What an instance can be made anew from: the entries of its last snapshot, and the parts that it has seen since.

use std::sync::Arc;

use eyas_event::{Buffer, Column, Entries, Events, Part, Strings, Values};
use eyas_plugin::Asked;

/// How many rows of parts are kept before a snapshot replaces them.
const ROWS: usize = 1 << 18;
/// How many bytes.
const BYTES: usize = 12 << 20;
/// Increments may always take this much before all is taken anew.
const DELTAS: usize = 8 << 20;
/// How many parts that are not needed any more are freed with each that is kept.
const FREED: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Backup {
    /// A whole snapshot.
    base: Vec<Entries>,
    /// What changed after it, in order.
    deltas: Vec<Entries>,
    /// How many of the deltas checkpoints have.
    given: usize,
    /// Whether a checkpoint has the base.
    base_given: bool,
    parts: Vec<Arc<Part>>,
    /// Parts that are not needed any more. There may be thousands of them, and all at once would hold up everything while they are freed.
    spent: Vec<Arc<Part>>,
    rows: usize,
    bytes: usize,
}

impl Backup {
    /// Of a restored instance. No checkpoint of this run has it yet.
    pub(crate) fn new(base: Vec<Entries>) -> Self {
        Self { base, ..Self::default() }
    }

    /// All entries, the oldest first.
    pub(crate) fn entries(&self) -> Vec<Entries> {
        self.base.iter().chain(&self.deltas).cloned().collect()
    }

    /// The parts that the entries know nothing of.
    pub(crate) fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// Keeps a part that was seen; gives whether it is time for a snapshot.
    pub(crate) fn keep(&mut self, part: &Part, asked: Asked) -> bool {
        self.spent.truncate(self.spent.len().saturating_sub(FREED));
        let kept = stripped(part, asked);
        self.rows += kept.len();
        self.bytes += bytes(&kept);
        self.parts.push(Arc::new(kept));
        self.rows > ROWS || self.bytes > BYTES
    }

    /// Forgets the parts.
    pub(crate) fn forget_parts(&mut self) {
        self.spent.append(&mut self.parts);
        (self.rows, self.bytes) = (0, 0);
    }

    /// Whether the next snapshot should be a whole one.
    pub(crate) fn wants_all(&self) -> bool {
        let size = |chunks: &[Entries]| chunks.iter().map(Entries::bytes).sum::<usize>();
        let deltas = size(&self.deltas);
        deltas > DELTAS && deltas > size(&self.base)
    }

    /// Takes a snapshot, whole or of what changed. It knows all parts.
    pub(crate) fn take(&mut self, whole: bool, entries: Vec<Entries>) {
        self.forget_parts();
        if whole {
            *self = Self { spent: std::mem::take(&mut self.spent), ..Self::new(entries) };
        } else {
            self.deltas.extend(entries);
        }
    }

    /// What a checkpoint does not have yet, or `all`; and whether it is all.
    pub(crate) fn give(&mut self, all: bool) -> (bool, Vec<Entries>) {
        let whole = !std::mem::replace(&mut self.base_given, true) || all;
        let given = std::mem::replace(&mut self.given, self.deltas.len());
        (whole, if whole { self.entries() } else { self.deltas.iter().skip(given).cloned().collect() })
    }
}

/// A part with no more of its batch's events than the guest asked for. What it gives is not looked at again, so the rows may have any
/// numbers.
fn stripped(part: &Part, asked: Asked) -> Part {
    let events = part.events.as_ref().filter(|_| asked.references || asked.events).map(|events| {
        if asked.events {
            return events.clone();
        }
        let positions = part.rows.iter().map(|row| events.get(*row as usize).reference.position);
        Arc::new(Events {
            partition: events.partition,
            base: 0,
            buffer: Arc::new(Buffer::default()),
            spans: Vec::new(),
            positions: Some(positions.collect()),
            frames: Vec::new(),
        })
    });
    let rows = if asked.events { part.rows.clone() } else { (0..part.len() as u32).collect() };
    Part { rows, events, ..part.clone() }
}

/// How much memory a part keeps.
fn bytes(part: &Part) -> usize {
    let strings = |strings: &Strings| strings.data.len() + strings.offsets.len() * size_of::<u32>();
    let column = |column: &Column| {
        column.states.len()
            + match &column.values {
                Values::Text(values) | Values::Bytes(values) | Values::Raw(values) => strings(values),
                Values::S64(values) | Values::Timestamp(values) => values.len() * 8,
                Values::U64(values) => values.len() * 8,
                Values::F64(values) => values.len() * 8,
                Values::Boolean(values) => values.len(),
                Values::Ip(values) => values.len(),
            }
    };
    let of_rows = part.rows.len() * size_of::<u32>() + (part.times.len() + part.watermarks.len() + part.hashes.len()) * 8;
    let events = part.events.as_ref().map_or(0, |events| {
        events.buffer.padded().len() + events.spans.len() * 8 + events.positions.as_ref().map_or(0, |positions| positions.len() * 8)
    });
    of_rows + strings(&part.keys) + part.late.bytes.len() + part.columns.iter().map(column).sum::<usize>() + events
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn chunk(bytes: usize) -> Entries {
        let values = Strings { offsets: Arc::new(vec![0, bytes as u32]), data: Arc::new(vec![0; bytes]) };
        Entries { groups: vec![0], values, ..Entries::default() }
    }

    #[test]
    fn a_checkpoint_gets_all_at_first_and_then_what_it_lacks() {
        let mut backup = Backup::new(vec![chunk(1)]);
        backup.take(false, vec![chunk(2)]);
        assert_eq!(backup.give(false), (true, vec![chunk(1), chunk(2)]));
        assert_eq!(backup.give(false), (false, vec![]));
        backup.take(false, vec![chunk(3)]);
        backup.take(false, vec![chunk(4)]);
        assert_eq!(backup.give(false), (false, vec![chunk(3), chunk(4)]));
        backup.take(true, vec![chunk(5)]);
        backup.take(false, vec![chunk(6)]);
        assert_eq!(backup.give(false), (true, vec![chunk(5), chunk(6)]));
        assert_eq!(backup.give(true), (true, vec![chunk(5), chunk(6)]));
    }

    #[test]
    fn parts_that_are_not_needed_any_more_are_freed_faster_than_others_come() {
        let mut backup = Backup::default();
        for round in 0..10 {
            (0..1000).for_each(|_| assert!(!backup.keep(&Part::default(), Asked::default())));
            assert!(backup.parts.len() == 1000 && backup.spent.is_empty());
            backup.take(round % 2 == 0, Vec::new());
            assert!(backup.parts.is_empty() && backup.spent.len() == 1000);
        }
    }

    #[test]
    fn increments_that_outweigh_the_whole_are_replaced_by_a_whole() {
        let mut backup = Backup::new(vec![chunk(DELTAS * 2)]);
        backup.take(false, vec![chunk(DELTAS + 1)]);
        assert!(!backup.wants_all());
        backup.take(false, vec![chunk(DELTAS + 1)]);
        assert!(backup.wants_all());
    }

    #[test]
    fn a_kept_part_holds_on_to_no_events_that_nobody_asked_for() {
        let buffer = Arc::new(Buffer::new(b"{}\n{}\n{}\n".to_vec()));
        let partition = eyas_event::Partition { source: 1, number: 2 };
        let spans = vec![(0, 2), (3, 5), (6, 8)];
        let events = Events { partition, base: 100, buffer: buffer.clone(), spans, positions: None, frames: Vec::new() };
        let part = Part { rows: vec![0, 2], events: Some(Arc::new(events)), ..Part::default() };
        assert!(stripped(&part, Asked::default()).events.is_none());
        let named = stripped(&part, Asked { references: true, events: false });
        assert_eq!(named.event(1).unwrap().reference, part.event(1).unwrap().reference);
        assert_eq!(Arc::strong_count(&buffer), 2);
        let whole = stripped(&part, Asked { references: true, events: true });
        assert_eq!(whole.event(1), part.event(1));
    }
}
