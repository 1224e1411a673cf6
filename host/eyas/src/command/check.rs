//! `eyas check`.

mod acknowledged;
mod describe;
mod safety;

use self::acknowledged::acknowledged_parts;
use self::describe::{describe_sink, describe_source};
use self::safety::{safe_parts, unsafe_parts};
use super::plugin::describe;
use super::{Failure, assemble_beside, read_config};
use crate::cli::Check;
use crate::config::DeadLetters;
use crate::text::{complain, in_colour, say};

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
    let acknowledged = acknowledged_parts(&assembly.plan);
    if !acknowledged.is_empty() {
        say("\nacknowledged");
        acknowledged.iter().for_each(|line| say(&format!("  {line}")));
    }
    let safe = safe_parts(&assembly.plan);
    if !safe.is_empty() {
        say("\nsafe");
        safe.iter().for_each(|line| say(&format!("  {line}")));
    }
    say("\nnot safe");
    unsafe_parts(&assembly).iter().for_each(|line| say(&format!("  {line}")));
    Ok(())
}
