//! Requests by their ids: those that are under way, and those that were taken not long ago.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Answer;
use super::reply::{Reply, Settled};

/// The requests of a source. Bounded in number: the one taken first is forgotten first.
pub struct Known {
    within: Duration,
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<u128, Entry>,
    /// Those that were taken, in that order.
    taken: VecDeque<(Instant, u128)>,
}

enum Entry {
    UnderWay(Reply),
    Taken,
}

/// What is known of a request.
pub enum Asked {
    /// It is to be taken in.
    New(Reply, Settled),
    /// Another like it is being taken in.
    UnderWay(Reply, Settled),
    /// It was taken.
    Taken,
}

impl Known {
    /// Knows requests for a while after they were taken, and so many of them at the most.
    pub fn new(within: Duration, most: usize) -> Self {
        Self { within, most, inner: Mutex::default() }
    }

    /// Asks for a request, which is under way from then on. One without an id is always new.
    pub fn ask(known: &Arc<Self>, id: Option<u128>) -> Asked {
        let Some(id) = id.filter(|_| !known.within.is_zero()) else {
            let (reply, settled) = Reply::new(None);
            return Asked::New(reply, settled);
        };
        let mut inner = known.lock();
        inner.forget(known.within, known.most);
        match inner.by_id.get(&id) {
            Some(Entry::UnderWay(reply)) => Asked::UnderWay(reply.clone(), reply.also()),
            Some(Entry::Taken) => Asked::Taken,
            None => {
                let (reply, settled) = Reply::new(Some((known.clone(), id)));
                inner.by_id.insert(id, Entry::UnderWay(reply.clone()));
                Asked::New(reply, settled)
            }
        }
    }

    /// A request has its answer. Only one that was taken is known any longer: others are to come again.
    pub fn settle(&self, id: u128, answer: Answer) {
        let mut inner = self.lock();
        if answer == Answer::Taken {
            inner.by_id.insert(id, Entry::Taken);
            inner.taken.push_back((Instant::now(), id));
            inner.forget(self.within, self.most);
        } else {
            inner.by_id.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets what was taken too long ago, or is too much.
    fn forget(&mut self, within: Duration, most: usize) {
        while let Some((when, id)) = self.taken.front()
            && (self.taken.len() > most || when.elapsed() >= within)
        {
            self.by_id.remove(id);
            self.taken.pop_front();
        }
    }
}
