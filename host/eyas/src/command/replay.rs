//! `eyas replay`.

use std::path::{Path, PathBuf};

use eyas_engine::{Feed, Input, Sink};

use super::summary::{fail, summarise};
use super::{Failure, assemble_beside, read_config};
use crate::assembly::Assembly;
use crate::cli::Replay;
use crate::config::{SinkKind, SinkPlan, SourceKind, Text};
use crate::execute::{Begin, execute, replay_log};

/// Runs the input log again, or files in place of a source.
pub fn replay(options: &Replay) -> Result<(), Failure> {
    let config = read_config(&options.config, &options.sets, options.shards)?;
    let mut assembly = assemble_beside(&options.config, config)?;
    let sinks = sinks(&assembly, options)?;
    assembly.topology.sinks =
        sinks.iter().map(|sink| Sink { name: sink.name.clone(), inputs: sink.feeds.clone(), form: Default::default() }).collect();
    assembly.plan.sinks = sinks;
    let ended = if options.of_log() {
        replay_log(&assembly)?
    } else {
        take_files(&mut assembly, options)?;
        execute(&assembly, Begin::default(), |_| {})?
    };
    if !options.quiet {
        summarise(&assembly, &ended);
    }
    fail(ended)
}

/// Alerts of all detectors, and events as after them, in place of the configured sinks.
fn sinks(assembly: &Assembly, options: &Replay) -> Result<Vec<SinkPlan>, Failure> {
    let detectors = assembly.plan.detectors.len();
    let place = assembly.plan.sources.first().map(|source| source.place.clone());
    let sink = |name: &str, kind, feeds| SinkPlan { name: name.to_owned(), place: place.clone(), kind, feeds };
    let alerts = match &options.alerts {
        Some(path) => file(path)?,
        None => SinkKind::Stdout,
    };
    let mut sinks = vec![sink("alerts", alerts, (0..detectors).map(Feed::Alerts).collect())];
    if let Some(path) = &options.events {
        sinks.push(sink("events", file(path)?, leaves(assembly)));
    }
    Ok(sinks)
}

/// A file that is new or empty: what was in it before would be taken for part of the replay.
fn file(path: &Path) -> Result<SinkKind, Failure> {
    if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        return Err(Failure::Usage(format!("{} is not empty: name another file, or remove it", path.display())));
    }
    // A percent sign of a name on the command line stands for itself.
    let text = path.display().to_string().replace('%', "%%");
    Ok(SinkKind::File { path: Text { shown: text.clone(), value: text }, rotate_bytes: None })
}

/// Where events have been through all detectors that there are for them; of several such places the first, so that none comes twice.
fn leaves(assembly: &Assembly) -> Vec<Feed> {
    let plan = &assembly.plan;
    let mut covered: Vec<usize> = Vec::new();
    let mut feeds = Vec::new();
    for detector in (0..plan.detectors.len()).rev() {
        let sources = sources_of(assembly, Input::Detector(detector));
        if sources.iter().all(|source| !covered.contains(source)) {
            covered.extend(sources);
            feeds.push(Feed::Events(Input::Detector(detector)));
        }
    }
    let left = (0..plan.sources.len()).filter(|source| !covered.contains(source));
    feeds.extend(left.map(|source| Feed::Events(Input::Source(source))));
    feeds
}

fn sources_of(assembly: &Assembly, input: Input) -> Vec<usize> {
    match input {
        Input::Source(source) => vec![source],
        Input::Detector(detector) => {
            let inputs = assembly.plan.detectors.get(detector).map_or(&[][..], |detector| &detector.inputs);
            inputs.iter().flat_map(|input| sources_of(assembly, *input)).collect()
        }
    }
}

/// The files in place of a source; all other sources bring nothing, and nothing is kept.
fn take_files(assembly: &mut Assembly, options: &Replay) -> Result<(), Failure> {
    let names = || assembly.plan.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
    let chosen = match &options.source {
        Some(name) => assembly.plan.sources.iter().position(|source| source.name == *name),
        None => (assembly.plan.sources.len() == 1).then_some(0),
    };
    let Some(chosen) = chosen else {
        return Err(Failure::Usage(format!("--source says for which source the files stand: {}", names())));
    };
    if let Some(missing) = options.from.iter().find(|path| !path.is_file()) {
        return Err(Failure::Usage(format!("{} is no file that can be read", missing.display())));
    }
    for (number, source) in assembly.plan.sources.iter_mut().enumerate() {
        source.kind = SourceKind::File { include: Vec::new(), exclude: Vec::new(), follow: false };
        let files: Vec<PathBuf> = if number == chosen { options.from.clone() } else { Vec::new() };
        assembly.files.iter_mut().skip(number).take(1).for_each(|of_source| *of_source = files.clone());
    }
    for source in &mut assembly.topology.sources {
        source.logging = eyas_engine::Logging::Nothing;
        source.idle = None;
    }
    assembly.plan.top.state = None;
    assembly.plan.top.admin = None;
    Ok(())
}
