//! How a source learns what became of what it brought.

use std::sync::atomic::{AtomicBool, Ordering};

/// Stands for all batches of one request; each holds it. When the last has left the engine the source is told, from whichever thread
/// that happens on.
pub struct Receipt {
    refused: AtomicBool,
    settle: Option<Box<dyn FnOnce(bool) + Send + Sync>>,
}

impl Receipt {
    /// `settle` is called once, with whether every acknowledging sink has taken everything. It must not wait.
    pub fn new(settle: impl FnOnce(bool) + Send + Sync + 'static) -> Self {
        Self { refused: AtomicBool::new(false), settle: Some(Box::new(settle)) }
    }

    /// Something of it was not taken.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(settle) = self.settle.take() {
            settle(!self.refused.load(Ordering::Acquire));
        }
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Receipt").field("refused", &self.refused).finish_non_exhaustive()
    }
}
