//! What is said of bytes that are not what their protocol says.

use crate::DeadReason;

/// Bytes that are not what their protocol says that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at byte {at}")]
pub struct Malformed {
    /// What is wrong.
    pub what: &'static str,
    /// Where, counted from the start of what was to be read.
    pub at: usize,
}

impl Malformed {
    #[cold]
    pub(crate) fn new(what: &'static str, at: usize) -> Self {
        Self { what, at }
    }
}

impl From<Malformed> for DeadReason {
    fn from(Malformed { what, at }: Malformed) -> Self {
        Self::Malformed { what, at }
    }
}
