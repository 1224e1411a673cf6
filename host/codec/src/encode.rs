//! Events out: the bytes that came in, with what there is to say spliced in. What nobody touched is not even copied.

mod alert;
mod annotate;
mod dead;
mod output;

pub use alert::AlertLine;
pub use dead::DeadLetter;
pub use output::Output;

use std::sync::Arc;

use eyas_event::{Buffer, Events, Tags, Value};
use memchr::memmem;

use crate::binary::{forward, otlp, vector};
use crate::json::Slot;
use crate::json::scan::{Native, Padded};
use crate::json::trie::Trie;
use crate::json::walk::{Namesake, Trace, Walk as JsonWalk};
use crate::json::write;
use crate::{Encoding, Form, Plan};
pub(crate) use annotate::Annotator;

/// Where the events of a batch bear the annotation key as they came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namesakes {
    /// Row of the batch, and where; in input order.
    rows: Vec<(u32, Namesake)>,
}

impl Namesakes {
    #[inline(always)]
    pub(crate) fn add(&mut self, row: u32, namesakes: &[Namesake]) {
        if !namesakes.is_empty() {
            self.rows.extend(namesakes.iter().map(|&namesake| (row, namesake)));
        }
    }

    /// Whether no event bears it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// What there is to say about the events of a batch.
#[derive(Clone, Debug, Default)]
pub struct Notes<'a> {
    /// Row and tags, by row; a row may come more than once.
    pub tags: &'a [(u32, Tags)],
    /// By row; the last value of a name of a detector counts.
    pub annotations: &'a [Note<'a>],
    /// Whole lines of others (alerts), each to stand just before the event of a row, by row; at the number of rows: behind the last.
    pub lines: &'a [(u32, &'a [u8])],
}

/// One annotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note<'a> {
    /// Row of the batch.
    pub row: u32,
    /// The detector's name in the configuration.
    pub detector: &'a str,
    /// Name of the value.
    pub name: &'a str,
    /// The value.
    pub value: &'a Value,
}

/// Writes the events of one source.
#[derive(Debug)]
pub struct Encoder {
    annotator: Annotator,
    encoding: Encoding,
}

impl Encoder {
    /// For events that this plan decoded.
    pub fn new(plan: &Plan) -> Self {
        let annotator = Annotator::new(&plan.decoding.annotation_key, plan.decoding.trust_annotations);
        Self { annotator, encoding: plan.decoding.encoding.clone() }
    }

    /// All events of a batch but the skipped ones, in input order, annotated. `skip` holds rows, ascending. Events of one encoding become
    /// NDJSON or stay what they are: any other form is taken for NDJSON.
    pub fn encode(&mut self, events: &Events, namesakes: &Namesakes, notes: &Notes<'_>, skip: &[u32], form: Form) -> Output {
        let touched = Touched::new(notes, namesakes, skip);
        match (&self.encoding, form) {
            (Encoding::Ndjson | Encoding::Csv { .. }, _) => self.lines(events, touched),
            (Encoding::Otlp, Form::Otlp) => otlp::encode(&mut self.annotator, events, touched),
            (Encoding::Vector, Form::Vector) => vector::encode(&mut self.annotator, events, touched),
            (Encoding::Forward, Form::Forward) => forward::encode(&mut self.annotator, events, touched),
            (encoding, _) => {
                let (events, namesakes) = as_lines(encoding, events, self.annotator.key());
                self.lines(&events, Touched::new(notes, &namesakes, skip))
            }
        }
    }

    fn lines(&mut self, events: &Events, mut touched: Touched<'_>) -> Output {
        let mut output = Output::new(events);
        let mut row = 0;
        while row < events.len() as u32 {
            let next = touched.next(row, events.len() as u32);
            output.untouched(events, row as usize..next as usize);
            row = next + 1;
            let said = touched.at(next);
            said.lines.iter().for_each(|line| output.own(line.1));
            if !said.skipped && (next as usize) < events.len() {
                self.annotator.event(&mut output, events, next as usize, &said);
            }
        }
        touched.lines.iter().for_each(|line| output.own(line.1));
        output.finish()
    }
}

/// Events in the JSON form of their encoding, and where they bear the key.
fn as_lines(encoding: &Encoding, events: &Events, key: &str) -> (Events, Namesakes) {
    let came = events.spans.first().zip(events.spans.last()).map_or(0, |(first, last)| (last.1 - first.0) as usize);
    let (mut spans, mut namesakes) = (Vec::with_capacity(events.len()), Namesakes::default());
    // Keys and quotes make JSON longer.
    let mut bytes = Vec::with_capacity(came + came / 2);
    let mut otlp = otlp::Lines::default();
    for row in 0..events.len() {
        let start = bytes.len();
        match encoding {
            Encoding::Otlp => otlp.event(events, row, &mut bytes),
            Encoding::Vector => vector::event_json(events, row, &mut bytes),
            Encoding::Forward => forward::event_json(events, row, &mut bytes),
            Encoding::Ndjson | Encoding::Csv { .. } => {}
        }
        spans.push((start as u32, bytes.len() as u32));
        bytes.push(b'\n');
    }
    let buffer = Arc::new(Buffer::new(bytes));
    let mut slots = [Slot::default()];
    let mut trace = Trace::default();
    // Our own writing has but one way to write a key.
    let mut written = Vec::new();
    write::string(key, &mut written);
    let finder = memmem::Finder::new(&written);
    for (row, &(start, end)) in (0..).zip(&spans) {
        if finder.find(buffer.bytes().get(start as usize..end as usize).unwrap_or_default()).is_none() {
            continue;
        }
        trace.namesakes.clear();
        let mut walk = JsonWalk::new(Padded::new(buffer.padded()), Trie::NOTHING, key.as_bytes(), &mut slots, &mut trace);
        // What we have just written is JSON.
        if walk.line::<Native>(start as usize).is_ok() {
            namesakes.add(row, &trace.namesakes);
        }
    }
    let events = Events { partition: events.partition, base: 0, buffer, spans, positions: None, frames: Vec::new() };
    (events, namesakes)
}

/// What there is to say of the events of a batch, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Touched<'a> {
    tags: &'a [(u32, Tags)],
    annotations: &'a [Note<'a>],
    namesakes: &'a [(u32, Namesake)],
    skip: &'a [u32],
    pub(crate) lines: &'a [(u32, &'a [u8])],
}

/// What there is to say of one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) tags: &'a [(u32, Tags)],
    pub(crate) notes: &'a [Note<'a>],
    pub(crate) namesakes: &'a [(u32, Namesake)],
    /// It does not go out.
    pub(crate) skipped: bool,
    /// Lines that stand before it.
    pub(crate) lines: &'a [(u32, &'a [u8])],
}

impl Said<'_> {
    /// Whether there is an annotation to write.
    pub(crate) fn is_something(&self) -> bool {
        !self.tags.is_empty() || !self.notes.is_empty()
    }
}

impl<'a> Touched<'a> {
    fn new(notes: &Notes<'a>, namesakes: &'a Namesakes, skip: &'a [u32]) -> Self {
        Self { tags: notes.tags, annotations: notes.annotations, namesakes: namesakes.rows.as_slice(), skip, lines: notes.lines }
    }

    /// The next row, from one on, that is not to go out as it came, or before which there are lines; at most `end`.
    pub(crate) fn next(&self, from: u32, end: u32) -> u32 {
        let marked = [
            self.tags.first().map(|tag| tag.0),
            self.annotations.first().map(|note| note.row),
            self.namesakes.first().map(|at| at.0),
            self.skip.first().copied(),
            self.lines.first().map(|line| line.0),
        ];
        marked.into_iter().flatten().min().unwrap_or(u32::MAX).clamp(from, end)
    }

    /// What there is to say of a row. Rows are asked for in order, each once.
    pub(crate) fn at(&mut self, row: u32) -> Said<'a> {
        Said {
            lines: take(&mut self.lines, |line| line.0 <= row),
            tags: take(&mut self.tags, |tag| tag.0 <= row),
            notes: take(&mut self.annotations, |note| note.row <= row),
            namesakes: take(&mut self.namesakes, |at| at.0 <= row),
            skipped: !take(&mut self.skip, |&skipped| skipped <= row).is_empty(),
        }
    }
}

/// Takes the leading items for which the test holds off a list.
fn take<'a, T>(list: &mut &'a [T], test: impl Fn(&T) -> bool) -> &'a [T] {
    let (taken, rest) = list.split_at(list.iter().take_while(|item| test(item)).count());
    *list = rest;
    taken
}
