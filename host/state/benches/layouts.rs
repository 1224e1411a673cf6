//! How entries are best laid out in the store: a row an entry, or chunks as they come. 200,000 of 1,000,000 entries change at each
//! checkpoint, keys of 34 bytes, values of 75. It takes 1.5 GiB on the disk that is measured, which is that of a folder:
//! `cargo bench -p eyas-state --bench layouts -- FOLDER`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a measurement, not a part of the program")]

use std::path::Path;
use std::time::{Duration, Instant};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

const KEYS: u64 = 1_000_000;
const CHANGED: usize = 200_000;
const ROUNDS: usize = 20;

const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
const CHUNKS: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("chunks");

/// A spread of numbers that is the same at each run.
fn spread(x: u64) -> u64 {
    let x = (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^ (x >> 29)
}

fn key(number: u64) -> Vec<u8> {
    let mut key = spread(number).to_le_bytes().repeat(4);
    key.extend([1, 2]);
    key
}

fn changed(round: usize) -> Vec<u64> {
    (0..CHANGED as u64).map(|i| spread(i ^ ((round as u64) << 40)) % KEYS).collect()
}

/// Processor time of this process, so far.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

fn measure(name: &str, dir: &Path, mut commit: impl FnMut(&redb::WriteTransaction, usize), read: impl Fn(&redb::ReadTransaction) -> u64) {
    let path = dir.join("layouts.redb");
    let _ = std::fs::remove_file(&path);
    let db = Database::builder().set_cache_size(16 << 20).create(&path).unwrap();
    let mut times = Vec::new();
    let mut first = (Duration::ZERO, 0);
    let (mut cpu, mut most) = (processor(), 0);
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let mut tx = db.begin_write().unwrap();
        tx.set_durability(Durability::Immediate).unwrap();
        tx.set_quick_repair(true);
        commit(&tx, round);
        tx.commit().unwrap();
        let size = std::fs::metadata(&path).unwrap().len() >> 20;
        most = most.max(size);
        if round == 0 {
            first = (begun.elapsed(), size);
            cpu = processor();
        } else {
            times.push(begun.elapsed());
        }
    }
    cpu = (processor() - cpu) / ROUNDS as u32;
    times.sort();
    let begun = Instant::now();
    let bytes = read(&db.begin_read().unwrap()) >> 20;
    let reading = begun.elapsed();
    drop(db);
    let begun = Instant::now();
    drop(Database::builder().set_check_integrity_on_open(true).open(&path).unwrap());
    println!(
        "{name:28} full {:4} ms {:4} MiB | a commit: median {:4} ms, most {:5} ms, processor {:4} ms | file {most:4} MiB | read {bytes} MiB in {:4} ms | checked {:4} ms",
        first.0.as_millis(),
        first.1,
        times[ROUNDS / 2].as_millis(),
        times[ROUNDS - 1].as_millis(),
        cpu.as_millis(),
        reading.as_millis(),
        begun.elapsed().as_millis(),
    );
    std::fs::remove_file(path).unwrap();
}

/// All as chunks of a MiB at first and then each so many rounds, what changed else.
fn chunks(piece: usize, every: usize) -> impl FnMut(&redb::WriteTransaction, usize) {
    move |tx, round| {
        let mut table = tx.open_table(CHUNKS).unwrap();
        let full = round % every == 0;
        if full {
            table.retain(|_, _| false).unwrap();
        }
        let bytes = if full { KEYS as usize } else { CHANGED } * 122;
        let data = vec![round as u8; 1 << 20];
        for chunk in 0..bytes.div_ceil(1 << 20) as u64 {
            for (number, part) in (0..).zip(data.chunks(piece)) {
                table.insert((((round as u64) << 32) + chunk, number), part).unwrap();
            }
        }
    }
}

fn main() {
    let dir = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).map_or_else(std::env::temp_dir, Into::into);
    let dir = dir.as_path();
    let rows = |tx: &redb::WriteTransaction, round: usize| {
        let mut table = tx.open_table(ROWS).unwrap();
        let mut keys: Vec<_> = if round == 0 { (0..KEYS).map(key).collect() } else { changed(round).into_iter().map(key).collect() };
        keys.sort();
        for key in keys {
            table.insert(key.as_slice(), [round as u8; 75].as_slice()).unwrap();
        }
    };
    let read_rows =
        |tx: &redb::ReadTransaction| tx.open_table(ROWS).unwrap().iter().unwrap().map(|row| row.unwrap().1.value().len() as u64 + 34).sum();
    let read_chunks =
        |tx: &redb::ReadTransaction| tx.open_table(CHUNKS).unwrap().iter().unwrap().map(|row| row.unwrap().1.value().len() as u64).sum();
    measure("rows", dir, rows, read_rows);
    measure("chunks, a value each", dir, chunks(1 << 20, 6), read_chunks);
    measure("chunks in pieces of 256 KiB", dir, chunks((256 << 10) - 128, 6), read_chunks);
}
