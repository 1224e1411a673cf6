//! OTLP/JSON out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::schema::{Kind, Member, Message, STREAM};
use crate::binary::proto::{Field, Fields, Wire, varint};
use crate::json::write;

/// Messages in messages deeper than this are left out: more than four for each level that values may be nested.
const DEEPEST: usize = 512;

/// Appends envelopes of the stream form as an object with a list for each signal.
pub(crate) fn write_frames(frames: &[u8], out: &mut Vec<u8>) {
    message(&STREAM, frames, out);
}

/// Appends a message as JSON. Where it is broken, it ends.
pub(super) fn message(message: &Message, bytes: &[u8], out: &mut Vec<u8>) {
    inside(message, bytes, 0, out);
}

fn inside(message: &Message, bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    let fields = || Fields::new(bytes, 0, bytes.len());
    let there = fields().fold(0u64, |there, field| there | 1 << (field.number % 64));
    let mut before = b'{';
    for member in message.0.iter().filter(|member| member.always || there & 1 << (member.number % 64) != 0) {
        let mut of_member = fields().filter(|field| member.reads(field)).peekable();
        if of_member.peek().is_none() && !member.always {
            continue;
        }
        out.push(before);
        before = b',';
        write::string(member.name, out);
        out.push(b':');
        if member.repeated {
            list(member, bytes, of_member, depth, out);
        } else {
            let field = of_member.last();
            value(member.kind, field.map_or(&[], |field| field.bytes(bytes)), depth, out);
        }
    }
    out.extend_from_slice(if before == b'{' { b"{}" } else { b"}" });
}

fn list(member: &Member, bytes: &[u8], fields: impl Iterator<Item = Field>, depth: usize, out: &mut Vec<u8>) {
    out.push(b'[');
    let start = out.len();
    for field in fields {
        let mut left = field.bytes(bytes);
        // Numbers may be packed: one behind the other.
        let packed = field.wire == Wire::Bytes && member.kind.wire() != Wire::Bytes;
        loop {
            let length = match member.kind.wire() {
                _ if !packed => left.len(),
                Wire::Fixed64 => 8,
                Wire::Fixed32 => 4,
                Wire::Varint | Wire::Bytes => varint(left, 0, left.len()).map_or(0, |(_, end)| end),
            };
            if packed && (length == 0 || length > left.len()) {
                break;
            }
            if out.len() > start {
                out.push(b',');
            }
            let (one, rest) = left.split_at_checked(length).unwrap_or((left, &[]));
            value(member.kind, one, depth, out);
            left = rest;
            if !packed {
                break;
            }
        }
    }
    out.push(b']');
}

impl Member {
    /// Whether a field is this member's.
    fn reads(&self, field: &Field) -> bool {
        let wire = self.kind.wire();
        field.number == self.number && (field.wire == wire || self.repeated && field.wire == Wire::Bytes)
    }
}

impl Kind {
    fn wire(self) -> Wire {
        match self {
            Self::Text | Self::Bytes | Self::Id | Self::Message(_) => Wire::Bytes,
            Self::Bool | Self::Int64 | Self::Uint64 | Self::Int32 | Self::Uint32 | Self::Sint32 => Wire::Varint,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => Wire::Fixed64,
            Self::Fixed32 => Wire::Fixed32,
        }
    }
}

/// Appends a value. Numbers of 64 bits are texts, since many readers of JSON have no room for them.
fn value(kind: Kind, bytes: &[u8], depth: usize, out: &mut Vec<u8>) {
    let number = match kind.wire() {
        Wire::Varint => varint(bytes, 0, bytes.len()).map_or(0, |(number, _)| number),
        Wire::Fixed64 | Wire::Fixed32 => bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)),
        Wire::Bytes => 0,
    };
    match kind {
        Kind::Text => write::string(&String::from_utf8_lossy(bytes), out),
        Kind::Bytes => write::string(&STANDARD.encode(bytes), out),
        Kind::Id => {
            out.push(b'"');
            crate::binary::otlp::hex(bytes, out);
            out.push(b'"');
        }
        Kind::Bool => write::display(number != 0, out),
        Kind::Int64 | Kind::Sfixed64 => write::display(format_args!("\"{}\"", number as i64), out),
        Kind::Uint64 | Kind::Fixed64 => write::display(format_args!("\"{number}\""), out),
        Kind::Int32 => write::display(number as i32, out),
        Kind::Uint32 | Kind::Fixed32 => write::display(number as u32, out),
        Kind::Sint32 => write::display((number as u32 >> 1) as i32 ^ -((number & 1) as i32), out),
        Kind::Double => double(f64::from_bits(number), out),
        Kind::Message(_) if depth == DEEPEST => out.extend_from_slice(b"{}"),
        Kind::Message(message) => inside(message, bytes, depth + 1, out),
    }
}

fn double(number: f64, out: &mut Vec<u8>) {
    match number {
        _ if number.is_finite() => write::float(number, out),
        _ if number.is_nan() => out.extend_from_slice(b"\"NaN\""),
        _ if number > 0.0 => out.extend_from_slice(b"\"Infinity\""),
        _ => out.extend_from_slice(b"\"-Infinity\""),
    }
}
