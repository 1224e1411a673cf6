//! The lines of a stretch of NDJSON, one by one.

use std::ops::Range;

use super::DeadReason;
use crate::json::Slot;
use crate::json::exact;
use crate::json::scan::Native;
use crate::json::walk::{Namesake, Trace, Walk};
use crate::{Fault, Plan};

/// Reads lines; of the one read last it knows where the asked-for values stand.
#[derive(Debug)]
pub(crate) struct Lines {
    slots: Vec<Slot>,
    trace: Trace,
}

/// A line that is not blank: its bytes without framing, and where the next one starts.
pub(crate) enum Line {
    Event { span: Range<usize>, next: usize },
    Dead { span: Range<usize>, next: usize, reason: DeadReason },
}

impl Lines {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { slots: vec![Slot::default(); plan.slots], trace: Trace::default() }
    }

    /// Where the asked-for values of the event read last stand.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Where the event read last bears the annotation key.
    pub(crate) fn namesakes(&self) -> &[Namesake] {
        &self.trace.namesakes
    }

    /// The next line in the range that is not blank.
    #[inline(always)]
    pub(crate) fn next(&mut self, plan: &Plan, bytes: &[u8], range: Range<usize>) -> Option<Line> {
        self.slowly(plan, bytes, range)
    }

    fn slowly(&mut self, plan: &Plan, bytes: &[u8], range: Range<usize>) -> Option<Line> {
        let mut start = range.start;
        loop {
            if start >= range.end {
                return None;
            }
            let blank =
                bytes.get(start..range.end).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
            if bytes.get(start + blank) != Some(&b'\n') {
                break;
            }
            start += blank + 1;
        }
        let mut walk = Walk::new(bytes, &plan.trie, plan.decoding.annotation_key.as_bytes(), &mut self.slots, &mut self.trace);
        let fault = match walk.line::<Native>(start) {
            Ok(newline) => {
                if walk.trace.duplicate {
                    exact::resolve::<Native>(&mut walk, start);
                }
                return Some(self.event(plan, bytes, start, newline));
            }
            Err((kind, at)) => Fault { kind, at: at - start },
        };
        let newline =
            start + fault.at + memchr::memchr(b'\n', bytes.get(start + fault.at..range.end).unwrap_or_default()).unwrap_or_default();
        let span = start..unframed(bytes, start, newline);
        let too_long = span.len() > plan.decoding.max_event_bytes;
        let reason = if too_long { DeadReason::TooLong { limit: plan.decoding.max_event_bytes } } else { DeadReason::Json(fault) };
        Some(Line::Dead { span, next: newline + 1, reason })
    }

    /// The event from `start` to its newline.
    #[inline(always)]
    fn event(&self, plan: &Plan, bytes: &[u8], start: usize, newline: usize) -> Line {
        let span = start..unframed(bytes, start, newline);
        let next = newline + 1;
        if span.len() > plan.decoding.max_event_bytes {
            return Line::Dead { span, next, reason: DeadReason::TooLong { limit: plan.decoding.max_event_bytes } };
        }
        Line::Event { span, next }
    }
}

/// The end of a line without a carriage return before its newline.
#[inline(always)]
fn unframed(bytes: &[u8], start: usize, newline: usize) -> usize {
    if newline > start && bytes.get(newline - 1) == Some(&b'\r') { newline - 1 } else { newline }
}
