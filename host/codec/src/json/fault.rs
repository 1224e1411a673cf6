//! Why a line is no event, and at which byte.

use std::fmt;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The line ends inside a value.
    EndsEarly,
    /// A value should start here.
    NoValue,
    /// A key, in quotes, should start here.
    NoKey,
    /// A colon should stand here.
    NoColon,
    /// A comma or the end of the list or object should stand here.
    NoComma,
    /// Something stands behind the object.
    Trailing,
    /// A control character inside a string.
    Control,
    /// No escape that JSON knows.
    Escape,
    /// Half of a surrogate pair.
    Surrogate,
    /// Bytes that are no UTF-8.
    Utf8,
    /// Lists and objects nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// A value, but no object.
    NoObject,
}

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// At which byte of the line, counted from 0.
    pub at: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::EndsEarly => "not JSON: the line ends inside a value",
            FaultKind::NoValue => "not JSON: a value should start",
            FaultKind::NoKey => "not JSON: a key in double quotes should start",
            FaultKind::NoColon => "not JSON: a colon should stand",
            FaultKind::NoComma => "not JSON: a comma or a closing bracket should stand",
            FaultKind::Trailing => "not JSON: more stands behind the object",
            FaultKind::Control => "not JSON: a control character in a string",
            FaultKind::Escape => "not JSON: an unknown escape",
            FaultKind::Surrogate => "not JSON: half of a surrogate pair",
            FaultKind::Utf8 => "not UTF-8",
            FaultKind::TooDeep => "nested too deep",
            FaultKind::NoObject => "JSON, but no object",
        };
        write!(f, "{what}, at byte {}", self.at)
    }
}
