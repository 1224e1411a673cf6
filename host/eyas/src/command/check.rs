//! `eyas check`.

mod safety;

use eyas_codec::Encoding;

use self::safety::{safe_parts, unsafe_parts};
use super::plugin::describe;
use super::{Failure, assemble_beside, read_config};
use crate::cli::Check;
use crate::config::{DeadLetters, SinkKind, SourceKind, SourcePlan};
use crate::text::{bytes, complain, in_colour, say, seconds};

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
        say(&format!("  {}: {}, takes {}", sink.name, describe_sink(&sink.kind), feeds.join(", ")));
    }
    say(&match &assembly.plan.dead_letters {
        DeadLetters::Taken => "\ndead letters go to the sinks that take them".to_owned(),
        DeadLetters::File(path) => format!("\ndead letters that no sink takes go to {path}"),
        DeadLetters::Stderr => "\ndead letters that no sink takes go to standard error, as lines of JSON".to_owned(),
    });
    if let Some(address) = assembly.plan.top.admin {
        say(&format!("health, metrics and figures are at http://{address}/"));
    }
    say(&format!("{} shards, batches of at most {} events", assembly.settings.shards, assembly.settings.batch_events));
    let safe = safe_parts(&assembly.plan);
    if !safe.is_empty() {
        say("\nsafe");
        safe.iter().for_each(|line| say(&format!("  {line}")));
    }
    say("\nnot safe");
    unsafe_parts(&assembly).iter().for_each(|line| say(&format!("  {line}")));
    Ok(())
}

fn describe_source(source: &SourcePlan, files: usize) -> String {
    let kind = match &source.kind {
        SourceKind::Stdin => "standard input".to_owned(),
        SourceKind::File { include, follow, .. } => {
            let patterns: Vec<_> = include.iter().map(|(text, _)| text.shown.as_str()).collect();
            format!("{}files {} ({files} now)", if *follow { "follows " } else { "" }, patterns.join(", "))
        }
        SourceKind::Http { address, path, token, .. } => {
            format!("listens at http://{address}{path}{}", if token.is_some() { ", for those who have its token" } else { "" })
        }
    };
    let encoding = match (&source.kind, &source.decoding.encoding) {
        (SourceKind::Http { .. }, _) => "JSON",
        (_, Encoding::Ndjson) => "NDJSON",
        (_, Encoding::Csv { .. }) => "CSV",
        (_, Encoding::Otlp) => "OTLP",
        (_, Encoding::Vector) => "Vector's protocol",
        (_, Encoding::Forward) => "Fluent Forward",
    };
    let time = match &source.decoding.time {
        Some(time) => format!("event time from {:?}, at most {} out of order", time.field(), seconds(source.max_lateness)),
        None => "no event time".to_owned(),
    };
    format!("  {}: {kind}, {encoding}, {time}", source.name)
}

fn describe_sink(kind: &SinkKind) -> String {
    match kind {
        SinkKind::Stdout => "standard output".to_owned(),
        SinkKind::Stderr => "standard error".to_owned(),
        SinkKind::File { path, rotate_bytes: None } => format!("appends to {path}"),
        SinkKind::File { path, rotate_bytes: Some(most) } => format!("appends to {path}, to another file after {}", bytes(*most)),
        SinkKind::Http(http) => format!("posts to {}", http.uri),
        SinkKind::Blackhole => "nowhere".to_owned(),
    }
}
