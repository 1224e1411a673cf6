//! Fluent Forward at the door: messages as they come, in all modes, and the stream form that they become.
//!
//! The stream form is messages `[tag, entries]` with the entries as one binary, whatever mode they came in. An entry is `[time, record]`
//! or, from Fluent Bit, `[[time, metadata], record]`.

mod message;
pub mod msgpack;
mod scanner;
mod stream;

pub use message::{Compression, Entries, Message, ack, parse, read_ack};
pub use scanner::Scanner;
pub(crate) use stream::put_message;
pub use stream::{Batch, frame, messages, write};
