//! A loaded plugin: compiled, linked, described.

use std::sync::Arc;

use crate::{Instance, InstanceConfig, PluginError};

/// A plugin that instances can be made of. Cheap to clone; may be used from several threads.
#[derive(Clone, Debug)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    origin: String,
    description: Description,
    imports: Vec<String>,
    exports: Vec<String>,
}

/// What a plugin says about itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Lower case, digits, underscore.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Raised when entries of older versions can no longer be read as they are.
    pub state_version: u32,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the configuration; a JSON object.
    pub config_schema: String,
    /// Well-known names are listed in wit/README.md.
    pub labels: Vec<(String, String)>,
}

impl Plugin {
    /// Where its bytes came from.
    pub fn origin(&self) -> &str {
        &self.loaded.origin
    }

    /// What it says about itself.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// The functions that it imports, "interface.function", sorted.
    pub fn imports(&self) -> &[String] {
        &self.loaded.imports
    }

    /// The functions that it exports, "interface.function", sorted.
    pub fn exports(&self) -> &[String] {
        &self.loaded.exports
    }

    /// A new instance with a memory of its own, configured.
    ///
    /// Errors: [`PluginError::Configuration`] where the guest does not take the configuration, [`PluginError::Fault`] where it fails.
    pub fn instantiate(&self, config: &InstanceConfig) -> Result<Instance, PluginError> {
        let _ = config;
        Err(PluginError::Configuration(Vec::new()))
    }
}
