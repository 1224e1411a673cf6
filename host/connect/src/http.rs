//! HTTP, in and out: a server that says when events are safe, and a client that posts until they are taken.
//!
//! A source hands whole requests to a thread of its own, which admits them in order; a sink's requests are [`crate::deliver`]'s matter.

mod body;
mod client;
mod feeder;
mod figures;
mod lines;
mod request;
mod serve;
mod source;

pub use client::{HttpClient, HttpClientConfig};
pub use figures::HttpFigures;
pub use source::{Acknowledge, Answers, HttpError, HttpLimits, HttpServer, HttpSource};

use std::io;
use std::os::fd::AsFd;

use tokio::net::unix::pipe::Receiver;

use crate::Stop;

/// A stop, for those who wait for it beside other things.
pub(crate) struct Stopped(Receiver);

impl Stopped {
    /// To be made within a runtime.
    pub(crate) fn new(stop: &Stop) -> io::Result<Self> {
        Receiver::from_owned_fd(stop.as_fd().try_clone_to_owned()?).map(Self)
    }

    /// Waits for it; at once when it has been asked for already.
    pub(crate) async fn wait(&self) {
        // Only a runtime that ends makes this an error, and then everything ends.
        let _ = self.0.readable().await;
    }
}

#[cfg(test)]
pub(crate) mod tests;
