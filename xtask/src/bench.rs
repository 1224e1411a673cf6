//! The benchmarks of the crates, then the program as a whole: rates and peak memory by shards, events and keys.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::build::build;
use crate::process::{Outcome, cargo, eyas, root, run, say, step, target};

/// How many events a run takes; memory must not grow with it.
const EVENTS: [u64; 3] = [1_000_000, 2_000_000, 4_000_000];
/// How many hosts the events come from, and so about how many keys.
const KEYS: [u64; 2] = [10_000, 200_000];
const SHARDS: [u8; 2] = [1, 2];
const CONFIG: &str = "config/bench.toml";

/// Builds and measures.
pub fn bench() -> Outcome {
    build()?;
    step("benchmarks of the crates");
    run(cargo().args(["bench", "--workspace"]))?;
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut rows = Vec::new();
    for keys in KEYS {
        for events in EVENTS {
            let file = folder.join(format!("events.{events}.{keys}.ndjson"));
            if !file.exists() {
                step(&format!("{events} events from {keys} hosts: {}", file.display()));
                let out = std::fs::File::create(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                run(eyas().args(["generate", "--count", &events.to_string(), "--hosts", &keys.to_string()]).stdout(out))?;
            }
            for shards in SHARDS {
                step(&format!("eyas run, {events} events, {keys} hosts, {shards} shards"));
                let (time, peak) = measure(&file, shards)?;
                let rate = events as f64 / time.as_secs_f64();
                rows.push(format!("{events:>9} {keys:>8} {shards:>6} {rate:>12.0} {:>9.1}", peak as f64 / 1024.0));
            }
        }
    }
    step(&format!("where the time goes: eyas bench {CONFIG}"));
    run(eyas().args(["bench", CONFIG]))?;
    say("\nboth detectors, NDJSON from a file, NDJSON to /dev/null\n");
    say("   events    hosts shards     events/s  peak MiB");
    rows.iter().for_each(|row| say(row));
    Ok(())
}

/// How long a run takes, and its largest resident set in KiB.
fn measure(events: &std::path::Path, shards: u8) -> Outcome<(Duration, u64)> {
    let input = std::fs::File::open(events).map_err(|error| format!("{}: {error}", events.display()))?;
    let start = Instant::now();
    let alerts = root().join("target/bench/alerts.ndjson");
    let mut command = eyas();
    command.args(["run", "--quiet", "-d", "brute_force", "-d", "ddos", "--shards", &shards.to_string(), "--alerts"]).arg(alerts);
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

fn high_water(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
