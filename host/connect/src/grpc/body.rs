//! What is sent, either way: a few pieces of data, then perhaps trailers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use hyper::header::HeaderMap;

/// A body of at most two pieces, so that what stands before a message needs no copy of the message.
#[derive(Debug, Default)]
pub struct Parts {
    first: Bytes,
    second: Bytes,
    trailers: Option<HeaderMap>,
}

impl Parts {
    /// Of data alone.
    pub fn new(first: impl Into<Bytes>, second: impl Into<Bytes>) -> Self {
        Self { first: first.into(), second: second.into(), trailers: None }
    }

    /// With trailers behind the data.
    pub fn with_trailers(self, trailers: HeaderMap) -> Self {
        Self { trailers: Some(trailers), ..self }
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let piece = if this.first.is_empty() { &mut this.second } else { &mut this.first };
        let frame = match std::mem::take(piece) {
            piece if piece.is_empty() => this.trailers.take().map(Frame::trailers),
            piece => Some(Frame::data(piece)),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.second.is_empty() && self.trailers.is_none()
    }
}
