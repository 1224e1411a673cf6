//! Other people's programs that the tests speak with, as they are: an OpenTelemetry Collector, rotel, and two Fluent Forward libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, root, run, step, target};

/// The collector's builder, and what it builds.
const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.160.0";
/// From PyPI: a collector in Rust (the program is inside the package), and Fluent's Python library.
const PYTHON: [&str; 2] = ["rotel==0.0.1a15", "fluent-logger==0.11.1"];
/// From npm: a Forward client and server.
const NODE: &str = "@fluent-org/logger@1.0.10";

/// Makes all of them, each once, under `target/peers`.
pub fn peers() -> Outcome {
    let folder = target().join("peers");
    collector(&folder)?;
    once(&folder.join("python"), &PYTHON.join(" "), "python3 with venv", python)?;
    once(&folder.join("node"), NODE, "node and npm", node)
}

fn collector(folder: &Path) -> Outcome {
    let recipe = root().join("tests/peers/collector.yaml");
    let text = fs::read_to_string(&recipe).map_err(|error| format!("{}: {error}", recipe.display()))?;
    once(&folder.join("collector"), &text, "go, 1.25 or newer", |folder| {
        run(within(folder, Command::new("go").args(["install", BUILDER]).env("GOBIN", folder)))?;
        run(within(folder, Command::new(folder.join("builder")).arg("--config").arg(&recipe)))
    })
}

/// Has Go keep all that it keeps in the folder, where it can be removed.
fn within<'a>(folder: &Path, go: &'a mut Command) -> &'a mut Command {
    let kept = folder.join("go");
    go.env("GOPATH", &kept).env("GOCACHE", kept.join("cache")).env("GOFLAGS", "-modcacherw").current_dir(folder)
}

fn python(folder: &Path) -> Outcome {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", "--pre"])
        .args(PYTHON))
}

fn node(folder: &Path) -> Outcome {
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--cache"]).arg(folder.join("cache"));
    run(install.arg("--prefix").arg(folder).arg(NODE))
}

/// Makes a folder unless it was made of the same already; what was left half made goes first.
fn once(folder: &PathBuf, of: &str, needs: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let stamp = folder.join("made-of");
    if fs::read_to_string(&stamp).is_ok_and(|made_of| made_of == of) {
        return Ok(());
    }
    step(&format!("what the tests speak with: {}", folder.display()));
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at)?;
    }
    fs::create_dir_all(folder).map_err(at)?;
    make(folder).map_err(|message| format!("{message}: it takes {needs}"))?;
    fs::write(&stamp, of).map_err(at)
}
