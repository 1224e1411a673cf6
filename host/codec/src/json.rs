//! JSON without a tree: one pass over a line validates all of it and notes where the asked-for values stand.

pub(crate) mod exact;
pub(crate) mod fault;
#[cfg(test)]
mod fuzz;
pub(crate) mod number;
pub(crate) mod scan;
pub(crate) mod string;
pub(crate) mod template;
pub(crate) mod trie;
pub(crate) mod walk;
pub(crate) mod write;

/// What stands at a path of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Absent,
    Null,
    True,
    False,
    /// Digits, perhaps behind a minus.
    Integer,
    /// A number with a fraction or an exponent.
    Number,
    /// A string whose bytes are its text.
    Text,
    /// A string with escapes in it.
    Escaped,
    List,
    Object,
    /// A value in an encoding that is no text, which the [dialect](crate::dialect::Dialect) reads: a number, a time, bytes.
    Binary,
}

/// Where a value stands in the buffer: of a string what is between the quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    start: u32,
    /// The length, and the kind in the low four bits.
    packed: u32,
}

/// No event is longer, so that a length and a kind fit into 32 bits.
pub(crate) const LONGEST: usize = (1 << 28) - 1;

impl Slot {
    #[inline(always)]
    pub(crate) fn new(start: usize, end: usize, kind: Kind) -> Self {
        Self { start: start as u32, packed: ((end - start) as u32) << 4 | kind as u32 }
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        match self.packed & 15 {
            0 => Kind::Absent,
            1 => Kind::Null,
            2 => Kind::True,
            3 => Kind::False,
            4 => Kind::Integer,
            5 => Kind::Number,
            6 => Kind::Text,
            7 => Kind::Escaped,
            8 => Kind::List,
            9 => Kind::Object,
            _ => Kind::Binary,
        }
    }

    /// Where it starts, and how long it is.
    #[inline(always)]
    pub(crate) fn place(self) -> (usize, usize) {
        (self.start as usize, (self.packed >> 4) as usize)
    }

    #[inline(always)]
    pub(crate) fn bytes(self, buffer: &[u8]) -> &[u8] {
        let start = self.start as usize;
        buffer.get(start..start + (self.packed >> 4) as usize).unwrap_or_default()
    }

    /// The value's bytes as they stand in the event, with a string's quotes.
    pub(crate) fn raw(self, buffer: &[u8]) -> &[u8] {
        let quotes = usize::from(matches!(self.kind(), Kind::Text | Kind::Escaped));
        let (start, end) = (self.start as usize, self.start as usize + (self.packed >> 4) as usize);
        buffer.get(start.saturating_sub(quotes)..end + quotes).unwrap_or_default()
    }
}
