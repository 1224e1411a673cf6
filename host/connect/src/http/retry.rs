//! Posting until it is taken: one request after the other, each for as long as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;

use super::Stopped;
use super::client::{Client, Failure};
use super::figures::HttpSinkFigures;

/// Posts, and posts again.
pub struct Poster {
    pub sink: String,
    pub client: Client,
    pub initial_backoff: Duration,
    pub longest_backoff: Duration,
    pub figures: Arc<HttpSinkFigures>,
    pub stopped: Stopped,
    /// Whether a stop has been seen.
    pub stopping: bool,
}

impl Poster {
    /// Comes back once it has been taken.
    pub async fn post(&mut self, body: Bytes) {
        let (mut backoff, mut last) = (self.initial_backoff, None);
        loop {
            let failure = match self.client.post(body.clone()).await {
                Ok(()) => break,
                Err(failure) => failure,
            };
            if !matches!(failure, Failure::Status { .. }) {
                self.figures.unanswered.fetch_add(1, Relaxed);
            }
            let wait = jittered(backoff).max(failure.retry_after().unwrap_or_default()).min(self.longest_backoff);
            self.note(&failure, last.as_ref());
            last = Some(failure);
            self.pause(wait).await;
            backoff = (backoff * 2).min(self.longest_backoff);
            self.figures.retries.fetch_add(1, Relaxed);
        }
        self.figures.bytes.fetch_add(body.len() as u64, Relaxed);
        if last.is_some() {
            self.figures.set_failing(None);
            tracing::info!(sink = %self.sink, "events are taken again");
        }
    }

    /// Logs what is new, not every retry.
    fn note(&self, failure: &Failure, last: Option<&Failure>) {
        self.figures.set_failing(Some(failure.to_string()));
        if last.is_none_or(|last| !last.is_like(failure)) {
            tracing::warn!(sink = %self.sink, "events are not taken, which is tried again until they are: {failure}");
        }
    }

    /// On a stop there is not much time left: then it is tried at once, and often.
    async fn pause(&mut self, wait: Duration) {
        if self.stopping {
            return tokio::time::sleep(wait.min(self.initial_backoff)).await;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stopped.wait() => self.stopping = true,
        }
    }
}

/// Between half of it and all of it, so that those who failed together do not come back together.
fn jittered(backoff: Duration) -> Duration {
    backoff.mul_f64(0.5 + 0.5 * fastrand::f64())
}
