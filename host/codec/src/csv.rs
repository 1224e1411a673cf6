//! CSV: records to JSON objects. Everything behind this is the same as for events that came as JSON.

mod convert;

pub(crate) use convert::{Converted, Converter};

/// Where in a record a byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// At the start of a field, where a quote opens.
    #[default]
    FieldStart,
    /// In a field, outside quotes; a quote is like any byte.
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: another one is a quote in it, anything else goes on outside.
    QuoteInQuoted,
}

impl State {
    /// The state behind a byte; whether the byte ends a record follows from the state before it and the byte alone.
    #[inline(always)]
    pub(crate) fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) | (Self::FieldStart | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (_, b'\n') => Self::FieldStart,
            (_, byte) if byte == delimiter => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

/// Calls back with what is behind each end of line that ends a record, until the answer is no.
pub(crate) fn ends(bytes: &[u8], delimiter: u8, state: &mut State, mut next: impl FnMut(usize) -> bool) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if *state == State::Quoted {
            // Nothing but a quote matters in here.
            match memchr::memchr(b'"', bytes.get(at..).unwrap_or_default()) {
                Some(ahead) => at += ahead,
                None => return,
            }
            *state = State::QuoteInQuoted;
            at += 1;
            continue;
        }
        *state = state.after(byte, delimiter);
        at += 1;
        if byte == b'\n' && *state == State::FieldStart && !next(at) {
            return;
        }
    }
}
