//! `eyas top`.

mod client;
mod table;

use std::io::{self, IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use console::Term;
use eyas_connect::{Stop, watch_signals};

use super::Failure;
use crate::admin::status::Status;
use crate::cli::Top;
use crate::text::say;
use client::Client;
use table::{Style, table};

/// How often a running program is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How often we look whether to end meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The other screen of a terminal, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Shows how a running program stands: on a terminal until a signal, elsewhere once.
pub fn top(options: &Top) -> Result<(), Failure> {
    let client = Client::new(&options.address).map_err(Failure::Usage)?;
    let first = client.status().map_err(|error| Failure::Run(error.into()))?;
    if stdout().is_terminal() {
        return live(&client, first).map_err(|error| Failure::Run(format!("cannot write to the terminal: {error}").into()));
    }
    table(&first, None, usize::MAX).iter().for_each(|(line, _)| say(line));
    Ok(())
}

/// Draws until a signal. What cannot be reached any more is tried again: it may be starting anew.
fn live(client: &Client, first: Status) -> io::Result<()> {
    let stop = Stop::new()?;
    watch_signals(stop.clone(), EVERY)?;
    let _screen = Screen::enter()?;
    let (mut before, mut now, mut lost) = (None, first, None);
    while stop.requested().is_none() {
        draw(&now, before.as_ref(), lost.as_deref())?;
        let next = Instant::now() + EVERY;
        while stop.requested().is_none() && Instant::now() < next {
            std::thread::sleep(LOOK);
        }
        match client.status() {
            Ok(status) => {
                // One that has been started anew counts from nothing.
                before = Some(std::mem::replace(&mut now, status)).filter(|before| before.uptime_seconds < now.uptime_seconds);
                lost = None;
            }
            Err(error) => lost = Some(error),
        }
    }
    Ok(())
}

fn draw(now: &Status, before: Option<&Status>, lost: Option<&str>) -> io::Result<()> {
    let (height, width) = Term::stdout().size();
    let mut lines = table(now, before, usize::from(width));
    if let Some(lost) = lost {
        lines.insert(0, (format!("{lost}; trying again, this is how it stood"), Style::Alarm));
    }
    let colour = std::env::var_os("NO_COLOR").is_none();
    let mut text = "\x1b[H".to_owned();
    for (index, (line, style)) in lines.iter().take(usize::from(height).max(1)).enumerate() {
        let line: String = line.chars().take(usize::from(width)).collect();
        let newline = if index == 0 { "" } else { "\r\n" };
        text += &match style {
            Style::Plain => format!("{newline}{line}\x1b[K"),
            Style::Head => format!("{newline}\x1b[1m{line}\x1b[0m\x1b[K"),
            Style::Alarm if colour => format!("{newline}\x1b[1;31m{line}\x1b[0m\x1b[K"),
            Style::Alarm => format!("{newline}\x1b[1m{line}\x1b[0m\x1b[K"),
        };
    }
    write(&(text + "\x1b[J"))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The terminal, which gets back what it showed before.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        write(ENTER)?;
        Ok(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing back.
        let _ = write(LEAVE);
    }
}
