//! How fast records are appended: slices of 4,096 events of 370 bytes, and records that say little. Run it with a folder on the disk that
//! is to be measured: `cargo bench -p eyas-state --bench append -- FOLDER`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not a part of the program")]

use std::time::{Duration, Instant};

use eyas_event::{Partition, Position};
use eyas_state::{Folder, Journal, Record, SliceRecord, Sync};

const EVENTS: usize = 4096;
const SLICE: usize = EVENTS * 370;
/// What is on the disk at a time.
const KEPT: u64 = 400;

fn slice(length: usize) -> Record {
    Record::Slice(SliceRecord {
        partition: Partition { source: 0, number: 0 },
        position: Position::default(),
        length: length as u64,
        ingest_time: 0,
        header: None,
        oversize: false,
        turn_end: None,
        journalled: true,
        request: None,
    })
}

/// How much processor time this process took so far.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

/// Appends for some seconds, so many records a second (none: as fast as it goes); waits for each record but the last `behind`.
fn measure(name: &str, dir: &std::path::Path, sync: Sync, length: usize, behind: u64, pace: Option<u32>) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let journal = Journal::open(&Folder::open(dir.path()).unwrap(), 0, sync, false).unwrap();
    let (record, bytes) = (slice(length), vec![b'x'; length]);
    let cut = if length > 1000 { KEPT } else { 1_000_000 };
    let (begun, cpu) = (Instant::now(), processor());
    let (mut appending, mut slowest, mut count) = (Duration::ZERO, Duration::ZERO, 0u64);
    while begun.elapsed() < Duration::from_secs(5) {
        let before = Instant::now();
        let number = journal.append(&record, &bytes).unwrap();
        let took = before.elapsed();
        appending += took;
        slowest = slowest.max(took);
        count += 1;
        if number >= behind {
            journal.wait(number - behind).unwrap();
        }
        if number % cut == cut - 1 {
            journal.cut(number).unwrap();
        }
        if let Some(pace) = pace {
            let due = Duration::from_secs(count) / pace;
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
    let (took, cpu) = (begun.elapsed(), processor() - cpu);
    let rate = count as f64 / took.as_secs_f64();
    println!(
        "{name:44} {rate:9.0} records/s {:7.0} MB/s | an append {:7.1} us, at most {:5.1} ms | processor {:4.0} %",
        rate * length as f64 / 1e6,
        appending.as_secs_f64() * 1e6 / count as f64,
        slowest.as_secs_f64() * 1e3,
        100.0 * cpu.as_secs_f64() / took.as_secs_f64(),
    );
}

fn main() {
    let dir = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).map_or_else(std::env::temp_dir, Into::into);
    let interval = Sync::Interval(Duration::from_secs(1));
    measure("300,000 events/s, interval", &dir, interval, SLICE, 0, Some(73));
    measure("300,000 events/s, always, 16 on the way", &dir, Sync::Always, SLICE, 16, Some(73));
    measure("slices of 4,096 events, interval", &dir, interval, SLICE, 0, None);
    measure("slices of 4,096 events, always", &dir, Sync::Always, SLICE, 0, None);
    measure("slices of 4,096 events, always, 64 on the way", &dir, Sync::Always, SLICE, 64, None);
    measure("tiny, interval", &dir, interval, 0, 0, None);
    measure("tiny, always", &dir, Sync::Always, 0, 0, None);
    measure("tiny, always, 1,000 on the way", &dir, Sync::Always, 0, 1000, None);
}
