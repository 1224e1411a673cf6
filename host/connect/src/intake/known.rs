//! Requests that are on their way to an answer, by their ids: one that comes again meanwhile waits for the same answer. Those that have
//! been taken in are known to the engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reply::{Reply, Settled};

/// The requests of a source that are under way. There are no more of them than wait for admission or are in the engine.
#[derive(Default)]
pub struct Known(Mutex<HashMap<u128, Reply>>);

impl Known {
    /// A request comes in; one without an id is like no other. Gives whether it is the first of its like.
    pub fn enter(this: &Arc<Self>, id: Option<u128>) -> (Reply, Settled, bool) {
        let new = |known| {
            let (reply, settled) = Reply::new(known);
            (reply, settled, true)
        };
        let Some(id) = id else { return new(None) };
        let mut replies = this.lock();
        if let Some(reply) = replies.get(&id) {
            return (reply.clone(), reply.also(), false);
        }
        let entered = new(Some((this.clone(), id)));
        replies.insert(id, entered.0.clone());
        entered
    }

    /// A request has its answer.
    pub fn leave(&self, id: u128) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Reply>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
