//! The stream form: made of entries at the source's door, and made into messages again at the sink's.

use std::borrow::Cow;

use super::msgpack::{Reader, Token, fault, put_array, put_bin, put_map, put_str, put_uint, skip};
use crate::Malformed;

/// A message of the stream form has at most so many entries, so that it can be cut into batches.
pub(crate) const MOST_ENTRIES: usize = 16_384;

/// Appends the stream form of entries; gives how many there are. They must be whole on the outside; what is in them is not looked at.
pub fn frame(tag: &str, entries: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
    let before = out.len();
    let (mut start, mut at, mut count) = (0, 0, 0);
    while at < entries.len() {
        let Some(end) = skip(entries, at) else {
            out.truncate(before);
            return Err(fault(entries, at));
        };
        (at, count) = (end, count + 1);
        if count % MOST_ENTRIES == 0 || at == entries.len() {
            put_message(tag, entries.get(start..at).unwrap_or_default(), out);
            start = at;
        }
    }
    Ok(count)
}

/// Appends a message of the stream form.
pub(crate) fn put_message(tag: &str, entries: &[u8], out: &mut Vec<u8>) {
    out.reserve(tag.len() + entries.len() + 11);
    put_array(2, out);
    put_str(tag, out);
    put_bin(entries, out);
}

/// Entries of one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The tag.
    pub tag: Cow<'a, str>,
    /// The entries, one after the other.
    pub entries: Cow<'a, [u8]>,
    /// How many there are.
    pub count: usize,
}

/// The messages of a stream form, those that follow each other with the same tag as one. What is no stream form ends it.
pub fn messages(stream: &[u8]) -> impl Iterator<Item = Batch<'_>> {
    let mut rest = each(stream).peekable();
    std::iter::from_fn(move || {
        let mut batch = rest.next()?;
        while let Some(next) = rest.next_if(|next| next.tag == batch.tag) {
            batch.entries.to_mut().extend_from_slice(&next.entries);
            batch.count += next.count;
        }
        Some(batch)
    })
}

/// The messages of a stream form, one by one.
fn each(stream: &[u8]) -> impl Iterator<Item = Batch<'_>> {
    let mut reader = Reader::new(stream);
    std::iter::from_fn(move || {
        if reader.array().ok()? != 2 {
            return None;
        }
        let tag = String::from_utf8_lossy(reader.bytes().ok()?);
        let Token::Bin(entries) = reader.token().ok()? else { return None };
        let (mut at, mut count) = (0, 0);
        while let Some(end) = skip(entries, at) {
            (at, count) = (end, count + 1);
        }
        Some(Batch { tag, entries: Cow::Borrowed(entries), count })
    })
}

/// Appends a message in PackedForward mode. `compressed` names how the entries are packed, which they are already.
pub fn write(tag: &str, entries: &[u8], count: usize, chunk: Option<&str>, compressed: Option<&str>, out: &mut Vec<u8>) {
    out.reserve(tag.len() + entries.len() + 128);
    put_array(3, out);
    put_str(tag, out);
    put_bin(entries, out);
    put_map(1 + usize::from(chunk.is_some()) + usize::from(compressed.is_some()), out);
    if let Some(chunk) = chunk {
        put_str("chunk", out);
        put_str(chunk, out);
    }
    put_str("size", out);
    put_uint(count as u64, out);
    if let Some(compressed) = compressed {
        put_str("compressed", out);
        put_str(compressed, out);
    }
}
