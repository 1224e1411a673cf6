//! What is in a body: NDJSON as it is, and arrays and single objects made into it. What a body is told to be matters less than what it
//! is.

use memchr::{memchr, memchr2_iter};
use serde::de::IgnoredAny;

use eyas_event::PADDING;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What a body is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Lines: what cannot be read otherwise is a line, and a line that cannot be read is a dead letter.
    Lines,
    /// JSON: what cannot be read is refused.
    Json,
    /// Anything.
    Other,
}

impl Declared {
    /// By the content type.
    pub fn new(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" | "application/jsonlines" => {
                Self::Lines
            }
            "application/json" => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// A body that is not what it begins as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no JSON: {message} at byte {at}")]
pub struct BadBody {
    /// Which byte, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
    /// Whether more bytes could have made it right.
    pub ended: bool,
}

/// Makes lines of a body, the last one with its newline. Nothing where nothing is in it.
pub fn lines(mut body: Vec<u8>, declared: Declared) -> Result<Vec<u8>, BadBody> {
    if body.starts_with(MARK) {
        body.drain(..MARK.len());
    }
    let start = blank(&body, 0);
    let Some(&first) = body.get(start) else { return Ok(Vec::new()) };
    let structured = matches!(first, b'{' | b'[') || declared == Declared::Json;
    if structured && (first == b'[' || !first_line_is_whole(&body, start)) {
        match values(&body) {
            Ok(lines) => return Ok(lines),
            // As lines it is worth more than refused: all but the first may be events.
            Err(_) if declared == Declared::Lines => {}
            Err(bad) if declared == Declared::Other && first == b'{' && !bad.ended => {}
            Err(bad) => return Err(bad),
        }
    }
    if !body.ends_with(b"\n") {
        body.push(b'\n');
    }
    Ok(body)
}

/// Whether the first line holds one value and nothing else. So it is with NDJSON.
fn first_line_is_whole(body: &[u8], start: usize) -> bool {
    let rest = body.get(start..).unwrap_or_default();
    let line = rest.get(..memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
    value(line, 0).is_ok_and(|end| blank(line, end) == line.len())
}

/// Writes each value of a body on a line of its own; of an array, its elements. A line's end between the tokens of a value becomes a blank.
fn values(body: &[u8]) -> Result<Vec<u8>, BadBody> {
    let mut lines = Vec::with_capacity(body.len() + 1 + PADDING);
    let mut at = blank(body, 0);
    while at < body.len() {
        let element = |at| value(body, at).map(|end| (at..end, blank(body, end)));
        if body.get(at) != Some(&b'[') {
            let (range, next) = element(at)?;
            add_line(&mut lines, body.get(range).unwrap_or_default());
            at = next;
            continue;
        }
        at = blank(body, at + 1);
        let mut more = body.get(at) != Some(&b']');
        while more {
            let (range, next) = element(at)?;
            add_line(&mut lines, body.get(range).unwrap_or_default());
            more = match body.get(next) {
                Some(b',') => true,
                Some(b']') => false,
                other => return Err(BadBody { at: next, message: "expected `,` or `]`".to_owned(), ended: other.is_none() }),
            };
            at = if more { blank(body, next + 1) } else { next };
        }
        at = blank(body, at + 1);
    }
    Ok(lines)
}

/// The end of the value that begins here.
fn value(body: &[u8], at: usize) -> Result<usize, BadBody> {
    let rest = body.get(at..).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Ok(at + values.byte_offset()),
        Some(Err(error)) => {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            let place = if error.is_eof() { rest.len() } else { offset(rest, error.line(), error.column()) };
            Err(BadBody { at: at + place, message, ended: error.is_eof() })
        }
        None => Err(BadBody { at, message: "expected a value".to_owned(), ended: true }),
    }
}

/// The offset of a line and column, both counted from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let newline = line.checked_sub(2).and_then(|before| memchr::memchr_iter(b'\n', bytes).nth(before));
    (newline.map_or(0, |newline| newline + 1) + column.saturating_sub(1)).min(bytes.len())
}

fn add_line(lines: &mut Vec<u8>, value: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(value);
    if let Some(line) = lines.get_mut(start..) {
        // A string holds none of them: there they are written with a backslash.
        for at in memchr2_iter(b'\n', b'\r', value) {
            if let Some(byte) = line.get_mut(at) {
                *byte = b' ';
            }
        }
    }
    lines.push(b'\n');
}

/// Where the next byte is that is not blank.
fn blank(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

#[cfg(test)]
mod tests;
