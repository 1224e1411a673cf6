//! The plugins, then the program with the plugins inside.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Outcome, cargo, root, run, step, target};
use crate::wasm::{TARGET, Toolchain};

/// Builds everything that ships.
pub fn build() -> Outcome {
    let plugins = plugins()?;
    step(&format!("plugins for {TARGET}: {}", plugins.join(", ")));
    let mut command = Toolchain::find()?.cargo_build();
    command.args(["--profile", "plugin"]);
    for plugin in &plugins {
        command.args(["--package", plugin]);
    }
    run(&mut command)?;
    for plugin in &plugins {
        publish(plugin)?;
    }
    step(&format!("the host: {}", target().join("release/eyas").display()));
    // The whole workspace, so that the crates get the same features as under `cargo test` and are compiled once.
    run(cargo().args(["build", "--release", "--workspace"]))
}

/// The names of all plugins: the packages under `plugins/` that become a module of their own.
fn plugins() -> Outcome<Vec<String>> {
    let folder = root().join("plugins");
    let manifests = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?;
    let mut names = Vec::new();
    for entry in manifests {
        let manifest = entry.map_err(|error| at(&folder, &error))?.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        if text.lines().any(|line| line.starts_with("crate-type") && line.contains("cdylib")) {
            let name = text.lines().find_map(|line| line.strip_prefix("name = "));
            let name = name.ok_or_else(|| format!("{}: a package has a line `name = \"…\"`", manifest.display()))?;
            names.push(name.trim_matches('"').to_owned());
        }
    }
    names.sort();
    if names.is_empty() { Err(format!("{}: no package with crate-type cdylib", folder.display())) } else { Ok(names) }
}

/// Puts a built plugin at `target/plugins/NAME.wasm`; only if it changed, so that the host that holds it is not built again.
fn publish(plugin: &str) -> Outcome {
    let built = target().join(TARGET).join("plugin").join(format!("{}.wasm", plugin.replace('-', "_")));
    let folder = target().join("plugins");
    let place: PathBuf = folder.join(format!("{plugin}.wasm"));
    let module = fs::read(&built).map_err(|error| at(&built, &error))?;
    if fs::read(&place).is_ok_and(|old| old == module) {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    fs::write(&place, &module).map_err(|error| at(&place, &error))?;
    step(&format!("{}: {} bytes", place.display(), module.len()));
    Ok(())
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
