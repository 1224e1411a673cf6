//! The texts that a configuration is made of, so that every complaint can show its place: the file, then each `--set`.

use std::ops::Range;

/// One text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's path as given, or `--set`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A place in one of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the document.
    pub document: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Place {
    /// A stretch of a document.
    pub fn new(document: usize, range: Range<usize>) -> Self {
        Self { document, start: range.start, end: range.end }
    }

    /// The bytes it covers.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}
