//! An envelope taken apart and put together again, whole or in pieces, each of which has all of the envelope that is no record.

use std::ops::Range;

use super::CHILD;
use crate::binary::proto::{Field, Fields, bytes_len, put_head};

/// What of a message stands before its children, and what between and behind them.
#[derive(Clone, Debug, Default)]
struct Envelope {
    lead: Range<usize>,
    trail: Vec<Range<usize>>,
    /// It came without children.
    childless: bool,
}

impl Envelope {
    fn of(bytes: &[u8], message: Field) -> Self {
        let mut envelope = Self { lead: message.value..message.value, trail: Vec::new(), childless: true };
        for field in Fields::new(bytes, message.value, message.end) {
            if field.is(CHILD) {
                envelope.childless = false;
            } else if envelope.childless {
                envelope.lead.end = field.end;
            } else {
                match envelope.trail.last_mut() {
                    Some(last) if last.end == field.start => last.end = field.end,
                    _ => envelope.trail.push(field.start..field.end),
                }
            }
        }
        envelope
    }

    fn len(&self) -> usize {
        self.lead.len() + self.trail.iter().map(Range::len).sum::<usize>()
    }
}

/// A stretch of what goes out.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    /// As it came.
    Came(Range<usize>),
    Own(&'a [u8]),
}

impl Part<'_> {
    pub(crate) fn append(&self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Self::Came(range) => bytes.get(range.clone()).unwrap_or_default(),
            Self::Own(own) => own,
        });
    }
}

/// Where stretches go, in order.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Part<'_>);

#[derive(Clone, Debug)]
enum Stretch {
    Came(Range<usize>),
    Own(Range<usize>),
}

/// The piece in the making of a `ResourceLogs`, or of its like.
pub(crate) struct Pieces {
    number: u32,
    resource: Envelope,
    /// The scopes of the piece, with how many stretches there are up to the end of each, and how long their records are.
    scopes: Vec<(Envelope, usize, usize)>,
    stretches: Vec<Stretch>,
    own: Vec<u8>,
}

impl Pieces {
    /// Takes an envelope apart: gives each record, in order, to be kept or not, and the piece to keep it in. What
    /// was kept and is not closed goes out at the end.
    pub(crate) fn rebuild(bytes: &[u8], frame: Field, out: Sink<'_>, mut each: impl FnMut(&mut Self, Field, Sink<'_>)) {
        let resource = Envelope::of(bytes, frame);
        let mut pieces = Self { number: frame.number, resource, scopes: Vec::new(), stretches: Vec::new(), own: Vec::new() };
        for scope in Fields::new(bytes, frame.value, frame.end).filter(|field| field.is(CHILD)) {
            pieces.scopes.push((Envelope::of(bytes, scope), pieces.stretches.len(), 0));
            for record in Fields::new(bytes, scope.value, scope.end).filter(|field| field.is(CHILD)) {
                each(&mut pieces, record, out);
            }
        }
        pieces.close(out);
    }

    /// Appends bytes as they came to the scope at hand.
    pub(crate) fn keep(&mut self, range: Range<usize>) {
        let Some((_, end, length)) = self.scopes.last_mut() else { return };
        *length += range.len();
        match self.stretches.last_mut() {
            Some(Stretch::Came(last)) if last.end == range.start => last.end = range.end,
            _ => self.stretches.push(Stretch::Came(range)),
        }
        *end = self.stretches.len();
    }

    /// Appends what is written to the scope at hand.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let Some((_, end, length)) = self.scopes.last_mut() else { return };
        let start = self.own.len();
        write(&mut self.own);
        *length += self.own.len() - start;
        self.stretches.push(Stretch::Own(start..self.own.len()));
        *end = self.stretches.len();
    }

    /// Gives out the piece, if there is a record in it. The scope at hand goes on in the next one.
    pub(crate) fn close(&mut self, out: Sink<'_>) {
        let next = self.scopes.last().map(|(envelope, ..)| Envelope { childless: false, ..envelope.clone() });
        if self.scopes.iter().any(|&(.., length)| length > 0) {
            self.give(out);
        }
        self.scopes.clear();
        self.stretches.clear();
        self.own.clear();
        self.scopes.extend(next.map(|envelope| (envelope, 0, 0)));
    }

    fn give(&self, out: Sink<'_>) {
        let head = |number, length, out: Sink<'_>| {
            let mut head = Vec::with_capacity(16);
            put_head(number, length, &mut head);
            out(Part::Own(&head));
        };
        let there = |(envelope, _, length): &&(Envelope, usize, usize)| *length > 0 || envelope.childless;
        let scopes = || self.scopes.iter().filter(there);
        let length: usize = scopes().map(|(envelope, _, length)| bytes_len(CHILD, envelope.len() + length)).sum();
        head(self.number, self.resource.len() + length, &mut *out);
        out(Part::Came(self.resource.lead.clone()));
        let mut from = 0;
        for scope in &self.scopes {
            let (envelope, end, length) = scope;
            if there(&scope) {
                head(CHILD, envelope.len() + length, &mut *out);
                out(Part::Came(envelope.lead.clone()));
                for stretch in self.stretches.get(from..*end).unwrap_or_default() {
                    out(match stretch {
                        Stretch::Came(range) => Part::Came(range.clone()),
                        Stretch::Own(range) => Part::Own(self.own.get(range.clone()).unwrap_or_default()),
                    });
                }
                envelope.trail.iter().for_each(|range| out(Part::Came(range.clone())));
            }
            from = *end;
        }
        self.resource.trail.iter().for_each(|range| out(Part::Came(range.clone())));
    }
}
