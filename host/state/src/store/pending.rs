//! Alerts that a sink had not taken yet. There may be many megabytes of them, so they stand beside the checkpoint, and of those of a sink
//! that takes nothing only what is new is written.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::PIECE;
use super::database::broken;
use crate::SinkState;

/// By sink and number: some lines, in order.
const PENDING: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("pending");

/// The lines of a sink.
pub fn get(tx: &ReadTransaction, sink: &str) -> Result<Vec<String>, redb::Error> {
    let table = match tx.open_table(PENDING) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut lines = Vec::new();
    for row in table.range((sink, 0)..=(sink, u64::MAX))? {
        let bytes = row?.1;
        let some: Vec<String> = postcard::from_bytes(bytes.value()).map_err(|_| broken(format!("what was pending for sink {sink}")))?;
        lines.extend(some);
    }
    Ok(lines)
}

/// Replaces those of all sinks.
pub fn put(tx: &WriteTransaction, sinks: &[SinkState]) -> Result<(), redb::Error> {
    let mut table = tx.open_table(PENDING)?;
    table.retain(|(sink, _), _| sinks.iter().any(|state| state.name == sink))?;
    for sink in sinks {
        let name = sink.name.as_str();
        let mut next = 0;
        for lines in groups(&sink.pending) {
            let bytes = postcard::to_allocvec(lines).map_err(std::io::Error::other)?;
            let there = table.get((name, next))?.is_some_and(|there| there.value() == bytes);
            if !there {
                table.insert((name, next), bytes.as_slice())?;
            }
            next += 1;
        }
        table.retain_in((name, next)..=(name, u64::MAX), |_, _| false)?;
    }
    Ok(())
}

/// Cuts lines into groups of about a piece each, from the oldest on.
fn groups(lines: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|line| {
            bytes += line.len() + 5;
            bytes <= PIECE
        });
        let count = fits.count().clamp(1, rest.len().max(1));
        let (group, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(group)
    })
}
