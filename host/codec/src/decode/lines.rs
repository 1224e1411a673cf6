//! The lines of a stretch of NDJSON, one by one.

use std::ops::Range;

use super::DeadReason;
use crate::json::Slot;
use crate::json::exact;
use crate::json::scan::{Padded, Scan};
use crate::json::template::Templates;
use crate::json::walk::{Namesake, Trace, Walk};
use crate::{Fault, Plan};

/// Reads lines; of the one read last it knows where the asked-for values stand.
#[derive(Debug)]
pub(crate) struct Lines {
    /// One for each asked-for value, and one for all others.
    slots: Vec<Slot>,
    trace: Trace,
    templates: Templates,
    /// What slots and trace hold is not the current template's.
    stale: bool,
}

/// A line that is not blank: its bytes without framing, and where the next one starts.
pub(crate) enum Line {
    Event {
        span: Range<usize>,
        next: usize,
    },
    /// An event that is no log: it passes.
    Opaque {
        span: Range<usize>,
        next: usize,
    },
    Dead {
        span: Range<usize>,
        next: usize,
        reason: DeadReason,
    },
}

impl Lines {
    pub(crate) fn new(plan: &Plan) -> Self {
        let slots = vec![Slot::default(); plan.slots + 1];
        Self { slots, trace: Trace::default(), templates: Templates::default(), stale: false }
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
    pub(crate) fn next<S: Scan>(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
        if range.start >= range.end {
            return None;
        }
        if self.stale {
            self.refresh();
        }
        match self.templates.read::<S>(bytes, range.start, &mut self.slots) {
            Some(end) => Some(self.event(plan, bytes, range.start, end - 1)),
            None => self.slowly::<S>(plan, bytes, range),
        }
    }

    #[cold]
    fn refresh(&mut self) {
        self.slots.fill(Slot::default());
        self.trace.namesakes.clear();
        self.stale = false;
    }

    /// The next line, which the current template does not read.
    #[cold]
    #[inline(never)]
    fn slowly<S: Scan>(&mut self, plan: &Plan, bytes: Padded<'_>, range: Range<usize>) -> Option<Line> {
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
        if let Some(end) = self.templates.read_by_other::<S>(bytes, start, &mut self.slots) {
            return Some(self.event(plan, bytes, start, end - 1));
        }
        self.stale = true;
        let mut walk = Walk::new(bytes, &plan.trie, plan.decoding.annotation_key.as_bytes(), &mut self.slots, &mut self.trace);
        let fault = match walk.line::<S>(start) {
            Ok(newline) => {
                if walk.trace.duplicate {
                    exact::resolve::<S>(&mut walk, start);
                }
                self.stale = !self.templates.learn(bytes, start, newline, &self.trace, plan.slots);
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
    fn event(&self, plan: &Plan, bytes: Padded<'_>, start: usize, newline: usize) -> Line {
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
fn unframed(bytes: Padded<'_>, start: usize, newline: usize) -> usize {
    if newline > start && bytes.get(newline - 1) == Some(&b'\r') { newline - 1 } else { newline }
}
