//! Parts in the making, and the memory that goes round: what an engine is done with becomes the next batch's columns.

use std::sync::Arc;

use eyas_event::{Bits, CellState, Column, FieldType, Part, Strings, Timestamp, Values};

use super::Invalid;
use super::cell::{Cell, Value};

/// One part in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    rows: Vec<u32>,
    times: Vec<Timestamp>,
    keys: Growing,
    hashes: Vec<u64>,
    pub(crate) columns: Vec<ColumnBuilder>,
}

/// Strings in the making.
#[derive(Debug)]
struct Growing {
    offsets: Vec<u32>,
    data: Vec<u8>,
}

/// One column in the making.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    values: Building,
    /// Up to the last row that is not valid.
    states: Vec<u8>,
    rows: usize,
}

#[derive(Debug)]
enum Building {
    Text(Growing),
    Bytes(Growing),
    Raw(Growing),
    S64(Vec<i64>),
    U64(Vec<u64>),
    F64(Vec<f64>),
    Timestamp(Vec<i64>),
    Boolean(Vec<u8>),
    Ip(Vec<u8>),
}

impl Growing {
    fn new(pool: &mut Pool) -> Self {
        let mut offsets = pool.offsets.take();
        offsets.push(0);
        Self { offsets, data: pool.bytes.take() }
    }

    #[inline(always)]
    fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.offsets.push(self.data.len() as u32);
    }

    fn finish(&mut self, pool: &mut Pool) -> Strings {
        let full = std::mem::replace(self, Self::new(pool));
        Strings { offsets: Arc::new(full.offsets), data: Arc::new(full.data) }
    }
}

impl Builder {
    pub(crate) fn new(kinds: &[FieldType]) -> Self {
        let pool = &mut Pool::default();
        let column = |&kind: &FieldType| ColumnBuilder { values: Building::new(kind), states: Vec::new(), rows: 0 };
        let columns = kinds.iter().map(column).collect();
        Self { rows: Vec::new(), times: Vec::new(), keys: Growing::new(pool), hashes: Vec::new(), columns }
    }

    /// Begins a row; its columns are to follow.
    #[inline(always)]
    pub(crate) fn start(&mut self, row: u32, time: Timestamp, key: Option<(&[u8], u64)>) {
        self.rows.push(row);
        self.times.push(time);
        if let Some((key, hash)) = key {
            self.keys.push(key);
            self.hashes.push(hash);
        }
    }

    pub(crate) fn finish(&mut self, pool: &mut Pool) -> Part {
        if self.rows.is_empty() {
            let columns = self.columns.iter().map(|column| Column { values: column.values.nothing(), states: Arc::default() }).collect();
            return Part { columns, ..Part::default() };
        }
        Part {
            rows: std::mem::replace(&mut self.rows, pool.offsets.take()),
            times: Arc::new(std::mem::replace(&mut self.times, pool.signed.take())),
            watermarks: Arc::default(),
            keys: if self.hashes.is_empty() { Strings::default() } else { self.keys.finish(pool) },
            hashes: Arc::new(std::mem::replace(&mut self.hashes, pool.unsigned.take())),
            late: Bits::default(),
            columns: self.columns.iter_mut().map(|column| column.finish(pool)).collect(),
            events: None,
        }
    }
}

impl ColumnBuilder {
    #[inline(always)]
    pub(crate) fn append(&mut self, cell: &Cell, buffer: &[u8], invalid: &mut Invalid) {
        match (&mut self.values, &cell.value) {
            (Building::Ip(column), Value::Ip(address)) => column.extend_from_slice(&address.to_be_bytes()),
            (_, Value::Invalid(state)) => self.append_invalid(*state, invalid),
            (Building::Text(column) | Building::Bytes(column) | Building::Raw(column), _) => column.push(cell.bytes(buffer)),
            (Building::S64(column) | Building::Timestamp(column), Value::Number(number)) => column.push(i64::from_le_bytes(*number)),
            (Building::U64(column), Value::Number(number)) => column.push(u64::from_le_bytes(*number)),
            (Building::F64(column), Value::Number(number)) => column.push(f64::from_le_bytes(*number)),
            (Building::Boolean(column), Value::Boolean(truth)) => column.push(u8::from(*truth)),
            // A cell has the type of its column.
            _ => self.append_invalid(CellState::OtherType, invalid),
        }
        self.rows += 1;
    }

    fn append_invalid(&mut self, state: CellState, invalid: &mut Invalid) {
        match state {
            CellState::Valid => {}
            CellState::Absent => invalid.absent += 1,
            CellState::Null => invalid.null += 1,
            CellState::OtherType => invalid.other_type += 1,
            CellState::OutOfRange => invalid.out_of_range += 1,
        }
        self.states.resize(self.rows, CellState::Valid as u8);
        self.states.push(state as u8);
        match &mut self.values {
            Building::Text(column) | Building::Bytes(column) | Building::Raw(column) => column.push(&[]),
            Building::S64(column) | Building::Timestamp(column) => column.push(0),
            Building::U64(column) => column.push(0),
            Building::F64(column) => column.push(0.0),
            Building::Boolean(column) => column.push(0),
            Building::Ip(column) => column.extend_from_slice(&[0; 16]),
        }
    }

    fn finish(&mut self, pool: &mut Pool) -> Column {
        let mut states = std::mem::take(&mut self.states);
        if !states.is_empty() {
            states.resize(self.rows, CellState::Valid as u8);
            self.states = pool.bytes.take();
        }
        self.rows = 0;
        Column { values: self.values.finish(pool), states: Arc::new(states) }
    }
}

impl Building {
    fn new(kind: FieldType) -> Self {
        let strings = || Growing::new(&mut Pool::default());
        match kind {
            FieldType::Text => Self::Text(strings()),
            FieldType::Bytes => Self::Bytes(strings()),
            FieldType::Raw => Self::Raw(strings()),
            FieldType::S64 => Self::S64(Vec::new()),
            FieldType::U64 => Self::U64(Vec::new()),
            FieldType::F64 => Self::F64(Vec::new()),
            FieldType::Timestamp => Self::Timestamp(Vec::new()),
            FieldType::Boolean => Self::Boolean(Vec::new()),
            FieldType::Ip => Self::Ip(Vec::new()),
        }
    }

    /// A column of the type without rows.
    fn nothing(&self) -> Values {
        match self {
            Self::Text(_) => Values::Text(Strings::default()),
            Self::Bytes(_) => Values::Bytes(Strings::default()),
            Self::Raw(_) => Values::Raw(Strings::default()),
            Self::S64(_) => Values::S64(Arc::default()),
            Self::U64(_) => Values::U64(Arc::default()),
            Self::F64(_) => Values::F64(Arc::default()),
            Self::Timestamp(_) => Values::Timestamp(Arc::default()),
            Self::Boolean(_) => Values::Boolean(Arc::default()),
            Self::Ip(_) => Values::Ip(Arc::default()),
        }
    }

    fn finish(&mut self, pool: &mut Pool) -> Values {
        match self {
            Self::Text(strings) => Values::Text(strings.finish(pool)),
            Self::Bytes(strings) => Values::Bytes(strings.finish(pool)),
            Self::Raw(strings) => Values::Raw(strings.finish(pool)),
            Self::S64(numbers) => Values::S64(Arc::new(std::mem::replace(numbers, pool.signed.take()))),
            Self::U64(numbers) => Values::U64(Arc::new(std::mem::replace(numbers, pool.unsigned.take()))),
            Self::F64(numbers) => Values::F64(Arc::new(std::mem::replace(numbers, pool.floats.take()))),
            Self::Timestamp(numbers) => Values::Timestamp(Arc::new(std::mem::replace(numbers, pool.signed.take()))),
            Self::Boolean(truths) => Values::Boolean(Arc::new(std::mem::replace(truths, pool.bytes.take()))),
            Self::Ip(addresses) => Values::Ip(Arc::new(std::mem::replace(addresses, pool.bytes.take()))),
        }
    }
}

/// Vectors that were used before.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) bytes: Shelf<u8>,
    pub(crate) offsets: Shelf<u32>,
    pub(crate) signed: Shelf<i64>,
    pub(crate) unsigned: Shelf<u64>,
    pub(crate) floats: Shelf<f64>,
    pub(crate) spans: Shelf<(u32, u32)>,
}

/// Emptied vectors of one type.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    vectors: Vec<Vec<T>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { vectors: Vec::new() }
    }
}

impl<T> Shelf<T> {
    /// So many vectors are kept, and none larger than so many bytes: what one odd batch took is given back.
    const VECTORS: usize = 256;
    const BYTES: usize = 4 << 20;

    pub(crate) fn take(&mut self) -> Vec<T> {
        self.vectors.pop().unwrap_or_default()
    }

    pub(crate) fn give(&mut self, mut vector: Vec<T>) {
        if vector.capacity() > 0 && vector.capacity() * size_of::<T>() <= Self::BYTES && self.vectors.len() < Self::VECTORS {
            vector.clear();
            self.vectors.push(vector);
        }
    }

    /// Gives back what nobody else holds any more.
    fn give_shared(&mut self, vector: Arc<Vec<T>>) {
        if let Ok(vector) = Arc::try_unwrap(vector) {
            self.give(vector);
        }
    }
}

impl Pool {
    pub(crate) fn recycle(&mut self, part: Part) {
        self.offsets.give(part.rows);
        self.signed.give_shared(part.times);
        self.signed.give_shared(part.watermarks);
        self.unsigned.give_shared(part.hashes);
        self.strings(part.keys);
        for column in part.columns {
            self.bytes.give_shared(column.states);
            match column.values {
                Values::Text(strings) | Values::Bytes(strings) | Values::Raw(strings) => self.strings(strings),
                Values::S64(numbers) | Values::Timestamp(numbers) => self.signed.give_shared(numbers),
                Values::U64(numbers) => self.unsigned.give_shared(numbers),
                Values::F64(numbers) => self.floats.give_shared(numbers),
                Values::Boolean(bytes) | Values::Ip(bytes) => self.bytes.give_shared(bytes),
            }
        }
    }

    fn strings(&mut self, strings: Strings) {
        self.offsets.give_shared(strings.offsets);
        self.bytes.give_shared(strings.data);
    }
}
