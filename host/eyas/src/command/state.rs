//! `eyas state`: what a state folder holds, for people. Only `drop` changes anything, and only while no run holds the folder.

mod entries;
mod key;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eyas_state::{Checkpoint, DetectorState, Folder, Standing, StateError, Store};

use self::entries::export;
use super::{Failure, read_config};
use crate::cli::{State as Options, StateAction, StateFolder};
use crate::config::suggest;
use crate::text::{bytes, count, say, thousands, time};

/// Looks into a state folder, or drops the state of a detector.
pub fn state(options: &Options) -> Result<(), Failure> {
    match &options.action {
        StateAction::Show { folder } => show(&find(folder)?),
        StateAction::Export { folder, detector } => {
            let Looked { _folder, store, checkpoint } = look(&find(folder)?)?;
            let detectors = match detector {
                Some(name) => vec![known(&checkpoint, name)?],
                None => checkpoint.detectors.iter().collect(),
            };
            export(&store, &detectors)
        }
        StateAction::Drop { folder, detector } => forget(&find(folder)?, detector),
    }
}

/// The folder itself, or the one that a configuration names.
fn find(named: &StateFolder) -> Result<PathBuf, Failure> {
    if named.path.is_dir() {
        return Ok(named.path.clone());
    }
    let config = read_config(&named.path, &named.sets, None)?;
    let dir = config.plan.top.state.map(|state| state.dir);
    dir.ok_or_else(|| Failure::Usage(format!("{} has no state_dir: nothing of it is durable", named.path.display())))
}

/// Who holds the folder is for the user to end; all else is a failure.
fn failure(error: StateError) -> Failure {
    match error {
        StateError::Held { .. } | StateError::Newer { .. } => Failure::Usage(error.to_string()),
        error => Failure::Run(error.into()),
    }
}

/// A folder that is looked into; nobody else changes it meanwhile.
struct Looked {
    _folder: Folder,
    store: Store,
    checkpoint: Checkpoint,
}

fn look(path: &Path) -> Result<Looked, Failure> {
    let none = || Failure::Usage(format!("there is no checkpoint in {}", path.display()));
    let folder = Folder::look(path).map_err(|error| match error {
        StateError::Io { source, .. } if source.kind() == ErrorKind::NotFound => none(),
        error => failure(error),
    })?;
    let store = Store::look(&folder).map_err(failure)?.ok_or_else(none)?;
    let checkpoint = store.checkpoint().map_err(failure)?.ok_or_else(none)?;
    Ok(Looked { _folder: folder, store, checkpoint })
}

fn known<'a>(checkpoint: &'a Checkpoint, name: &str) -> Result<&'a DetectorState, Failure> {
    let found = checkpoint.detectors.iter().find(|detector| detector.name == name);
    found.ok_or_else(|| {
        let names = checkpoint.detectors.iter().map(|detector| detector.name.as_str());
        Failure::Usage(format!("there is no state of a detector {name:?}\nhelp: {}", suggest(name, names)))
    })
}

fn show(folder: &Path) -> Result<(), Failure> {
    let Looked { _folder, store, checkpoint } = look(folder)?;
    say(&format!("{}: checkpoint of {}", folder.display(), time(checkpoint.taken)));
    say(&format!("  it covers the first {} of the input log", count(checkpoint.next, "record", "records")));
    if checkpoint.finished {
        say("  the input had come to its end: the next run wants --resume or --fresh");
    }
    if checkpoint.flushes > 0 {
        say(&format!("  {} so far", count(u64::from(checkpoint.flushes), "end of input", "ends of input")));
    }
    say("\ndetectors");
    for detector in &checkpoint.detectors {
        let sizes = store.sizes(&detector.name).map_err(failure)?;
        say(&format!(
            "  {}: {} {}, state version {}, at most {}, {}",
            detector.name,
            detector.plugin,
            detector.version,
            detector.state_version,
            count(sizes.entries, "entry", "entries"),
            bytes(sizes.bytes)
        ));
        if let Some(since) = detector.quarantined {
            say(&format!("    in quarantine since {}", time(since)));
        }
        for (from, to) in &detector.unseen {
            say(&format!("    did not see all from {} to {}", time(*from), time(*to)));
        }
    }
    show_sources(&checkpoint);
    if !checkpoint.sinks.is_empty() {
        say("\nsinks");
    }
    for sink in &checkpoint.sinks {
        let waiting = match sink.pending.len() as u64 {
            0 => "took all".to_owned(),
            pending => format!("{} not taken yet", count(pending, "alert", "alerts")),
        };
        say(&format!("  {}: {waiting}", sink.name));
        for file in &sink.files {
            say(&format!("    {} as far as byte {}", file.path.display(), thousands(file.length)));
        }
    }
    show_disk(folder);
    Ok(())
}

fn show_sources(checkpoint: &Checkpoint) {
    const MOST: usize = 20;
    say("\nsources");
    for (number, name) in checkpoint.sources.iter().enumerate() {
        let own: Vec<_> = checkpoint.partitions.iter().filter(|partition| usize::from(partition.source) == number).collect();
        say(&format!("  {name}: {}", count(own.len() as u64, "partition", "partitions")));
        // Those that are still read say more than those that have ended.
        let (open, closed): (Vec<_>, Vec<_>) = own.into_iter().partition(|partition| partition.standing != Standing::Closed);
        let total = open.len() + closed.len();
        for partition in open.into_iter().chain(closed).take(MOST) {
            let standing = match partition.standing {
                Standing::Active => "",
                Standing::Idle => ", silent",
                Standing::Closed => ", ended",
            };
            let watermark = partition.watermark.map_or_else(|| "none yet".to_owned(), time);
            let position = thousands(partition.position);
            say(&format!("    {}: at byte {position}, watermark {watermark}{standing}", partition.name));
        }
        if total > MOST {
            say(&format!("    and {} more", thousands((total - MOST) as u64)));
        }
    }
}

/// What the folder takes of the disk: files, and folders with all that is in them.
fn show_disk(folder: &Path) {
    say("\non disk");
    let mut parts: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    parts.sort_by_key(std::fs::DirEntry::file_name);
    for part in parts {
        let inside = std::fs::read_dir(part.path()).into_iter().flatten().flatten();
        let sizes: Vec<u64> = inside.filter_map(|file| Some(file.metadata().ok()?.len())).collect();
        let name = part.file_name().to_string_lossy().into_owned();
        if part.path().is_dir() {
            say(&format!("  {name}/: {} in {}", bytes(sizes.iter().sum()), count(sizes.len() as u64, "file", "files")));
        } else {
            say(&format!("  {name}: {}", bytes(part.metadata().map_or(0, |about| about.len()))));
        }
    }
}

/// What the command line calls `drop`.
fn forget(path: &Path, detector: &str) -> Result<(), Failure> {
    // Looked at first, because holding a folder makes a state folder of any that is there.
    known(&look(path)?.checkpoint, detector)?;
    let folder = Folder::open(path).map_err(failure)?;
    let mut store = Store::open(&folder).map_err(failure)?;
    let sizes = store.sizes(detector).map_err(failure)?;
    store.drop_detector(detector).map_err(failure)?;
    let gone = format!("at most {}, {}", count(sizes.entries, "entry", "entries"), bytes(sizes.bytes));
    say(&format!("dropped the state of {detector} ({gone}): it begins anew with the next run, the others go on"));
    Ok(())
}
