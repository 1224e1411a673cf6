//! The tests, and what runs before a change is taken.

use std::process::Command;

use crate::build::build;
use crate::peers::peers;
use crate::process::{Outcome, cargo, root, run, step};

/// Builds, then runs every test of the workspace; the end-to-end tests find the program that was just built.
pub fn test() -> Outcome {
    build()?;
    peers()?;
    step("tests: units, properties, end to end, documentation");
    run(cargo().args(["test", "--release", "--workspace"]))
}

/// The same script that the integration server runs.
pub fn ci() -> Outcome {
    run(Command::new(".ci/run").current_dir(root()))
}
