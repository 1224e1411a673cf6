//! The stream form by size: how much of it makes a batch or a request, and how it is halved.

use std::cell::Cell;

use super::CHILD;
use super::pieces::{Part, Pieces};
use crate::binary::proto::{Field, Fields};

/// How many events a top-level field is: the records of logs, one of anything else.
fn events(bytes: &[u8], frame: Field) -> usize {
    if !frame.is(1) {
        return 1;
    }
    let scopes = Fields::new(bytes, frame.value, frame.end).filter(|field| field.is(CHILD));
    scopes.map(|scope| Fields::new(bytes, scope.value, scope.end).filter(|field| field.is(CHILD)).count()).sum()
}

/// How many leading bytes are whole frames with at most so many events, at least one frame. One without events counts as one: it takes memory.
pub(crate) fn cut(bytes: &[u8], max_events: usize) -> usize {
    let mut all = 0;
    first(bytes, |frame| {
        all += events(bytes, frame).max(1);
        all <= max_events
    })
}

/// How many leading bytes are whole frames of at most so many bytes, at least one frame.
pub(crate) fn head(bytes: &[u8], max_bytes: usize) -> usize {
    first(bytes, |frame| frame.end <= max_bytes)
}

/// Where the first frame starts, but the very first, that does not fit.
fn first(bytes: &[u8], mut fits: impl FnMut(Field) -> bool) -> usize {
    Fields::new(bytes, 0, bytes.len()).find(|&frame| !fits(frame) && frame.start > 0).map_or(bytes.len(), |frame| frame.start)
}

/// Two halves by number of events, each in frames of its own; nothing where there is but one event.
pub(crate) fn halve(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let all: usize = Fields::new(bytes, 0, bytes.len()).map(|frame| events(bytes, frame)).sum();
    if all < 2 {
        return None;
    }
    let mut left = all / 2;
    for frame in Fields::new(bytes, 0, bytes.len()) {
        let events = events(bytes, frame);
        if events <= left {
            left -= events;
            continue;
        }
        let (before, after) = (bytes.get(..frame.start)?, bytes.get(frame.end..)?);
        let (mut first, mut second) = (before.to_vec(), Vec::new());
        if left == 0 {
            second.extend_from_slice(bytes.get(frame.start..frame.end)?);
        } else {
            let (half, mut seen) = (Cell::new(0), 0);
            let mut sink = |part: Part<'_>| part.append(bytes, if half.get() == 0 { &mut first } else { &mut second });
            Pieces::rebuild(bytes, frame, &mut sink, |pieces, record, sink| {
                if seen == left {
                    pieces.close(sink);
                    half.set(1);
                }
                seen += 1;
                pieces.keep(record.start..record.end);
            });
        }
        second.extend_from_slice(after);
        return Some((first, second));
    }
    None
}
