//! From slots to rows: which subscriptions an event reaches, by which key, with which values.

mod cell;
mod part;
mod test;

use eyas_event::{Part, Timestamp, group_of, key_hash};

use crate::json::Slot;
use crate::json::scan::Padded;
use crate::plan::{Plan, Route};
use cell::{Cells, Row};
use part::Builder;
pub(crate) use part::Pool;
pub(crate) use test::Ready;

/// Time of an event that has none.
pub const UNTIMED: Timestamp = Timestamp::MIN;

/// How many cells of a field were not valid, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    /// No such field.
    pub absent: u32,
    /// Null.
    pub null: u32,
    /// Of another type.
    pub other_type: u32,
    /// Of the type, but out of its range.
    pub out_of_range: u32,
}

/// Builds the parts of a batch, row by row.
#[derive(Debug)]
pub(crate) struct Extractor {
    cells: Cells,
    key: Vec<u8>,
    builders: Vec<Builder>,
    pub(crate) invalid: Vec<Vec<Invalid>>,
}

impl Extractor {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut builders = Vec::with_capacity(plan.parts());
        for subscription in &plan.subscriptions {
            builders.extend((0..plan.sharding.shards).map(|_| Builder::new(&subscription.kinds)));
        }
        Self { cells: Cells::new(plan), key: Vec::new(), builders, invalid: Self::no_invalid(plan) }
    }

    fn no_invalid(plan: &Plan) -> Vec<Vec<Invalid>> {
        plan.subscriptions.iter().map(|subscription| vec![Invalid::default(); subscription.columns.len()]).collect()
    }

    /// One event: its row in the batch, where its values stand, its time.
    #[inline]
    pub(crate) fn row(&mut self, plan: &Plan, batch_row: u32, buffer: Padded<'_>, slots: &[Slot], time: Timestamp, home: usize) {
        let row = Row { buffer, slots };
        self.cells.next_row();
        for (number, subscription) in plan.subscriptions.iter().enumerate() {
            if time == UNTIMED && !subscription.timeless {
                continue;
            }
            if !subscription.conditions.iter().all(|(slot, test, negate)| self.cells.meets(row, *slot, test) != *negate) {
                continue;
            }
            let mut hash = None;
            let shard = match &subscription.route {
                Route::Key(key) => {
                    self.key.clear();
                    key.iter().for_each(|&cell| self.cells.append_key(row, cell, &mut self.key));
                    let value = key_hash(plan.sharding.seed, &self.key);
                    hash = Some(value);
                    plan.sharding.owner(group_of(value))
                }
                Route::Shard(shard) => *shard,
                Route::Home => home,
            };
            let (Some(builder), Some(invalid)) =
                (self.builders.get_mut(number * plan.sharding.shards + shard), self.invalid.get_mut(number))
            else {
                continue;
            };
            builder.start(batch_row, time, hash.map(|hash| (&*self.key, hash)));
            for ((column, &cell), invalid) in builder.columns.iter_mut().zip(&subscription.columns).zip(invalid) {
                if let Some(cell) = self.cells.read(row, cell) {
                    column.append(cell, &buffer, invalid);
                }
            }
        }
    }

    /// The parts, and what was not valid in them; then all is empty again.
    pub(crate) fn finish(&mut self, plan: &Plan, pool: &mut Pool) -> (Vec<Part>, Vec<Vec<Invalid>>) {
        let parts = self.builders.iter_mut().map(|builder| builder.finish(pool)).collect();
        (parts, std::mem::replace(&mut self.invalid, Self::no_invalid(plan)))
    }
}
