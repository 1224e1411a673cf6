//! The program as a whole: rates and peak memory by keys, events and shards; where the time goes; then the benchmarks of the crates.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::build::build;
use crate::process::{Outcome, cargo, eyas, root, run, say, step};

/// How many events a run takes; memory must not grow with it.
const EVENTS: [u64; 3] = [1_000_000, 2_000_000, 4_000_000];
/// How many hosts the events come from. `ddos` goes by source here, so these are about its keys.
const HOSTS: [u64; 2] = [10_000, 200_000];
const SHARDS: [u8; 2] = [1, 2];
/// Each run is measured so often, and the fastest counts: the first one also fills the plugin cache.
const RUNS: usize = 3;
/// Events a second of event time: the shortest run is longer than any window is kept, so that memory is at its height in all of them, and
/// within that time most hosts are seen.
const RATE: &str = "5000";
const BY_SOURCE: [&str; 4] =
    ["--set", r#"detectors.ddos.config.key=["source_ip"]"#, "--set", r#"detectors.ddos.config.distinct="destination_ip""#];
const CONFIG: &str = "config/bench.toml";
/// What that reads.
const CONFIG_EVENTS: &str = "events.1000000.10000.ndjson";
const FOLDER: &str = "target/bench";

/// Builds and measures.
pub fn bench() -> Outcome {
    build()?;
    let folder = root().join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut rows = Vec::new();
    for hosts in HOSTS {
        for events in EVENTS {
            step(&format!("{events} events from {hosts} hosts"));
            let path = folder.join("events.ndjson");
            generate(&path, &["--count", &events.to_string(), "--hosts", &hosts.to_string(), "--rate", RATE])?;
            for shards in SHARDS {
                let (time, peak) = fastest(&path, shards)?;
                let rate = events as f64 / time.as_secs_f64();
                rows.push(format!("{events:>9} {hosts:>8} {shards:>6} {rate:>12.0} {:>9.1}", peak as f64 / 1024.0));
            }
        }
    }
    say(&format!(
        "\nboth detectors, ddos by source address, NDJSON from a file to /dev/null, fastest of {RUNS}, start and end of the program included\n"
    ));
    say("   events    hosts shards     events/s  peak MiB");
    rows.iter().for_each(|row| say(row));
    // Gigabytes that nobody needs again.
    let _ = std::fs::remove_file(folder.join("events.ndjson"));
    generate(&folder.join(CONFIG_EVENTS), &["--count", "1000000", "--hosts", "10000"])?;
    for shards in SHARDS {
        step(&format!("where the time goes: eyas bench {CONFIG} --shards {shards}"));
        run(eyas().args(["bench", CONFIG, "--shards", &shards.to_string()]))?;
    }
    step("the crates");
    run(cargo().args(["bench", "--workspace"]))
}

fn generate(path: &Path, options: &[&str]) -> Outcome {
    let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    run(eyas().arg("generate").args(options).stdout(file))
}

/// The shortest time of several runs, and the largest resident set of any, in KiB.
fn fastest(events: &Path, shards: u8) -> Outcome<(Duration, u64)> {
    let (mut shortest, mut largest) = (Duration::MAX, 0);
    for _ in 0..RUNS {
        let (time, peak) = measure(events, shards)?;
        (shortest, largest) = (shortest.min(time), largest.max(peak));
    }
    Ok((shortest, largest))
}

fn measure(events: &Path, shards: u8) -> Outcome<(Duration, u64)> {
    let input = File::open(events).map_err(|error| format!("{}: {error}", events.display()))?;
    let mut command: Command = eyas();
    command
        .args(["run", "--quiet", "-d", "brute_force", "-d", "ddos", "--alerts", "/dev/null", "--shards", &shards.to_string()])
        .args(BY_SOURCE);
    let start = Instant::now();
    let mut child = command.stdin(input).stdout(Stdio::null()).spawn().map_err(|error| format!("eyas: {error}"))?;
    let mut peak = 0;
    loop {
        // The kernel's high-water mark only rises: the last look before the end is near enough.
        peak = high_water(child.id()).unwrap_or(peak);
        if let Some(status) = child.try_wait().map_err(|error| format!("eyas: {error}"))? {
            return if status.success() { Ok((start.elapsed(), peak)) } else { Err(format!("eyas run: {status}")) };
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The largest resident set that a process had so far, in KiB.
fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
