//! The commands, a file each.

mod bench;
mod check;
mod generate;
mod plugin;
mod replay;
mod run;
mod state;
mod summary;
mod top;

pub use bench::bench;
pub use check::check;
pub use generate::generate;
pub use plugin::plugin;
pub use replay::replay;
pub use run::run;
pub use state::state;
pub use top::top;

use std::path::Path;

use crate::assembly::Assembly;
use crate::config::{Config, ConfigError, load};

/// Why a command ended badly.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong: code 2.
    Config(ConfigError),
    /// It was used wrongly: code 2.
    Usage(String),
    /// It failed: code 1.
    Run(Box<dyn std::error::Error>),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<crate::execute::RunError> for Failure {
    fn from(error: crate::execute::RunError) -> Self {
        if error.is_refusal() { Self::Usage(error.to_string()) } else { Self::Run(error.into()) }
    }
}

/// Reads a configuration file, and what is laid over it.
fn read_config(path: &Path, sets: &[String], shards: Option<u16>) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
    let sets = with_shards(sets, shards);
    Ok(load(&path.display().to_string(), &text, &sets, &|name| std::env::var(name).ok())?)
}

/// `--shards N` is `--set shards=N`.
fn with_shards(sets: &[String], shards: Option<u16>) -> Vec<String> {
    sets.iter().cloned().chain(shards.map(|shards| format!("shards={shards}"))).collect()
}

/// Loads its plugins, too. Those that are files are looked for beside the configuration.
fn assemble_beside(path: &Path, config: Config) -> Result<Assembly, Failure> {
    Ok(Assembly::new(config, path.parent().unwrap_or(Path::new("")))?)
}
