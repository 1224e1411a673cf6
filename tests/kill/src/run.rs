//! One round of the test.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::check::{Brought, Found, check};
use crate::load::{Followed, Load, Pipe, Posted, feed, follow, post};
use crate::program::Program;
use crate::receiver::Receiver;
use crate::scene::Scene;

/// Clients that post.
const CLIENTS: u32 = 2;
/// How much of them all may be in files that are read once, in events.
const ONCE_EVENTS: u64 = 60_000;
/// The folder does not become larger than about this; what is compared comes on top.
const MOST_BYTES: u64 = 200 << 20;
/// How long the last run may take until everything has arrived.
const ARRIVAL: Duration = Duration::from_secs(90);
/// Nothing has come for so long: everything has.
const QUIET: Duration = Duration::from_millis(2500);

/// What to do.
pub struct Options {
    /// The program.
    pub eyas: PathBuf,
    /// How many times it is ended before its last run.
    pub kills: u32,
    /// Of all that is left to chance, but for time.
    pub seed: u64,
    /// Where to leave the folder; a temporary one, which stays only where something is wrong, if not given.
    pub keep: Option<PathBuf>,
    /// A plugin in place of the one that traps over every event with `poison` in it.
    pub rogue: Option<PathBuf>,
}

/// What was done, all of it well.
#[derive(Debug, Default)]
pub struct Report {
    kills: u32,
    stops: u32,
    found: Found,
    repeated: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, found, repeated } = self;
        write!(formatter, "{kills} kills and {stops} stops, {found}; {repeated} alerts were posted again")
    }
}

/// Runs one round. The error says what is wrong, and where the folder is.
pub fn kill_test(options: &Options) -> Outcome<Report> {
    let (folder, temporary) = match &options.keep {
        Some(folder) => (folder.clone(), None),
        None => {
            let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    round(options, &folder).map_err(|error| {
        let folder = temporary.map_or(folder, tempfile::TempDir::keep);
        format!("{error}\nthe folder is {}", folder.display())
    })
}

fn round(options: &Options, folder: &Path) -> Outcome<Report> {
    if folder.join("state").exists() {
        return Err("there is a round in it already".to_owned());
    }
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let mut rng = fastrand::Rng::with_seed(options.seed);
    let receiver = Receiver::new(rng.u64(..))?;
    let mut scene = Scene::new(folder, &options.eyas, receiver.address(), options.rogue.as_deref())?;
    let (load, pipe, address, followed) = (Load::new(), Pipe::default(), scene.source, scene.path("follow"));
    let mut report = Report::default();
    let brought = std::thread::scope(|scope| {
        scope.spawn(|| receiver.run());
        let (load, pipe, followed) = (&load, &pipe, &followed);
        let forked = rng.fork();
        scope.spawn(move || feed(load, pipe, forked));
        let forked = rng.fork();
        let following = scope.spawn(move || follow(load, followed, forked));
        let clients = (0..CLIENTS).map(|client| {
            let forked = rng.fork();
            scope.spawn(move || post(load, address, client, forked))
        });
        let clients = clients.collect();
        let mut stage = Stage { options, scene: &mut scene, load, pipe, receiver: &receiver, rng };
        let ran = stage.kill_often(&mut report).and_then(|()| stage.run_to_the_end(following, clients));
        load.over.store(true, Ordering::Release);
        pipe.give(None);
        receiver.close();
        ran
    });
    let taken = receiver.taken();
    report.repeated = taken.repeated;
    report.found = check(&scene, &brought?, &taken)?;
    Ok(report)
}

/// What a round works with.
struct Stage<'a> {
    options: &'a Options,
    scene: &'a mut Scene,
    load: &'a Load,
    pipe: &'a Pipe,
    receiver: &'a Receiver,
    rng: fastrand::Rng,
}

impl Stage<'_> {
    fn kill_often(&mut self, report: &mut Report) -> Outcome {
        let most_events = (ONCE_EVENTS / u64::from(self.options.kills.max(1))).clamp(10, 10_000);
        while report.kills + report.stops < self.options.kills {
            self.scene.add_files(&mut self.rng, &self.load.clock, most_events)?;
            self.one_life(report).map_err(|error| format!("run {}: {error}", report.kills + report.stops + 1))?;
            if self.scene.bytes() > MOST_BYTES {
                eprintln!("seed {}: the folder is large enough after {} kills", self.options.seed, report.kills);
                break;
            }
        }
        Ok(())
    }

    /// Starts the program, and ends it in one way or another.
    fn one_life(&mut self, report: &mut Report) -> Outcome {
        let mut program = self.start()?;
        let millis = self.rng.u64(50..1500);
        match self.rng.u8(..20) {
            // While it starts.
            0..=3 => program.run_for(millis / 10)?,
            4..=6 => {
                program.wait_up(self.scene)?;
                program.run_for(millis)?;
                program.ask_to_end()?;
                report.stops += 1;
                return program.wait_end();
            }
            // While it ends.
            7 => {
                program.wait_up(self.scene)?;
                program.run_for(millis)?;
                program.ask_to_end()?;
                // It may be faster.
                let _ = program.run_for(millis / 15);
                report.kills += 1;
                drop(program);
                return Ok(());
            }
            8..=13 => {
                program.wait_up(self.scene)?;
                program.run_for(millis)?;
            }
            _ => program.run_for(millis)?,
        }
        report.kills += 1;
        program.kill()
    }

    fn start(&mut self) -> Outcome<Program> {
        let (program, pipe) = Program::start(self.scene, self.rng.u8(1..=4))?;
        self.pipe.give(pipe);
        Ok(program)
    }

    /// No new load, and a last run until everything has arrived.
    fn run_to_the_end(
        &mut self,
        following: ScopedJoinHandle<'_, Outcome<Followed>>,
        clients: Vec<ScopedJoinHandle<'_, Posted>>,
    ) -> Outcome<Brought> {
        self.load.enough.store(true, Ordering::Release);
        self.receiver.polite.store(true, Ordering::Release);
        let mut program = self.start()?;
        program.wait_up(self.scene)?;
        let since = Instant::now();
        let followed = following.join().map_err(|_| "the writer of the log panicked".to_owned())??;
        let last = followed.lines.last().cloned().unwrap_or_default();
        let (mut size, mut changed) = (Default::default(), Instant::now());
        loop {
            program.run_for(100)?;
            let now = (self.size("events.ndjson"), self.size("alerts.ndjson"), self.receiver.count());
            if now != size {
                (size, changed) = (now, Instant::now());
            }
            if changed.elapsed() > QUIET && clients.iter().all(ScopedJoinHandle::is_finished) && self.holds(&last) {
                break;
            }
            if since.elapsed() > ARRIVAL {
                let waiting = clients.iter().filter(|client| !client.is_finished()).count();
                let last = if self.holds(&last) { "is" } else { "is not" };
                return Err(format!("not everything arrives: {waiting} clients wait for an answer, the last followed line {last} there"));
            }
        }
        program.ask_to_end()?;
        program.wait_end()?;
        let posted = clients.into_iter().map(|client| client.join().map_err(|_| "a client panicked".to_owned()));
        Ok(Brought { followed, posted: posted.collect::<Outcome<_>>()? })
    }

    fn size(&self, name: &str) -> u64 {
        fs::metadata(self.scene.path(name)).map_or(0, |found| found.len())
    }

    /// Whether an event came out.
    fn holds(&self, line: &str) -> bool {
        let events = fs::read(self.scene.path("events.ndjson")).unwrap_or_default();
        // What was found is written before the last brace.
        memchr::memmem::rfind(&events, line.trim_end_matches('}').as_bytes()).is_some()
    }
}
