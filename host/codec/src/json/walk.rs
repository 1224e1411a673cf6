//! The general walk: validates one line whole, and notes where the asked-for values stand.

use super::fault::FaultKind;
use super::number::number;
use super::scan::{Padded, Scan};
use super::string::{Wrong, string, unescape};
use super::trie::{Node, ROOT, Trie};
use super::{Kind, Slot};

/// Lists and objects may be nested this deep, the event itself counted: as deep as `serde_json` reads.
pub const MAX_DEPTH: usize = 127;

/// A scalar or a list of the line, which the next line may have another of: what a template is learned from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hole {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) slot: Option<u16>,
    /// How many objects are around it.
    pub(crate) depth: u8,
    /// No asked-for path leads into it.
    pub(crate) opaque: bool,
}

/// A member of the event itself that bears the annotation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Namesake {
    /// Start and end of the key, with its quotes.
    pub(crate) key: (u32, u32),
    /// Start and end of the value.
    pub(crate) value: (u32, u32),
}

/// What one walk leaves behind; kept from line to line for its memory.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) holes: Vec<Hole>,
    pub(crate) namesakes: Vec<Namesake>,
    /// An asked-for key came twice in one object.
    pub(crate) duplicate: bool,
    /// The holes do not say all.
    pub(crate) entangled: bool,
    key: Vec<u8>,
}

/// One walk over one line.
pub(crate) struct Walk<'a> {
    pub(crate) bytes: Padded<'a>,
    pub(crate) trie: &'a Trie,
    pub(crate) slots: &'a mut [Slot],
    pub(crate) trace: &'a mut Trace,
    pub(crate) annotation_key: &'a [u8],
    /// Inside a list, where no path leads.
    in_list: bool,
}

type Walked<T> = Result<T, Wrong>;

impl<'a> Walk<'a> {
    pub(crate) fn new(bytes: Padded<'a>, trie: &'a Trie, annotation_key: &'a [u8], slots: &'a mut [Slot], trace: &'a mut Trace) -> Self {
        slots.fill(Slot::default());
        trace.holes.clear();
        trace.namesakes.clear();
        (trace.duplicate, trace.entangled) = (false, false);
        Self { bytes, trie, slots, trace, annotation_key, in_list: false }
    }

    /// Walks the line at `at`, which is not blank; gives where its newline is.
    pub(crate) fn line<S: Scan>(&mut self, at: usize) -> Walked<usize> {
        let start = self.space(at);
        if self.bytes.byte(start) != b'{' {
            let whole = self.value::<S>(start, None, 0).is_ok_and(|(end, _)| self.bytes.byte(self.space(end)) == b'\n');
            return Err((if whole { FaultKind::NoObject } else { self.expected(FaultKind::NoValue, start) }, start));
        }
        let (end, _) = self.value::<S>(start, Some(ROOT), 0)?;
        let end = self.space(end);
        if self.bytes.byte(end) == b'\n' { Ok(end) } else { Err((FaultKind::Trailing, end)) }
    }

    /// Skips spaces, tabs and carriage returns; a newline is the end of the line.
    #[inline(always)]
    fn space(&self, mut at: usize) -> usize {
        while matches!(self.bytes.byte(at), b' ' | b'\t' | b'\r') {
            at += 1;
        }
        at
    }

    /// What is wrong where something else was expected.
    fn expected(&self, kind: FaultKind, at: usize) -> FaultKind {
        if self.bytes.byte(at) == b'\n' { FaultKind::EndsEarly } else { kind }
    }

    #[cold]
    fn wrong<T>(&self, kind: FaultKind, at: usize) -> Walked<T> {
        Err((self.expected(kind, at), at))
    }

    /// A value at `at`, inside `depth` lists and objects: where it ends, and what it is. `node` is where its key leads.
    pub(crate) fn value<S: Scan>(&mut self, at: usize, node: Option<Node>, depth: usize) -> Walked<(usize, Slot)> {
        let (end, slot) = match self.bytes.byte(at) {
            b'"' => {
                let (end, kind) = string::<S>(self.bytes, at + 1)?;
                (end + 1, Slot::new(at + 1, end, kind))
            }
            b'-' | b'0'..=b'9' => {
                let (end, kind) = number::<S>(self.bytes, at)?;
                (end, Slot::new(at, end, kind))
            }
            b'n' => self.word(at, b"null", Kind::Null)?,
            b't' => self.word(at, b"true", Kind::True)?,
            b'f' => self.word(at, b"false", Kind::False)?,
            b'[' => {
                let outer = std::mem::replace(&mut self.in_list, true);
                let end = self.list::<S>(at + 1, depth + 1)?;
                self.in_list = outer;
                (end, Slot::new(at, end, Kind::List))
            }
            b'{' => {
                let end = self.object::<S>(at + 1, node.filter(|&node| self.trie.leads_on(node)), depth + 1)?;
                (end, Slot::new(at, end, Kind::Object))
            }
            _ => return self.wrong(FaultKind::NoValue, at),
        };
        Ok((end, slot))
    }

    #[inline(always)]
    fn word(&self, at: usize, word: &[u8], kind: Kind) -> Walked<(usize, Slot)> {
        let end = at + word.len();
        if self.bytes.get(at..end) == Some(word) { Ok((end, Slot::new(at, end, kind))) } else { self.misspelt(at, word) }
    }

    #[cold]
    fn misspelt<T>(&self, at: usize, word: &[u8]) -> Walked<T> {
        let same = word.iter().enumerate().take_while(|&(i, &letter)| self.bytes.byte(at + i) == letter).count();
        self.wrong(FaultKind::NoValue, at + same)
    }

    /// A list from behind its bracket; gives what is behind it.
    fn list<S: Scan>(&mut self, at: usize, depth: usize) -> Walked<usize> {
        if depth > MAX_DEPTH {
            return Err((FaultKind::TooDeep, at - 1));
        }
        let mut at = self.space(at);
        if self.bytes.byte(at) == b']' {
            return Ok(at + 1);
        }
        loop {
            let (end, _) = self.value::<S>(at, None, depth)?;
            at = self.space(end);
            match self.bytes.byte(at) {
                b',' => at = self.space(at + 1),
                b']' => return Ok(at + 1),
                _ => return self.wrong(FaultKind::NoComma, at),
            }
        }
    }

    /// An object from behind its brace; gives what is behind it. `node` is where its keys are looked up, if anywhere.
    fn object<S: Scan>(&mut self, at: usize, node: Option<Node>, depth: usize) -> Walked<usize> {
        if depth > MAX_DEPTH {
            return Err((FaultKind::TooDeep, at - 1));
        }
        let mut at = self.space(at);
        if self.bytes.byte(at) == b'}' {
            return Ok(at + 1);
        }
        let mut seen = 0u64;
        loop {
            let key_start = at;
            if self.bytes.byte(at) != b'"' {
                return self.wrong(FaultKind::NoKey, at);
            }
            let (key_end, kind) = string::<S>(self.bytes, at + 1)?;
            let found = self.find((key_start + 1, key_end, kind), node, depth);
            at = self.space(key_end + 1);
            if self.bytes.byte(at) != b':' {
                return self.wrong(FaultKind::NoColon, at);
            }
            at = self.space(at + 1);
            let holes = self.trace.holes.len();
            let (end, slot) = self.value::<S>(at, found.node, depth)?;
            if let Some(number) = found.number {
                // More than 64 keys share bits: what looks like a duplicate then costs time, not truth.
                let bit = 1u64 << (number % 64);
                self.trace.duplicate |= seen & bit != 0;
                seen |= bit;
            }
            self.note((at, end), slot, found.node, depth, holes);
            if found.namesake {
                self.trace.namesakes.push(Namesake { key: (key_start as u32, key_end as u32 + 1), value: (at as u32, end as u32) });
            }
            at = self.space(end);
            match self.bytes.byte(at) {
                b',' => at = self.space(at + 1),
                b'}' => return Ok(at + 1),
                _ => return self.wrong(FaultKind::NoComma, at),
            }
        }
    }

    /// Puts a member's value where it is asked for, and among the holes.
    #[inline(always)]
    fn note(&mut self, (start, end): (usize, usize), value: Slot, node: Option<Node>, depth: usize, holes: usize) {
        let slot = node.and_then(|node| self.trie.slot(node));
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(usize::from(slot))) {
            *slot = value;
        }
        if self.in_list {
            return;
        }
        let opaque = !node.is_some_and(|node| self.trie.leads_on(node));
        if value.kind() == Kind::Object {
            if slot.is_none() {
                return;
            }
            self.trace.entangled |= !opaque;
            self.trace.holes.truncate(holes);
        }
        self.trace.holes.push(Hole { start: start as u32, end: end as u32, slot, depth: depth as u8, opaque });
    }

    /// Looks a key up: start and end of its inside, and its kind.
    #[inline(always)]
    fn find(&mut self, (start, end, kind): (usize, usize, Kind), node: Option<Node>, depth: usize) -> Found {
        let event_itself = depth == 1;
        if node.is_none() && !event_itself {
            return Found::default();
        }
        let mut key = self.bytes.get(start..end).unwrap_or_default();
        if kind == Kind::Escaped {
            self.trace.key.clear();
            unescape(key, &mut self.trace.key);
            key = &self.trace.key;
        }
        let found = node.and_then(|node| self.trie.find(node, key));
        Found { node: found.map(|found| found.0), number: found.map(|found| found.1), namesake: event_itself && key == self.annotation_key }
    }
}

/// Checks a list or object, in which nothing is asked for, at `at` and inside `depth` objects; gives what is behind it.
#[inline(never)]
pub(crate) fn check<S: Scan>(bytes: Padded<'_>, at: usize, depth: usize) -> Option<usize> {
    let mut trace = Trace::default();
    let mut walk = Walk::new(bytes, Trie::NOTHING, &[], &mut [], &mut trace);
    walk.in_list = true;
    walk.value::<S>(at, None, depth).ok().map(|(end, _)| end)
}

/// What a key is.
#[derive(Default)]
struct Found {
    node: Option<Node>,
    number: Option<usize>,
    namesake: bool,
}
