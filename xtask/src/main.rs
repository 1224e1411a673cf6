//! The repository's own commands: `cargo xtask build|plugins|peers|test|demo|bench|ci`. No dependencies, so that it is compiled in a moment.

mod bench;
mod build;
mod demo;
mod peers;
mod process;
mod test;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  build    the plugins (target/plugins/NAME.wasm), then target/release/eyas with the plugins inside
  plugins  the plugins alone
  peers    other people's programs that the tests speak with (target/peers)
  test     build, peers, then every test of the workspace, documentation included
  demo     build, make events with attacks in them, find the attacks, say what was found
  bench    build, then the benchmarks and a table of rates and peak memory (takes some minutes)
  ci       what runs before a change is taken: .ci/run";

fn main() -> ExitCode {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["build"] => build::build(),
        ["plugins"] => build::plugins(),
        ["peers"] => peers::peers(),
        ["test"] => test::test(),
        ["demo"] => demo::demo(),
        ["bench"] => bench::bench(),
        ["ci"] => test::ci(),
        ["help" | "--help" | "-h"] => {
            process::say(USAGE);
            return ExitCode::SUCCESS;
        }
        _ => {
            process::note(USAGE);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            process::note(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}
