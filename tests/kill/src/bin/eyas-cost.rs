//! `eyas-cost`: what durability costs, measured with the real program; with and without in turns, so that what else the machine does
//! meets both.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

/// Measures what durability costs
#[derive(Parser)]
struct Asked {
    /// What to measure
    what: What,
    /// How often each is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// How many shards
    #[arg(long, value_name = "N", default_value_t = 2)]
    shards: u8,
    /// Where to write some gigabytes, which are removed
    #[arg(long, value_name = "DIR", default_value = "target/cost")]
    folder: PathBuf,
    /// The program; the one beside this one if not given
    #[arg(long, value_name = "FILE")]
    eyas: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Throughput over files with 200,000 live keys: without a state folder, and with checkpoints every 10 s and every second
    Checkpoints,
    /// Standard input at 300,000 events/s and as fast as it goes: without a journal, with one, and with every write made safe
    Journal,
    /// A start with 1,000,000 keys in each of two detectors
    Recovery,
}

type Outcome<T = ()> = Result<T, String>;

/// Events in a file, and how many names it has: a file can be read many times over.
const EVENTS: u64 = 1_000_000;
const NAMES: u64 = 12;
/// A pipe is fed for so long.
const FEED: Duration = Duration::from_secs(15);
const RATE: u64 = 300_000;

fn main() -> ExitCode {
    let asked = Asked::parse();
    let beside = || std::env::current_exe().unwrap_or_default().with_file_name("eyas");
    let eyas = asked.eyas.clone().unwrap_or_else(beside);
    let measured = fs::canonicalize(&eyas).map_err(|error| format!("no program at {}: {error}", eyas.display())).and_then(|eyas| {
        fs::create_dir_all(&asked.folder).map_err(|error| error.to_string())?;
        let bench = Bench { eyas, folder: asked.folder.clone(), runs: asked.runs.max(1), shards: asked.shards };
        match asked.what {
            What::Checkpoints => bench.checkpoints(),
            What::Journal => bench.journal(),
            What::Recovery => bench.recovery(),
        }
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    eyas: PathBuf,
    folder: PathBuf,
    runs: usize,
    shards: u8,
}

impl Bench {
    /// Every host is a key, and most of the 200,000 are seen within a window.
    fn checkpoints(&self) -> Outcome {
        self.generate("events.ndjson", &["--count", &EVENTS.to_string(), "--hosts", "200000", "--rate", "5000"])?;
        let names: Vec<PathBuf> = (0..NAMES).map(|number| self.folder.join(format!("again-{number:02}.ndjson"))).collect();
        for name in &names {
            let _ = fs::remove_file(name);
            fs::hard_link(self.folder.join("events.ndjson"), name).map_err(|error| error.to_string())?;
        }
        self.configure("type = \"file\"\ninclude = [\"again-*.ndjson\"]", None)?;
        let kinds =
            [("no state folder", vec![]), ("every 10 s", durable(&["checkpoint_secs=10"])), ("every 1 s", durable(&["checkpoint_secs=1"]))];
        let mut rates = vec![Vec::new(); kinds.len()];
        let mut costs = rates.clone();
        for _ in 0..self.runs {
            for (((name, sets), rates), costs) in kinds.iter().zip(&mut rates).zip(&mut costs) {
                let _ = fs::remove_dir_all(self.folder.join("state"));
                let (before, since) = (children_time()?, Instant::now());
                if !self.command("run", sets).status().is_ok_and(|status| status.success()) {
                    return Err(format!("{name}: eyas failed"));
                }
                let (passed, used) = (since.elapsed(), children_time()?.saturating_sub(before));
                let events = (EVENTS * NAMES) as f64;
                eprintln!("{name}: {passed:.2?}, {used:.2?} of processors");
                rates.push(events / passed.as_secs_f64());
                costs.push(used.as_secs_f64() * 1e9 / events);
            }
        }
        let shown = kinds.each_ref().map(|(name, _)| *name);
        report(&shown, &mut rates, "events/s");
        report(&shown, &mut costs, "ns of processors an event");
        for name in names {
            let _ = fs::remove_file(name);
        }
        self.clean()
    }

    fn journal(&self) -> Outcome {
        self.generate("events.ndjson", &["--count", &EVENTS.to_string(), "--hosts", "10000"])?;
        let events = fs::read(self.folder.join("events.ndjson")).map_err(|error| error.to_string())?;
        self.configure("type = \"stdin\"", None)?;
        let kinds = [
            ("no state folder", vec![]),
            ("journal = false", durable(&["sources.in.journal=false"])),
            ("sync by interval", durable(&[])),
            ("sync always", durable(&["sync=always"])),
        ];
        let names = kinds.each_ref().map(|(name, _)| *name);
        let mut seconds = vec![Vec::new(); kinds.len()];
        let mut rates = seconds.clone();
        for _ in 0..self.runs {
            for (((name, sets), seconds), rates) in kinds.iter().zip(&mut seconds).zip(&mut rates) {
                let (brought, passed, used) = self.feed(sets, &events, Some(RATE))?;
                let each = used.as_secs_f64() * 1e9 / brought as f64;
                eprintln!("{name}: {brought} events paced in {passed:.2?}, {used:.2?} of processors, {each:.0} ns/event");
                seconds.push(each);
                let (brought, passed, used) = self.feed(sets, &events, None)?;
                let rate = brought as f64 / passed.as_secs_f64();
                eprintln!("{name}: {brought} events in {passed:.2?}, {used:.2?} of processors, {rate:.0} events/s");
                rates.push(rate);
            }
        }
        report(&names, &mut seconds, "ns of processors an event, at 300,000 events/s");
        report(&names, &mut rates, "events/s at most");
        self.clean()
    }

    /// Feeds a pipe. Gives how many events it took, how long that took to the program's end, and what that used of the processors.
    fn feed(&self, sets: &[String], events: &[u8], rate: Option<u64>) -> Outcome<(u64, Duration, Duration)> {
        let _ = fs::remove_dir_all(self.folder.join("state"));
        let before = children_time()?;
        let mut child = self.command("run", sets).stdin(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut pipe = child.stdin.take().ok_or("no pipe")?;
        // Until it reads.
        pipe.write_all(events.get(..=memchr::memchr(b'\n', events).unwrap_or(0)).unwrap_or_default()).map_err(|error| error.to_string())?;
        let average = events.len() as f64 / EVENTS as f64;
        let (since, mut sent, mut place) = (Instant::now(), 0u64, 0);
        while since.elapsed() < FEED {
            let due = rate.map_or(u64::MAX, |rate| (since.elapsed().as_secs_f64() * rate as f64 * average) as u64);
            if sent >= due {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            let left = usize::try_from(due - sent).unwrap_or(usize::MAX).min(256 << 10);
            let piece = events.get(place..events.len().min(place + left)).unwrap_or_default();
            pipe.write_all(piece).map_err(|error| format!("eyas does not read on: {error}"))?;
            (sent, place) = (sent + piece.len() as u64, (place + piece.len()) % events.len());
        }
        drop(pipe);
        if !child.wait().is_ok_and(|status| status.success()) {
            return Err("eyas failed".to_owned());
        }
        let used = children_time()?.saturating_sub(before);
        Ok(((sent as f64 / average) as u64, since.elapsed(), used))
    }

    /// How long a start takes until an event is answered, with nothing in the state folder and with all those keys.
    fn recovery(&self) -> Outcome {
        // Most of so many hosts are seen, and that within one window.
        self.generate("events.ndjson", &["--count", "3000000", "--hosts", "400000", "--rate", "100000"])?;
        let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())?;
        self.configure("type = \"file\"\ninclude = [\"events.ndjson\"]", Some(address))?;
        let _ = fs::remove_dir_all(self.folder.join("state"));
        let sets = durable(&["checkpoint_secs=5"]);
        let (mut child, empty) = self.start(&sets, address)?;
        eprintln!("with nothing: {empty:.2?}");
        self.wait_until_kept();
        for _ in 0..self.runs {
            child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            eprintln!("{}", self.show());
            let (again, time) = self.start(&sets, address)?;
            eprintln!("with these keys: {time:.2?}");
            child = again;
        }
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        self.clean()
    }

    fn start(&self, sets: &[String], address: SocketAddr) -> Outcome<(Child, Duration)> {
        let since = Instant::now();
        let mut child = self.command("run", sets).stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        while since.elapsed() < Duration::from_secs(120) {
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return Err("eyas ended".to_owned());
            }
            if posts(address).unwrap_or(false) {
                return Ok((child, since.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        Err("no answer".to_owned())
    }

    /// What `eyas state show` says; it wants the folder for itself.
    fn show(&self) -> String {
        let out = Command::new(&self.eyas).args(["state", "show", "state"]).current_dir(&self.folder).output();
        out.map_or_else(|error| error.to_string(), |out| String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Waits until no checkpoint has changed anything for longer than between two of them.
    fn wait_until_kept(&self) {
        let newest = || {
            let files = fs::read_dir(self.folder.join("state")).into_iter().flatten().flatten();
            files.filter_map(|file| file.metadata().ok()?.modified().ok()).max()
        };
        let (mut last, mut since) = (newest(), Instant::now());
        let begun = Instant::now();
        while since.elapsed() < Duration::from_secs(12) && begun.elapsed() < Duration::from_secs(300) {
            std::thread::sleep(Duration::from_millis(200));
            let now = newest();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    fn generate(&self, name: &str, options: &[&str]) -> Outcome {
        let file = File::create(self.folder.join(name)).map_err(|error| error.to_string())?;
        let made = Command::new(&self.eyas).arg("generate").args(options).stdout(file).status();
        if made.is_ok_and(|status| status.success()) { Ok(()) } else { Err("eyas generate failed".to_owned()) }
    }

    fn configure(&self, source: &str, web: Option<SocketAddr>) -> Outcome {
        let (listens, inputs) = match web {
            Some(address) => {
                (format!("[sources.web]\ntype = \"http\"\naddress = \"{address}\"\ntime.field = \"timestamp\""), "\"in\", \"web\"")
            }
            None => (String::new(), "\"in\""),
        };
        let time = "time = { field = \"timestamp\", format = \"%Y-%m-%d %H:%M:%S\" }";
        // Where keys are what is measured, every event has one in both; else only in one.
        let by_source = "where = {}, key = [\"source_ip\"], max_keys = 2000000, threshold = 1000000";
        let brute_force = if web.is_some() { by_source } else { "" };
        let text = format!(
            r#"[sources.in]
{source}
{time}

{listens}

[detectors.brute_force]
plugin = "brute_force"
inputs = [{inputs}]
config = {{ {brute_force} }}

[detectors.ddos]
plugin = "ddos"
inputs = ["brute_force"]
config = {{ {by_source}, distinct = "destination_ip" }}

[sinks.events]
type = "blackhole"
inputs = ["ddos"]

[sinks.alerts]
type = "blackhole"
inputs = ["brute_force.alerts", "ddos.alerts"]
"#
        );
        fs::write(self.folder.join("cost.toml"), text).map_err(|error| error.to_string())
    }

    fn command(&self, what: &str, sets: &[String]) -> Command {
        let mut command = Command::new(&self.eyas);
        command.args([what, "cost.toml", "--shards", &self.shards.to_string()]).current_dir(&self.folder);
        if what == "run" {
            command.arg("--quiet");
        }
        sets.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        command
    }

    fn clean(&self) -> Outcome {
        fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())
    }
}

fn durable(sets: &[&str]) -> Vec<String> {
    ["state_dir=state"].iter().chain(sets).map(|set| (*set).to_owned()).collect()
}

/// Whether an event is taken.
fn posts(address: SocketAddr) -> Option<bool> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let body = "{\"timestamp\":\"2026-03-02 08:00:00\"}";
    write!(stream, "POST / HTTP/1.1\r\nhost: eyas\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.starts_with("HTTP/1.1 200"))
}

/// What all children that have ended used of the processors.
fn children_time() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    // Behind the name, which may hold anything: user and system time of children are the 14th and 15th, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// The median of each, and its part of the first.
fn report(names: &[&str], measured: &mut [Vec<f64>], unit: &str) {
    let medians: Vec<f64> = measured
        .iter_mut()
        .map(|runs| {
            runs.sort_by(f64::total_cmp);
            runs.get(runs.len() / 2).copied().unwrap_or_default()
        })
        .collect();
    let first = medians.first().copied().unwrap_or(1.0);
    for (name, median) in names.iter().zip(&medians) {
        eprintln!("{name:<20} {median:>12.0} {unit} ({:+.1} %)", (median / first - 1.0) * 100.0);
    }
}
