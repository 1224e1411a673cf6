//! Columns: the asked-for fields of many rows, in Arrow's layout, behind `Arc` so that one copy takes them to a guest.

use std::sync::Arc;

/// Variable-length values in Arrow's layout: row i is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strings {
    /// n + 1 offsets, the first 0, never decreasing, the last the length of `data`.
    pub offsets: Arc<Vec<u32>>,
    /// All values, one after the other.
    pub data: Arc<Vec<u8>>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { offsets: Arc::new(vec![0]), data: Arc::default() }
    }
}

impl Strings {
    /// The value of a row; empty where there is no such row.
    pub fn get(&self, row: usize) -> &[u8] {
        let (Some(&from), Some(&to)) = (self.offsets.get(row), self.offsets.get(row + 1)) else { return &[] };
        self.data.get(from as usize..to as usize).unwrap_or_default()
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
}

/// A list of bits, least significant first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// The bits, eight a byte.
    pub bytes: Vec<u8>,
}

impl Bits {
    /// Packs one boolean a row.
    pub fn pack(rows: impl ExactSizeIterator<Item = bool>) -> Self {
        let mut bytes = vec![0u8; rows.len().div_ceil(8)];
        for (row, set) in rows.enumerate() {
            if let Some(byte) = bytes.get_mut(row / 8) {
                *byte |= u8::from(set) << (row % 8);
            }
        }
        Self { bytes }
    }

    /// The bit of a row; false where there is no such row.
    pub fn get(&self, row: usize) -> bool {
        self.bytes.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}

/// Why a row of a column is not valid. The numbers are the contract's (`batch.states`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CellState {
    /// There is a value.
    Valid = 0,
    /// The event has no such field.
    Absent = 1,
    /// The field is null.
    Null = 2,
    /// The field is of another type than the one asked for.
    OtherType = 3,
    /// The field is of the type asked for, but does not fit it.
    OutOfRange = 4,
}

/// The values of one column, by type. Rows that are not valid hold 0, false, `::` or nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// UTF-8 text.
    Text(Strings),
    /// Bytes of a text.
    Bytes(Strings),
    /// A value's bytes as they stand in the event.
    Raw(Strings),
    /// Signed integers.
    S64(Arc<Vec<i64>>),
    /// Unsigned integers.
    U64(Arc<Vec<u64>>),
    /// Floating-point numbers; never NaN or infinite.
    F64(Arc<Vec<f64>>),
    /// Nanoseconds since the epoch.
    Timestamp(Arc<Vec<i64>>),
    /// A byte a row, 0 or 1.
    Boolean(Arc<Vec<u8>>),
    /// 16 bytes a row, IPv4 mapped.
    Ip(Arc<Vec<u8>>),
}

/// One column of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The values.
    pub values: Values,
    /// A byte a row, a [`CellState`]; empty where all rows are valid.
    pub states: Arc<Vec<u8>>,
}
