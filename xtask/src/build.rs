//! The plugins, then the program with the plugins inside.

use std::fs;
use std::path::Path;

use crate::process::{Outcome, cargo, root, run, step, target};
use crate::wasm::{TARGET, Toolchain};

/// Builds everything that ships.
pub fn build() -> Outcome {
    plugins()?;
    step(&format!("the host: {}", target().join("release/eyas").display()));
    // The whole workspace, so that the crates get the same features as under `cargo test` and are compiled once.
    run(cargo().args(["build", "--release", "--workspace"]))
}

/// Builds every plugin.
pub fn plugins() -> Outcome {
    let plugins = names()?;
    step(&format!("plugins for {TARGET}: {}", plugins.join(", ")));
    let mut command = Toolchain::find()?.cargo_build();
    command.args(["--profile", "plugin"]);
    for plugin in &plugins {
        command.args(["--package", plugin]);
    }
    run(&mut command)?;
    let folder = target().join("plugins");
    fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    for old in fs::read_dir(&folder).map_err(|error| at(&folder, &error))?.flatten() {
        // One whose source is gone must not stay inside the host.
        if !plugins.iter().any(|plugin| old.file_name() == *format!("{plugin}.wasm")) {
            fs::remove_file(old.path()).map_err(|error| at(&old.path(), &error))?;
        }
    }
    plugins.iter().try_for_each(|plugin| publish(plugin, &folder))
}

/// The names of all plugins: the packages under `plugins/` that become a module of their own.
fn names() -> Outcome<Vec<String>> {
    let folder = root().join("plugins");
    let manifests = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?;
    let mut names = Vec::new();
    for entry in manifests {
        let manifest = entry.map_err(|error| at(&folder, &error))?.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        if value(&text, "[lib]", "crate-type").is_some_and(|kinds| kinds.contains("cdylib")) {
            let name = value(&text, "[package]", "name").ok_or_else(|| format!("{}: there is no name", manifest.display()))?;
            names.push(name.trim_matches('"').to_owned());
        }
    }
    names.sort();
    if names.is_empty() { Err(format!("{}: no package with crate-type cdylib", folder.display())) } else { Ok(names) }
}

/// The value of a key in one table of a manifest, as written.
fn value<'a>(manifest: &'a str, table: &str, key: &str) -> Option<&'a str> {
    let table = manifest.lines().skip_while(|line| *line != table).skip(1).take_while(|line| !line.starts_with('['));
    let mut values = table.filter_map(|line| line.split_once('=')).filter(|(name, _)| name.trim() == key);
    values.next().map(|(_, value)| value.trim())
}

/// Puts a built plugin at `target/plugins/NAME.wasm`; only if it changed, so that the host that holds it is not built again.
fn publish(plugin: &str, folder: &Path) -> Outcome {
    let built = target().join(TARGET).join("plugin").join(format!("{}.wasm", plugin.replace('-', "_")));
    let place = folder.join(format!("{plugin}.wasm"));
    let module = fs::read(&built).map_err(|error| at(&built, &error))?;
    if fs::read(&place).is_ok_and(|old| old == module) {
        return Ok(());
    }
    fs::write(&place, &module).map_err(|error| at(&place, &error))?;
    step(&format!("{}: {} bytes", place.display(), module.len()));
    Ok(())
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn only_the_library_decides_whether_a_package_is_a_plugin() {
        let sdk = "[package]\nname = \"sdk\"\n[[example]]\ncrate-type = [\"cdylib\"]\n";
        assert_eq!(value(sdk, "[lib]", "crate-type"), None);
        let plugin = "[package]\nname = \"ddos\"\n\n[lib]\ncrate-type=[\"cdylib\", \"rlib\"]\n";
        assert_eq!(value(plugin, "[lib]", "crate-type"), Some("[\"cdylib\", \"rlib\"]"));
        assert_eq!(value(plugin, "[package]", "name"), Some("\"ddos\""));
    }
}
