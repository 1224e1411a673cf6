//! From requests to slices: a thread that admits whole requests in the order in which they came, and has their answers given.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eyas_codec::Form;
use eyas_engine::{Admission, Closed, NotAdmitted, Receipt, Seen};
use eyas_event::{Buffer, Partition, Position, Request, Slice, Timestamp};
use tokio::sync::mpsc;

use super::reply::Reply;
use super::{Answer, Held};
use crate::net::{NetFigures, NetSource};

/// As good as for ever: a request's first batch is in, so its others must follow.
const FOR_EVER: Duration = Duration::from_secs(1 << 32);
/// Requests that wait for the journal.
const UNLOGGED: usize = 1024;

/// A whole request.
pub struct Job {
    /// Its events, in the stream form of the source's encoding.
    pub bytes: Arc<Buffer>,
    /// What it is known by when it comes again.
    pub id: Option<u128>,
    /// When it was whole.
    pub ingest_time: Timestamp,
    /// Until when its first batch must be in.
    pub until: Instant,
    /// Where its answer goes.
    pub reply: Reply,
    /// Whether it is a piece of an event that is too long.
    pub oversize: bool,
    /// Its share of what may wait.
    pub _held: Held,
}

impl Drop for Job {
    /// Nobody waits in vain for one that is given up on its way to the feeder.
    fn drop(&mut self) {
        self.reply.withdraw();
    }
}

/// Admits requests.
pub struct Feeder<'a> {
    admission: &'a Admission,
    partition: Partition,
    position: Position,
    form: Form,
    batch_bytes: usize,
    figures: Arc<NetFigures>,
    /// Whoever answers requests once they are in the journal; nobody: they are answered when they are delivered.
    waiter: Option<SyncSender<(Option<u64>, Reply)>>,
}

impl<'a> Feeder<'a> {
    /// The partition goes on where the source says.
    pub fn new(admission: &'a Admission, partition: Partition, source: &NetSource, figures: Arc<NetFigures>) -> Self {
        let (form, batch_bytes) = (source.decoding.encoding.form(), source.batch_bytes.max(1));
        Self { admission, partition, position: source.position, form, batch_bytes, figures, waiter: None }
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
        thread::Builder::new().name("journal answers".into()).spawn(wait)
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
        // Its bytes do not wait any more.
        drop(job);
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

    /// Admits one request, of one that came before what was not admitted of it. Gives the place of its last batch in the input log.
    fn admit(&mut self, job: &Job, receipt: &Arc<Receipt>) -> Result<Option<u64>, NotAdmitted> {
        let source = self.partition.source;
        let known = match job.id.map_or(Seen::New, |id| self.admission.seen(source, id, job.ingest_time)) {
            Seen::New => 0,
            Seen::Part(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            Seen::Whole => usize::MAX,
        };
        if known > 0 {
            self.figures.repeated.fetch_add(1, Relaxed);
            // What is said of it then is true of all that came before it, and so of what came of it.
            let logged = self.admission.fence(source, receipt);
            if known >= job.bytes.len() {
                return Ok(logged);
            }
        }
        let mut slice = Slice {
            partition: self.partition,
            position: self.position,
            ingest_time: job.ingest_time,
            buffer: Arc::clone(&job.bytes),
            range: known..job.bytes.len(),
            header: None,
            oversize: job.oversize,
            turn_end: None,
            request: None,
        };
        let mut within = job.until.saturating_duration_since(Instant::now());
        let (end, mut logged) = (slice.range.end, None);
        while slice.range.start < end {
            slice.range.end = end;
            let length = if job.oversize { end } else { self.form.head(slice.bytes(), self.batch_bytes) };
            slice.range.end = end.min(slice.range.start + length.max(1));
            let (offset, last) = (slice.range.start as u64, slice.range.end == end);
            slice.request = job.id.map(|id| Request { id, offset, last });
            logged = self.admission.admit_within(slice.clone(), receipt, within)?;
            within = FOR_EVER;
            slice.position += slice.range.len() as u64;
            self.position = slice.position;
            slice.range.start = slice.range.end;
        }
        Ok(logged)
    }
}
