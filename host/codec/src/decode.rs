//! Slices in, parts out: each event is walked once, and what is asked for goes straight to the shard that owns its key.

mod dead;
mod lines;

pub use dead::{DeadReason, DeadSpan};

use std::ops::Range;
use std::sync::Arc;

use eyas_event::{Buffer, Events, Frame, Part, Position, Slice, Timestamp};

use crate::binary::Walk;
use crate::csv::{Converted, Converter};
use crate::dialect::Dialect;
use crate::encode::Namesakes;
use crate::extract::{Extractor, Invalid, Pool, UNTIMED};
use crate::json::Slot;
use crate::json::scan::{Native, Padded};
use crate::json::walk::Namesake;
use crate::time::{BadTime, Clock};
use crate::{Encoding, OnBad, Plan};
pub(crate) use lines::{Line, Lines};

/// What a slice has in it.
#[derive(Debug)]
pub struct Decoded {
    /// The events, in input order.
    pub events: Events,
    /// Event time of each; [`UNTIMED`](crate::UNTIMED) where there is none.
    pub times: Vec<Timestamp>,
    /// The rows for subscription s and shard n at s * shards + n. Watermarks, late flags and events are for the engine to fill in.
    pub parts: Vec<Part>,
    /// What is no event, in input order.
    pub dead: Vec<DeadSpan>,
    /// Where events bear the annotation key as they come in; what encoding needs to make room for ours.
    pub namesakes: Namesakes,
    /// Rows of events that are no logs: they have neither fields nor time, and nothing can be said beside them.
    pub opaque: Vec<u32>,
    /// By subscription and field, how many cells of the rows that reached it are not valid.
    pub invalid: Vec<Vec<Invalid>>,
}

/// Decodes the slices of one source on one thread. Remembers the shapes of lines, and reuses memory that is given back.
#[derive(Debug)]
pub struct Decoder {
    plan: Arc<Plan>,
    lines: Lines,
    /// Of encodings that are no text.
    binary: Option<Walk>,
    clock: Option<Clock>,
    extractor: Extractor,
    converter: Converter,
    pool: Pool,
}

/// The batch in the making.
struct Batch {
    spans: Vec<(u32, u32)>,
    times: Vec<Timestamp>,
    dead: Vec<DeadSpan>,
    namesakes: Namesakes,
    /// Of encodings that are converted.
    positions: Option<Vec<Position>>,
    /// Of encodings that have envelopes.
    frames: Vec<Frame>,
    opaque: Vec<u32>,
}

impl Batch {
    /// Notes a dead letter before the next row.
    #[cold]
    fn bury(&mut self, slice: &Slice, range: Range<usize>, reason: DeadReason) {
        let before_row = self.spans.len() as u32;
        self.dead.push(DeadSpan { position: position(slice, range.start), range, reason, before_row });
    }
}

/// The position of a byte of the slice's buffer.
fn position(slice: &Slice, at: usize) -> Position {
    slice.position.wrapping_add(at as u64).wrapping_sub(slice.range.start as u64)
}

impl Decoder {
    /// Knows no shapes yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        let dialect = Dialect::of(&plan.decoding.encoding);
        let clock = plan.decoding.time.clone().map(|time| Clock::new(time, dialect));
        let (lines, binary, extractor) = (Lines::new(&plan), Walk::new(&plan), Extractor::new(&plan));
        let converter = Converter::new(&plan.decoding);
        Self { plan, lines, binary, clock, extractor, converter, pool: Pool::default() }
    }

    /// Decodes a slice. Rows of stateless subscriptions go to `home`, the shard that this thread is.
    pub fn decode(&mut self, slice: &Slice, home: usize) -> Decoded {
        let home = home.min(self.plan.sharding.shards - 1);
        let (spans, times) = (self.pool.spans.take(), self.pool.signed.take());
        let (namesakes, dead, frames, opaque) = (Namesakes::default(), Vec::new(), Vec::new(), Vec::new());
        let mut batch = Batch { spans, times, dead, namesakes, positions: None, frames, opaque };
        // Spans are of 32 bits.
        if slice.oversize || u32::try_from(slice.range.end).is_err() {
            batch.bury(slice, slice.range.clone(), DeadReason::TooLong { limit: self.plan.decoding.max_event_bytes });
            return self.finish(slice, Arc::clone(&slice.buffer), batch);
        }
        match self.plan.decoding.encoding {
            Encoding::Ndjson => {
                let range = without_mark(slice);
                let batch = self.walk(slice, &slice.buffer, range, None, batch, home);
                self.finish(slice, Arc::clone(&slice.buffer), batch)
            }
            Encoding::Csv { .. } => {
                let converted = self.converter.convert(slice, without_mark(slice));
                let batch = Batch { positions: Some(self.pool.unsigned.take()), ..batch };
                let batch = self.walk(slice, &converted.buffer, 0..converted.buffer.len(), Some(&converted), batch, home);
                let buffer = Arc::new(self.converter.lines_of(converted));
                self.finish(slice, buffer, batch)
            }
            Encoding::Otlp | Encoding::Vector | Encoding::Forward => {
                let batch = self.walk_binary(slice, batch, home);
                self.finish(slice, Arc::clone(&slice.buffer), batch)
            }
        }
    }

    /// The first event time of a slice that can be read: for the merge of files. Lines before it are looked at and no others.
    pub fn first_time(&mut self, slice: &Slice) -> Option<Timestamp> {
        self.plan.time?;
        let mut left = without_mark(slice);
        while !left.is_empty() {
            let bytes = slice.buffer.bytes().get(left.clone())?;
            let first = crate::frame::first_record(&self.plan.decoding.encoding, bytes).unwrap_or(bytes.len());
            let time = self.time_of(slice, left.start..left.start + first);
            if time.is_some() {
                return time;
            }
            left.start += first.max(1);
        }
        None
    }

    /// The event time of one line or record, if that is an event with a readable time.
    fn time_of(&mut self, slice: &Slice, line: Range<usize>) -> Option<Timestamp> {
        let converted;
        let (buffer, range) = match self.plan.decoding.encoding {
            Encoding::Ndjson => (&*slice.buffer, line),
            // Only files are merged by their times, and there are none of these.
            Encoding::Otlp | Encoding::Vector | Encoding::Forward => return None,
            Encoding::Csv { .. } => {
                converted = self.converter.convert(slice, line);
                (&converted.buffer, 0..converted.buffer.len())
            }
        };
        let Line::Event { .. } = self.lines.next::<Native>(&self.plan, Padded::new(buffer.padded()), range)? else { return None };
        let mut reading = Reading { plan: &self.plan, clock: &mut self.clock, extractor: &mut self.extractor };
        reading.time(slice, Padded::new(buffer.padded()), self.lines.slots()).ok()
    }

    /// Takes memory back for the next batches. What somebody else still holds is left alone.
    pub fn recycle(&mut self, decoded: Decoded) {
        self.pool.spans.give(decoded.events.spans);
        self.pool.signed.give(decoded.times);
        if let Some(positions) = decoded.events.positions {
            self.pool.unsigned.give(positions);
        }
        if matches!(self.plan.decoding.encoding, Encoding::Csv { .. })
            && let Ok(buffer) = Arc::try_unwrap(decoded.events.buffer)
        {
            self.converter.recycle(buffer);
        }
        decoded.parts.into_iter().for_each(|part| self.pool.recycle(part));
    }

    /// Takes the memory of one part back.
    pub fn recycle_part(&mut self, part: Part) {
        self.pool.recycle(part);
    }

    /// Walks lines of JSON. Of those that were converted, `converted` knows where in the slice's buffer each comes from.
    fn walk(
        &mut self,
        slice: &Slice,
        buffer: &Buffer,
        range: Range<usize>,
        converted: Option<&Converted>,
        mut batch: Batch,
        home: usize,
    ) -> Batch {
        let mut unconverted = converted.map_or(&[][..], |converted| &*converted.dead);
        let (mut at, mut number) = (range.start, 0);
        while let Some(line) = self.lines.next::<Native>(&self.plan, Padded::new(buffer.padded()), at..range.end) {
            while let Some(((_, range, reason), rest)) = unconverted.split_first().filter(|((before, ..), _)| *before <= number) {
                batch.bury(slice, range.clone(), reason.clone());
                unconverted = rest;
            }
            let (span, next, reason) = match line {
                Line::Event { span, next } => {
                    let (slots, namesakes) = (self.lines.slots(), self.lines.namesakes());
                    let reading = Reading { plan: &self.plan, clock: &mut self.clock, extractor: &mut self.extractor };
                    (span, next, reading.event(slice, Padded::new(buffer.padded()), slots, namesakes, &mut batch, home))
                }
                Line::Opaque { span, next } => (span, next, None),
                Line::Dead { span, next, reason } => (span, next, Some(reason)),
            };
            let origin = converted.and_then(|converted| converted.records.get(number)).unwrap_or(&span).clone();
            match reason {
                Some(reason) => batch.bury(slice, origin, reason),
                None => {
                    batch.spans.push((span.start as u32, span.end as u32));
                    if let Some(positions) = &mut batch.positions {
                        positions.push(position(slice, origin.start));
                    }
                }
            }
            (at, number) = (next, number + 1);
        }
        unconverted.iter().for_each(|(_, range, reason)| batch.bury(slice, range.clone(), reason.clone()));
        batch
    }

    /// Walks what is no text.
    fn walk_binary(&mut self, slice: &Slice, mut batch: Batch, home: usize) -> Batch {
        let Some(walk) = &mut self.binary else { return batch };
        let bytes = Padded::new(slice.buffer.padded());
        let (mut at, mut dropped) = (slice.range.start, false);
        while let Some(line) = walk.next(&self.plan, bytes, at..slice.range.end) {
            let (span, next, reason) = match line {
                Line::Event { span, next } => {
                    let reading = Reading { plan: &self.plan, clock: &mut self.clock, extractor: &mut self.extractor };
                    let reason = reading.event(slice, bytes, walk.slots(), walk.namesakes(), &mut batch, home);
                    dropped |= reason.is_some();
                    (span, next, reason)
                }
                Line::Opaque { span, next } => {
                    batch.opaque.push(batch.spans.len() as u32);
                    batch.times.push(UNTIMED);
                    (span, next, None)
                }
                Line::Dead { span, next, reason } => (span, next, Some(reason)),
            };
            match reason {
                Some(reason) => batch.bury(slice, span, reason),
                None => batch.spans.push((span.start as u32, span.end as u32)),
            }
            at = next;
        }
        batch.frames = walk.take_frames();
        if dropped {
            recount(&mut batch.frames, &batch.spans);
        }
        batch
    }

    fn finish(&mut self, slice: &Slice, buffer: Arc<Buffer>, batch: Batch) -> Decoded {
        let (parts, invalid) = self.extractor.finish(&self.plan, &mut self.pool);
        let base = position(slice, 0);
        let events =
            Events { partition: slice.partition, base, buffer, spans: batch.spans, positions: batch.positions, frames: batch.frames };
        Decoded { events, times: batch.times, parts, dead: batch.dead, namesakes: batch.namesakes, opaque: batch.opaque, invalid }
    }
}

/// Numbers the rows of envelopes anew, where what the walk gave as an event became none.
fn recount(frames: &mut [Frame], spans: &[(u32, u32)]) {
    for frame in frames {
        let row_at = |at| spans.partition_point(|&(start, _)| start < at) as u32;
        let (rows, before) = ((row_at(frame.range.0), row_at(frame.range.1)), frame.rows.1 - frame.rows.0);
        (frame.rows, frame.whole) = (rows, frame.whole && rows.1 - rows.0 == before);
    }
}

/// What it takes to make rows of an event whose values stand in slots.
struct Reading<'a> {
    plan: &'a Plan,
    clock: &'a mut Option<Clock>,
    extractor: &'a mut Extractor,
}

impl Reading<'_> {
    /// Reads its time, then its rows. A reason if it is a dead letter after all.
    #[inline(always)]
    fn event(
        mut self,
        slice: &Slice,
        bytes: Padded<'_>,
        slots: &[Slot],
        namesakes: &[Namesake],
        batch: &mut Batch,
        home: usize,
    ) -> Option<DeadReason> {
        let time = match self.time(slice, bytes, slots) {
            Ok(time) => time,
            Err(bad) => match self.plan.decoding.on_bad {
                OnBad::Pass => UNTIMED,
                OnBad::IngestTime => slice.ingest_time,
                OnBad::DeadLetter => return Some(DeadReason::Untimed(bad)),
            },
        };
        let row = batch.spans.len() as u32;
        batch.times.push(time);
        batch.namesakes.add(row, namesakes);
        self.extractor.row(self.plan, row, bytes, slots, time, home);
        None
    }

    #[inline(always)]
    fn time(&mut self, slice: &Slice, bytes: Padded<'_>, slots: &[Slot]) -> Result<Timestamp, BadTime> {
        let (Some(slot), Some(clock)) = (self.plan.time, &mut *self.clock) else { return Ok(UNTIMED) };
        let value = slots.get(usize::from(slot)).copied().unwrap_or_default();
        let time = clock.read(value, &bytes)?;
        match self.plan.decoding.max_future {
            Some(ahead) if time > slice.ingest_time.saturating_add(ahead) => Err(BadTime::Future),
            _ if time == UNTIMED => Err(BadTime::OutOfRange),
            _ => Ok(time),
        }
    }
}

/// The slice's range without a byte-order mark, which may stand at a partition's start.
fn without_mark(slice: &Slice) -> Range<usize> {
    let marked = slice.position == 0 && slice.bytes().starts_with(b"\xef\xbb\xbf");
    slice.range.start + if marked { 3 } else { 0 }..slice.range.end
}
