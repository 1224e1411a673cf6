//! Cells: what an asked-for value is worth in the row at hand. Each is read at most once a row, and only if somebody wants it.

use eyas_event::{CellState, FieldType};

use super::test::Ready;
use crate::dialect::{Dialect, Figure};
use crate::ip;
use crate::json::number::{Scaled, scaled, short_integer};
use crate::json::scan::Padded;
use crate::json::string::unescape;
use crate::json::{Kind, Slot};
use crate::plan::{Asked, Plan};
use crate::time::{BadTime, Clock, TimeSpec};

/// The row at hand.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) buffer: Padded<'a>,
    pub(crate) slots: &'a [Slot],
}

/// All cells of a plan.
#[derive(Debug)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    row: u64,
    /// Reads timestamp columns.
    clock: Clock,
    /// How values that are no JSON are read.
    dialect: Dialect,
    scratch: Vec<u8>,
}

/// One cell. What it is worth is matched on where it stands: a copy of it, just after it was written, would have to wait.
#[derive(Debug)]
pub(crate) struct Cell {
    asked: Asked,
    /// The row it was read in.
    row: u64,
    pub(crate) value: Value,
    /// The text of a string with escapes.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Invalid(CellState),
    /// The slot's own bytes.
    Plain(Slot),
    /// With quotes.
    Raw(Slot),
    /// In `text`.
    Unescaped,
    Number([u8; 8]),
    Boolean(bool),
    Ip(u128),
}

impl Cells {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cell = |&asked: &Asked| Cell { asked, row: 0, value: Value::Invalid(CellState::Absent), text: Vec::new() };
        let dialect = Dialect::of(&plan.decoding.encoding);
        let clock = Clock::new(plan.decoding.time.clone().unwrap_or_else(TimeSpec::plain), dialect);
        Self { cells: plan.cells.iter().map(cell).collect(), row: 0, clock, dialect, scratch: Vec::new() }
    }

    /// What was read is of a row that is past.
    #[inline(always)]
    pub(crate) fn next_row(&mut self) {
        self.row += 1;
    }

    /// Whether a value meets a test. A value that is absent, null or of another type meets none.
    #[inline(always)]
    pub(crate) fn meets(&mut self, row: Row<'_>, slot: u16, test: &Ready) -> bool {
        let slot = row.slots.get(usize::from(slot)).copied().unwrap_or_default();
        test.meets(slot, row.buffer, self.dialect, &mut self.scratch)
    }

    /// A cell, read.
    #[inline(always)]
    pub(crate) fn read(&mut self, row: Row<'_>, cell: u16) -> Option<&Cell> {
        let cell = self.cells.get_mut(usize::from(cell))?;
        if cell.row != self.row {
            let slot = row.slots.get(usize::from(cell.asked.slot)).copied().unwrap_or_default();
            cell.row = self.row;
            match address_at_once(cell.asked.kind, slot, row.buffer) {
                Some(address) => cell.value = Value::Ip(address),
                None => cell.value = cell.evaluate(slot, row.buffer, &mut self.clock, self.dialect),
            }
        }
        Some(cell)
    }

    /// Appends a cell to a routing key: a byte for the type, the length, the bytes (SEMANTICS 3).
    ///
    /// Numbers are little-endian; minus zero is zero. What could not be read as its type is its text: of a string what it says, of
    /// anything else its bytes as they stand.
    #[inline(always)]
    pub(crate) fn append_key(&mut self, row: Row<'_>, cell: u16, key: &mut Vec<u8>) {
        let mut append = |tag: u8, bytes: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        let Some(cell) = self.read(row, cell) else { return };
        let Asked { slot, kind } = cell.asked;
        match &cell.value {
            Value::Ip(address) => append(8, &address.to_be_bytes()),
            Value::Number(number) if kind == FieldType::F64 => append(5, &(f64::from_le_bytes(*number) + 0.0).to_le_bytes()),
            Value::Number(number) => append(tag(kind), number),
            Value::Boolean(truth) => append(6, &[u8::from(*truth)]),
            Value::Invalid(CellState::Absent | CellState::Null) => append(0, &[]),
            Value::Invalid(_) => {
                let slot = row.slots.get(usize::from(slot)).copied().unwrap_or_default();
                append(10, worded(slot, &row.buffer, self.dialect, &mut self.scratch));
            }
            Value::Plain(_) | Value::Raw(_) | Value::Unescaped => append(tag(kind), cell.bytes(&row.buffer)),
        }
    }
}

/// The type's byte in a routing key.
fn tag(kind: FieldType) -> u8 {
    match kind {
        FieldType::Text => 1,
        FieldType::Bytes => 2,
        FieldType::S64 => 3,
        FieldType::U64 => 4,
        FieldType::F64 => 5,
        FieldType::Boolean => 6,
        FieldType::Timestamp => 7,
        FieldType::Ip => 8,
        FieldType::Raw => 9,
    }
}

/// What a value that could not be read as its type is in words: of a string what it says, of anything else its JSON as it stands.
fn worded<'a>(slot: Slot, buffer: &'a [u8], dialect: Dialect, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    match slot.kind() {
        Kind::Text => slot.bytes(buffer),
        Kind::Escaped => {
            scratch.clear();
            unescape(slot.bytes(buffer), scratch);
            scratch
        }
        kind if dialect.is_binary() => {
            scratch.clear();
            dialect.json(kind, slot.bytes(buffer), scratch);
            scratch
        }
        _ => slot.raw(buffer),
    }
}

/// The text of a string; `None` for what is none.
#[inline(always)]
pub(crate) fn text<'a>(slot: Slot, buffer: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match slot.kind() {
        Kind::Text => Some(slot.bytes(buffer)),
        Kind::Escaped => {
            scratch.clear();
            unescape(slot.bytes(buffer), scratch);
            Some(scratch)
        }
        _ => None,
    }
}

/// An address.
#[inline(always)]
pub(crate) fn address(slot: Slot, buffer: Padded<'_>, scratch: &mut Vec<u8>) -> Option<u128> {
    match slot.kind() {
        Kind::Text => {
            let (start, length) = slot.place();
            ip::parse(buffer, start, length)
        }
        _ => ip::by_std(text(slot, &buffer, scratch)?),
    }
}

/// An address, where that is what is asked for and it is of the usual kind: in line, so that no copy of it waits for the one before.
#[inline(always)]
fn address_at_once(asked: FieldType, slot: Slot, buffer: Padded<'_>) -> Option<u128> {
    let (start, length) = slot.place();
    if asked == FieldType::Ip && slot.kind() == Kind::Text { ip::dotted(buffer, start, length) } else { None }
}

/// A number, if it is one: of a JSON number, of a text that is one where types are loose, or of what the dialect says is one.
#[inline(always)]
pub(crate) fn figure(slot: Slot, buffer: &[u8], dialect: Dialect) -> Option<Figure<'_>> {
    match slot.kind() {
        Kind::Integer | Kind::Number => Some(Figure::Digits(slot.bytes(buffer))),
        Kind::Text if dialect.is_loose() => loose_number(slot.bytes(buffer)).map(Figure::Digits),
        Kind::Binary => dialect.figure(slot.bytes(buffer)),
        _ => None,
    }
}

/// A text that is a decimal number: as in JSON, but a plus and leading zeros are allowed.
fn loose_number(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let plain = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    let readable = plain && std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok());
    (readable && text.first() != Some(&b'+')).then_some(text)
}

/// Whether there is no value, which an empty field of loosely typed data says, too.
#[inline(always)]
pub(crate) fn missing(slot: Slot, buffer: &[u8], dialect: Dialect) -> Option<CellState> {
    match slot.kind() {
        Kind::Absent => Some(CellState::Absent),
        Kind::Null => Some(CellState::Null),
        Kind::Text if dialect.is_loose() && slot.bytes(buffer).is_empty() => Some(CellState::Null),
        _ => None,
    }
}

/// A truth value.
#[inline(always)]
pub(crate) fn boolean(slot: Slot, buffer: &[u8], dialect: Dialect) -> Option<bool> {
    match slot.kind() {
        Kind::True => Some(true),
        Kind::False => Some(false),
        Kind::Text if dialect.is_loose() && slot.bytes(buffer).eq_ignore_ascii_case(b"true") => Some(true),
        Kind::Text if dialect.is_loose() && slot.bytes(buffer).eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

/// The whole number that a figure is, however it is written: `1.0` and `1e3` are whole. Not whole: of another type.
#[inline(always)]
pub(crate) fn integer(figure: Figure<'_>) -> Result<i128, CellState> {
    match figure {
        Figure::Digits(digits) => whole(digits),
        Figure::Whole(number) => Ok(number),
        Figure::Float(number) if number.fract() == 0.0 && number.abs() < 2f64.powi(100) => Ok(number as i128),
        Figure::Float(number) if number.fract() == 0.0 => Err(CellState::OutOfRange),
        Figure::Float(_) => Err(CellState::OtherType),
    }
}

#[inline(always)]
fn whole(digits: &[u8]) -> Result<i128, CellState> {
    if let Some(short) = short_integer(digits) {
        return Ok(i128::from(short));
    }
    match scaled(digits, 0) {
        Scaled::Whole(whole) => Ok(whole),
        Scaled::Cut(_) => Err(CellState::OtherType),
        Scaled::Huge { .. } => Err(CellState::OutOfRange),
    }
}

/// The number that a figure is; perhaps infinite.
#[inline(always)]
pub(crate) fn float(figure: Figure<'_>) -> Option<f64> {
    match figure {
        Figure::Digits(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
        Figure::Whole(number) => Some(number as f64),
        Figure::Float(number) => Some(number),
    }
}

impl Cell {
    /// The bytes of a value that is bytes.
    #[inline(always)]
    pub(crate) fn bytes<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        match &self.value {
            Value::Plain(slot) => slot.bytes(buffer),
            Value::Raw(slot) => slot.raw(buffer),
            Value::Unescaped => &self.text,
            _ => &[],
        }
    }

    #[inline]
    fn evaluate(&mut self, slot: Slot, buffer: Padded<'_>, clock: &mut Clock, dialect: Dialect) -> Value {
        if let Some(state) = missing(slot, &buffer, dialect) {
            return Value::Invalid(state);
        }
        let other = Value::Invalid(CellState::OtherType);
        match self.asked.kind {
            FieldType::Ip => address(slot, buffer, &mut self.text).map_or(other, Value::Ip),
            FieldType::Text | FieldType::Bytes => match slot.kind() {
                Kind::Text => Value::Plain(slot),
                Kind::Binary => {
                    self.text.clear();
                    if dialect.text(slot.bytes(&buffer), &mut self.text) { Value::Unescaped } else { other }
                }
                _ => text(slot, &buffer, &mut self.text).map_or(other, |_| Value::Unescaped),
            },
            FieldType::Raw if dialect.is_binary() => {
                self.text.clear();
                dialect.json(slot.kind(), slot.bytes(&buffer), &mut self.text);
                Value::Unescaped
            }
            FieldType::Raw => Value::Raw(slot),
            FieldType::Boolean => boolean(slot, &buffer, dialect).map_or(other, Value::Boolean),
            FieldType::Timestamp => match clock.read(slot, &buffer) {
                Ok(time) => Value::Number(time.to_le_bytes()),
                Err(BadTime::OutOfRange) => Value::Invalid(CellState::OutOfRange),
                Err(_) => other,
            },
            FieldType::S64 | FieldType::U64 | FieldType::F64 => {
                figure(slot, &buffer, dialect).map_or(other, |figure| self.number(figure).map_or_else(Value::Invalid, Value::Number))
            }
        }
    }

    fn number(&self, figure: Figure<'_>) -> Result<[u8; 8], CellState> {
        if self.asked.kind == FieldType::F64 {
            let number = float(figure).ok_or(CellState::OtherType)?;
            return if number.is_finite() { Ok(number.to_le_bytes()) } else { Err(CellState::OutOfRange) };
        }
        let whole = integer(figure)?;
        let bytes = if self.asked.kind == FieldType::S64 {
            i64::try_from(whole).map(i64::to_le_bytes)
        } else {
            u64::try_from(whole).map(u64::to_le_bytes)
        };
        bytes.map_err(|_| CellState::OutOfRange)
    }
}
