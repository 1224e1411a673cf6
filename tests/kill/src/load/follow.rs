//! A log file that is followed: appended to, and renamed away now and then.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::line::line;
use super::{Load, rest};
use crate::Outcome;

/// What was written to the log.
#[derive(Default)]
pub struct Followed {
    /// Its lines that are events.
    pub lines: Vec<String>,
    /// Its lines that are none.
    pub garbage: Vec<String>,
}

/// Writes until it is enough.
pub fn follow(load: &Load, folder: &Path, mut rng: fastrand::Rng) -> Outcome<Followed> {
    let path = folder.join("app.log");
    write(load, &path, &mut rng).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(load: &Load, path: &Path, rng: &mut fastrand::Rng) -> io::Result<Followed> {
    let (mut followed, mut renamed, mut bytes) = (Followed::default(), 0, String::new());
    let mut file = File::create(path)?;
    let mut since = Instant::now();
    while load.goes_on() {
        if since.elapsed() > Duration::from_millis(2500) && rng.u8(..20) == 0 {
            shift(path, renamed)?;
            renamed += 1;
            since = Instant::now();
            // Whoever writes a log finds out a little later.
            burst(load, rng, &mut followed, &mut bytes);
            file.write_all(bytes.as_bytes())?;
            rest(rng);
            file = File::create(path)?;
        }
        burst(load, rng, &mut followed, &mut bytes);
        // Sometimes a line is seen before it is whole.
        let (head, tail) = bytes.as_bytes().split_at(rng.usize(..bytes.len()));
        file.write_all(head)?;
        if rng.bool() {
            rest(rng);
        }
        file.write_all(tail)?;
        rest(rng);
    }
    Ok(followed)
}

/// Some more lines.
fn burst(load: &Load, rng: &mut fastrand::Rng, followed: &mut Followed, bytes: &mut String) {
    bytes.clear();
    for _ in 0..rng.u32(1..40) {
        let number = followed.lines.len();
        let (line, kept) = if rng.u16(..400) == 0 {
            (format!("garbage-{:06}", followed.garbage.len()), &mut followed.garbage)
        } else {
            (line(rng, &load.clock, &format!("f-{number:08}")), &mut followed.lines)
        };
        *bytes += &line;
        bytes.push('\n');
        kept.push(line);
    }
}

/// `app.log.1` becomes `app.log.2`, and so on: `app.log` becomes `app.log.1`.
fn shift(path: &Path, renamed: u32) -> io::Result<()> {
    let name = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    (1..=renamed).rev().try_for_each(|number| fs::rename(name(number), name(number + 1)))?;
    fs::rename(path, name(1))
}
