//! Gathers what comes into requests, and has as many of them under way as there may be.
//!
//! Where nothing is under way, what is there is sent at once, so a lone event never waits. While requests are under way bytes gather; they
//! go when a request is full, when one of those under way comes back, or when they have waited for long enough: so requests become larger
//! by themselves the more there is to send, and more of them are under way only if they are full or the receiver is slow.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use eyas_engine::Delivery;
use eyas_state::SinkState;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::Client;
use super::lane::{GivenUp, Lane, Shared};
use super::window::{Cut, Parcel, Window};

/// So many deliveries are looked at before what is there is sent.
const AT_ONCE: usize = 256;

/// What a request comes back with.
type Back = (Lane, Result<(), GivenUp>);

/// Gathers and sends.
pub struct Gatherer {
    shared: Arc<Shared>,
    /// Of which every lane has another.
    client: Client,
    /// The most bytes of a request.
    size: usize,
    /// How long bytes wait.
    age: Duration,
    /// How many requests may be under way; nothing where that is found by trying.
    concurrency: Option<usize>,
    /// Those that are not in use.
    lanes: Vec<Lane>,
    window: Window,
    under_way: JoinSet<Back>,
    /// What is in them.
    cuts: HashMap<Id, Cut>,
    /// When the first of the bytes that wait has waited for long enough.
    due: Option<Instant>,
    /// What waits is sent as soon as it may be.
    ripe: bool,
    /// Checkpoints that have passed.
    passed: u64,
}

impl Gatherer {
    /// `size`: the most bytes of a request; `age`: how long they wait; `concurrency`: how many requests may be under way, nothing where that
    /// is found by trying.
    pub fn new(shared: Arc<Shared>, client: Client, size: usize, age: Duration, concurrency: Option<usize>) -> Self {
        Self {
            shared,
            client,
            size,
            age,
            concurrency,
            lanes: Vec::new(),
            window: Window::default(),
            under_way: JoinSet::new(),
            cuts: HashMap::new(),
            due: None,
            ripe: false,
            passed: 0,
        }
    }

    /// Until everything that comes has been taken.
    pub async fn run(mut self, mut parcels: UnboundedReceiver<Parcel>) -> Result<(), GivenUp> {
        let mut open = true;
        while open || !self.window.is_empty() {
            let due = self.due.unwrap_or_else(Instant::now);
            tokio::select! {
                Some(back) = self.under_way.join_next_with_id() => self.came_back(back)?,
                parcel = parcels.recv(), if open => match parcel {
                    Some(parcel) => {
                        self.take(parcel);
                        // What is there already belongs together.
                        (1..AT_ONCE).map_while(|_| parcels.try_recv().ok()).for_each(|parcel| self.take(parcel));
                    }
                    None => {
                        open = false;
                        self.ripe = true;
                    }
                },
                () = sleep_until(due), if self.due.is_some() && !self.ripe => self.ripe = true,
            }
            self.send();
        }
        Ok(())
    }

    fn take(&mut self, parcel: Parcel) {
        // Of a source that is out of credit there is only what is here already, and a checkpoint is not to wait.
        self.ripe |= matches!(&parcel, Parcel::Delivery(delivery) if delivery.wants_state() || delivery.holds_back());
        self.window.push(parcel);
        self.pass();
    }

    /// Sends what is to be sent and may be.
    fn send(&mut self) {
        while self.is_due() {
            let Some(cut) = self.window.cut(self.shared.form, self.size) else { break };
            let mut lane = self.lanes.pop().unwrap_or_else(|| Lane { client: self.client.another(), shared: self.shared.clone() });
            let request = cut.request.clone();
            let task = self.under_way.spawn(async move {
                let outcome = lane.deliver(&request).await;
                (lane, outcome)
            });
            self.cuts.insert(task.id(), cut);
            self.shared.under_way(self.under_way.len());
        }
        self.shared.figures.waiting_bytes.store(self.window.waiting() as u64, Relaxed);
        if self.window.waiting() == 0 {
            (self.due, self.ripe) = (None, false);
        } else {
            self.due.get_or_insert_with(|| Instant::now() + self.age);
        }
    }

    fn is_due(&self) -> bool {
        let (waiting, under_way) = (self.window.waiting(), self.under_way.len());
        let limit = self.concurrency.unwrap_or_else(|| self.shared.limit());
        waiting > 0 && under_way < limit && (under_way == 0 || self.ripe || waiting >= self.size)
    }

    /// A request is done.
    fn came_back(&mut self, back: Result<(Id, Back), JoinError>) -> Result<(), GivenUp> {
        // A panic has been told.
        let (id, (lane, outcome)) = back.map_err(|_| GivenUp)?;
        let cut = self.cuts.remove(&id);
        self.shared.under_way(self.under_way.len());
        self.lanes.push(lane);
        self.ripe = true;
        outcome?;
        cut.iter().for_each(|cut| self.window.taken(cut));
        self.pass();
        Ok(())
    }

    /// Lets checkpoints pass before which all has been taken.
    fn pass(&mut self) {
        while let Some(delivery) = self.window.passed() {
            self.shared.save(&delivery, self.passed);
            delivery.accept();
            self.passed += 1;
        }
    }
}

impl Drop for Gatherer {
    /// What a sink that drops has not got rid of by its end is dropped.
    fn drop(&mut self) {
        let (events, bytes) = self.window.copied();
        self.shared.figures.dropped(events, bytes);
    }
}

impl Shared {
    /// So many are under way.
    fn under_way(&self, requests: usize) {
        self.figures.under_way.store(requests as u64, Relaxed);
        if let Some(adaptive) = &self.adaptive {
            adaptive.lock().unwrap_or_else(PoisonError::into_inner).under_way(requests);
        }
    }

    fn limit(&self) -> usize {
        self.adaptive.as_ref().map_or(1, |adaptive| adaptive.lock().unwrap_or_else(PoisonError::into_inner).limit())
    }

    /// Says where the sink stands, at a checkpoint before which there were so many in this run.
    pub fn save(&self, delivery: &Delivery, before: u64) {
        let dead_letters = self.letters.as_ref().map(|letters| letters.entrance.unsettled(before)).unwrap_or_default();
        delivery.save(SinkState { name: self.name.clone(), dead_letters, ..SinkState::default() });
    }
}
