//! What a host function answers when it does not go along: the guest traps, and the text comes out in the fault.

use crate::FaultKind;

/// A call of a host function, or a value given in one, that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// [`FaultKind::Refused`] or [`FaultKind::Limit`].
    pub kind: FaultKind,
    pub message: String,
}

impl Refusal {
    /// The contract forbids it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Refused, message: message.into() }
    }

    /// It is more than the instance may give.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Limit, message: message.into() }
    }

    /// The same, saying where.
    pub fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

/// Fails with a limit's refusal where there are more than allowed.
pub(crate) fn at_most(limit: usize, count: usize, what: &str) -> Result<(), Refusal> {
    if count > limit { Err(Refusal::limit(format!("{count} {what} are more than {limit}"))) } else { Ok(()) }
}
