//! Finding the end of a log that was left behind, and telling a torn tail from a damaged log.
//!
//! What has not been synced may vanish in a power cut, page by page in any order: so the first record that is not as it was written may
//! have others behind it that are, and all from it on is cut. But what was synced must be there. Up to where that was is said by the
//! records and segments themselves, as far as was known when they were written, and by the [`Note`]. A record before that which is not as
//! it was written is no torn tail: then the log is corrupt, and nothing is cut.

use std::fs::File;
use std::path::Path;

use super::format::{HEADER, PREFIX, Prefix};
use super::segments::{self, Note, Segment, missing};
use super::walk::{Bad, Bytes, Stop, Walk, read_header};
use crate::StateError;
use crate::folder::{remove, sync_folder};

/// What there is of a log.
#[derive(Debug)]
pub struct Survey {
    /// Its files, the oldest first.
    pub segments: Vec<Segment>,
    /// Number of the first record that is not there.
    pub end: u64,
    /// The first file that may hold something that was not synced.
    unsynced: usize,
    /// Where it is to be cut: in which file, and what was found there.
    torn: Option<(usize, Bad)>,
}

impl Survey {
    /// Looks at a log of which all records from `needed` on must be there; changes nothing.
    pub fn take(dir: &Path, needed: u64) -> Result<Self, StateError> {
        let segments = segments::list(dir)?;
        let mut safe = Note::read(dir);
        for segment in &segments {
            safe = safe.max(header(segment)?.map_or(0, |header| header.safe));
        }
        let unsynced = segments.partition_point(|segment| segment.first <= safe).saturating_sub(1);
        if let Some(oldest) = segments.first().filter(|oldest| needed < safe && needed < oldest.first) {
            return Err(missing(dir, needed, oldest.first));
        }
        let begin = segments.get(unsynced).map_or(0, |segment| segment.first);
        // If nothing has been synced yet, even the first file may be missing.
        let mut end = if unsynced == 0 { begin.min(needed) } else { begin };
        let mut torn: Option<(usize, Bad)> = None;
        for (index, segment) in segments.iter().enumerate().skip(unsynced) {
            if torn.is_some() {
                safe = safe.max(claims(segment, 0)?);
            } else if let Err(bad) = scan(segment, &mut end, &mut safe)? {
                safe = safe.max(claims(segment, bad.offset)?);
                torn = Some((index, bad));
            }
        }
        match torn {
            Some((_, bad)) if bad.number < safe => Err(bad.into()),
            None if end < safe && (!segments.is_empty() || needed < safe) => Err(missing(dir, end.max(needed.min(safe)), safe)),
            torn => Ok(Self { segments, end, unsynced, torn }),
        }
    }

    /// Cuts a torn tail off, and makes what remains safe. `needed`: the log goes on there if it ends before it; what was before is covered
    /// by a checkpoint, and goes unless it is to be kept.
    pub fn repair(&mut self, dir: &Path, needed: u64, keep: bool) -> Result<(), StateError> {
        if let Some((index, bad)) = self.torn.take() {
            self.cut(index, &bad)?;
        }
        if self.end < needed {
            tracing::warn!(end = self.end, checkpoint = needed, "the journal ends before the checkpoint, and goes on from there");
            if !keep {
                for segment in self.segments.drain(..) {
                    remove(&segment.path)?;
                }
            }
        }
        for segment in self.segments.iter().skip(self.unsynced) {
            let synced = File::open(&segment.path).and_then(|file| file.sync_data());
            synced.map_err(|source| StateError::Io { what: "sync", path: segment.path.clone(), source })?;
        }
        sync_folder(dir)
    }

    fn cut(&mut self, index: usize, bad: &Bad) -> Result<(), StateError> {
        let mut bytes = 0;
        let whole = if bad.offset <= HEADER as u64 { index } else { index + 1 };
        for segment in self.segments.drain(whole..) {
            bytes += segment.bytes;
            remove(&segment.path)?;
        }
        if let Some(segment) = self.segments.get_mut(index) {
            bytes += segment.bytes.saturating_sub(bad.offset);
            let cut = File::options().write(true).open(&segment.path).and_then(|file| file.set_len(bad.offset));
            cut.map_err(|source| StateError::Io { what: "cut", path: segment.path.clone(), source })?;
            segment.bytes = bad.offset;
        }
        let path = bad.path.display();
        tracing::warn!("{path}: the end of the journal had not been synced: cut {bytes} bytes from record {} on ({})", bad.number, bad.why);
        Ok(())
    }
}

fn header(segment: &Segment) -> Result<Option<super::format::Header>, StateError> {
    let open = |source| StateError::Io { what: "open", path: segment.path.clone(), source };
    let mut file = File::open(&segment.path).map_err(open)?;
    read_header(&mut file, &segment.path).map_err(Stop::into)
}

/// Goes through a segment that should begin at `end`, and moves `end` past its last good record.
fn scan(segment: &Segment, end: &mut u64, safe: &mut u64) -> Result<Result<(), Bad>, StateError> {
    if segment.first != *end {
        let why = "the records before this file are missing";
        return Ok(Err(Bad { path: segment.path.clone(), offset: 0, number: *end, why }));
    }
    let mut step = || -> Result<(), Stop> {
        let mut walk = Walk::open(&segment.path, segment.first)?;
        while let Some(step) = walk.step(Bytes::Check)? {
            *end = step.number + 1;
            *safe = step.safe.max(*safe);
        }
        Ok(())
    };
    match step() {
        Ok(()) => Ok(Ok(())),
        Err(Stop::Bad(bad)) => Ok(Err(bad)),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Up to which number the log was safe by what records behind a bad one say.
fn claims(segment: &Segment, from: u64) -> Result<u64, StateError> {
    let file = std::fs::read(&segment.path);
    let file = file.map_err(|source| StateError::Io { what: "read", path: segment.path.clone(), source })?;
    // The first record has the marker, too, should the segment's header be damaged.
    let marker = header(segment)?.map(|header| header.marker.to_le_bytes());
    let Some(marker) = marker.or_else(|| file.get(HEADER..).and_then(|file| file.first_chunk().copied())) else { return Ok(0) };
    let rest = file.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
    let mut safe = 0;
    for at in memchr::memmem::find_iter(rest, &marker) {
        let Some((start, rest)) = rest.get(at..).and_then(|rest| rest.split_first_chunk::<PREFIX>()) else { break };
        let prefix = Prefix::decode(start);
        if rest.get(..prefix.header as usize).is_some_and(|header| prefix.fits(start, header)) {
            safe = safe.max(prefix.safe);
        }
    }
    Ok(safe)
}
