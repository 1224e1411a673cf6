//! The wire format of Protocol Buffers: fields, one after the other.

/// How the value of a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wire {
    /// Seven bits a byte, the lowest first.
    Varint = 0,
    /// Eight bytes, the lowest first.
    Fixed64 = 1,
    /// A length and so many bytes: a message, a text, or bytes.
    Bytes = 2,
    /// Four bytes, the lowest first.
    Fixed32 = 5,
}

/// A field: where it starts, and where its value does. Of a varint and of what has a fixed length the value is its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub number: u32,
    pub(crate) wire: Wire,
    pub(crate) start: usize,
    pub(crate) value: usize,
    pub(crate) end: usize,
}

impl Field {
    /// Whether it is this field, as a message, a text or bytes.
    #[inline(always)]
    pub fn is(&self, number: u32) -> bool {
        self.number == number && self.wire == Wire::Bytes
    }

    /// Its value in the bytes that it was found in.
    #[inline(always)]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.value..self.end).unwrap_or_default()
    }

    /// The value of a varint or of what has a fixed length.
    #[inline]
    pub fn number_in(&self, bytes: &[u8]) -> u64 {
        let value = self.bytes(bytes);
        match self.wire {
            Wire::Varint => varint(value, 0, value.len()).map_or(0, |(number, _)| number),
            Wire::Fixed64 => value.try_into().map_or(0, u64::from_le_bytes),
            Wire::Fixed32 => value.try_into().map_or(0, |value| u64::from(u32::from_le_bytes(value))),
            Wire::Bytes => 0,
        }
    }
}

/// A varint at `at`, and where it ends; nothing where it is longer than ten bytes or does not end before `end`.
#[inline(always)]
pub fn varint(bytes: &[u8], at: usize, end: usize) -> Option<(u64, usize)> {
    let bytes = bytes.get(at..end)?;
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let mut number = u64::from(first & 0x7f);
    for (i, &byte) in rest.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * (i + 1));
        if byte < 0x80 {
            return Some((number, at + i + 2));
        }
    }
    None
}

/// The field at `at`; nothing where that is none, or does not end before `end`. Groups, which nobody uses any more, are none.
#[inline(always)]
pub fn field(bytes: &[u8], at: usize, end: usize) -> Option<Field> {
    let (key, value) = varint(bytes, at, end)?;
    let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number))?;
    let field = |wire, value, end| Field { number, wire, start: at, value, end };
    let found = match key & 7 {
        0 => field(Wire::Varint, value, varint(bytes, value, end)?.1),
        1 => field(Wire::Fixed64, value, value + 8),
        2 => {
            let (length, value) = varint(bytes, value, end)?;
            field(Wire::Bytes, value, value.checked_add(usize::try_from(length).ok()?)?)
        }
        5 => field(Wire::Fixed32, value, value + 4),
        _ => return None,
    };
    (found.end <= end).then_some(found)
}

/// The fields of a message. Ends at the first that is none: then it is not [whole](Fields::is_whole).
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) end: usize,
}

impl<'a> Fields<'a> {
    /// Of the message that stands from `at` to `end`.
    #[inline(always)]
    pub fn new(bytes: &'a [u8], at: usize, end: usize) -> Self {
        Self { bytes, at, end }
    }

    /// Whether it came to the end of the message, and not to what is no field.
    #[inline(always)]
    pub fn is_whole(&self) -> bool {
        self.at == self.end
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    #[inline(always)]
    fn next(&mut self) -> Option<Field> {
        if self.at >= self.end {
            return None;
        }
        let field = field(self.bytes, self.at, self.end)?;
        self.at = field.end;
        Some(field)
    }
}

/// How many bytes a varint has.
pub fn varint_len(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a varint.
pub fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends what stands before the value of a field.
pub fn put_key(number: u32, wire: Wire, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | wire as u64, out);
}

/// Appends what stands before the value of a message, a text or bytes.
pub fn put_head(number: u32, length: usize, out: &mut Vec<u8>) {
    put_key(number, Wire::Bytes, out);
    put_varint(length as u64, out);
}

/// Appends a text, bytes, or a message that is written already.
pub fn put_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    put_head(number, value.len(), out);
    out.extend_from_slice(value);
}

/// Appends a message of which `write` appends the inside.
pub fn put_message<T>(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    let written = write(out);
    let length = out.len() - start;
    // The head is put behind, and then turned to the front.
    put_head(number, length, out);
    if let Some(field) = out.get_mut(start..) {
        field.rotate_left(length);
    }
    written
}

/// How long a message, a text or bytes are as a field.
pub fn bytes_len(number: u32, length: usize) -> usize {
    varint_len(u64::from(number) << 3) + varint_len(length as u64) + length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::{Fields, Wire, bytes_len, field, put_bytes, put_key, put_varint, varint, varint_len};

    #[test]
    fn varints_are_read_as_they_are_written() {
        for number in (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1, !(1u64 << bit)]) {
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            assert_eq!(bytes.len(), varint_len(number), "{number}");
            assert_eq!(varint(&bytes, 0, bytes.len()), Some((number, bytes.len())));
            assert!((0..bytes.len()).all(|end| varint(&bytes, 0, end).is_none()), "cut short it is none");
        }
        assert_eq!(varint(&[0xff; 11], 0, 11), None);
    }

    #[test]
    fn fields_end_where_they_say_or_are_none() {
        let mut bytes = Vec::new();
        put_bytes(3, b"abc", &mut bytes);
        assert_eq!(bytes.len(), bytes_len(3, 3));
        put_key(1000, Wire::Varint, &mut bytes);
        put_varint(300, &mut bytes);
        let mut fields = Fields::new(&bytes, 0, bytes.len());
        let found: Vec<_> = fields.by_ref().collect();
        assert!(fields.is_whole());
        assert_eq!(found[0].bytes(&bytes), b"abc");
        assert_eq!((found[1].number, found[1].number_in(&bytes)), (1000, 300));
        for end in [1, 3, 6, 8] {
            let mut cut = Fields::new(&bytes, 0, end);
            while cut.next().is_some() {}
            assert!(!cut.is_whole(), "{end}");
        }
        assert_eq!(field(&[0x0b, 0x0c], 0, 2), None, "a group");
        assert_eq!(field(&[0x02, 0x00], 0, 2), None, "field 0");
        assert_eq!(field(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 0, 11), None, "longer than all memory");
    }
}
