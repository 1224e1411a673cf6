//! Cells without a value.

use eyas_codec::Invalid;

/// Cells of one column without a value, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvalidCells {
    /// No such field.
    pub absent: u64,
    /// Null.
    pub null: u64,
    /// Of another type.
    pub other_type: u64,
    /// Of the type, but out of its range.
    pub out_of_range: u64,
}

impl InvalidCells {
    /// Adds the figures of one batch to the sums, column by column.
    pub(crate) fn add_all(sums: &mut Vec<Self>, batch: &[Invalid]) {
        sums.resize(sums.len().max(batch.len()), Self::default());
        for (sum, cells) in sums.iter_mut().zip(batch) {
            *sum = sum.plus(Self {
                absent: cells.absent.into(),
                null: cells.null.into(),
                other_type: cells.other_type.into(),
                out_of_range: cells.out_of_range.into(),
            });
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            absent: self.absent + other.absent,
            null: self.null + other.null,
            other_type: self.other_type + other.other_type,
            out_of_range: self.out_of_range + other.out_of_range,
        }
    }
}
