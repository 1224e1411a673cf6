//! One message, in any of the protocol's modes, and what answers it.

use std::borrow::Cow;

use super::msgpack::{Reader, Token, put_array, put_map, put_str};
use crate::Malformed;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The tag of all entries. Bytes that are no UTF-8 are replaced.
    pub tag: Cow<'a, str>,
    /// The entries.
    pub entries: Entries<'a>,
    /// What the sender wants to see in an [`ack`]: a text or binary as it stands in the message, with its head.
    pub chunk: Option<&'a [u8]>,
    /// How many entries the sender says that there are.
    pub size: Option<u64>,
    /// What the entries are, as Fluent Bit says it: 0 logs, 1 metrics, 2 traces. What is no log is no list of entries either.
    pub signal: u64,
}

/// Entries, one after the other. They need not be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entries<'a> {
    /// As they are.
    Plain(Cow<'a, [u8]>),
    /// To be unpacked.
    Packed {
        /// How they are packed.
        compression: Compression,
        /// The packed bytes.
        bytes: &'a [u8],
    },
}

/// How entries are packed; perhaps in several pieces, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `gzip`
    Gzip,
    /// `zstd`
    Zstd,
}

/// Reads a whole message: `[tag, time, record]`, `[tag, [entry, …]]` or `[tag, entries]`, each perhaps with an option behind. Nil, a
/// heartbeat, is a message without entries.
pub fn parse(message: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(message);
    if reader.peek()? == Token::Nil {
        return Ok(Message { tag: Cow::default(), entries: Entries::Plain(Cow::default()), chunk: None, size: None, signal: 0 });
    }
    let parts = reader.array()?;
    if parts < 2 {
        return Err(Malformed::new("not a message: a tag and entries are expected", 0));
    }
    let tag = String::from_utf8_lossy(reader.bytes()?);
    let second = reader.value()?;
    let (entries, option) = match Reader::new(second).token()? {
        Token::Str(bytes) | Token::Bin(bytes) => {
            let option = Options::read(&mut reader, parts > 2)?;
            let entries = match option.compressed {
                Some(compression) => Entries::Packed { compression, bytes },
                None => Entries::Plain(Cow::Borrowed(bytes)),
            };
            (entries, option)
        }
        Token::Array(_) => {
            let mut inside = Reader::new(second);
            inside.token()?;
            let entries = second.get(inside.at()..).unwrap_or_default();
            (Entries::Plain(Cow::Borrowed(entries)), Options::read(&mut reader, parts > 2)?)
        }
        _ if parts < 3 => return Err(Malformed::new("a time without a record", reader.at())),
        _ => {
            let record = reader.value()?;
            let option = Options::read(&mut reader, parts > 3)?;
            (Entries::Plain(Cow::Owned(entry(second, option.metadata, record))), option)
        }
    };
    Ok(Message { tag, entries, chunk: option.chunk, size: option.size, signal: option.signal })
}

fn entry(time: &[u8], metadata: Option<&[u8]>, record: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(time.len() + metadata.map_or(0, <[u8]>::len) + record.len() + 2);
    put_array(2, &mut entry);
    if metadata.is_some() {
        put_array(2, &mut entry);
    }
    [time, metadata.unwrap_or_default(), record].iter().for_each(|part| entry.extend_from_slice(part));
    entry
}

/// What stands in a message's option.
#[derive(Default)]
struct Options<'a> {
    chunk: Option<&'a [u8]>,
    size: Option<u64>,
    compressed: Option<Compression>,
    signal: u64,
    /// Fluent Bit's, beside a single record.
    metadata: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn read(reader: &mut Reader<'a>, there: bool) -> Result<Self, Malformed> {
        let mut options = Self::default();
        if !there {
            return Ok(options);
        }
        let at = reader.at();
        let pairs = match reader.token()? {
            Token::Nil => 0,
            Token::Map(pairs) => pairs,
            _ => return Err(Malformed::new("an option that is no map", at)),
        };
        for _ in 0..pairs {
            let key = reader.value()?;
            let at = reader.at();
            let value = reader.value()?;
            let Ok(key) = Reader::new(key).bytes() else { continue };
            options.set(key, value, at)?;
        }
        Ok(options)
    }

    fn set(&mut self, key: &[u8], value: &'a [u8], at: usize) -> Result<(), Malformed> {
        let token = Reader::new(value).token()?;
        match (key, token) {
            (_, Token::Nil) => {}
            (b"chunk", Token::Str(_) | Token::Bin(_)) => self.chunk = Some(value),
            (b"chunk", _) => return Err(Malformed::new("a chunk that is neither text nor binary", at)),
            (b"size", Token::Integer(size)) => self.size = u64::try_from(size).ok(),
            (b"compressed", Token::Str(name) | Token::Bin(name)) => {
                self.compressed = match name {
                    b"text" => None,
                    b"gzip" => Some(Compression::Gzip),
                    b"zstd" => Some(Compression::Zstd),
                    _ => return Err(Malformed::new("an unknown compression; text, gzip or zstd are expected", at)),
                }
            }
            (b"fluent_signal", Token::Integer(signal)) => self.signal = u64::try_from(signal).unwrap_or(u64::MAX),
            (b"metadata", Token::Map(_)) => self.metadata = Some(value),
            _ => {}
        }
        Ok(())
    }
}

/// What answers a message with this [chunk](Message::chunk).
pub fn ack(chunk: &[u8]) -> Vec<u8> {
    let mut ack = Vec::with_capacity(chunk.len() + 5);
    put_map(1, &mut ack);
    put_str("ack", &mut ack);
    ack.extend_from_slice(chunk);
    ack
}

/// The chunk that an answer names, without its head.
pub fn read_ack(answer: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader::new(answer);
    for _ in 0..reader.map()? {
        let (key, value) = (reader.value()?, reader.value()?);
        if Reader::new(key).bytes().is_ok_and(|key| key == b"ack") {
            return Reader::new(value).bytes().map(<[u8]>::to_vec);
        }
    }
    Err(Malformed::new("an answer without an ack", 0))
}
