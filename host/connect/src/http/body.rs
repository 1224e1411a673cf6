//! Bodies of requests: read whole, within bounds of size, memory and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use eyas_event::PADDING;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::request::Refusal;

/// What is set aside at once for a body whose length is announced.
const AT_ONCE: u64 = 1 << 20;

/// A request's share of the bytes that may wait for admission; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    waiting: Arc<AtomicUsize>,
    most: usize,
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub fn new(waiting: &Arc<AtomicUsize>, most: usize) -> Self {
        Self { waiting: waiting.clone(), most, bytes: 0 }
    }

    /// Takes more. Gives whether there was so much.
    fn take(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.waiting.fetch_add(bytes, Relaxed) + bytes <= self.most
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads a body of at most so many bytes to its end, unless nothing comes of it for too long.
pub async fn read(mut body: Incoming, most: usize, idle: Duration, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let announced = body.size_hint().lower();
    if announced > most as u64 {
        return Err(Refusal::TooLarge(most));
    }
    // Room for a newline and for what a buffer has behind its bytes.
    let mut bytes = Vec::with_capacity(announced.min(AT_ONCE) as usize + 1 + PADDING);
    loop {
        let frame = match tokio::time::timeout(idle, body.frame()).await {
            Err(_) => return Err(Refusal::TooSlow),
            Ok(None) => return Ok(bytes),
            Ok(Some(Err(_))) => return Err(Refusal::CutOff),
            Ok(Some(Ok(frame))) => frame,
        };
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > most {
            return Err(Refusal::TooLarge(most));
        }
        if !held.take(data.len()) {
            return Err(Refusal::NoRoom);
        }
        bytes.extend_from_slice(data);
    }
}
