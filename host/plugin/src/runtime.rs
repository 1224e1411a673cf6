//! The runtime: one WebAssembly engine with its settings, its clock and its compiled-code cache.

use std::path::PathBuf;

use crate::{Plugin, PluginError};

/// How a runtime is set up.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Where compiled plugins are kept; `None`: each start compiles them anew.
    pub cache_dir: Option<PathBuf>,
    /// The largest plugin that is compiled at all.
    pub plugin_bytes: usize,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { cache_dir: None, plugin_bytes: 64 << 20 }
    }
}

/// What plugins are loaded into. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runtime {}

impl Runtime {
    /// Starts an engine and the thread that counts its time.
    pub fn new(config: RuntimeConfig) -> Result<Self, PluginError> {
        let _ = config;
        Ok(Self {})
    }

    /// Compiles a plugin (or takes it from the cache), compares it with the contract and lets it describe itself. `origin` says in
    /// errors where the bytes come from.
    pub fn load(&self, origin: &str, bytes: &[u8]) -> Result<Plugin, PluginError> {
        let _ = bytes;
        Err(PluginError::Invalid { origin: origin.to_owned(), reason: "not yet".to_owned() })
    }
}
