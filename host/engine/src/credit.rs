//! Credit: how much of a source may be inside at once. The only thing that anybody waits for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Account {
    batches: usize,
    bytes: usize,
    closed: bool,
}

/// The credit of one source.
#[derive(Debug)]
pub(crate) struct Credit {
    batches: usize,
    bytes: usize,
    account: Mutex<Account>,
    returned: Condvar,
}

/// One batch's share of its source's credit; comes back when the last output of the batch is dropped.
#[derive(Debug)]
pub struct Ticket {
    credit: Arc<Credit>,
    bytes: usize,
}

impl Credit {
    pub(crate) fn new(batches: usize, bytes: usize) -> Arc<Self> {
        let account = Mutex::new(Account { batches: 0, bytes: 0, closed: false });
        Arc::new(Self { batches: batches.max(1), bytes, account, returned: Condvar::new() })
    }

    /// Waits until there is room for a batch of so many bytes; `None` once closed.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Ticket> {
        let mut account = self.lock();
        loop {
            if account.closed {
                return None;
            }
            let room = account.batches == 0 || (account.batches < self.batches && account.bytes + bytes <= self.bytes);
            if room {
                account.batches += 1;
                account.bytes += bytes;
                return Some(Ticket { credit: self.clone(), bytes });
            }
            account = self.returned.wait(account).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets nobody in any more, and sends away who waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.returned.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut account = self.credit.lock();
        account.batches -= 1;
        account.bytes -= self.bytes;
        self.credit.returned.notify_all();
    }
}
