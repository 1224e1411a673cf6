//! The program: configuration, command line, logs. What it does is in the crates below it; this one puts them together.

mod admin;
mod assembly;
mod cli;
mod command;
mod config;
mod execute;
mod generate;
mod logs;
mod plugins;
mod text;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use command::Failure;

/// Threads allocate on one and free on another all the time here; this one is good at it, and gives memory back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let quiet = match &cli.command {
        Command::Run(run) => run.quiet,
        Command::Replay(replay) => replay.quiet,
        // It draws where the log would go.
        Command::Top(_) => true,
        _ => false,
    };
    let given = |filter: &String| !filter.is_empty();
    let filter = cli.log.clone().filter(given).or_else(|| std::env::var("EYAS_LOG").ok().filter(given));
    let filter = filter.unwrap_or_else(|| if quiet { "warn" } else { "info" }.to_owned());
    if let Err(error) = logs::start(&filter, cli.log_format) {
        text::complain(&format!("error: {error}"));
        return ExitCode::from(2);
    }
    let result = match &cli.command {
        Command::Run(options) => command::run(options),
        Command::Check(options) => command::check(options),
        Command::Plugin(options) => command::plugin(options),
        Command::Generate(options) => command::generate(options),
        Command::Bench(options) => command::bench(options),
        Command::State(options) => command::state(options),
        Command::Replay(options) => command::replay(options),
        Command::Top(options) => command::top(options),
    };
    // What nobody could read has not been done.
    let result = match text::unsaid() {
        Some(error) if result.is_ok() => Err(Failure::Run(format!("cannot write to standard output: {error}").into())),
        _ => result,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Config(error)) => {
            text::complain(&error.render(text::in_colour()));
            ExitCode::from(2)
        }
        Err(Failure::Usage(message)) => {
            text::complain(&format!("error: {message}"));
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            text::complain(&format!("error: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each once: many say their cause themselves.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
