//! How values are read that do not stand in the buffer as JSON: what a number is, a time, a text, and what each is as JSON.

use eyas_event::Timestamp;

use crate::Encoding;
use crate::binary::{forward, otlp, vector};
use crate::json::Kind;

/// The way in which an encoding writes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// JSON values.
    Json,
    /// All values are texts; types come from the subscriptions.
    Csv,
    Otlp,
    Vector,
    Forward,
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Figure<'a> {
    /// As JSON writes it.
    Digits(&'a [u8]),
    Whole(i128),
    Float(f64),
}

impl Dialect {
    pub(crate) fn of(encoding: &Encoding) -> Self {
        match encoding {
            Encoding::Ndjson => Self::Json,
            Encoding::Csv { .. } => Self::Csv,
            Encoding::Otlp => Self::Otlp,
            Encoding::Vector => Self::Vector,
            Encoding::Forward => Self::Forward,
        }
    }

    /// Texts are read as what is asked for, and an empty one is null.
    #[inline(always)]
    pub(crate) fn is_loose(self) -> bool {
        self == Self::Csv
    }

    #[inline(always)]
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Otlp | Self::Vector | Self::Forward)
    }

    /// The number that a [`Kind::Binary`] value is.
    pub(crate) fn figure(self, value: &[u8]) -> Option<Figure<'static>> {
        match self {
            Self::Json | Self::Csv => None,
            Self::Otlp => otlp::figure(value),
            Self::Vector => vector::figure(value),
            Self::Forward => forward::figure(value),
        }
    }

    /// The time that a [`Kind::Binary`] value is in itself, whatever formats there are; inside nothing where that is out of range.
    pub(crate) fn time(self, value: &[u8]) -> Option<Option<Timestamp>> {
        match self {
            Self::Json | Self::Csv => None,
            Self::Otlp => otlp::time(value),
            Self::Vector => vector::time(value),
            Self::Forward => forward::time(value),
        }
    }

    /// Appends the text that a [`Kind::Binary`] value is: of bytes the one that stands for them in JSON. Gives whether it is one.
    pub(crate) fn text(self, value: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Self::Json | Self::Csv => false,
            Self::Otlp => otlp::text(value, out),
            Self::Vector => vector::text(value, out),
            Self::Forward => forward::text(value, out),
        }
    }

    /// Appends a value as JSON.
    pub(crate) fn json(self, kind: Kind, value: &[u8], out: &mut Vec<u8>) {
        match (kind, self) {
            (Kind::Text, _) => crate::json::write::text(value, out),
            (Kind::True, _) => out.extend_from_slice(b"true"),
            (Kind::False, _) => out.extend_from_slice(b"false"),
            (Kind::Absent | Kind::Null, _) => out.extend_from_slice(b"null"),
            (_, Self::Json | Self::Csv) => out.extend_from_slice(value),
            (_, Self::Otlp) => otlp::json(kind, value, out),
            (_, Self::Vector) => vector::json(value, out),
            (_, Self::Forward) => forward::json(value, out),
        }
    }
}
