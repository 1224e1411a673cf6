//! HTTP, in and out: a door that says when events are safe, and a client that posts until they are taken.

mod auth;
mod body;
mod client;
mod door;
mod lines;
mod request;
mod serve;

pub use auth::Credentials;
pub use client::{HttpClient, HttpClientConfig};
pub use door::HttpDoor;

#[cfg(test)]
pub(crate) mod tests;
