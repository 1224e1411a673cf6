//! From texts to a plan: parse, fill in the environment, lay `--set` over it, check.

use toml::de::DeTable;

use super::component::{Components, read_detector};
use super::document::{Document, Place};
use super::graph;
use super::plan::Plan;
use super::problem::{ConfigError, Problems};
use super::reader::Reader;
use super::secret::Environment;
use super::sink::read_sink;
use super::source::read_source;
use super::top::read_top;
use super::tree::{Entry, Node, Planter, Table, Value};

/// A checked configuration, with the texts that it came from, so that what plugins say about it can be shown in its place.
#[derive(Debug)]
pub struct Config {
    /// What it says.
    pub plan: Plan,
    /// The file, then each `--set`.
    pub documents: Vec<Document>,
}

/// Reads a configuration. `sets` are `a.b.c=VALUE`, laid over it in turn; `environment` knows the variables.
pub fn load(name: &str, text: &str, sets: &[String], environment: &Environment<'_>) -> Result<Config, ConfigError> {
    let problems = Problems::default();
    let mut documents = vec![Document { name: name.to_owned(), text: text.to_owned() }];
    let (parsed, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = Place::new(0, error.span().unwrap_or(0..0));
        problems.at(&place, format!("this is not TOML: {}", error.message().replace('\n', ": ")), "");
    }
    let mut root = Planter { document: 0, environment, problems: &problems }.table(parsed.get_ref());
    for set in sets {
        let planter = Planter { document: documents.len(), environment, problems: &problems };
        lay_over(&mut root, set, &planter);
        documents.push(Document { name: "--set".to_owned(), text: set.clone() });
    }
    // What could not be parsed would only bring consequences.
    let plan = if errors.is_empty() { Some(read(&root, &problems)) } else { None };
    match plan {
        Some(plan) if problems.is_empty() => Ok(Config { plan, documents }),
        _ => Err(problems.into_error(documents)),
    }
}

/// Lays one `a.b.c=VALUE` over the tree; what is no TOML value is a text.
fn lay_over(root: &mut Table, set: &str, planter: &Planter<'_>) {
    let whole = DeTable::parse(set);
    let right = "write --set a.b.c=VALUE, such as --set detectors.brute_force.config.threshold=10";
    let table = match &whole {
        Ok(parsed) if !parsed.get_ref().is_empty() => planter.table(parsed.get_ref()),
        _ => {
            let split = set.split_once('=').map(|(key, value)| (key, value.trim(), format!("{key}=0")));
            let Some((key, value, parsable)) = &split else {
                return planter.problems.at(&Place::new(planter.document, 0..set.len()), "there is no \"=\" in this", right);
            };
            let Ok(parsed) = DeTable::parse(parsable) else {
                return planter.problems.at(&Place::new(planter.document, 0..key.len()), "this is no name of a key", right);
            };
            let place = Place::new(planter.document, set.len() - set[key.len() + 1..].trim_start().len()..set.len());
            let text = Value::Text(planter.text(value, &place));
            let mut table = planter.table(parsed.get_ref());
            replace_innermost(&mut table, Node { value: text, place });
            table
        }
    };
    table.entries.into_iter().for_each(|entry| root.set(entry));
}

fn replace_innermost(table: &mut Table, node: Node) {
    let Some(Entry { node: inner, .. }) = table.entries.first_mut() else { return };
    match &mut inner.value {
        Value::Table(table) => replace_innermost(table, node),
        _ => *inner = node,
    }
}

fn read(root: &Table, problems: &Problems) -> Plan {
    let reader = Reader::new(root, &Place::default(), "the configuration", problems);
    let top = read_top(&reader);
    let mut components = Components::default();
    for (key, help) in [
        ("sources", "a source is a table, such as [sources.input] with type = \"stdin\""),
        ("detectors", ""),
        ("sinks", "a sink is a table, such as [sinks.output] with type = \"stdout\" and inputs = [\"input\"]"),
    ] {
        let Some(table) = reader.within(key) else {
            if !help.is_empty() && root.get(key).is_none() {
                problems.whole(format!("there are no {key}"), help);
            }
            continue;
        };
        for entry in &table.table.entries {
            check_name(entry, problems);
            components.names.push((entry.key.clone(), entry.place.clone()));
            let what = format!("{} {:?}", key.trim_end_matches('s'), entry.key);
            let Value::Table(inner) = &entry.node.value else {
                table.wrong(&entry.node, &format!("a table: a {} has keys of its own", key.trim_end_matches('s')));
                continue;
            };
            let reader = Reader::new(inner, &entry.place, what, problems);
            match key {
                "sources" => components.sources.extend(read_source(reader, &entry.key, &top)),
                "detectors" => components.detectors.extend(read_detector(reader, &entry.key)),
                _ => components.sinks.extend(read_sink(reader, &entry.key)),
            }
        }
    }
    reader.finish();
    graph::connect(top, components, problems)
}

fn check_name(entry: &Entry, problems: &Problems) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if entry.key.is_empty() || !entry.key.bytes().all(fits) {
        problems.at(&entry.place, format!("{:?} cannot be a name", entry.key), "names are made of letters, digits, \"_\" and \"-\"");
    }
}
