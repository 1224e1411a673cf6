//! `eyas-kill`: the kill test by hand, as long as wanted.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eyas_kill::{Options, kill_test};

/// Kills eyas under load, again and again, and compares what it gave with an undisturbed run
#[derive(Parser)]
struct Asked {
    /// How many times it is killed, or stopped, in each round
    #[arg(long, value_name = "N", default_value_t = 20)]
    kills: u32,
    /// Of the first round; each further one has the next
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many rounds, each in a folder of its own
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u64,
    /// Leave the folders in here, also where all is well
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// A plugin in place of the one that traps over every event with "poison" in it
    #[arg(long, value_name = "FILE")]
    rogue: Option<PathBuf>,
    /// The program; the one beside this one if not given
    #[arg(long, value_name = "FILE")]
    eyas: Option<PathBuf>,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    let beside = || std::env::current_exe().unwrap_or_default().with_file_name("eyas");
    let eyas = asked.eyas.unwrap_or_else(beside);
    let mut failed = 0;
    for seed in asked.seed..asked.seed + asked.rounds {
        let keep = asked.keep.as_ref().map(|folder| folder.join(format!("seed-{seed}")));
        match kill_test(&Options { eyas: eyas.clone(), kills: asked.kills, seed, keep, rogue: asked.rogue.clone() }) {
            Ok(report) => eprintln!("seed {seed}: {report}"),
            Err(error) => {
                failed += 1;
                eprintln!("seed {seed}: FAILED: {error}");
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
