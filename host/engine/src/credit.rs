//! Credit: how much of a source may be inside at once. The only thing that anybody waits for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::Receipt;

#[derive(Debug, Default)]
struct Account {
    bytes: usize,
    closed: bool,
    /// The number of the next batch.
    next: u64,
    /// The numbers of those that are inside.
    inside: BTreeSet<u64>,
    /// Receipts that are held until all batches before a number are out, in order.
    fences: VecDeque<(u64, Arc<Receipt>)>,
    /// Some sink has not taken something, and so takes nothing any more.
    refused: bool,
}

impl Account {
    /// The receipts that are held no longer.
    fn passed(&mut self) -> Vec<Arc<Receipt>> {
        let oldest = self.inside.first().copied().unwrap_or(self.next);
        let passed = self.fences.iter().take_while(|(before, _)| *before <= oldest).count();
        let passed: Vec<_> = self.fences.drain(..passed).map(|(_, receipt)| receipt).collect();
        passed.iter().filter(|_| self.refused).for_each(|receipt| receipt.refuse());
        passed
    }
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
    number: u64,
    bytes: usize,
    /// Whom to tell what became of the batch.
    receipt: Option<Arc<Receipt>>,
    /// Whether it came as far as to the sinks.
    delivered: AtomicBool,
}

/// Why there is no credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoCredit {
    /// Nobody is let in any more.
    Closed,
    /// Not in time.
    Late,
}

impl Credit {
    pub(crate) fn new(batches: usize, bytes: usize) -> Arc<Self> {
        Arc::new(Self { batches: batches.max(1), bytes, account: Mutex::default(), returned: Condvar::new() })
    }

    /// Waits until there is room for a batch of so many bytes, or until a deadline.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize, receipt: Option<&Arc<Receipt>>, until: Option<Instant>) -> Result<Ticket, NoCredit> {
        let mut account = self.lock();
        loop {
            if account.closed {
                return Err(NoCredit::Closed);
            }
            let inside = account.inside.len();
            if inside == 0 || (inside < self.batches && account.bytes + bytes <= self.bytes) {
                let number = account.next;
                account.next += 1;
                account.inside.insert(number);
                account.bytes += bytes;
                let delivered = AtomicBool::new(false);
                return Ok(Ticket { credit: self.clone(), number, bytes, receipt: receipt.cloned(), delivered });
            }
            account = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.returned.wait(account).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Err(NoCredit::Late),
                Some(left) => self.returned.wait_timeout(account, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Holds a receipt until all that is inside now is out.
    pub(crate) fn fence(&self, receipt: &Arc<Receipt>) {
        let mut account = self.lock();
        let before = account.next;
        account.fences.push_back((before, receipt.clone()));
        let passed = account.passed();
        drop(account);
        drop(passed);
    }

    /// How many batches may be inside.
    pub(crate) fn batches(&self) -> usize {
        self.batches
    }

    /// Batches and bytes that are inside, and how many may be.
    pub(crate) fn figures(&self) -> CreditFigures {
        let account = self.lock();
        CreditFigures { batches: account.inside.len(), bytes: account.bytes, most_batches: self.batches, most_bytes: self.bytes }
    }

    /// Whether nothing more gets in before something is out.
    fn is_used_up(&self) -> bool {
        self.lock().inside.len() >= self.batches
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

/// How much of a source is inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreditFigures {
    /// Batches inside.
    pub batches: usize,
    /// Their bytes.
    pub bytes: usize,
    /// How many batches may be.
    pub most_batches: usize,
    /// How many bytes may be.
    pub most_bytes: usize,
}

impl Ticket {
    /// The batch is on its way to the sinks: from here on it is for them to take it.
    pub(crate) fn deliver(&self) {
        self.delivered.store(true, Ordering::Release);
    }

    /// Whether its source waits for it, or for another.
    pub(crate) fn holds_back(&self) -> bool {
        self.credit.is_used_up()
    }

    /// Nothing has been made of it.
    pub(crate) fn give_back(self) {
        self.deliver();
    }

    /// A sink has not taken it.
    pub(crate) fn refuse(&self) {
        self.credit.lock().refused = true;
        if let Some(receipt) = &self.receipt {
            receipt.refuse();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.delivered.load(Ordering::Acquire) {
            self.refuse();
        }
        let mut account = self.credit.lock();
        account.inside.remove(&self.number);
        account.bytes -= self.bytes;
        let passed = account.passed();
        drop(account);
        self.credit.returned.notify_all();
        // Whoever is told by a receipt may want to know how much is inside.
        drop(passed);
    }
}
