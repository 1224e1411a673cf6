//! `eyas plugin`.

use std::path::Path;

use eyas_event::{Condition, Keying, Subscription, Test};
use eyas_plugin::{InstanceConfig, Limits, Plugin, PluginError, Runtime};

use super::Failure;
use crate::cli::{Plugin as Options, PluginAction};
use crate::plugins::{EMBEDDED, HOW_TO_EMBED, find, runtime};
use crate::text::say;

/// Lists plugins, or looks into one.
pub fn plugin(options: &Options) -> Result<(), Failure> {
    match &options.action {
        PluginAction::List => list(),
        PluginAction::Inspect { plugin } => inspect(plugin),
    }
}

fn started() -> Result<Runtime, Failure> {
    runtime(None).map_err(|error| Failure::Run(error.into()))
}

fn list() -> Result<(), Failure> {
    if EMBEDDED.is_empty() {
        say(HOW_TO_EMBED);
        return Ok(());
    }
    let runtime = started()?;
    for (name, bytes) in EMBEDDED {
        let plugin = runtime.load(name, bytes).map_err(|error| Failure::Run(error.into()))?;
        let description = plugin.description();
        say(&format!("{name:<16} {:<8} {}", description.version, description.summary));
    }
    Ok(())
}

fn inspect(name: &str) -> Result<(), Failure> {
    let found = find(name, Path::new("")).map_err(|missing| Failure::Usage(format!("{missing}\nhelp: {}", missing.help)))?;
    let plugin = started()?.load(&found.origin, &found.bytes).map_err(|error| Failure::Run(error.into()))?;
    let description = plugin.description();
    say(&format!("{} {}: {}", description.name, description.version, description.summary));
    for (name, value) in &description.labels {
        say(&format!("  {name}: {value}"));
    }
    say(&format!("\nstate version {}; {} bytes, from {}", description.state_version, found.bytes.len(), plugin.origin()));
    say(&format!("\nexports\n{}", indented(plugin.exports())));
    say(&format!("\nimports\n{}", indented(plugin.imports())));
    say(&format!("\nconfiguration\n{}", schema_table(&description.config_schema)));
    match subscription(&plugin) {
        Ok(asked) => say(&format!("\nasks to see, with its defaults\n{}", describe(&asked))),
        Err(PluginError::Configuration(problems)) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            say(&format!("\nit has no defaults that it runs with: {}", problems.join("; ")));
        }
        Err(error) => return Err(Failure::Run(error.into())),
    }
    Ok(())
}

fn indented(names: &[String]) -> String {
    names.iter().map(|name| format!("  {name}")).collect::<Vec<_>>().join("\n")
}

fn subscription(plugin: &Plugin) -> Result<Subscription, PluginError> {
    let detector = plugin.description().name.clone();
    let config = InstanceConfig { detector, config: "{}".to_owned(), seed: 0, table_seed: 0, limits: Limits::default() };
    Ok(plugin.instantiate(&config)?.subscription().clone())
}

/// The members of a JSON Schema: name, type, default, and what it is.
fn schema_table(schema: &str) -> String {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
    let Some(members) = schema.get("properties").and_then(|members| members.as_object()) else { return "  none".to_owned() };
    let rows = members.iter().map(|(name, member)| {
        let text = |key: &str| member.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let kind = text("type").or_else(|| member.get("enum").map(|values| values.to_string())).unwrap_or_default();
        let default = member.get("default").map(ToString::to_string).unwrap_or_default();
        [name.clone(), kind, default, text("description").unwrap_or_default()]
    });
    let rows: Vec<_> = rows.collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let (name, kind, default) = (width(0).max(4), width(1).max(4), width(2).clamp(7, 64));
    let mut table = format!("  {:name$}  {:kind$}  {:default$}", "key", "type", "default");
    for [key, of, value, what] in &rows {
        table += format!("\n  {key:name$}  {of:kind$}  {value:default$}  {what}").trim_end();
    }
    table
}

/// A subscription for people.
pub fn describe(asked: &Subscription) -> String {
    let mut lines = Vec::new();
    for condition in &asked.conditions {
        lines.push(format!("  only events where {}", condition_text(condition)));
    }
    for field in &asked.fields {
        lines.push(format!("  {} as {}", field.path, field.kind.name()));
    }
    lines.push(match &asked.keying {
        Keying::Global => "  one instance sees all events".to_owned(),
        Keying::Stateless => "  keeps nothing from event to event".to_owned(),
        Keying::Keyed(fields) => {
            let names = fields.iter().filter_map(|field| Some(asked.fields.get(*field as usize)?.path.as_str()));
            format!("  keeps its state by {}", names.collect::<Vec<_>>().join(", "))
        }
    });
    lines.push(if asked.timeless { "  does not use event time".to_owned() } else { "  uses event time".to_owned() });
    if asked.drops {
        lines.push("  may drop events".to_owned());
    }
    lines.join("\n")
}

fn condition_text(condition: &Condition) -> String {
    let Condition { path, test, negate } = condition;
    let quoted = |list: &[String]| list.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" or ");
    let test = match test {
        Test::Present => format!("{path} is present"),
        Test::Text(list) => format!("{path} is {}", quoted(list)),
        Test::Integer(list) => format!("{path} is {}", list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")),
        Test::Boolean(truth) => format!("{path} is {truth}"),
        Test::Number { at_least, below } => {
            let bounds = at_least.map(|least| format!("at least {least}")).into_iter().chain(below.map(|below| format!("below {below}")));
            format!("{path} is {}", bounds.collect::<Vec<_>>().join(" and "))
        }
        Test::Prefix(list) => format!("{path} starts with {}", quoted(list)),
        Test::Network(networks) => format!("{path} is in one of {} networks", networks.len()),
    };
    if *negate { format!("not: {test}") } else { test }
}
