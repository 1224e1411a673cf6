//! The folder of one round: its configuration, and the files that are read once.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::load::Clock;

/// Where everything is.
pub struct Scene {
    /// The folder.
    pub folder: PathBuf,
    /// The program.
    pub eyas: PathBuf,
    /// Where its HTTP source listens.
    pub source: SocketAddr,
    /// The files that are read once, so far.
    pub once: Vec<PathBuf>,
}

impl Scene {
    /// Writes the configuration; alerts are posted to `receiver`. `rogue`: a plugin in place of the one that traps.
    pub fn new(folder: &Path, eyas: &Path, receiver: SocketAddr, rogue: Option<&Path>) -> Outcome<Self> {
        let source = free_address()?;
        for sub in ["once", "follow"] {
            fs::create_dir_all(folder.join(sub)).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        let module = match rogue {
            Some(path) => fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None => trapping(),
        };
        fs::write(folder.join("rogue.wasm"), module).map_err(|error| format!("cannot write the plugin: {error}"))?;
        let text = configuration(source, receiver);
        fs::write(folder.join("eyas.toml"), text).map_err(|error| format!("cannot write the configuration: {error}"))?;
        let eyas = fs::canonicalize(eyas).map_err(|error| format!("no program at {}: {error}", eyas.display()))?;
        Ok(Self { folder: folder.to_owned(), eyas, source, once: Vec::new() })
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The program, to be run in the folder, with a plugin cache that all rounds share.
    pub fn command(&self, arguments: &[&str]) -> Outcome<Command> {
        let log = File::options().create(true).append(true).open(self.path("log.txt")).map_err(|error| format!("log.txt: {error}"))?;
        let cache = self.eyas.ancestors().nth(2).unwrap_or(&self.folder).join("tests-cache");
        let mut command = Command::new(&self.eyas);
        command.args(arguments).current_dir(&self.folder).env("XDG_CACHE_HOME", cache).env_remove("EYAS_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    /// Some more files that are read once, whose event times interleave. They are there from the program's next start on.
    pub fn add_files(&mut self, rng: &mut fastrand::Rng, clock: &Clock, most_events: u64) -> Outcome {
        // A pattern that matches nothing is refused.
        let fewest = if self.once.is_empty() { 2 } else { 0 };
        for _ in 0..rng.u32(fewest..=2) {
            let path = self.path(&format!("once/{:04}.ndjson", self.once.len()));
            let (count, start) = (rng.u64(1..=most_events), clock.now() + rng.u64(0..40));
            let count = count.max(10);
            // A minute of event time each.
            let arguments = [
                "generate".to_owned(),
                format!("--count={count}"),
                format!("--rate={:.3}", count as f64 / 60.0),
                "--hosts=1000".to_owned(),
                format!("--seed={}", rng.u32(..)),
                "--late=0.05".to_owned(),
                format!("--start={}", Clock::written(start, 'T') + "Z"),
            ];
            // Only whole files are seen by a program that starts.
            let made = path.with_extension("part");
            let out = File::create(&made).map_err(|error| format!("{}: {error}", made.display()))?;
            let ended = self.command(&arguments.each_ref().map(String::as_str))?.stdout(out).status();
            if !ended.as_ref().is_ok_and(|status| status.success()) {
                return Err(format!("eyas generate ended with {ended:?}"));
            }
            fs::rename(&made, &path).map_err(|error| format!("{}: {error}", path.display()))?;
            self.once.push(path);
        }
        Ok(())
    }

    /// How many bytes are in the folder.
    pub fn bytes(&self) -> u64 {
        fn sum(folder: &Path) -> u64 {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.metadata().map_or(0, |found| if found.is_dir() { sum(&entry.path()) } else { found.len() })).sum()
        }
        sum(&self.folder)
    }
}

/// A plugin that sees all events, and fails over those whose `poison` is not 0.
fn trapping() -> Vec<u8> {
    let mut guest = eyas_hostile::Guest::new();
    let (poison, scratch) = (guest.text("poison"), eyas_hostile::SCRATCH);
    let rows = format!(
        "(call $batch.s64 (i32.const 0) (i32.const {scratch}))
         (local.set $j (i32.load (i32.const {scratch})))
         (block $all (loop $rows
           (br_if $all (i32.ge_u (local.get $i) (local.get $rows)))
           (if (i64.ne (i64.load (i32.add (local.get $j) (i32.mul (local.get $i) (i32.const 8)))) (i64.const 0)) (then (unreachable)))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br $rows)))"
    );
    guest.on("configure", &format!("(drop (call $setup.s64 {poison}))")).on("process", &rows).build()
}

/// An address where nobody listens just now.
fn free_address() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map_err(|error| format!("no free port: {error}"))
}

/// Every kind of source, both detectors and one that traps in a chain, every kind of sink. Few keys are kept, so that some are evicted, and a source is soon
/// called silent, so that there are marks.
fn configuration(source: SocketAddr, receiver: SocketAddr) -> String {
    let time =
        |name: &str| format!("[sources.{name}.time]\nfield = \"timestamp\"\nformat = \"%Y-%m-%d %H:%M:%S\"\nmax_lateness_secs = 30\n");
    format!(
        r#"state_dir = "state"
keep_log = true
checkpoint_secs = 1
batch.max_age_ms = 5

[sources.once]
type = "file"
include = ["once/*.ndjson"]
credit.batches = 2
{}
[sources.follow]
type = "file"
follow = true
include = ["follow/app.log*"]
idle_secs = 1
{}
[sources.pipe]
type = "stdin"
idle_secs = 1
{}
[sources.web]
type = "http"
address = "{source}"
idle_secs = 1
on_idle = "clock"
{}
[detectors.rogue]
plugin = "./rogue.wasm"
inputs = ["once", "follow", "pipe", "web"]

[detectors.brute_force]
plugin = "brute_force"
inputs = ["rogue"]
config = {{ max_keys = 2048 }}

[detectors.ddos]
plugin = "ddos"
inputs = ["brute_force"]

[sinks.events]
type = "file"
inputs = ["ddos"]
path = "events.ndjson"

[sinks.rotated]
type = "file"
inputs = ["ddos"]
path = "rotated.ndjson"
rotate.max_bytes = 1000000

[sinks.alerts]
type = "file"
inputs = ["rogue.alerts", "brute_force.alerts", "ddos.alerts"]
path = "alerts.ndjson"

[sinks.posted]
type = "http"
inputs = ["rogue.alerts", "brute_force.alerts", "ddos.alerts"]
uri = "http://{receiver}/alerts"
request.retry_max_duration_secs = 1
batch.max_bytes = 20000
"#,
        time("once"),
        time("follow"),
        time("pipe"),
        time("web"),
    )
}
