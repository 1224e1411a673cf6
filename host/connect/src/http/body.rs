//! Bodies of requests: read whole, within bounds of size, memory and time.

use std::time::{Duration, Instant};

use eyas_event::PADDING;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::request::Refusal;
use crate::intake::Held;

/// What is set aside at once for a body whose length is announced.
const AT_ONCE: u64 = 1 << 20;
/// A body may take so many times as long as nothing may come of it, however much comes: else a byte now and then would hold it open.
pub const PATIENCE: u32 = 10;
/// How long a body that is too large is still listened to.
const LINGER: Duration = Duration::from_secs(1);

/// Reads a body of at most so many bytes to its end, unless nothing comes of it for too long. `asks`: none of it comes before we read.
pub async fn read(mut body: Incoming, asks: bool, most: usize, idle: Duration, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let announced = body.size_hint().lower();
    if announced > most as u64 && asks {
        return Err(Refusal::TooLarge(most));
    }
    // Room for a newline and for what a buffer has behind its bytes.
    let mut bytes = Vec::with_capacity(announced.min(AT_ONCE) as usize + 1 + PADDING);
    let end = Instant::now() + idle * PATIENCE;
    loop {
        if announced > most as u64 || bytes.len() > most {
            hear_out(&mut body, most).await;
            return Err(Refusal::TooLarge(most));
        }
        let left = end.saturating_duration_since(Instant::now()).min(idle);
        let frame = match timeout(left, body.frame()).await {
            Err(_) => return Err(Refusal::TooSlow),
            Ok(None) => return Ok(bytes),
            Ok(Some(Err(_))) => return Err(Refusal::CutOff),
            Ok(Some(Ok(frame))) => frame,
        };
        let Some(data) = frame.data_ref() else { continue };
        if !held.take(data.len()) {
            return Err(Refusal::NoRoom);
        }
        bytes.extend_from_slice(data);
    }
}

/// Reads what still comes of a body that is refused, up to so many bytes, and throws it away: whoever still writes would see a broken
/// connection or stream instead of our answer.
pub async fn hear_out(body: &mut Incoming, most: usize) {
    // Who does not end by then hears what it hears.
    let _ = timeout(LINGER, discard(body, most)).await;
}

async fn discard(body: &mut Incoming, most: usize) {
    let mut left = most;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, bytes::Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}
