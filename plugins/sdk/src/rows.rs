//! The rows of one batch, as borrowed columns, and typed access to one of them.

use crate::setup::{Column, column};

/// Variable-length values: value `i` is `data[offsets[i]..offsets[i + 1]]`. Empty offsets: every value is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strings<'a> {
    /// One more than there are values.
    pub offsets: &'a [u32],
    /// All values, one after the other.
    pub data: &'a [u8],
}

impl<'a> Strings<'a> {
    /// Value `i`; empty where there is none.
    #[inline]
    pub fn get(&self, i: usize) -> &'a [u8] {
        match self.offsets.get(i..i.wrapping_add(2)) {
            Some(&[from, to]) => self.data.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// The values of a column. Addresses are 16 bytes a row, booleans bits, least significant first.
#[derive(Clone, Copy, Debug, Default)]
pub enum ColumnData<'a> {
    /// The detector does not read this column.
    #[default]
    Unread,
    /// Text, bytes and raw values.
    Strings(Strings<'a>),
    /// Signed integers and times.
    S64(&'a [i64]),
    /// Unsigned integers.
    U64(&'a [u64]),
    /// Numbers.
    F64(&'a [f64]),
    /// Booleans.
    Bits(&'a [u8]),
    /// Addresses.
    Ip(&'a [u8]),
}

/// The rows of one batch. Columns stand at their numbers in the subscription; each with its validity (bits; empty: all valid).
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    /// How many rows there are.
    pub count: usize,
    /// Event times, nanoseconds since the epoch. Empty if timeless.
    pub times: &'a [i64],
    /// The watermark as left by all events before each row. Empty if timeless.
    pub watermarks: &'a [i64],
    /// The routing keys. Empty if not keyed.
    pub keys: Strings<'a>,
    /// Their hashes. Empty if not keyed.
    pub key_hashes: &'a [u64],
    /// The columns and their validity.
    pub columns: &'a [(ColumnData<'a>, &'a [u8])],
}

impl<'a> Rows<'a> {
    /// Row `i`, for a native caller that wants to look at one.
    pub fn row(&self, i: usize) -> Row<'_> {
        Row {
            rows: self,
            index: i,
            time: self.times.get(i).copied().unwrap_or(0),
            watermark: self.watermarks.get(i).copied().unwrap_or(i64::MIN),
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub(crate) rows: &'a Rows<'a>,
    pub(crate) index: usize,
    pub(crate) time: i64,
    pub(crate) watermark: i64,
}

fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|b| b >> (i % 8) & 1 == 1)
}

impl<'a> Row<'a> {
    /// Its number in the batch.
    #[inline]
    pub fn number(&self) -> u32 {
        self.index as u32
    }

    /// Event time, nanoseconds since the epoch; 0 for a timeless detector.
    #[inline]
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The watermark as left by all events before this one.
    #[inline]
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Whether its time is before its watermark.
    #[inline]
    pub fn late(&self) -> bool {
        self.time < self.watermark
    }

    #[inline]
    fn column(&self, number: usize) -> Option<&'a ColumnData<'a>> {
        let (data, valid) = self.rows.columns.get(number)?;
        (valid.is_empty() || bit(valid, self.index)).then_some(data)
    }

    #[inline]
    fn strings(&self, number: usize) -> Option<&'a [u8]> {
        match self.column(number)? {
            ColumnData::Strings(strings) => Some(strings.get(self.index)),
            _ => None,
        }
    }

    /// The text; none where the field is not valid.
    pub fn text(&self, column: Column<column::Text>) -> Option<&'a str> {
        std::str::from_utf8(self.strings(column.number)?).ok()
    }

    /// The text's bytes: cheaper where only its identity matters.
    #[inline]
    pub fn text_bytes(&self, column: Column<column::Text>) -> Option<&'a [u8]> {
        self.strings(column.number)
    }

    /// The bytes.
    pub fn bytes(&self, column: Column<column::Bytes>) -> Option<&'a [u8]> {
        self.strings(column.number)
    }

    /// The value's bytes as they stand in the event.
    pub fn raw(&self, column: Column<column::Raw>) -> Option<&'a [u8]> {
        self.strings(column.number)
    }

    /// The integer.
    #[inline]
    pub fn s64(&self, column: Column<column::S64>) -> Option<i64> {
        match self.column(column.number)? {
            ColumnData::S64(values) => values.get(self.index).copied(),
            _ => None,
        }
    }

    /// The time, nanoseconds since the epoch.
    #[inline]
    pub fn timestamp(&self, column: Column<column::Timestamp>) -> Option<i64> {
        match self.column(column.number)? {
            ColumnData::S64(values) => values.get(self.index).copied(),
            _ => None,
        }
    }

    /// The integer.
    #[inline]
    pub fn u64(&self, column: Column<column::U64>) -> Option<u64> {
        match self.column(column.number)? {
            ColumnData::U64(values) => values.get(self.index).copied(),
            _ => None,
        }
    }

    /// The number.
    #[inline]
    pub fn f64(&self, column: Column<column::F64>) -> Option<f64> {
        match self.column(column.number)? {
            ColumnData::F64(values) => values.get(self.index).copied(),
            _ => None,
        }
    }

    /// The boolean.
    pub fn boolean(&self, column: Column<column::Boolean>) -> Option<bool> {
        match self.column(column.number)? {
            ColumnData::Bits(values) => Some(bit(values, self.index)),
            _ => None,
        }
    }

    /// The address: 16 bytes, IPv4 mapped.
    #[inline]
    pub fn ip(&self, column: Column<column::Ip>) -> Option<&'a [u8; 16]> {
        match self.column(column.number)? {
            ColumnData::Ip(values) => values.as_chunks::<16>().0.get(self.index),
            _ => None,
        }
    }
}
