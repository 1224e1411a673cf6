//! Where plugins come from: out of the program itself, or out of a file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use eyas_plugin::{PluginError, Runtime, RuntimeConfig};

use crate::config::suggest;

/// The project's own plugins, by name.
pub const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What to do where there should be plugins inside and are none.
pub const HOW_TO_EMBED: &str = "this eyas was built without plugins: `cargo xtask build` makes one with them inside";

/// A plugin's bytes, and what they are called in messages.
pub struct Found {
    /// The name of one that is inside, or the path of a file.
    pub origin: String,
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
}

/// A plugin that is nowhere.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NotFound {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// Finds a plugin by its name, or by its path (which has a "/" or ends in .wasm), relative to a folder.
pub fn find(name: &str, folder: &Path) -> Result<Found, NotFound> {
    if name.contains('/') || name.ends_with(".wasm") {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| NotFound {
            message: format!("cannot read the plugin {}: {error}", path.display()),
            help: "a path is relative to the folder of the configuration".to_owned(),
        })?;
        return Ok(Found { origin: path.display().to_string(), bytes: Cow::Owned(bytes) });
    }
    match EMBEDDED.iter().find(|(embedded, _)| *embedded == name) {
        Some((name, bytes)) => Ok(Found { origin: (*name).to_owned(), bytes: Cow::Borrowed(bytes) }),
        None if EMBEDDED.is_empty() => Err(NotFound { message: format!("there is no plugin {name:?}"), help: HOW_TO_EMBED.to_owned() }),
        None => {
            let names = EMBEDDED.iter().map(|(name, _)| *name);
            let help = format!("{} (a file's path has a \"/\" or ends in .wasm)", suggest(name, names));
            Err(NotFound { message: format!("there is no plugin {name:?}"), help })
        }
    }
}

/// What plugins are loaded into, with its cache in a given folder or the user's.
pub fn runtime(cache: Option<PathBuf>) -> Result<Runtime, PluginError> {
    let own = || {
        let base = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = || std::env::var_os("HOME").filter(|path| !path.is_empty()).map(|home| PathBuf::from(home).join(".cache"));
        base.or_else(home).map(|base| base.join("eyas"))
    };
    Runtime::new(RuntimeConfig { cache_dir: cache.or_else(own), ..RuntimeConfig::default() })
}
