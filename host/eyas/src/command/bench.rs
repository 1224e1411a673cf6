//! `eyas bench`.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use eyas_codec::Encoding;
use eyas_engine::Stage;
use serde::de::IgnoredAny;

use super::summary::fail;
use super::{Failure, assemble_beside, read_config};
use crate::assembly::Assembly;
use crate::cli::Bench;
use crate::config::SourceKind;
use crate::execute::{Begin, Ended, execute};
use crate::text::{count, say, thousands};

/// Floors are measured in pieces of this size, as the run reads them.
const PIECE: usize = 1 << 20;

/// Runs a configuration and says where the time went.
pub fn bench(options: &Bench) -> Result<(), Failure> {
    let assembly = assemble_beside(&options.config, read_config(&options.config, &options.sets, options.shards)?)?.ready()?;
    if assembly.plan.sources.iter().any(|source| matches!(source.kind, SourceKind::Stdin)) {
        return Err(Failure::Usage("eyas bench reads files only: the sources may not be of type \"stdin\"".to_owned()));
    }
    let files: Vec<_> = assembly.files.iter().flatten().cloned().collect();
    // So that the run does not wait for a disk.
    for_pieces(&files, |piece| {
        black_box(piece.len());
    });
    let ended = execute(&assembly, Begin::default(), |_| {})?;
    let peak = peak_bytes();
    report(&assembly, &ended, peak);
    let plain = assembly.plan.sources.iter().all(|source| source.decoding.encoding == Encoding::Ndjson);
    if plain && !files.iter().any(|path| is_packed(path.as_path())) {
        floors(&files, ended.counters.of_sources(|source| &source.events));
    }
    fail(ended)
}

fn report(assembly: &Assembly, ended: &Ended, peak: Option<u64>) {
    let counters = &ended.counters;
    let (events, bytes) = (counters.of_sources(|source| &source.events), counters.of_sources(|source| &source.bytes));
    let (passed, each) = (ended.elapsed.as_secs_f64(), events.max(1) as f64);
    say(&format!(
        "{} of {} bytes in {passed:.3} s, {} shards: {} events/s, {:.0} MB/s",
        count(events, "event", "events"),
        bytes / events.max(1),
        assembly.settings.shards,
        thousands((each / passed) as u64),
        bytes as f64 / passed / 1e6,
    ));
    if let Some(peak) = peak {
        say(&format!("peak memory: {:.1} MB", peak as f64 / 1e6));
    }
    say(&format!("\n{:<24} {:>9}", "stage", "ns/event"));
    let mut sum = 0.0;
    for (stage, nanos) in Stage::ALL.iter().zip(&counters.stage_nanos) {
        let nanos = nanos.load(Relaxed) as f64 / each;
        sum += nanos;
        say(&format!("{:<24} {nanos:>9.1}", stage.name()));
    }
    say(&format!("{:<24} {sum:>9.1}", "together, of all shards"));
    let wall = passed * 1e9 / each;
    say(&format!("{:<24} {wall:>9.1}", "by the clock"));
    if !counters.detectors.is_empty() {
        say(&format!("\n{:<24} {:>9} {:>12} {:>9}", "detector", "ns/row", "rows", "alerts"));
    }
    for (detector, figures) in assembly.plan.detectors.iter().zip(&counters.detectors) {
        let (rows, nanos) = (figures.rows.load(Relaxed), figures.nanos.load(Relaxed));
        let each = nanos as f64 / rows.max(1) as f64;
        say(&format!("{:<24} {each:>9.1} {:>12} {:>9}", detector.name, thousands(rows), thousands(figures.alerts.load(Relaxed))));
    }
}

/// What the same bytes cost at the least, on one core, in this very process.
fn floors(files: &[PathBuf], events: u64) {
    let (mut validate, mut copy) = (Duration::ZERO, Duration::ZERO);
    let mut target = vec![0; 2 * PIECE];
    for_pieces(files, |piece| {
        let started = Instant::now();
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            let _ = black_box(serde_json::from_slice::<IgnoredAny>(line));
        }
        validate += started.elapsed();
        let started = Instant::now();
        if let Some(target) = target.get_mut(..piece.len()) {
            target.copy_from_slice(piece);
        }
        black_box(&target);
        copy += started.elapsed();
    });
    let each = |time: Duration| time.as_nanos() as f64 / events.max(1) as f64;
    say(&format!("\n{:<24} {:>9}", "floor, one core", "ns/event"));
    say(&format!("{:<24} {:>9.1}", "validate (serde_json)", each(validate)));
    say(&format!("{:<24} {:>9.1}", "memcpy", each(copy)));
}

/// Calls with all bytes of the files, in pieces of whole lines. A file that cannot be read has been said by the run.
fn for_pieces(files: &[PathBuf], mut each: impl FnMut(&[u8])) {
    let mut piece = Vec::with_capacity(PIECE);
    for path in files {
        let Ok(mut file) = File::open(path) else { continue };
        piece.clear();
        loop {
            let missing = PIECE.saturating_sub(piece.len()) as u64;
            let read = file.by_ref().take(missing).read_to_end(&mut piece).unwrap_or_default();
            let whole = piece.iter().rposition(|&byte| byte == b'\n').map_or(piece.len(), |newline| newline + 1);
            each(piece.get(..whole).unwrap_or_default());
            piece.drain(..whole);
            if read == 0 {
                break;
            }
        }
    }
}

fn is_packed(path: &Path) -> bool {
    let mut first = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && matches!(first, [0x1f, 0x8b] | [0x28, 0xb5])
}

/// The kernel's high-water mark of this process.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
