//! The way of a whole request: from whichever door read it, through the feeder that admits it, to the answer that says what became of it.
//!
//! A request that comes again, because its answer was lost, must not count twice: it is known by its id, and gets the first one's answer.

mod feeder;
mod held;
mod inlet;
mod known;
mod reply;
mod under_way;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use eyas_event::Buffer;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

pub use feeder::Feeder;
use feeder::Job;
pub use held::{Held, Pool};
pub use inlet::Inlet;
use known::Known;
pub use under_way::UnderWay;

use crate::net::{Counted, NetFigures, NetLimits, NetSource};

/// Requests that wait for the feeder.
const WAITING: usize = 64;
/// More than any timer is set to.
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a request is known by: a hash of its bytes, or of what its protocol calls it, and of the protocol's name, so that none has those of
/// another.
pub fn request_id(protocol: &[u8], bytes: &[u8]) -> u128 {
    xxh3_128_with_seed(bytes, xxh3_64(protocol))
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is safe.
    Taken,
    /// Some sink did not take all of it.
    NotTaken,
    /// There was no room for it in time; nothing of it was taken in.
    NoRoom,
    /// Nothing is taken in any more.
    Closed,
}

/// Where doors hand requests in. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Shared>);

/// What all connections of a source share.
struct Shared {
    source: String,
    limits: NetLimits,
    figures: Arc<NetFigures>,
    /// Bytes of bodies that wait for admission.
    waiting: Arc<Pool>,
    /// To the feeder; nothing: it is to end.
    queue: mpsc::Sender<Option<Job>>,
    /// Whether the source stops.
    stopping: watch::Sender<bool>,
    /// Whether requests are known when they come again.
    dedupe: bool,
    known: Arc<Known>,
}

impl Intake {
    /// With the feeder's end.
    pub fn new(source: &NetSource, figures: Arc<NetFigures>) -> (Self, mpsc::Receiver<Option<Job>>) {
        let (queue, requests) = mpsc::channel(WAITING);
        let shared = Shared {
            source: source.name.clone(),
            limits: source.limits.clone(),
            figures,
            waiting: Pool::new(source.limits.waiting_bytes),
            queue,
            stopping: watch::Sender::new(false),
            dedupe: source.dedupe,
            known: Arc::default(),
        };
        (Self(Arc::new(shared)), requests)
    }

    /// The source's configured name.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What clients may take of us.
    pub fn limits(&self) -> &NetLimits {
        &self.0.limits
    }

    /// The source's figures.
    pub fn figures(&self) -> &Arc<NetFigures> {
        &self.0.figures
    }

    /// A request's share of the bytes that may wait, none yet.
    pub fn hold(&self) -> Held {
        self.0.waiting.hold()
    }

    /// Whether there is any room for bytes that wait.
    pub fn has_room(&self) -> bool {
        self.0.waiting.has_room()
    }

    /// Waits until there is.
    pub async fn room(&self) {
        self.0.waiting.room().await;
    }

    /// Waits until the source stops: what is under way is answered then, and nothing more is begun.
    pub async fn stopping(&self) {
        // It cannot end without having been told, as we hold the other end.
        let _ = self.0.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Waits until nothing is taken in any more.
    pub async fn ended(&self) {
        self.0.queue.closed().await;
    }

    /// Has everybody know that the source stops, the feeder, too.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        // A feeder that has ended already needs no telling.
        let _ = self.0.queue.send(None).await;
    }

    /// Hands in a request's bytes, in the stream form of the source's encoding, and waits until all of it is safe. `id`: the same for the
    /// same request sent again, for others never; none: it is not known again.
    pub async fn take(&self, bytes: Vec<u8>, id: Option<u128>, held: Held) -> Answer {
        self.take_within(self.0.limits.admission, bytes, id, held, false).await
    }

    /// The same for protocols that have no word for "not now": it waits for room as long as it takes.
    pub async fn take_patiently(&self, bytes: Vec<u8>, id: Option<u128>, held: Held) -> Answer {
        self.take_within(AS_LONG_AS_IT_TAKES, bytes, id, held, false).await
    }

    /// The same for a piece of an event that is too long to be one.
    pub async fn take_piece(&self, bytes: Vec<u8>, held: Held) -> Answer {
        self.take_within(AS_LONG_AS_IT_TAKES, bytes, None, held, true).await
    }

    async fn take_within(&self, within: Duration, bytes: Vec<u8>, id: Option<u128>, held: Held, oversize: bool) -> Answer {
        if bytes.is_empty() {
            return Answer::Taken;
        }
        let shared = &*self.0;
        let until = Instant::now() + within;
        let id = id.filter(|_| shared.dedupe);
        let (reply, mut settled, first) = Known::enter(&shared.known, id);
        let _unacknowledged = Counted::new(&shared.figures.unacknowledged);
        if first {
            let job = Job {
                bytes: Arc::new(Buffer::new(bytes)),
                id,
                ingest_time: crate::ingest_time(),
                until: until.into_std(),
                reply: reply.clone(),
                oversize,
                _held: held,
            };
            match timeout_at(until, shared.queue.send(Some(job))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Answer::Closed,
                Err(_) => return Answer::NoRoom,
            }
        } else {
            shared.figures.repeated.fetch_add(1, Relaxed);
            // They came once already.
            drop((bytes, held));
        }
        match timeout_at(until, settled.wait()).await {
            Ok(answer) => answer,
            // Those before it are in the way.
            Err(_) if reply.withdraw() => Answer::NoRoom,
            Err(_) => settled.wait().await,
        }
    }
}
