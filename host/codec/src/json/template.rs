//! Templates: lines of one source mostly have the same keys in the same order, so what was learned from one reads the next.
//!
//! Between the values of a valid line stand literals (`{"timestamp":`, `,"geo_location":{"country":`, `}}` and the newline). A line with the
//! same literals and with a valid value in each gap is valid by construction: no grammar to follow, no key to look up. What a
//! template does not read, the general walk judges.

use super::number::number;
use super::scan::{Literal, Padded, Scan};
use super::string::string;
use super::walk::{Hole, Trace, check};
use super::{Kind, Slot};

/// So many are remembered.
const TEMPLATES: usize = 32;

/// Lines with more values, or longer ones, are not worth the memory.
const HOLES: usize = 256;
const LENGTH: usize = 1 << 16;

/// A full cache learns anew only once its templates have read so many lines, or so many lines went by unread.
const PAYS_AFTER: u32 = 64;

/// Up to 32 bytes that must be there, then perhaps a value.
#[derive(Clone, Debug)]
struct Step {
    literal: Literal,
    value: Gap,
    /// How many objects are around the value.
    depth: u8,
    /// Where the value is noted.
    slot: u16,
}

/// What may stand behind a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// Nothing: the literal goes on, or the line ends.
    Nothing,
    /// Any value but an object, in which asked-for values could be.
    NoObject,
    /// Any value.
    Any,
}

/// The templates of one source.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    known: Vec<Vec<Step>>,
    /// The one that read the last line.
    current: usize,
    /// How many of the others are tried when it does not read a line: all while that succeeds, few while it does not.
    patience: usize,
    /// Lines read, and lines not read, since the last was learned.
    read: u32,
    unread: u32,
}

impl Templates {
    /// Reads the line at `at` by the current template; gives what is behind it. Values go to the slots, those that are not asked for to
    /// the last slot.
    #[inline(always)]
    pub(crate) fn read<S: Scan>(&mut self, bytes: Padded<'_>, at: usize, slots: &mut [Slot]) -> Option<usize> {
        let end = read::<S>(self.known.get(self.current)?, bytes, at, slots)?;
        self.read = self.read.saturating_add(1);
        Some(end)
    }

    /// Reads the line by one of the other templates, which is the current one from then on.
    pub(crate) fn read_by_other<S: Scan>(&mut self, bytes: Padded<'_>, at: usize, slots: &mut [Slot]) -> Option<usize> {
        let mut tries = self.patience.max(2);
        for i in 0..self.known.len() {
            if i == self.current {
                continue;
            }
            if tries == 0 {
                break;
            }
            tries -= 1;
            slots.fill(Slot::default());
            let Some(end) = self.known.get(i).and_then(|steps| read::<S>(steps, bytes, at, slots)) else { continue };
            // What reads many lines wanders to the front, and takes its place in the numbering along.
            let front = i.saturating_sub(1);
            self.known.swap(i, front);
            self.current = front;
            self.patience = TEMPLATES;
            return Some(end);
        }
        self.patience /= 2;
        None
    }

    /// Learns from a line that the general walk found valid, if that promises to pay. `slots` is how many values are asked for.
    pub(crate) fn learn(&mut self, bytes: Padded<'_>, start: usize, newline: usize, trace: &Trace, slots: usize) -> bool {
        self.unread = self.unread.saturating_add(1);
        let plain = !trace.duplicate && !trace.entangled && trace.namesakes.is_empty();
        let small = trace.holes.len() <= HOLES && newline - start <= LENGTH;
        let pays = self.known.len() < TEMPLATES || self.read >= PAYS_AFTER || self.unread >= PAYS_AFTER;
        if !(plain && small && pays) {
            return false;
        }
        (self.read, self.unread) = (0, 0);
        let steps = steps(bytes, start, newline, &trace.holes, slots as u16);
        if self.known.len() < TEMPLATES {
            self.known.push(steps);
            self.patience = TEMPLATES;
        } else if let Some(last) = self.known.last_mut() {
            *last = steps;
        }
        self.current = self.known.len() - 1;
        true
    }
}

/// The steps of a line: its values out, the rest literal.
fn steps(bytes: Padded<'_>, start: usize, newline: usize, holes: &[Hole], unasked: u16) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = start;
    let mut literal = |from: usize, to: usize, value: Gap, depth: u8, slot: u16| {
        let text = bytes.get(from..to).unwrap_or_default();
        let pieces = text.len().div_ceil(Literal::LONGEST);
        for (i, piece) in text.chunks(Literal::LONGEST).enumerate() {
            let value = if i + 1 == pieces { value } else { Gap::Nothing };
            steps.push(Step { literal: Literal::new(piece), value, depth, slot });
        }
    };
    for hole in holes {
        let gap = if hole.opaque { Gap::Any } else { Gap::NoObject };
        literal(at, hole.start as usize, gap, hole.depth, hole.slot.unwrap_or(unasked));
        at = hole.end as usize;
    }
    literal(at, newline + 1, Gap::Nothing, 0, unasked);
    steps
}

/// Reads a line; a function of its own, so that what it uses stays in registers.
#[inline(never)]
fn read<S: Scan>(steps: &[Step], bytes: Padded<'_>, mut at: usize, slots: &mut [Slot]) -> Option<usize> {
    for step in steps {
        if !S::stands(bytes, at, &step.literal) {
            return None;
        }
        at += step.literal.len();
        if step.value != Gap::Nothing {
            let (end, value) = value::<S>(step, bytes, at)?;
            if let Some(slot) = slots.get_mut(usize::from(step.slot)) {
                *slot = value;
            }
            at = end;
        }
    }
    Some(at)
}

/// The value in a gap.
#[inline(always)]
fn value<S: Scan>(step: &Step, bytes: Padded<'_>, at: usize) -> Option<(usize, Slot)> {
    let word =
        |word: &[u8], kind| (bytes.get(at..at + word.len()) == Some(word)).then(|| (at + word.len(), Slot::new(at, at + word.len(), kind)));
    match bytes.byte(at) {
        b'"' => {
            let (end, kind) = string::<S>(bytes, at + 1).ok()?;
            Some((end + 1, Slot::new(at + 1, end, kind)))
        }
        b'-' | b'0'..=b'9' => {
            let (end, kind) = number::<S>(bytes, at).ok()?;
            Some((end, Slot::new(at, end, kind)))
        }
        b'n' => word(b"null", Kind::Null),
        b't' => word(b"true", Kind::True),
        b'f' => word(b"false", Kind::False),
        b'[' => check::<S>(bytes, at, usize::from(step.depth)).map(|end| (end, Slot::new(at, end, Kind::List))),
        b'{' if step.value == Gap::Any => check::<S>(bytes, at, usize::from(step.depth)).map(|end| (end, Slot::new(at, end, Kind::Object))),
        _ => None,
    }
}
