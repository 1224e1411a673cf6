//! MessagePack: values are read where they stand, passed over, and written.

mod put;

use crate::Malformed;
pub(crate) use put::put_map_like;
pub use put::{put_array, put_bin, put_bin_head, put_bool, put_float, put_int, put_map, put_nil, put_str, put_uint};

/// What a value begins with. Of lists and maps that is all of it; what is in them follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'a> {
    /// Nothing.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number, from -2^63 to 2^64 - 1.
    Integer(i128),
    /// A number.
    Float(f64),
    /// A text, which ought to be UTF-8.
    Str(&'a [u8]),
    /// Bytes.
    Bin(&'a [u8]),
    /// A value of a type of somebody's own.
    Ext(i8, &'a [u8]),
    /// So many values follow.
    Array(usize),
    /// So many keys, each with its value, follow.
    Map(usize),
}

/// What a value is, before anything is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Nil,
    False,
    True,
    Number,
    Str,
    Bin,
    /// What it contains begins with its type.
    Ext,
    Array,
    Map,
}

/// The beginning of a value: where its content starts, and of how many bytes that is; of a list or map, of how many items or pairs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) shape: Shape,
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl Head {
    /// How many values follow it, and how many bytes do before them.
    #[inline(always)]
    pub(crate) fn follows(&self) -> (u64, usize) {
        match self.shape {
            Shape::Array => (self.len as u64, 0),
            Shape::Map => (self.len as u64 * 2, 0),
            _ => (0, self.len),
        }
    }
}

/// The head at `at`; nothing where it does not end within the bytes, or is none (0xc1). The content need not be there.
#[inline(always)]
pub(crate) fn head(bytes: &[u8], at: usize) -> Option<Head> {
    let &first = bytes.get(at)?;
    let small = |shape, mask: u8| Some(Head { shape, at: at + 1, len: usize::from(first & mask) });
    let fixed = |shape, len| Some(Head { shape, at: at + 1, len });
    // A length of so many bytes, then perhaps the type of an extension.
    let sized = |shape, width: usize, more: usize| {
        let length = bytes.get(at + 1..at + 1 + width)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        Some(Head { shape, at: at + 1 + width, len: length + more })
    };
    match first {
        0x00..=0x7f | 0xe0..=0xff => fixed(Shape::Number, 0),
        0x80..=0x8f => small(Shape::Map, 0x0f),
        0x90..=0x9f => small(Shape::Array, 0x0f),
        0xa0..=0xbf => small(Shape::Str, 0x1f),
        0xc0 => fixed(Shape::Nil, 0),
        0xc1 => None,
        0xc2 => fixed(Shape::False, 0),
        0xc3 => fixed(Shape::True, 0),
        0xc4 => sized(Shape::Bin, 1, 0),
        0xc5 => sized(Shape::Bin, 2, 0),
        0xc6 => sized(Shape::Bin, 4, 0),
        0xc7 => sized(Shape::Ext, 1, 1),
        0xc8 => sized(Shape::Ext, 2, 1),
        0xc9 => sized(Shape::Ext, 4, 1),
        0xca => fixed(Shape::Number, 4),
        0xcb => fixed(Shape::Number, 8),
        0xcc..=0xcf => fixed(Shape::Number, 1 << (first - 0xcc)),
        0xd0..=0xd3 => fixed(Shape::Number, 1 << (first - 0xd0)),
        0xd4..=0xd8 => fixed(Shape::Ext, 1 + (1 << (first - 0xd4))),
        0xd9 => sized(Shape::Str, 1, 0),
        0xda => sized(Shape::Str, 2, 0),
        0xdb => sized(Shape::Str, 4, 0),
        0xdc => sized(Shape::Array, 2, 0),
        0xdd => sized(Shape::Array, 4, 0),
        0xde => sized(Shape::Map, 2, 0),
        0xdf => sized(Shape::Map, 4, 0),
    }
}

/// Where the value at `at` ends, however deep it is; nothing where it does not end within the bytes, or is none.
#[inline(always)]
pub(crate) fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut left = 1u64;
    while left > 0 {
        let head = head(bytes, at)?;
        let (values, length) = head.follows();
        at = head.at + length;
        // Each value has a byte at least, so that a number of them that nothing can hold ends this soon.
        left = left - 1 + values;
        if at > bytes.len() || left > (bytes.len() - at) as u64 {
            return None;
        }
    }
    Some(at)
}

/// What is wrong where [`skip`] found no value.
#[cold]
pub(crate) fn fault(bytes: &[u8], at: usize) -> Malformed {
    let (mut left, mut here) = (1u64, at);
    while left > 0 && here < bytes.len() {
        let Some(head) = head(bytes, here) else {
            let never = bytes.get(here) == Some(&0xc1);
            return Malformed::new(if never { "no MessagePack value" } else { CUT_SHORT }, here);
        };
        let (values, length) = head.follows();
        (left, here) = ((left - 1).saturating_add(values), head.at.saturating_add(length));
    }
    Malformed::new(CUT_SHORT, at)
}

const CUT_SHORT: &str = "a MessagePack value that ends early";

/// The number that a value with its head is.
#[inline]
pub(crate) fn number(value: &[u8]) -> Option<Token<'static>> {
    let (&first, rest) = value.split_first()?;
    let unsigned = rest.iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    Some(match first {
        0x00..=0x7f => Token::Integer(i128::from(first)),
        0xe0..=0xff => Token::Integer(i128::from(first as i8)),
        0xca => Token::Float(f64::from(f32::from_bits(unsigned as u32))),
        0xcb => Token::Float(f64::from_bits(unsigned)),
        0xcc..=0xcf => Token::Integer(i128::from(unsigned)),
        0xd0 => Token::Integer(i128::from(unsigned as i8)),
        0xd1 => Token::Integer(i128::from(unsigned as i16)),
        0xd2 => Token::Integer(i128::from(unsigned as i32)),
        0xd3 => Token::Integer(i128::from(unsigned as i64)),
        _ => return None,
    })
}

/// Reads values one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes are read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Reads a value, of a list or map its head.
    pub fn token(&mut self) -> Result<Token<'a>, Malformed> {
        let token = self.peek()?;
        if let Some(head) = head(self.bytes, self.at) {
            self.at = head.at + head.follows().1;
        }
        Ok(token)
    }

    /// What is to be read next.
    pub fn peek(&self) -> Result<Token<'a>, Malformed> {
        self.peeked().ok_or_else(|| fault(self.bytes, self.at))
    }

    fn peeked(&self) -> Option<Token<'a>> {
        let head = head(self.bytes, self.at)?;
        let content = || self.bytes.get(head.at..head.at.checked_add(head.len)?);
        Some(match head.shape {
            Shape::Nil => Token::Nil,
            Shape::False => Token::Bool(false),
            Shape::True => Token::Bool(true),
            Shape::Number => number(self.bytes.get(self.at..head.at + head.len)?)?,
            Shape::Str => Token::Str(content()?),
            Shape::Bin => Token::Bin(content()?),
            Shape::Ext => {
                let (&kind, data) = content()?.split_first()?;
                Token::Ext(kind as i8, data)
            }
            Shape::Array => Token::Array(head.len),
            Shape::Map => Token::Map(head.len),
        })
    }

    /// Passes over a value with all that is in it; gives its bytes.
    pub fn value(&mut self) -> Result<&'a [u8], Malformed> {
        let end = skip(self.bytes, self.at).ok_or_else(|| fault(self.bytes, self.at))?;
        let value = self.bytes.get(self.at..end).unwrap_or_default();
        self.at = end;
        Ok(value)
    }

    /// Reads the head of a list: how many values follow.
    pub fn array(&mut self) -> Result<usize, Malformed> {
        let at = self.at;
        if let Token::Array(items) = self.token()? { Ok(items) } else { Err(Malformed::new("not a list", at)) }
    }

    /// Reads the head of a map: how many keys with their values follow.
    pub fn map(&mut self) -> Result<usize, Malformed> {
        let at = self.at;
        if let Token::Map(pairs) = self.token()? { Ok(pairs) } else { Err(Malformed::new("not a map", at)) }
    }

    /// Reads a text or binary.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.at;
        if let Token::Str(bytes) | Token::Bin(bytes) = self.token()? {
            Ok(bytes)
        } else {
            Err(Malformed::new("neither text nor binary", at))
        }
    }

    /// Reads a text.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        let at = self.at;
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::new("not UTF-8", at))
    }

    /// Reads a truth value.
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        let at = self.at;
        if let Token::Bool(truth) = self.token()? { Ok(truth) } else { Err(Malformed::new("neither true nor false", at)) }
    }
}
