//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::logs::LogFormat;

/// Finds attacks in streams of security events
///
/// Events come in (files, standard input, HTTP), detectors in WebAssembly look at them, and the events go out again, unchanged but for what was
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
  2  wrong usage or configuration, or a state folder that is in use: nothing was done
  130, 143  a second SIGINT or SIGTERM stopped it at once";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run detectors over events
    Run(Run),
    /// Go through history once more: the kept input log of a run, or files
    Replay(Replay),
    /// Say everything that is wrong with a configuration, or what it does
    Check(Check),
    /// List plugins, or look into one
    Plugin(Plugin),
    /// Make synthetic security events with labelled attacks in them
    Generate(Generate),
    /// Measure a configuration: where the time goes
    Bench(Bench),
    /// Look into a state folder, or drop the state of a detector
    State(State),
    /// Show a running eyas live
    Top(Top),
}

const RUN_EXAMPLES: &str = "Examples:
  Events from standard input, enriched ones to standard output; the time field is found in the first events:
    eyas run -d brute_force -d ddos --alerts alerts.ndjson < events.ndjson > enriched.ndjson

  What a configuration says, with one key set otherwise:
    eyas run eyas.toml --set detectors.brute_force.config.threshold=10

  With a state_dir, after a run whose input had come to its end: on with its windows as they were, or all anew:
    eyas run eyas.toml --resume
    eyas run eyas.toml --fresh

Signals: SIGTERM or SIGINT ends the reading; what was read is still written, and with a state_dir the windows that are open go on with the
next run. A second one stops at once.";

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
    /// After a run whose input had come to its end: go on from the state before that end
    #[arg(long, conflicts_with_all = ["fresh", "detectors"])]
    pub resume: bool,
    /// Forget the state folder's checkpoints and input log, and begin anew
    #[arg(long, conflicts_with = "detectors")]
    pub fresh: bool,
    /// No progress, no summary, and only warnings in the log
    #[arg(short, long)]
    pub quiet: bool,
}

const REPLAY_EXAMPLES: &str = "Examples:
  The kept input log of a run (keep_log = true), exactly: the same alerts, byte for byte:
    eyas replay eyas.toml --log --alerts again.ndjson

  What another threshold would have found:
    eyas replay eyas.toml --log --set detectors.brute_force.config.threshold=10 > other.ndjson

  Last week's files instead of the source \"shipper\", as fast as the machine can:
    eyas replay eyas.toml --from logs/*.ndjson --source shipper --alerts last_week.ndjson

The sinks of the configuration are left alone, and so is its state folder. With --from the alerts are those of a live run over the same
order of events in which nothing was decided by the clock: no source silent for idle_secs, no on_idle = \"clock\", no quarantine.";

/// Go through history once more: the kept input log of a run, or files
///
/// The same plugins and configuration see the events in the same order. Alerts and events go where the command line says, not to the sinks
/// of the configuration.
#[derive(Debug, Args)]
#[command(after_long_help = REPLAY_EXAMPLES, override_usage = "eyas replay [OPTIONS] <CONFIG> <--log|--from <FILE>...>")]
#[command(group(clap::ArgGroup::new("history").required(true).args(["log", "from"])))]
pub struct Replay {
    /// The configuration, a TOML file
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Replay the input log in its state_dir, from the oldest record that was kept
    // Here this hides the level of the log (EYAS_LOG says that), to which clap copies it: an empty one is none.
    #[arg(long, num_args = 0, default_missing_value = "")]
    pub log: Option<String>,
    /// Replay files instead of what a source reads: plain, gzip or zstd
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// With --from: the source that the files stand for; needed where there are several
    #[arg(long, value_name = "NAME", requires = "from", conflicts_with = "log")]
    pub source: Option<String>,
    /// Where to write alerts, one JSON object a line; to standard output if not given
    #[arg(long, value_name = "FILE")]
    pub alerts: Option<PathBuf>,
    /// Where to write events as after the detectors; nowhere if not given
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
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

impl Replay {
    /// Whether it is the input log that is replayed, and not files.
    pub fn of_log(&self) -> bool {
        self.log.is_some() && self.from.is_empty()
    }
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

/// Look into a state folder, or drop the state of a detector
#[derive(Debug, Args)]
pub struct State {
    /// What to do.
    #[command(subcommand)]
    pub action: StateAction,
}

/// What can be done with state.
#[derive(Debug, Subcommand)]
pub enum StateAction {
    /// What the last checkpoint holds: detectors, sources, sinks, and how large it is. Nothing is changed
    #[command(after_long_help = "Examples:\n  eyas state show eyas.toml\n  eyas state show /var/lib/eyas")]
    Show {
        /// Which folder.
        #[command(flatten)]
        folder: StateFolder,
    },
    /// The entries of detectors, one JSON object a line, sorted. Nothing is changed
    ///
    /// Each has "detector", "group", "key" (the values of the key's fields, null where there is none), "sub_key" (the plugin's own name for
    /// it), "bytes" (how long its value is) and "value" (in hexadecimal: only the plugin knows what is in it). What is no text is an object
    /// with "hex".
    #[command(after_long_help = "Example:\n  eyas state export eyas.toml --detector brute_force > entries.ndjson")]
    Export {
        /// Which folder.
        #[command(flatten)]
        folder: StateFolder,
        /// Of this detector alone
        #[arg(long, value_name = "NAME")]
        detector: Option<String>,
    },
    /// Forget the state of one detector: it begins anew with the next run, and the others go on
    #[command(after_long_help = "Example:\n  eyas state drop eyas.toml --detector brute_force")]
    Drop {
        /// Which folder.
        #[command(flatten)]
        folder: StateFolder,
        /// The detector's name in the configuration
        #[arg(long, value_name = "NAME")]
        detector: String,
    },
}

/// A state folder, or the configuration that names it.
#[derive(Debug, Args)]
pub struct StateFolder {
    /// A configuration with a state_dir, or that folder itself
    #[arg(value_name = "CONFIG|DIR")]
    pub path: PathBuf,
    /// Set a key of the configuration: a TOML value, or else a text; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// Show a running eyas live
///
/// Rates, watermarks, credit, faults and what is waiting, by component, as its [admin] address tells, with what is wrong and what to do on top. Ends with Ctrl-C; where standard output is no
/// terminal it is written once.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  eyas top 127.0.0.1:9555")]
pub struct Top {
    /// The address of [admin] in its configuration
    #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:9555")]
    pub address: String,
}
