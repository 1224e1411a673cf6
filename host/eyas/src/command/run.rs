//! `eyas run`.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use eyas_codec::guess_time;
use eyas_connect::{Cause, open_stdin};
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{fail, summarise};
use super::{Failure, assemble_beside, read_config, with_shards};
use crate::assembly::Assembly;
use crate::cli::Run;
use crate::config::{Config, load};
use crate::execute::{Begin, Beginning, Peeked, Watched, execute};
use crate::text::thousands;

/// Runs a configuration, or detectors over standard input.
pub fn run(options: &Run) -> Result<(), Failure> {
    let (assembly, peeked) = match &options.config {
        Some(path) => (assemble_beside(path, read_config(path, &options.sets, options.shards)?)?, None),
        None => {
            let (config, peeked) = improvise(options)?;
            (Assembly::new(config, Path::new(""))?, Some(peeked))
        }
    };
    let assembly = assembly.ready()?;
    let mut shown = (!options.quiet && std::io::stderr().is_terminal()).then(Shown::new);
    let beginning = match (options.resume, options.fresh) {
        (true, _) => Beginning::Resume,
        (_, true) => Beginning::Fresh,
        _ => Beginning::GoOn,
    };
    let ended = execute(&assembly, Begin { peeked, beginning }, |watched| {
        if let Some(shown) = &mut shown {
            shown.show(watched);
        }
    })?;
    drop(shown);
    if !options.quiet && ended.cause != Some(Cause::ReaderGone) {
        summarise(&assembly, &ended);
    }
    fail(ended)
}

/// A configuration for detectors over standard input, and what was read of that to find the event time.
fn improvise(options: &Run) -> Result<(Config, Peeked), Failure> {
    let wrong = |error: eyas_connect::StdinError| Failure::Run(error.into());
    let standard = open_stdin().map_err(wrong)?;
    // A pipe may be slow: its first events are waited for only if they are needed.
    let (head, field, format) = match &options.time_field {
        Some(field) => (Vec::new(), field.clone(), options.time_format.clone()),
        None => {
            let head = standard.peek().map_err(wrong)?;
            let (field, format) = find_time(&head)?;
            (head, field, format)
        }
    };
    let text = improvised(options, &field, format.as_deref());
    tracing::debug!("running as if configured so:\n{text}");
    let sets = with_shards(&options.sets, options.shards);
    let config = load("the command line", &text, &sets, &|name| std::env::var(name).ok())?;
    Ok((config, Peeked { standard, head }))
}

/// The field of the event time, and its format, out of the first events.
fn find_time(head: &[u8]) -> Result<(String, Option<String>), Failure> {
    if head.is_empty() {
        // There is no event for which it would matter.
        return Ok(("timestamp".to_owned(), None));
    }
    let Some((field, format)) = guess_time(head) else {
        let message =
            "no event time was found in the first events: name its field with --time-field, and how it is written with --time-format";
        return Err(Failure::Usage(message.to_owned()));
    };
    tracing::info!("event time is taken from {field:?}, written as {format:?}");
    Ok((field, Some(format)))
}

/// As a configuration that a user could have written.
fn improvised(options: &Run, field: &str, format: Option<&str>) -> String {
    let mut text = format!("[sources.stdin]\ntype = \"stdin\"\n[sources.stdin.time]\nfield = {}\n", quoted(field));
    if let Some(format) = format {
        text += &format!("format = {}\n", quoted(format));
    }
    let (mut input, mut alerts) = ("stdin".to_owned(), Vec::new());
    for (number, plugin) in options.detectors.iter().enumerate() {
        let stem = Path::new(plugin).file_stem().unwrap_or_default().to_string_lossy();
        let mut name: String = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
        let taken = |name: &str| ["stdin", "stdout", "alerts"].contains(&name) || alerts.contains(&format!("{name}.alerts"));
        if name.is_empty() || taken(&name) {
            name = format!("{name}_{}", number + 1);
        }
        text += &format!("[detectors.{name}]\nplugin = {}\ninputs = [\"{input}\"]\n", quoted(plugin));
        alerts.push(format!("{name}.alerts"));
        input = name;
    }
    let target = match &options.alerts {
        Some(path) => format!("type = \"file\"\npath = {}", quoted(&path.display().to_string().replace('%', "%%"))),
        None => "type = \"stderr\"".to_owned(),
    };
    let alerts: Vec<_> = alerts.iter().map(|name| quoted(name)).collect();
    text + &format!(
        "[sinks.stdout]\ntype = \"stdout\"\ninputs = [\"{input}\"]\n[sinks.alerts]\n{target}\ninputs = [{}]\n",
        alerts.join(", ")
    )
}

/// As a text of TOML that stands for itself.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace("${", "$${")).to_string()
}

/// Progress on a terminal.
struct Shown {
    bar: Option<ProgressBar>,
    last: (Instant, u64),
    rate: f64,
}

impl Shown {
    fn new() -> Self {
        Self { bar: None, last: (Instant::now(), 0), rate: 0.0 }
    }

    /// Only of what has an end that is known.
    fn show(&mut self, watched: &Watched) {
        let Some(progress) = watched.progress() else { return };
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left");
            let bar = ProgressBar::new(progress.total);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let events = watched.counters.of_sources(|source| &source.events);
        let since = self.last.0.elapsed();
        if since >= Duration::from_millis(250) {
            self.rate = (events - self.last.1) as f64 / since.as_secs_f64();
            self.last = (Instant::now(), events);
        }
        bar.set_position(progress.done());
        bar.set_message(format!(
            "{} events/s, {} alerts",
            thousands(self.rate as u64),
            thousands(watched.counters.of_detectors(|detector| &detector.alerts))
        ));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
