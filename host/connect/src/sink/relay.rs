//! A sink behind an outbox: one thread takes from the outlet at once, the other writes.
//!
//! A checkpoint keeps what is in the outbox together with how far the files are written. So lines leave the outbox, and files change,
//! only together with what the collecting thread sees of the files.

use std::borrow::Cow;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eyas_engine::{Delivery, Outlet};
use eyas_event::Timestamp;
use eyas_state::SinkState;
use memchr::memchr;

use super::files::{Files, Standing, write_all};
use super::outbox::{Next, Outbox, OutboxBatch};
use super::room::Room;
use super::{Output, SinkError, Writer};
use crate::Stop;

/// How much is written at once.
const WRITE: usize = 1 << 20;
/// How long the writer waits for lines before it looks again.
const LOOK: Duration = Duration::from_secs(60);

/// How long a checkpoint waits before it looks again whether the writer's files are of one state.
const BETWEEN: Duration = Duration::from_millis(50);

/// What the writer shows of its files.
#[derive(Default)]
struct Shown {
    standing: Standing,
    /// A checkpoint has listed its files.
    listed: bool,
    /// Its files are between two states: until it goes on, or gives up, there is no state that could be kept.
    between: bool,
}

pub(super) fn run(writer: &mut Writer, outbox: Outbox, mut outlet: Outlet, stop: &Stop) -> Result<(), SinkError> {
    let dated = matches!(&writer.output, Output::Files(files) if files.is_dated());
    let shown = Mutex::new(Shown::default());
    if let Output::Files(files) = &mut writer.output {
        show(files, &shown);
    }
    let name = writer.name.clone();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let room = Room { name: &writer.name, figures: &writer.figures, stop };
            let written = write(&mut writer.output, &outbox, &shown, room);
            // Nobody would take out what is put in now.
            outbox.close();
            written.map_err(|error| writer.error(error))
        });
        let mut collector = Collector { name, outbox: &outbox, shown: &shown, dated, time: None };
        let collected = collector.run(&mut outlet);
        drop(outlet);
        outbox.close_behind_all();
        let written = writing.join().unwrap_or_else(|_| Err(collector.error(io::Error::other("its thread broke down"))));
        written.and(collected.map_err(|error| collector.error(error)))
    })
}

/// Takes from the outlet.
struct Collector<'a> {
    name: String,
    outbox: &'a Outbox,
    shown: &'a Mutex<Shown>,
    /// Whether the lines must say when they were read: the path depends on it.
    dated: bool,
    /// The last one that was known.
    time: Option<Timestamp>,
}

impl Collector<'_> {
    fn run(&mut self, outlet: &mut Outlet) -> io::Result<()> {
        while let Some(delivery) = outlet.next_delivery() {
            // Closed: the writer has given up, and says why.
            if !delivery.is_empty() && self.outbox.push(&self.lines(&delivery)).is_err() {
                return Ok(());
            }
            if delivery.wants_state() {
                let Some(state) = self.state()? else { return Ok(()) };
                delivery.save(state);
            }
            delivery.accept();
        }
        Ok(())
    }

    fn lines(&mut self, delivery: &Delivery) -> Vec<u8> {
        let mut bytes = Vec::new();
        delivery.slices().for_each(|piece| bytes.extend_from_slice(piece));
        self.time = delivery.ingest_time().or(self.time);
        if self.dated { with_time(&bytes, self.time) } else { bytes }
    }

    /// Nothing where the writer has given up.
    fn state(&self) -> io::Result<Option<SinkState>> {
        loop {
            let captured = self.outbox.capture(|pending| {
                let mut shown = lock(self.shown);
                shown.listed |= !shown.between;
                (!shown.between).then(|| (shown.standing.clone(), pending))
            });
            if let Some((standing, pending)) = captured {
                standing.sync()?;
                let Standing { files, rotations, .. } = standing;
                return Ok(Some(SinkState { name: self.name.clone(), files, rotations, pending, ..SinkState::default() }));
            }
            if self.outbox.is_closed() {
                return Ok(None);
            }
            std::thread::sleep(BETWEEN);
        }
    }

    fn error(&self, source: io::Error) -> SinkError {
        SinkError { name: self.name.clone(), what: "write to", target: "its outbox".to_owned(), source }
    }
}

/// Writes what is in the outbox until it is closed and empty.
fn write(output: &mut Output, outbox: &Outbox, shown: &Mutex<Shown>, room: Room<'_>) -> io::Result<()> {
    loop {
        let batch = match outbox.next(WRITE, LOOK) {
            Next::Batch(batch) => batch,
            Next::Nothing => continue,
            Next::Closed => return Ok(()),
        };
        match output {
            Output::Stream(_, file) => {
                room.wrote(write_all(file, [batch.bytes.as_slice()].into_iter())?);
                outbox.taken(&batch);
            }
            Output::Files(files) => write_files(files, outbox, &batch, shown, room)?,
            Output::Nowhere => outbox.taken(&batch),
        }
    }
}

/// Writes a batch, at once where it all belongs to the file that is open and finds room there, else line by line.
fn write_files(files: &mut Files, outbox: &Outbox, batch: &OutboxBatch, shown: &Mutex<Shown>, room: Room<'_>) -> io::Result<()> {
    if !files.is_dated() && files.fits(None, batch.bytes.len() as u64) {
        room.make(|| files.append([batch.bytes.as_slice()].into_iter()))?;
        room.wrote(batch.bytes.len() as u64);
        outbox.taken_with(batch, || show(files, shown));
        return Ok(());
    }
    for part in batch.each() {
        let (time, line) = if files.is_dated() { timed(&part.bytes) } else { (None, Cow::from(part.bytes.as_slice())) };
        let length = line.len() as u64;
        if !files.fits(time, length) {
            room.make(|| {
                outbox.still(|| {
                    let changed = files.change(time, length);
                    lock(shown).between = changed.is_err();
                    if changed.is_ok() {
                        show(files, shown);
                    }
                    changed
                })
            })?;
        }
        room.make(|| files.append([&*line].into_iter()))?;
        room.wrote(length);
        outbox.taken_with(&part, || show(files, shown));
    }
    Ok(())
}

/// Lets the collecting thread see how the files stand.
fn show(files: &mut Files, shown: &Mutex<Shown>) {
    let mut shown = lock(shown);
    if std::mem::take(&mut shown.listed) {
        files.listed(&shown.standing.files);
    }
    shown.standing = files.standing();
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the time before each line.
fn with_time(lines: &[u8], time: Option<Timestamp>) -> Vec<u8> {
    let time = time.map_or_else(String::new, |time| time.to_string());
    let mut timed = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|&byte| byte == b'\n').filter(|line| *line != b"\n") {
        timed.extend_from_slice(time.as_bytes());
        timed.push(b' ');
        timed.extend_from_slice(line);
    }
    timed
}

/// Takes the time off a line that was kept when the path had a date.
pub(super) fn forget_time(line: &mut String) {
    let (_, rest) = timed(line.as_bytes());
    let time = line.len() - rest.len();
    line.drain(..time);
}

/// Takes the time off a line.
fn timed(line: &[u8]) -> (Option<Timestamp>, Cow<'_, [u8]>) {
    let parts = memchr(b' ', line).and_then(|space| Some((line.get(..space)?, line.get(space + 1..)?)));
    match parts {
        Some((b"", line)) => (None, line.into()),
        Some((time, rest)) => match std::str::from_utf8(time).ok().and_then(|time| time.parse().ok()) {
            Some(time) => (Some(time), rest.into()),
            // Kept from when the path had no date.
            None => (None, line.into()),
        },
        None => (None, line.into()),
    }
}

#[cfg(test)]
mod tests;
