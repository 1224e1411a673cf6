//! Events out: the bytes that came in, with what there is to say spliced in. What nobody touched is not even copied.

mod alert;
mod annotate;
mod dead;
mod output;

pub use alert::AlertLine;
pub use dead::DeadLetter;
pub use output::Output;

use eyas_event::{Events, Tags, Value};

use crate::Plan;
use crate::json::walk::Namesake;
use annotate::Annotator;

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

/// Writes the events of one source as NDJSON.
#[derive(Debug)]
pub struct Encoder {
    annotator: Annotator,
}

impl Encoder {
    /// For events that this plan decoded.
    pub fn new(plan: &Plan) -> Self {
        Self { annotator: Annotator::new(&plan.decoding.annotation_key, plan.decoding.trust_annotations) }
    }

    /// All events of a batch but the skipped ones, in input order, annotated. `skip` holds rows, ascending.
    pub fn encode(&mut self, events: &Events, namesakes: &Namesakes, notes: &Notes<'_>, skip: &[u32]) -> Output {
        let mut output = Output::new(events);
        let (mut tags, mut annotations, mut namesakes, mut skip) = (notes.tags, notes.annotations, namesakes.rows.as_slice(), skip);
        let mut lines = notes.lines;
        let mut row = 0;
        while row < events.len() as u32 {
            // The next row that is not to go out as it came.
            let marked = [
                tags.first().map(|tag| tag.0),
                annotations.first().map(|note| note.row),
                namesakes.first().map(|at| at.0),
                skip.first().copied(),
                lines.first().map(|line| line.0),
            ];
            let next = marked.into_iter().flatten().min().unwrap_or(u32::MAX).clamp(row, events.len() as u32);
            output.untouched(events, row as usize..next as usize);
            row = next + 1;
            take(&mut lines, |line| line.0 <= next).iter().for_each(|line| output.own(line.1));
            let tags = take(&mut tags, |tag| tag.0 <= next);
            let annotations = take(&mut annotations, |note| note.row <= next);
            let namesakes = take(&mut namesakes, |at| at.0 <= next);
            let skipped = !take(&mut skip, |&row| row <= next).is_empty();
            if !skipped && (next as usize) < events.len() {
                self.annotator.event(&mut output, events, next as usize, tags, annotations, namesakes);
            }
        }
        lines.iter().for_each(|line| output.own(line.1));
        output.finish()
    }
}

/// Takes the leading items for which the test holds off a list.
fn take<'a, T>(list: &mut &'a [T], test: impl Fn(&T) -> bool) -> &'a [T] {
    let (taken, rest) = list.split_at(list.iter().take_while(|item| test(item)).count());
    *list = rest;
    taken
}
