//! Reading records in order, across segments.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Logged;
use super::segments::{Segment, missing};
use super::walk::{Bytes, Stop, Walk};
use crate::{Record, StateError};

/// Reads records in order.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    segments: VecDeque<Segment>,
    walk: Option<Walk>,
    /// Number of the next record on the way; what is before `from` is passed over.
    number: u64,
    from: u64,
    end: u64,
    bytes: Bytes,
    over: bool,
}

impl Reader {
    /// Over the records `from..end` of some segments.
    pub(super) fn new(dir: &Path, mut segments: VecDeque<Segment>, from: u64, end: u64, bytes: bool) -> Result<Self, StateError> {
        while segments.get(1).is_some_and(|later| later.first <= from) {
            segments.pop_front();
        }
        let number = segments.front().map_or(end, |segment| segment.first);
        if from < end.min(number) {
            return Err(missing(dir, from, number));
        }
        let bytes = if bytes { Bytes::Keep } else { Bytes::Check };
        Ok(Self { dir: dir.to_owned(), segments, walk: None, number, from, end, bytes, over: from >= end })
    }

    /// The numbers of the records that it gives.
    pub fn numbers(&self) -> Range<u64> {
        self.from.max(self.number)..self.end
    }

    fn advance(&mut self) -> Result<Option<Logged>, StateError> {
        while self.number < self.end {
            let Some(walk) = &mut self.walk else {
                self.walk = Some(self.enter()?);
                continue;
            };
            let skip = self.number < self.from;
            let step = walk.step(if skip { Bytes::Skip } else { self.bytes })?;
            let Some(step) = step else {
                self.walk = None;
                continue;
            };
            self.number += 1;
            if skip {
                continue;
            }
            let record = Record::decode(walk.header()).ok_or_else(|| walk.unreadable(step.number))?;
            return Ok(Some(Logged { number: step.number, record, bytes: step.bytes }));
        }
        Ok(None)
    }

    /// Begins with the next segment.
    fn enter(&mut self) -> Result<Walk, StateError> {
        match self.segments.pop_front() {
            Some(segment) if segment.first == self.number => Walk::open(&segment.path, segment.first).map_err(Stop::into),
            Some(segment) => Err(missing(&self.dir, self.number, segment.first)),
            None => Err(missing(&self.dir, self.number, self.end)),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Logged, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.advance().transpose();
        self.over = !matches!(item, Some(Ok(_)));
        item
    }
}
