//! OpenTelemetry logs in protobuf (being written).

use std::ops::Range;

use eyas_event::{Events, Frame, Timestamp};

use crate::Plan;
use crate::decode::Line;
use crate::dialect::Figure;
use crate::encode::{Annotator, Output, Touched};
use crate::json::Slot;
use crate::json::scan::Padded;
use crate::json::walk::Namesake;

/// Reads the events of a slice.
#[derive(Debug)]
pub(crate) struct Walk {
    slots: Vec<Slot>,
    namesakes: Vec<Namesake>,
    frames: Vec<Frame>,
}

impl Walk {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { slots: vec![Slot::default(); plan.slots + 1], namesakes: Vec::new(), frames: Vec::new() }
    }

    pub(crate) fn next(&mut self, _plan: &Plan, _bytes: Padded<'_>, _range: Range<usize>) -> Option<Line> {
        None
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn namesakes(&self) -> &[Namesake] {
        &self.namesakes
    }

    pub(crate) fn take_frames(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.frames)
    }
}

pub(crate) fn figure(_value: &[u8]) -> Option<Figure<'static>> {
    None
}

pub(crate) fn time(_value: &[u8]) -> Option<Option<Timestamp>> {
    None
}

pub(crate) fn text(_value: &[u8], _out: &mut Vec<u8>) -> bool {
    false
}

pub(crate) fn json(_value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// Writes the events of a batch as they came, annotated.
pub(crate) fn encode(_annotator: &mut Annotator, events: &Events, _touched: Touched<'_>) -> Output {
    Output::new(events).finish()
}

/// Appends the JSON form of an event.
pub(crate) fn event_json(_events: &Events, _row: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{}");
}

/// How many leading bytes are whole frames with at most so many events, at least one frame.
pub(crate) fn cut(bytes: &[u8], _max_events: usize) -> usize {
    bytes.len()
}

/// How many leading bytes are whole frames of at most so many bytes, at least one frame.
pub(crate) fn head(bytes: &[u8], _max_bytes: usize) -> usize {
    bytes.len()
}

/// Two halves by number of events, each in frames of its own; nothing where there is but one event.
pub(crate) fn halve(_bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    None
}

/// Appends JSON objects, a line each, as events.
pub(crate) fn from_lines(_lines: &[u8], _out: &mut Vec<u8>) {}
