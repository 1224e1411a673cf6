//! Other people's programs, which `cargo xtask peers` has put beside the tests.

use std::path::PathBuf;
use std::process::Command;

use crate::eyas;

fn peer(path: &str) -> PathBuf {
    let target = eyas().parent().unwrap().parent().unwrap().join("peers");
    let found = std::fs::canonicalize(target.join(path));
    found.unwrap_or_else(|error| panic!("{}: {error}: `cargo xtask peers` makes it", target.join(path).display()))
}

/// The OpenTelemetry Collector.
pub fn collector() -> Command {
    Command::new(peer("collector/built/otelcol"))
}

/// rotel, a collector in Rust: the program inside its Python package.
pub fn rotel() -> Command {
    let libraries = peer("python/lib");
    let mut found = std::fs::read_dir(&libraries).unwrap().map(|version| version.unwrap().path().join("site-packages/rotel/rotel-agent"));
    Command::new(found.find(|program| program.exists()).unwrap())
}

/// Python, with `fluent-logger`.
pub fn python() -> Command {
    // Not made canonical: that would be the Python of the system, which lacks it.
    peer("python/bin");
    Command::new(eyas().parent().unwrap().parent().unwrap().join("peers/python/bin/python"))
}

/// Node, with `@fluent-org/logger`.
pub fn node() -> Command {
    let mut node = Command::new("node");
    node.env("NODE_PATH", peer("node/node_modules"));
    node
}

/// Our load generator, which was built with the tests.
pub fn load() -> Command {
    let load = eyas().with_file_name("eyas-load");
    assert!(load.exists(), "{} is not there: run `cargo xtask test`, which builds it first", load.display());
    Command::new(load)
}
