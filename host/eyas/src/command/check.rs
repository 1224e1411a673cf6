//! `eyas check`.

use eyas_codec::{Encoding, OnBad};
use eyas_engine::Feed;

use super::plugin::describe;
use super::{Failure, assemble_beside, read_config};
use crate::assembly::Assembly;
use crate::cli::Check;
use crate::config::{DeadLetters, SinkKind, SourceKind, SourcePlan};
use crate::text::{complain, in_colour, say, seconds};

/// Says what is wrong with a configuration, or what it does.
pub fn check(options: &Check) -> Result<(), Failure> {
    let mut assembly = assemble_beside(&options.config, read_config(&options.config, &options.sets, None)?)?;
    if let Some(surroundings) = assembly.not_ready() {
        complain(&surroundings.render(in_colour()));
        complain("the configuration itself is right; it would not run here and now\n");
    } else {
        say(&format!("{} is right\n", options.config.display()));
    }
    say("sources");
    for (source, files) in assembly.plan.sources.iter().zip(&assembly.files) {
        say(&describe_source(source, files.len()));
    }
    if !assembly.plan.detectors.is_empty() {
        say("\ndetectors");
    }
    for ((detector, running), asked) in assembly.plan.detectors.iter().zip(&assembly.topology.detectors).zip(&assembly.subscriptions) {
        let inputs: Vec<_> = detector.inputs.iter().map(|input| assembly.plan.input_name(*input)).collect();
        let plugin = running.plugin.description();
        say(&format!("  {}: {} {}, takes {}", detector.name, plugin.name, plugin.version, inputs.join(", ")));
        say(&describe(asked).lines().map(|line| format!("    {}", line.trim_start())).collect::<Vec<_>>().join("\n"));
    }
    say("\nsinks");
    for sink in assembly.plan.sinks.iter().filter(|sink| sink.place.is_some()) {
        let feeds: Vec<_> = sink.feeds.iter().map(|feed| assembly.plan.feed_name(*feed)).collect();
        let target = match &sink.kind {
            SinkKind::Stdout => "standard output".to_owned(),
            SinkKind::Stderr => "standard error".to_owned(),
            SinkKind::File { path, .. } => format!("appends to {path}"),
            SinkKind::Http(http) => format!("posts to {}", http.uri),
            SinkKind::Blackhole => "nowhere".to_owned(),
        };
        say(&format!("  {}: {target}, takes {}", sink.name, feeds.join(", ")));
    }
    say(&match &assembly.plan.dead_letters {
        DeadLetters::Taken => "\ndead letters go to the sinks that take them".to_owned(),
        DeadLetters::File(path) => format!("\ndead letters that no sink takes go to {path}"),
        DeadLetters::Stderr => "\ndead letters that no sink takes go to standard error, as lines of JSON".to_owned(),
    });
    say(&format!("{} shards, batches of at most {} events", assembly.settings.shards, assembly.settings.batch_events));
    say("\nnot safe");
    unsafe_parts(&assembly).iter().for_each(|line| say(&format!("  {line}")));
    Ok(())
}

fn describe_source(source: &SourcePlan, files: usize) -> String {
    let kind = match &source.kind {
        SourceKind::Stdin => "standard input".to_owned(),
        SourceKind::File { include, .. } => {
            let patterns: Vec<_> = include.iter().map(|(text, _)| text.shown.as_str()).collect();
            format!("files {} ({files} now)", patterns.join(", "))
        }
        SourceKind::Http { address, path, .. } => format!("listens at http://{address}{path}"),
    };
    let encoding = match source.decoding.encoding {
        Encoding::Ndjson => "NDJSON",
        Encoding::Csv { .. } => "CSV",
    };
    let time = match &source.decoding.time {
        Some(time) => format!("event time from {:?}, at most {} out of order", time.field(), seconds(source.max_lateness)),
        None => "no event time".to_owned(),
    };
    format!("  {}: {kind}, {encoding}, {time}", source.name)
}

/// What may surprise those who trust it.
fn unsafe_parts(assembly: &Assembly) -> Vec<String> {
    let mut lines = Vec::new();
    if assembly.subscriptions.iter().any(|asked| !asked.timeless) {
        lines.push("state is kept in memory alone: windows that are open when the program ends do not survive it".to_owned());
    }
    for source in assembly.plan.sources.iter().filter(|source| matches!(source.kind, SourceKind::Stdin)) {
        lines.push(format!("{}: what was read of a pipe and not yet written is lost if the program is killed", source.name));
    }
    for (number, detector) in assembly.plan.detectors.iter().enumerate() {
        if !assembly.has_taker(Feed::Alerts(number)) {
            lines.push(format!("{}: nobody takes its alerts", detector.name));
        }
    }
    for source in &assembly.plan.sources {
        match source.decoding.on_bad {
            OnBad::IngestTime => {
                lines.push(format!("{}: events without a time have the time of reading: another run gives other alerts", source.name))
            }
            OnBad::DeadLetter | OnBad::Pass => {}
        }
        if source.decoding.max_future.is_none() && source.decoding.time.is_some() {
            lines.push(format!("{}: one event from the far future makes all that follow late (max_future_secs = false)", source.name));
        }
    }
    for sink in assembly.plan.sinks.iter().filter(|sink| matches!(sink.kind, SinkKind::Blackhole)) {
        lines.push(format!("{}: what it takes is gone", sink.name));
    }
    if lines.is_empty() { vec!["nothing".to_owned()] } else { lines }
}
