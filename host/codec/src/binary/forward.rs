//! Fluent Forward in MessagePack.
//!
//! An event is an entry, `[time, record]` or `[[time, metadata], record]`; its envelope is the message that it came in. Paths are the
//! record's keys, and `@timestamp`, `@tag` and `@metadata`, unless the record has a member of that name. Texts and binaries alike are texts
//! where they are UTF-8. The marks that Fluent Bit puts around groups of records are opaque.

mod encode;
mod entry;
mod stream;
mod value;

use std::ops::Range;

use eyas_event::Frame;

use crate::Plan;
use crate::decode::{DeadReason, Line};
use crate::forward::msgpack::{Shape, head as head_at, skip};
use crate::json::Slot;
use crate::json::scan::Padded;
use crate::json::trie::ROOT;
use crate::json::walk::Namesake;
pub(crate) use encode::{encode, event_json};
use entry::{Reading, What};
pub(crate) use stream::{cut, from_lines, halve, head};
use value::{METADATA, TAG, TIMESTAMP};
pub(crate) use value::{figure, json, text, time};

/// Reads the events of a slice.
#[derive(Debug)]
pub(crate) struct Walk {
    slots: Vec<Slot>,
    namesakes: Vec<Namesake>,
    frames: Vec<Frame>,
    /// The message being read.
    open: Option<Message>,
    /// How many rows there are so far.
    rows: u32,
    /// Something that stands beside the record is asked for.
    beside: bool,
}

/// A message of the stream form: its tag's text, and where its entries are.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) tag: (usize, usize),
    pub(super) entries: Range<usize>,
}

/// The message of the stream form that begins at `at` and ends within the bytes.
pub(super) fn message(bytes: &[u8], at: usize) -> Option<Message> {
    let list = head_at(bytes, at).filter(|head| head.shape == Shape::Array && head.len == 2)?;
    let tag = head_at(bytes, list.at).filter(|head| head.shape == Shape::Str)?;
    let tag = (tag.at, tag.at + tag.len);
    let entries = head_at(bytes, tag.1).filter(|head| head.shape == Shape::Bin)?;
    let entries = entries.at..entries.at + entries.len;
    (entries.end <= bytes.len()).then_some(Message { tag, entries })
}

impl Walk {
    pub(crate) fn new(plan: &Plan) -> Self {
        let beside = [TIMESTAMP, TAG, METADATA].iter().any(|name| plan.trie.find(ROOT, name).is_some());
        let slots = vec![Slot::default(); plan.slots + 1];
        Self { slots, namesakes: Vec::new(), frames: Vec::new(), open: None, rows: 0, beside }
    }

    #[inline]
    pub(crate) fn next(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
        let mut at = range.start;
        let message = loop {
            match &self.open {
                Some(message) if at < message.entries.end => break message.clone(),
                _ if at >= range.end => return None,
                _ => {}
            }
            // An entry stands in a message of its own, which is opened first.
            match bytes.get(..range.end).and_then(|bytes| message(bytes, at)) {
                Some(message) => {
                    self.frames.push(Frame { range: (at as u32, message.entries.end as u32), rows: (self.rows, self.rows), whole: true });
                    at = message.entries.start;
                    self.open = Some(message);
                }
                None => {
                    self.open = None;
                    let reason = DeadReason::Malformed { what: "no message", at: 0 };
                    return Some(Line::Dead { span: at..range.end, next: range.end, reason });
                }
            }
        };
        Some(self.entry(plan, bytes, message, at))
    }

    #[inline(always)]
    fn entry(&mut self, plan: &Plan, bytes: Padded<'_>, message: Message, at: usize) -> Line {
        self.slots.fill(Slot::default());
        self.namesakes.clear();
        let reading = Reading {
            bytes: bytes.get(..message.entries.end).unwrap_or_default(),
            padded: bytes,
            trie: &plan.trie,
            key: plan.decoding.annotation_key.as_bytes(),
            slots: &mut self.slots,
            namesakes: &mut self.namesakes,
            duplicate: false,
            wrong: ("", 0),
        };
        let limit = plan.decoding.max_event_bytes;
        match reading.entry(at, self.beside.then_some(message.tag)) {
            Ok((_, next)) if next - at > limit => self.dead(at..next, DeadReason::TooLong { limit }),
            Ok((what, next)) => {
                self.rows += 1;
                if let Some(frame) = self.frames.last_mut() {
                    frame.rows.1 = self.rows;
                }
                match what {
                    What::Log => Line::Event { span: at..next, next },
                    What::Opaque => Line::Opaque { span: at..next, next },
                }
            }
            Err((what, wrong_at)) => {
                let all = bytes.get(..message.entries.end).unwrap_or_default();
                let span = at..skip(all, at).unwrap_or(message.entries.end);
                let too_long = span.len() > limit;
                let reason =
                    if too_long { DeadReason::TooLong { limit } } else { DeadReason::Malformed { what, at: wrong_at.saturating_sub(at) } };
                self.dead(span, reason)
            }
        }
    }

    #[cold]
    fn dead(&mut self, span: Range<usize>, reason: DeadReason) -> Line {
        if let Some(frame) = self.frames.last_mut() {
            frame.whole = false;
        }
        Line::Dead { next: span.end, span, reason }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn namesakes(&self) -> &[Namesake] {
        &self.namesakes
    }

    pub(crate) fn take_frames(&mut self) -> Vec<Frame> {
        (self.open, self.rows) = (None, 0);
        std::mem::take(&mut self.frames)
    }
}
