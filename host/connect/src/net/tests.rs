//! Real sockets, real certificates, and clients that know what they do, or do not.

mod secured;
pub mod support;
mod version_two;
