//! One request at a time, for as long as it takes: sent again until it is taken, or taken apart where it is refused for good.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eyas_codec::{DeadLetter, Form};
use tokio::sync::watch;
use tokio::time::timeout;

use super::figures::NetSinkFigures;
use super::limit::Adaptive;
use super::request::{Origin, Request};
use super::{Client, Failure, FailureKind};
use crate::stop::Stopped;
use crate::{Entrance, Stop};

/// To connect burdens nobody, so the wait for a receiver that is not there does not become longer than this.
const CONNECT: Duration = Duration::from_secs(2);

/// What all lanes of a sink have in common.
pub struct Shared {
    pub name: String,
    pub form: Form,
    pub timeout: Duration,
    pub initial_backoff: Duration,
    pub longest_backoff: Duration,
    pub figures: Arc<NetSinkFigures>,
    pub stop: Stop,
    pub stopped: Stopped,
    /// Where what is refused for good goes; without it that is sent again for ever as well.
    pub letters: Option<Letters>,
    pub adaptive: Option<Mutex<Adaptive>>,
    /// What fails is not tried again.
    pub last: watch::Sender<bool>,
}

/// Where dead letters go.
pub struct Letters {
    pub entrance: Entrance,
    /// The names of the sources.
    pub sources: Vec<String>,
}

/// Something has not been taken, and will not be.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp;

/// A client, and how it is used.
pub struct Lane {
    pub client: Client,
    pub shared: Arc<Shared>,
}

impl Lane {
    /// Comes back once every event of it has been taken, or is a dead letter.
    pub async fn deliver(&mut self, request: &Request) -> Result<(), GivenUp> {
        let Some(failure) = self.send(request).await? else { return Ok(()) };
        let mut left = self.take_apart(request, failure).await?;
        while let Some(request) = left.pop() {
            if let Some(failure) = self.send(&request).await? {
                left.append(&mut self.take_apart(&request, failure).await?);
            }
        }
        Ok(())
    }

    /// What is to be sent in the place of a request that was refused for good, the first of it last.
    async fn take_apart(&self, request: &Request, failure: Failure) -> Result<Vec<Request>, GivenUp> {
        if let Some((first, second)) = request.halve(self.shared.form) {
            return Ok(vec![second, first]);
        }
        self.shared.bury(request, failure).await.map(|()| Vec::new())
    }

    /// Sends until it is taken. Gives why, where it is refused for good instead.
    async fn send(&mut self, request: &Request) -> Result<Option<Failure>, GivenUp> {
        let shared = self.shared.clone();
        let (mut last, mut backoff): (Option<Failure>, _) = (None, shared.initial_backoff);
        loop {
            let begun = Instant::now();
            let answer = timeout(shared.timeout, self.client.send(request.body.clone())).await;
            let failure = answer.unwrap_or_else(|_| Err(shared.late())).err();
            let put_off = failure.as_ref().is_some_and(|failure| shared.letters.is_none() || !failure.is_permanent());
            shared.answered(begun, put_off);
            let failure = match failure {
                Some(failure) if put_off => failure,
                answer => {
                    shared.done(request, answer.as_ref(), last.is_some());
                    return Ok(answer);
                }
            };
            shared.note(&failure, last.as_ref());
            if *shared.last.borrow() {
                return Err(GivenUp);
            }
            let longest = if failure.kind == FailureKind::Connect { shared.longest_backoff.min(CONNECT) } else { shared.longest_backoff };
            let wait = jittered(backoff.min(longest)).max(failure.retry_after().unwrap_or_default()).min(longest);
            last = Some(failure);
            shared.pause(wait).await;
            backoff = (backoff * 2).min(shared.longest_backoff);
            shared.figures.retries.fetch_add(1, Relaxed);
        }
    }
}

impl Shared {
    fn late(&self) -> Failure {
        Failure { kind: FailureKind::Late, told: format!("no answer within {} s", self.timeout.as_secs_f64()) }
    }

    /// Tells whoever finds the limit.
    fn answered(&self, begun: Instant, put_off: bool) {
        let Some(adaptive) = &self.adaptive else { return };
        let mut adaptive = adaptive.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        adaptive.answered(now, now.saturating_duration_since(begun), put_off);
        self.figures.limit.store(adaptive.limit() as u64, Relaxed);
    }

    /// A request was taken, or refused for good. `again`: it had failed before.
    fn done(&self, request: &Request, refused: Option<&Failure>, again: bool) {
        match refused {
            Some(failure) => self.figures.failed(failure),
            None => {
                self.figures.taken.fetch_add(1, Relaxed);
                self.figures.bytes.fetch_add(request.body.len() as u64, Relaxed);
            }
        }
        if again {
            self.figures.set_failing(None);
            tracing::info!(sink = %self.name, "events are taken again");
        }
    }

    /// A request is to be sent again. Logs what is new, not every retry.
    fn note(&self, failure: &Failure, last: Option<&Failure>) {
        self.figures.failed(failure);
        self.figures.set_failing(Some(failure.to_string()));
        if last.is_none_or(|last| !last.is_like(failure)) {
            tracing::warn!(sink = %self.name, "events are not taken, which is tried again until they are: {failure}");
        }
    }

    /// On a stop there is not much time left: then it is tried at once, and often.
    async fn pause(&self, wait: Duration) {
        if self.stop.requested().is_some() {
            return tokio::time::sleep(wait.min(self.initial_backoff)).await;
        }
        let mut last = self.last.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stopped.wait() => {}
            // There is no more of it if whoever tells it is gone.
            _ = last.wait_for(|last| *last) => {}
        }
    }

    /// Makes a dead letter of one event.
    async fn bury(self: &Arc<Self>, request: &Request, failure: Failure) -> Result<(), GivenUp> {
        let (shared, body, epoch, origin) = (self.clone(), request.body.clone(), request.epoch, request.origin());
        // It may have to wait until there is room.
        let pushed = tokio::task::spawn_blocking(move || {
            let letters = shared.letters.as_ref().ok_or(GivenUp)?;
            let newline = if shared.form == Form::Ndjson { body.strip_suffix(b"\n") } else { None };
            let line = letters.line(&shared.name, &failure.told, newline.unwrap_or(&body), origin);
            if shared.figures.dead_letters.fetch_add(1, Relaxed) == 0 {
                tracing::warn!(sink = %shared.name, "an event was refused for good, and is a dead letter now: {}", failure.told);
            }
            letters.entrance.push(&line, epoch).map_err(|_| GivenUp)
        });
        let outcome = pushed.await.unwrap_or(Err(GivenUp));
        outcome.inspect_err(|_| tracing::error!(sink = %self.name, "gives up: whoever takes its dead letters takes nothing any more"))
    }
}

impl Letters {
    fn line(&self, sink: &str, reason: &str, event: &[u8], origin: Origin) -> Vec<u8> {
        let source = origin.source.and_then(|source| self.sources.get(source)).map(String::as_str);
        let letter = DeadLetter { source, position: None, ingest_time: origin.ingest_time, component: sink, reason, event };
        let mut line = Vec::new();
        letter.append(&mut line);
        line
    }
}

/// Between half of it and all of it, so that those who failed together do not come back together.
fn jittered(backoff: Duration) -> Duration {
    backoff.mul_f64(0.5 + 0.5 * fastrand::f64())
}
