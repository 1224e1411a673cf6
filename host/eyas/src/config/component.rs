//! `[detectors.X]` and `[sinks.X]`, before what they name as inputs has been looked up.

use std::time::Duration;

use eyas_engine::OnFault;

use super::document::Place;
use super::plan::{SinkKind, SourcePlan};
use super::reader::Reader;
use super::tree::{Node, Text, Value};

/// The components of a configuration.
#[derive(Debug, Default)]
pub struct Components {
    /// Sources, finished.
    pub sources: Vec<SourcePlan>,
    /// Detectors, in the order of the file.
    pub detectors: Vec<RawDetector>,
    /// Sinks.
    pub sinks: Vec<RawSink>,
    /// The names of all, of those that could not be read, too: so that nothing is called missing that is only wrong.
    pub names: Vec<(String, Place)>,
}

/// A named input.
#[derive(Clone, Debug)]
pub struct RawInput {
    /// As written.
    pub name: String,
    /// Its place.
    pub place: Place,
}

/// A detector whose inputs are names.
#[derive(Debug)]
pub struct RawDetector {
    /// Its name.
    pub name: String,
    /// The place of its name.
    pub place: Place,
    /// Which plugin.
    pub plugin: Text,
    /// The place of that.
    pub plugin_place: Place,
    /// The plugin's configuration.
    pub config: Option<Node>,
    /// Cap on its memory.
    pub memory_bytes: Option<usize>,
    /// Longest call.
    pub deadline: Option<Duration>,
    /// What becomes of an event over which it fails.
    pub on_fault: OnFault,
    /// How many recoveries a minute it may need.
    pub max_faults: u32,
    /// Whether it begins anew where it refuses the state that there is.
    pub reset_state: bool,
    /// Where its events come from.
    pub inputs: Vec<RawInput>,
}

/// A sink whose inputs are names.
#[derive(Debug)]
pub struct RawSink {
    /// Its name.
    pub name: String,
    /// The place of its name.
    pub place: Place,
    /// Where it writes.
    pub kind: SinkKind,
    /// What is written.
    pub inputs: Vec<RawInput>,
}

/// Reads a detector; nothing if it names no plugin.
pub fn read_detector(reader: Reader<'_>, name: &str) -> Option<RawDetector> {
    let plugin = reader.required("plugin", "name one of the plugins of `eyas plugin list`, or the path of a .wasm file");
    let config = reader.entry("config").map(|entry| &entry.node);
    if let Some(node) = config.filter(|node| !matches!(node.value, Value::Table(_))) {
        reader.wrong(node, "a table");
    }
    let memory = reader.table.get("memory_bytes").is_some().then(|| reader.size("memory_bytes", 1 << 20..=4 << 30, 512 << 20));
    let deadline = reader.table.get("deadline_ms").is_some().then(|| reader.integer("deadline_ms", 20..=3_600_000, 1_000).unsigned_abs());
    let faults = [("pass", OnFault::Pass), ("dead_letter", OnFault::DeadLetter), ("stop", OnFault::Stop)];
    let on_fault = reader.choice("on_fault", &faults).unwrap_or_default();
    let max_faults = reader.integer("max_faults", 1..=10_000, 50);
    let reset_state = reader.boolean("reset_state", false);
    // Known, whether they are there or not.
    let _ = (reader.entry("memory_bytes"), reader.entry("deadline_ms"));
    let inputs = read_inputs(&reader);
    let (place, plugin) = (reader.place.clone(), plugin);
    reader.finish();
    let (plugin, plugin_place) = plugin?;
    Some(RawDetector {
        name: name.to_owned(),
        place,
        plugin: plugin.clone(),
        plugin_place: plugin_place.clone(),
        config: config.cloned(),
        memory_bytes: memory,
        deadline: deadline.map(Duration::from_millis),
        on_fault,
        max_faults: u32::try_from(max_faults).unwrap_or(u32::MAX),
        reset_state,
        inputs,
    })
}

/// The names in `inputs`.
pub fn read_inputs(reader: &Reader<'_>) -> Vec<RawInput> {
    let help = "name what it takes: inputs = [\"NAME\"], of a source or a detector";
    let Some(inputs) = reader.texts("inputs") else {
        if reader.table.get("inputs").is_none() {
            reader.problems.at(&reader.place, format!("{} has no \"inputs\"", reader.what), help);
        }
        return Vec::new();
    };
    if let (true, Some(entry)) = (inputs.is_empty(), reader.table.get("inputs"))
        && matches!(entry.node.value, Value::List(ref list) if list.is_empty())
    {
        reader.problems.at(&entry.node.place, format!("nothing reaches {}", reader.what), help);
    }
    inputs.into_iter().map(|(text, place)| RawInput { name: text.value.clone(), place: place.clone() }).collect()
}
