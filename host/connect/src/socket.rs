//! JSON lines over TCP or a Unix socket, in and out.
//!
//! Nothing is ever acknowledged in this protocol. A source that cannot go on does not read on, so that whoever sends waits; what it has
//! read it takes in. When it is killed, what it had read and not yet written to the journal (without one: not yet delivered) is lost, and
//! so is what the operating system holds of its connections, whose senders believe that it has arrived. A sink counts as accepted
//! what it could write: what the operating system holds of it when the connection breaks is lost. Who cannot bear that takes a protocol
//! that says what has arrived.

mod client;
pub(crate) mod dial;
mod door;
pub(crate) mod told;

pub use client::{SocketClient, SocketClientConfig};
pub use dial::Remote;
pub use door::SocketDoor;

#[cfg(test)]
mod tests;
