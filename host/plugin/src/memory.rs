//! How much memory an instance holds, and the cap on it.

use wasmtime::ResourceLimiter;

const TABLE_ELEMENTS: usize = 100_000;
const CORE_INSTANCES: usize = 256;
const MEMORIES: usize = 16;
const TABLES: usize = 64;

/// Counts all linear memories of an instance together.
#[derive(Debug)]
pub(crate) struct Memory {
    cap: usize,
    held: usize,
    /// What the last allowed growth added, to be taken back if it fails.
    last_growth: usize,
    /// Whether growth was refused in this call. A guest sees the refusal as a plain trap of its allocator.
    denied: bool,
}

impl Memory {
    pub fn new(cap: usize) -> Self {
        Self { cap, held: 0, last_growth: 0, denied: false }
    }

    /// A new call begins.
    pub fn begin(&mut self) {
        self.denied = false;
    }

    pub fn cap(&self) -> usize {
        self.cap
    }

    pub fn held(&self) -> usize {
        self.held
    }

    pub fn was_denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let allowed = self.held.checked_add(growth).is_some_and(|held| held <= self.cap);
        self.last_growth = if allowed { growth } else { 0 };
        self.held += self.last_growth;
        self.denied |= !allowed;
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.held = self.held.saturating_sub(std::mem::take(&mut self.last_growth));
        self.denied = true;
        Ok(())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }

    fn tables(&self) -> usize {
        TABLES
    }
}
