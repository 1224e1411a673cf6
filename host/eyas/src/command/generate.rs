//! `eyas generate`.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::os::fd::AsFd;

use eyas_event::Timestamp;

use super::Failure;
use crate::cli::Generate;
use crate::generate::{Options, generate as write_events};

/// Writes events to standard output.
pub fn generate(asked: &Generate) -> Result<(), Failure> {
    if !(asked.rate > 0.0 && asked.rate <= 1e9) {
        return Err(Failure::Usage(format!("--rate {}: events a second of event time, above 0, at most 1000000000", asked.rate)));
    }
    if !(0.0..=1.0).contains(&asked.late) {
        return Err(Failure::Usage(format!("--late {}: a share of the events, 0 to 1", asked.late)));
    }
    let start: jiff::Timestamp = asked
        .start
        .parse()
        .map_err(|error| Failure::Usage(format!("--start {:?}: {error}; it is RFC 3339, such as 2026-03-02T08:00:00Z", asked.start)))?;
    let start =
        Timestamp::try_from(start.as_nanosecond()).map_err(|_| Failure::Usage(format!("--start {}: from 1678 to 2261", asked.start)))?;
    let options = Options { count: asked.count, rate: asked.rate, hosts: asked.hosts, seed: asked.seed, late: asked.late, start };
    let labels = asked.labels.as_ref().map(|path| {
        File::create(path)
            .map(BufWriter::new)
            .map_err(|error| Failure::Usage(format!("--labels: cannot create {}: {error}", path.display())))
    });
    let mut labels = labels.transpose()?;
    let failed = |error: std::io::Error| Failure::Run(format!("cannot write to standard output: {error}").into());
    // Straight to the descriptor: the standard library would look for lines.
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned().map_err(failed)?);
    match write_events(&options, &mut out, labels.as_mut().map(|labels| labels as &mut dyn Write)) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(error)),
        _ => Ok(()),
    }
}
