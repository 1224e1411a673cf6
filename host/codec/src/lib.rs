//! Bytes to columns and back.
//!
//! A [`Plan`] says how a source is read and what its detectors ask for. A [`Decoder`] walks each event of a slice once: it validates it,
//! notes where the asked-for values stand, and appends them to the parts of the shards that own the events' keys. An [`Encoder`] gives
//! the same bytes out again, with what there is to say spliced in. [`Framing`] and [`cut`] know where events end.

mod binary;
mod csv;
mod decode;
mod decoding;
mod dialect;
mod encode;
mod extract;
pub mod forward;
mod frame;
mod ip;
mod json;
pub mod otlp;
mod plan;
mod stream;
mod time;
pub mod vector;

pub use binary::{Malformed, proto};
pub use decode::{DeadReason, DeadSpan, Decoded, Decoder};
pub use decoding::{Decoding, Encoding, Form, OnBad, Sharding};
pub use encode::{AlertLine, DeadLetter, Encoder, Namesakes, Note, Notes, Output};
pub use extract::{Invalid, UNTIMED};
pub use frame::{Framing, cut, first_record};
pub use json::fault::{Fault, FaultKind};
pub use json::walk::MAX_DEPTH;
pub use plan::{Plan, PlanError};
pub use time::{BadTime, TimeSpec, guess_time};
