//! A loaded plugin: compiled, linked, described.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre};

use crate::contract::Surface;
use crate::convert::description_from;
use crate::guest::Exports;
use crate::host::Host;
use crate::instance::describe;
use crate::{Fault, Instance, InstanceConfig, Limits, PluginError, Runtime};

/// A plugin that instances can be made of. Cheap to clone; may be used from several threads.
#[derive(Clone, Debug)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

pub(crate) struct Loaded {
    /// Kept alive: its ticker counts the deadlines of all instances.
    pub runtime: Runtime,
    pub linked: InstancePre<Host>,
    pub exports: Exports,
    origin: String,
    description: Description,
    surface: Surface,
}

/// What a plugin says about itself, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Links a component that was compared with the contract, and asks it for its description.
    pub(crate) fn new(runtime: &Runtime, origin: &str, component: &Component, surface: Surface) -> Result<Self, PluginError> {
        let linked = runtime.linker().instantiate_pre(component).map_err(|error| of_another_draft(origin, &error))?;
        let missing = || PluginError::MissingExports { origin: origin.to_owned(), missing: vec!["guest".to_owned()] };
        let exports = Exports::find(component).ok_or_else(missing)?;
        let (runtime, origin) = (runtime.clone(), origin.to_owned());
        let mut loaded = Loaded { runtime, linked, exports, origin, description: Description::default(), surface };
        let description = describe(&loaded)?;
        let description = description_from(description, &Limits::default());
        loaded.description = description.map_err(|reason| PluginError::Description { origin: loaded.origin.clone(), reason })?;
        Ok(Self { loaded: Arc::new(loaded) })
    }

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
        &self.loaded.surface.imports
    }

    /// The functions that it exports, "interface.function", sorted.
    pub fn exports(&self) -> &[String] {
        &self.loaded.surface.exports
    }

    /// A new instance with a memory of its own, configured.
    ///
    /// Errors: [`PluginError::Configuration`] where the guest does not take the configuration, [`PluginError::Fault`] where it fails.
    pub fn instantiate(&self, config: &InstanceConfig) -> Result<Instance, PluginError> {
        Instance::new(&self.loaded, config)
    }
}

impl Loaded {
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The error for an export with other types.
    pub fn of_another_draft(&self, error: &wasmtime::Error) -> PluginError {
        of_another_draft(&self.origin, error)
    }

    /// The error for a guest that failed before it was at work.
    pub fn failed(&self, during: &'static str, fault: Fault) -> PluginError {
        let plugin = match self.description.name.as_str() {
            "" => self.origin.clone(),
            name => format!("{name} {}", self.description.version),
        };
        PluginError::Fault { plugin, during, fault }
    }
}

fn of_another_draft(origin: &str, error: &wasmtime::Error) -> PluginError {
    let reason = format!("its types are not those of {}, it was built for another draft of it: {error:#}", crate::CONTRACT);
    PluginError::Invalid { origin: origin.to_owned(), reason }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Plugin").field("origin", &self.origin).field("description", &self.description).finish_non_exhaustive()
    }
}
