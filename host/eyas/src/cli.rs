//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::logs::LogFormat;

/// Finds attacks in streams of security events
///
/// Events come in (files, standard input), detectors in WebAssembly look at them, and the events go out again, unchanged but for what was
/// found about them. Alerts go out on their own.
#[derive(Debug, Parser)]
#[command(name = "eyas", version, propagate_version = true, disable_help_subcommand = false, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What to log: error, warn, info, debug, trace, or a filter such as eyas_connect=debug; EYAS_LOG says it, too
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// How to write the log, which goes to standard error
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

const EXIT_CODES: &str = "Exit codes:
  0  done; also when SIGTERM or SIGINT asked for the end, or the reader of standard output had seen enough
  1  failed: something could not be read or written, though all else was
  2  wrong usage or configuration: nothing was done
  130, 143  a second SIGINT or SIGTERM stopped it at once";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run detectors over events
    Run(Run),
    /// Say everything that is wrong with a configuration, or what it does
    Check(Check),
    /// List plugins, or look into one
    Plugin(Plugin),
    /// Make synthetic security events with labelled attacks in them
    Generate(Generate),
    /// Measure a configuration: where the time goes
    Bench(Bench),
}

const RUN_EXAMPLES: &str = "Examples:
  Events from standard input, enriched ones to standard output; the time field is found in the first events:
    eyas run -d brute_force -d ddos --alerts alerts.ndjson < events.ndjson > enriched.ndjson

  What a configuration says, with one key set otherwise:
    eyas run eyas.toml --set detectors.brute_force.config.threshold=10

Signals: SIGTERM or SIGINT ends the reading; what was read is still written. A second one stops at once.";

/// Run detectors over events
///
/// With a configuration: what it says. Without one: the detectors named with -d, one after the other, over NDJSON from standard input; the
/// events go to standard output.
#[derive(Debug, Args)]
#[command(after_long_help = RUN_EXAMPLES)]
pub struct Run {
    /// The configuration, a TOML file; without one, -d says what to run
    #[arg(value_name = "CONFIG", required_unless_present = "detectors")]
    pub config: Option<PathBuf>,
    /// A detector to run over standard input: a plugin's name, or the path of a .wasm file; may be repeated
    #[arg(short, long = "detector", value_name = "PLUGIN", conflicts_with = "config")]
    pub detectors: Vec<String>,
    /// With -d: the path of the field that holds the event time; found in the first events if not given
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    pub time_field: Option<String>,
    /// With -d: how the time is written: rfc3339, unix, unix_ms, unix_us, unix_ns or a strftime pattern
    #[arg(long, value_name = "FORMAT", conflicts_with = "config", requires = "time_field")]
    pub time_format: Option<String>,
    /// With -d: where to append alerts, one JSON object a line; to standard error if not given
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub alerts: Option<PathBuf>,
    /// Set a key of the configuration: a TOML value, or else a text; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// How many threads decode, detect and encode; as many as there are cores if not given
    #[arg(long, value_name = "N")]
    pub shards: Option<u16>,
    /// No progress, no summary, and only warnings in the log
    #[arg(short, long)]
    pub quiet: bool,
}

/// Say everything that is wrong with a configuration, or what it does
///
/// Reads the configuration, loads and configures every plugin, and shows what is connected to what, where dead letters go, and what is not
/// safe. Nothing is read or written.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  eyas check config/demo.toml")]
pub struct Check {
    /// The configuration, a TOML file
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Set a key of the configuration: a TOML value, or else a text; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// List plugins, or look into one
#[derive(Debug, Args)]
pub struct Plugin {
    /// What to do.
    #[command(subcommand)]
    pub action: PluginAction,
}

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginAction {
    /// The plugins that are inside this program
    List,
    /// What a plugin says about itself, asks to see, and takes as its configuration
    #[command(after_long_help = "Examples:\n  eyas plugin inspect brute_force\n  eyas plugin inspect target/plugins/ddos.wasm")]
    Inspect {
        /// A plugin's name, or the path of a .wasm file
        #[arg(value_name = "FILE|NAME")]
        plugin: String,
    },
}

const GENERATE_EXAMPLES: &str = "Examples:
  Twenty minutes of a small network, and which attacks are in it:
    eyas generate --count 300000 --rate 250 --labels labels.ndjson > events.ndjson

  Find them:
    eyas generate --count 300000 --rate 250 | eyas run -d brute_force -d ddos > enriched.ndjson

The background stays below half of the default thresholds of brute_force and ddos, at any rate: each alert is about a labelled attack.
The same options give the same bytes.";

/// Make synthetic security events with labelled attacks in them
///
/// Writes NDJSON to standard output: logins, connections and the like of a network, in event-time order, and in them one brute force a minute
/// (20 failures in a minute on one pair of addresses) and one DDoS every third minute (3,000 connections in 30 s from 400 sources to one server).
#[derive(Debug, Args)]
#[command(after_long_help = GENERATE_EXAMPLES)]
pub struct Generate {
    /// How many events
    #[arg(short = 'n', long, value_name = "N", default_value_t = 300_000)]
    pub count: u64,
    /// How many of them a second of event time
    #[arg(long, value_name = "RATE", default_value_t = 1_000.0)]
    pub rate: f64,
    /// How many hosts they come from, 1,000 to 2,048,000
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1_000..=crate::generate::MOST_HOSTS))]
    pub hosts: u64,
    /// Another seed, other events
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Which share of them is written up to a minute of event time after its place, 0 to 1
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0)]
    pub late: f64,
    /// Event time of the first one, RFC 3339
    #[arg(long, value_name = "TIME", default_value = "2026-03-02T08:00:00Z")]
    pub start: String,
    /// Where to write the attacks that are in them, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
}

/// Measure a configuration: where the time goes
///
/// Runs it over its files, and says how many events a second went through, how many nanoseconds of an event went into each stage and each
/// detector, and the peak memory; beside two floors measured right after: only validating the same JSON, and only copying the same bytes.
/// Its sinks write as configured: sinks of type "blackhole" leave that out.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  eyas bench config/bench.toml --shards 1")]
pub struct Bench {
    /// The configuration, a TOML file
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Set a key of the configuration: a TOML value, or else a text; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// How many threads decode, detect and encode
    #[arg(long, value_name = "N")]
    pub shards: Option<u16>,
}
