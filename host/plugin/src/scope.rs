//! Which entries a snapshot holds.

/// Which entries a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Full,
    /// Those put, changed or deleted since the last snapshot that returned, or since the restore.
    Changed,
}
