//! Logs, to standard error. What guests and events say is escaped by the formatter, and secrets are hidden.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::redact;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging; the error says what is wrong with the filter.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("{filter:?} is no level or filter for logs ({error}): error, warn, info, debug and trace are levels"))?;
    // Where nobody reads them any more, the run goes on without: to say so there would end the thread that logs.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacting).with_target(false).log_internal_errors(false);
    let started = match format {
        LogFormat::Human => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| error.to_string())
}

/// Writes whole lines to standard error, without the secrets in them.
struct Redacting;

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Redacting {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().write_all(redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
