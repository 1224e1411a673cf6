//! Bytes that wait: bounded for all connections together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

/// How many bytes may wait at some place.
#[derive(Debug)]
pub struct Pool {
    waiting: AtomicUsize,
    most: usize,
    freed: Notify,
}

/// A share of them; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    pool: Arc<Pool>,
    bytes: usize,
}

impl Pool {
    /// For so many bytes.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { waiting: AtomicUsize::new(0), most, freed: Notify::new() })
    }

    /// A share of it, of nothing yet.
    pub fn hold(self: &Arc<Self>) -> Held {
        Held { pool: self.clone(), bytes: 0 }
    }

    /// Whether there is any room.
    pub fn has_room(&self) -> bool {
        self.waiting.load(Relaxed) < self.most
    }

    /// Waits until there is.
    pub async fn room(&self) {
        loop {
            // Asked for before it is looked, so that what is freed in between is not missed.
            let freed = self.freed.notified();
            if self.has_room() {
                return;
            }
            freed.await;
        }
    }
}

impl Held {
    /// Takes more. Gives whether there was so much.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.pool.waiting.fetch_add(bytes, Relaxed) + bytes <= self.pool.most
    }

    /// Is so much from now on, whether there is room for it or not.
    pub fn set(&mut self, bytes: usize) {
        if bytes >= self.bytes {
            self.take(bytes - self.bytes);
        } else {
            self.pool.waiting.fetch_sub(self.bytes - bytes, Relaxed);
            self.bytes = bytes;
            self.pool.freed.notify_waiters();
        }
    }

    /// How much it is.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waits until there is any room where it is a share of.
    pub async fn room(&self) {
        self.pool.room().await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[tokio::test]
    async fn who_waits_for_room_gets_to_know_when_there_is_some() {
        let pool = Pool::new(10);
        let (mut one, mut other) = (pool.hold(), pool.hold());
        assert!(one.take(4) && other.take(6) && !pool.has_room());
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        one.set(3);
        waiting.await.unwrap();
        assert!(!one.take(2) && !pool.has_room());
        drop((one, other));
        assert!(pool.hold().take(10));
    }
}
