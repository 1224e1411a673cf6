//! The runtime: one WebAssembly engine with its settings, its clock and its compiled-code cache.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::cache::{Cache, Key};
use crate::encode::encode;
use crate::host::Host;
use crate::imports::{Offered, link};
use crate::ticker::{Ticker, Ticks};
use crate::{Plugin, PluginError, contract};

/// A guest runs on the stack of the thread that calls it. Threads need this much and what they use themselves: 2 MiB is enough.
const WASM_STACK_BYTES: usize = 1 << 20;

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
pub struct Runtime {
    started: Arc<Started>,
}

struct Started {
    config: RuntimeConfig,
    engine: Engine,
    linker: Linker<Host>,
    offered: Offered,
    cache: Option<Cache>,
    ticker: Ticker,
}

impl Runtime {
    /// Starts an engine and the thread that counts its time. A cache folder that cannot be used is said in the log and done without.
    pub fn new(config: RuntimeConfig) -> Result<Self, PluginError> {
        let engine = Engine::new(&settings()).map_err(|error| PluginError::Engine(format!("{error:#}")))?;
        let (linker, offered) = link(&engine)?;
        let cache = config.cache_dir.as_deref().and_then(|directory| {
            let unused = |error: &_| tracing::warn!("{}: plugins are compiled at each start: {error}", directory.display());
            Cache::open(directory).inspect_err(unused).ok()
        });
        let ticker = Ticker::start(&engine).map_err(|error| PluginError::Engine(error.to_string()))?;
        Ok(Self { started: Arc::new(Started { config, engine, linker, offered, cache, ticker }) })
    }

    /// Compiles a plugin (or takes it from the cache), compares it with the contract and lets it describe itself. `origin` says in
    /// errors where the bytes come from.
    pub fn load(&self, origin: &str, bytes: &[u8]) -> Result<Plugin, PluginError> {
        let Started { config, engine, offered, cache, .. } = &*self.started;
        if bytes.len() > config.plugin_bytes {
            return Err(PluginError::TooLarge { origin: origin.to_owned(), bytes: bytes.len(), limit: config.plugin_bytes });
        }
        let key = Key::new(engine, bytes);
        if let Some(component) = cache.as_ref().and_then(|cache| cache.get(&key, engine)) {
            let surface = contract::compare(origin, engine, &component, offered)?;
            return Plugin::new(self, origin, &component, surface);
        }
        let component = compile(engine, origin, bytes)?;
        let surface = contract::compare(origin, engine, &component, offered)?;
        let plugin = Plugin::new(self, origin, &component, surface)?;
        if let Some(cache) = cache {
            cache.put(&key, &component);
        }
        Ok(plugin)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.started.engine
    }

    pub(crate) fn linker(&self) -> &Linker<Host> {
        &self.started.linker
    }

    pub(crate) fn ticks(&self) -> Ticks {
        self.started.ticker.ticks().clone()
    }
}

/// The same bytes on every processor, an end to every call, and nothing that the contract does not need.
fn settings() -> Config {
    let mut settings = Config::new();
    settings.cranelift_nan_canonicalization(true);
    settings.wasm_relaxed_simd(false);
    settings.epoch_interruption(true);
    settings.max_wasm_stack(WASM_STACK_BYTES);
    settings.concurrency_support(false);
    settings
}

fn compile(engine: &Engine, origin: &str, bytes: &[u8]) -> Result<Component, PluginError> {
    let invalid = |reason: String| PluginError::Invalid { origin: origin.to_owned(), reason };
    match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            let component = encode(bytes).map_err(invalid)?;
            Component::from_binary(engine, &component).map_err(|error| invalid(format!("{error:#}")))
        }
        [0, b'a', b's', b'm', ..] => Component::from_binary(engine, bytes).map_err(|error| invalid(format!("{error:#}"))),
        [] => Err(PluginError::NotWebAssembly { origin: origin.to_owned(), found: "it is empty".to_owned() }),
        _ => {
            let first: String = bytes.iter().take(4).map(|byte| byte.escape_ascii().to_string()).collect();
            Err(PluginError::NotWebAssembly { origin: origin.to_owned(), found: format!("it begins with \"{first}\"") })
        }
    }
}

impl std::fmt::Debug for Started {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Runtime").field("config", &self.config).finish_non_exhaustive()
    }
}
