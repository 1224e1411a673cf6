//! What is written beside an event.

use crate::Value;

/// A named value that a detector put beside an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// The row: of the part when a guest gives it, of the batch once the engine has mapped it.
    pub row: u32,
    /// Its name among the detector's annotations of the event.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// What the host itself says about an event. A set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags(u8);

impl Tags {
    /// It came after its watermark.
    pub const LATE: Self = Self(1);
    /// Its time is missing, unreadable or too far in the future.
    pub const UNTIMED: Self = Self(2);
    /// A detector that should have seen it did not: it is in quarantine.
    pub const UNWATCHED: Self = Self(4);
    /// A detector could not use it.
    pub const ROW_ERROR: Self = Self(8);
    /// A detector failed on it or on the batch around it.
    pub const FAULT: Self = Self(16);

    /// All tags with their names, in the order in which they are written.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::LATE, "late"),
        (Self::UNTIMED, "untimed"),
        (Self::UNWATCHED, "unwatched"),
        (Self::ROW_ERROR, "row_error"),
        (Self::FAULT, "fault"),
    ];

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all tags of `other` are in this set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
