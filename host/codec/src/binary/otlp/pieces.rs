//! An envelope taken apart and put together again, whole or in pieces, each of which has all of the envelope that is no record.

use std::ops::Range;

use super::CHILD;
use crate::binary::proto::{Field, Fields, bytes_len, put_head};

/// What of a message stands before its children, and what between and behind them.
#[derive(Clone, Debug, Default)]
struct Envelope {
    lead: Range<usize>,
    trail: Vec<Range<usize>>,
}

impl Envelope {
    fn of(bytes: &[u8], message: Field) -> Self {
        let mut envelope = Self { lead: message.value..message.value, trail: Vec::new() };
        let mut leads = true;
        for field in Fields::new(bytes, message.value, message.end) {
            if field.is(CHILD) {
                leads = false;
            } else if leads {
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

/// A scope of the piece: how many stretches there are up to its end, and how long its records are.
struct Scope {
    envelope: Envelope,
    end: usize,
    length: usize,
}

/// The piece in the making of a `ResourceLogs`.
pub(crate) struct Pieces {
    number: u32,
    resource: Envelope,
    scopes: Vec<Scope>,
    stretches: Vec<Stretch>,
    own: Vec<u8>,
}

impl Pieces {
    /// Takes an envelope apart: gives each record, in order, to be kept or not, and the piece to keep it in. What was kept and is not closed
    /// goes out at the end. Scopes in which nothing is kept go away, and so does an envelope without scopes.
    pub(crate) fn rebuild(bytes: &[u8], frame: Field, out: Sink<'_>, mut each: impl FnMut(&mut Self, Field, Sink<'_>)) {
        let resource = Envelope::of(bytes, frame);
        let mut pieces = Self { number: frame.number, resource, scopes: Vec::new(), stretches: Vec::new(), own: Vec::new() };
        for scope in Fields::new(bytes, frame.value, frame.end).filter(|field| field.is(CHILD)) {
            pieces.begin(Envelope::of(bytes, scope));
            for record in Fields::new(bytes, scope.value, scope.end).filter(|field| field.is(CHILD)) {
                each(&mut pieces, record, out);
            }
        }
        pieces.close(out);
    }

    fn begin(&mut self, envelope: Envelope) {
        self.scopes.pop_if(|scope| scope.length == 0);
        self.scopes.push(Scope { envelope, end: self.stretches.len(), length: 0 });
    }

    /// Appends bytes as they came to the scope at hand.
    pub(crate) fn keep(&mut self, range: Range<usize>) {
        let Some(scope) = self.scopes.last_mut() else { return };
        scope.length += range.len();
        match self.stretches.last_mut() {
            Some(Stretch::Came(last)) if last.end == range.start => last.end = range.end,
            _ => self.stretches.push(Stretch::Came(range)),
        }
        scope.end = self.stretches.len();
    }

    /// Appends what is written to the scope at hand.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(scope) = self.scopes.last_mut() else { return };
        let start = self.own.len();
        write(&mut self.own);
        scope.length += self.own.len() - start;
        self.stretches.push(Stretch::Own(start..self.own.len()));
        scope.end = self.stretches.len();
    }

    /// Gives out the piece, if there is a record in it. The scope at hand goes on in the next one.
    pub(crate) fn close(&mut self, out: Sink<'_>) {
        let at_hand = self.scopes.last().map(|scope| scope.envelope.clone());
        self.scopes.pop_if(|scope| scope.length == 0);
        if !self.scopes.is_empty() {
            self.give(out);
        }
        self.scopes.clear();
        self.stretches.clear();
        self.own.clear();
        at_hand.into_iter().for_each(|envelope| self.begin(envelope));
    }

    fn give(&self, out: Sink<'_>) {
        let head = |number, length, out: Sink<'_>| {
            let mut head = Vec::with_capacity(16);
            put_head(number, length, &mut head);
            out(Part::Own(&head));
        };
        let length: usize = self.scopes.iter().map(|scope| bytes_len(CHILD, scope.envelope.len() + scope.length)).sum();
        head(self.number, self.resource.len() + length, &mut *out);
        out(Part::Came(self.resource.lead.clone()));
        let mut from = 0;
        for Scope { envelope, end, length } in &self.scopes {
            head(CHILD, envelope.len() + length, &mut *out);
            out(Part::Came(envelope.lead.clone()));
            for stretch in self.stretches.get(from..*end).unwrap_or_default() {
                out(match stretch {
                    Stretch::Came(range) => Part::Came(range.clone()),
                    Stretch::Own(range) => Part::Own(self.own.get(range.clone()).unwrap_or_default()),
                });
            }
            envelope.trail.iter().for_each(|range| out(Part::Came(range.clone())));
            from = *end;
        }
        self.resource.trail.iter().for_each(|range| out(Part::Came(range.clone())));
    }
}
