//! Fluent Forward, in and out: a door that acks a chunk once it is safe, and a client that waits for acks.
//!
//! The protocol has one answer, the ack of a chunk, and none for "not now" or "never". A sender whose chunk is not acked sends it again, when
//! the connection ends or it has waited for long enough. So the door waits with what it has no room for, and does not read on meanwhile:
//! nothing has to be sent again because we are slow, and a chunk that does come again is known by its name. A connection is closed
//! without an ack only where waiting would not help: what came is no message, a sink refused it, or the program stops. Senders that name
//! no chunk never learn what became of it: what was read of theirs is taken in as long as the program lives, and what a crash takes is lost.

mod client;
mod door;
mod handshake;
mod unpack;

pub use client::{ForwardClient, ForwardClientConfig, Tag};
pub use door::ForwardDoor;
pub use handshake::SharedKey;

#[cfg(test)]
mod tests;
