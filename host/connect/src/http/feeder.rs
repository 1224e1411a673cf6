//! From requests to slices: a thread that admits whole requests in the order in which they came, and has their answers given.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eyas_codec::Encoding;
use eyas_engine::{Admission, Closed, NotAdmitted, Receipt};
use eyas_event::{Buffer, Partition, Position, Slice, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::body::Held;
use crate::cut::{Cut, Cutter};

/// As good as for ever: a request's first batch is in, so its others must follow.
const FOR_EVER: Duration = Duration::from_secs(1 << 32);
/// Requests that wait for the journal.
const UNLOGGED: usize = 1024;

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

/// A whole request.
pub struct Job {
    /// Its events, a line each.
    pub lines: Arc<Buffer>,
    /// When it was whole.
    pub ingest_time: Timestamp,
    /// Until when its first batch must be in.
    pub until: Instant,
    /// Where its answer goes.
    pub reply: Reply,
    /// Its share of what may wait.
    pub held: Held,
}

/// Where an answer goes. The first one counts.
#[derive(Clone)]
pub struct Reply(Arc<Mutex<Waiting>>);

struct Waiting {
    answer: Option<oneshot::Sender<Answer>>,
    begun: bool,
}

impl Reply {
    /// With the end where the answer comes out.
    pub fn new() -> (Self, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Waiting { answer: Some(sender), begun: false }))), receiver)
    }

    /// Takes a request back. Gives whether nothing of it has been taken in, nor will be.
    pub fn withdraw(&self) -> bool {
        let mut waiting = self.lock();
        if !waiting.begun {
            waiting.answer = None;
        }
        !waiting.begun
    }

    /// It is the request's turn. Gives whether anybody still wants it taken in.
    fn begin(&self) -> bool {
        let mut waiting = self.lock();
        waiting.begun = waiting.answer.as_ref().is_some_and(|answer| !answer.is_closed());
        waiting.begun
    }

    fn give(&self, answer: Answer) {
        if let Some(sender) = self.lock().answer.take() {
            // Who does not wait any more asks again.
            let _ = sender.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Admits requests.
pub struct Feeder<'a> {
    admission: &'a Admission,
    partition: Partition,
    position: Position,
    batch_bytes: usize,
    /// Whoever answers requests once they are in the journal; nobody: they are answered when they are delivered.
    waiter: Option<SyncSender<(Option<u64>, Reply)>>,
}

impl<'a> Feeder<'a> {
    /// The partition goes on at a position.
    pub fn new(admission: &'a Admission, partition: Partition, position: Position, batch_bytes: usize) -> Self {
        Self { admission, partition, position, batch_bytes: batch_bytes.max(1), waiter: None }
    }

    /// Has requests answered once they are in the journal. Other requests are admitted meanwhile, so that one write takes many.
    pub fn answer_when_logged(&mut self) -> io::Result<JoinHandle<()>> {
        let (sender, waiting) = sync_channel::<(Option<u64>, Reply)>(UNLOGGED);
        let admission = self.admission.clone();
        let wait = move || {
            for (number, reply) in waiting {
                let logged = admission.wait_logged(number);
                reply.give(if logged.is_ok() { Answer::Taken } else { Answer::Closed });
            }
        };
        self.waiter = Some(sender);
        thread::Builder::new().name("http journal".into()).spawn(wait)
    }

    /// Admits what comes, until it is told to end, or the engine takes nothing in any more.
    pub fn run(mut self, mut requests: mpsc::Receiver<Option<Job>>) {
        while let Some(Some(job)) = requests.blocking_recv() {
            if self.take(job).is_err() {
                break;
            }
        }
        requests.close();
        while let Ok(job) = requests.try_recv() {
            job.into_iter().for_each(|job| job.reply.give(Answer::Closed));
        }
    }

    fn take(&mut self, job: Job) -> Result<(), Closed> {
        if !job.reply.begin() {
            return Ok(());
        }
        let reply = job.reply.clone();
        let receipt = match &self.waiter {
            Some(_) => Receipt::new(|_| ()),
            None => {
                let reply = reply.clone();
                Receipt::new(move |taken| reply.give(if taken { Answer::Taken } else { Answer::NotTaken }))
            }
        };
        // Held until here, so that the answer below comes first.
        let receipt = Arc::new(receipt);
        let admitted = self.admit(&job, &receipt);
        drop(job.held);
        match admitted {
            Ok(number) => {
                if let Some(waiter) = &self.waiter {
                    return waiter.send((number, reply)).map_err(|_| Closed);
                }
                Ok(())
            }
            Err(NotAdmitted::NoRoom) => {
                reply.give(Answer::NoRoom);
                Ok(())
            }
            Err(NotAdmitted::Closed) => {
                reply.give(Answer::Closed);
                Err(Closed)
            }
        }
    }

    /// Admits one request. Gives the place of its last batch in the input log.
    fn admit(&mut self, job: &Job, receipt: &Arc<Receipt>) -> Result<Option<u64>, NotAdmitted> {
        let mut slice = Slice {
            partition: self.partition,
            position: self.position,
            ingest_time: job.ingest_time,
            buffer: Arc::clone(&job.lines),
            range: 0..job.lines.len(),
            header: None,
            oversize: false,
            turn_end: None,
            request: None,
        };
        let mut within = job.until.saturating_duration_since(Instant::now());
        let mut cutter = Cutter::new(Encoding::Ndjson, usize::MAX);
        let (end, mut logged) = (slice.range.end, None);
        while slice.range.start < end {
            slice.range.end = end;
            if let Cut::Events(length) = cutter.cut(slice.bytes(), self.batch_bytes, true) {
                slice.range.end = slice.range.start + length.max(1);
            }
            logged = self.admission.admit_within(slice.clone(), receipt, within)?;
            within = FOR_EVER;
            slice.position += slice.range.len() as u64;
            self.position = slice.position;
            slice.range.start = slice.range.end;
        }
        Ok(logged)
    }
}
