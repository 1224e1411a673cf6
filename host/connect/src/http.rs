//! HTTP, in and out: a door that says when events are safe, and a client that posts until they are taken.

mod auth;
mod body;
mod client;
mod door;
mod lines;
mod request;
mod serve;
mod target;

pub use auth::Credentials;
pub(crate) use body::{PATIENCE, hear_out, read};
pub use client::{HttpClient, HttpClientConfig};
pub use door::HttpDoor;
pub(crate) use request::Refusal;
pub(crate) use serve::serve;
pub(crate) use target::Target;

#[cfg(test)]
pub(crate) mod tests;
