//! Time as a plain number: nanoseconds, so that columns of it are plain arrays.

/// Nanoseconds since 1970-01-01T00:00:00Z. Holds 1677-09-21 to 2262-04-11.
pub type Timestamp = i64;

/// How many nanoseconds a second has.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
