//! Requests that had come. There may be a million of them a source, so they stand beside the checkpoint, and of a source's log only the
//! chunks that are new or have grown are written.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::database::broken;
use crate::{RequestState, SourceRequests};

/// By source and number: a chunk.
const REQUESTS: TableDefinition<(u16, u64), &[u8]> = TableDefinition::new("requests");
/// Length of an entry: id (u128), time (i64) and bytes (u64), little-endian.
const ENTRY: usize = 32;

/// Those of all sources.
pub fn get(tx: &ReadTransaction) -> Result<Vec<SourceRequests>, redb::Error> {
    let table = match tx.open_table(REQUESTS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut all: Vec<SourceRequests> = Vec::new();
    for row in table.iter()? {
        let (key, bytes) = row?;
        let (source, number) = key.value();
        let chunk = decode(bytes.value()).ok_or_else(|| broken(format!("requests {number} of source {source}")))?;
        match all.last_mut().filter(|last| last.source == source) {
            None => all.push(SourceRequests { source, first: number, chunks: vec![chunk.into()] }),
            Some(last) => {
                let before = last.chunks.last().map_or(0, |before| before.len());
                if last.first + last.chunks.len() as u64 != number || before != SourceRequests::CHUNK {
                    return Err(broken(format!("requests before {number} of source {source}")));
                }
                last.chunks.push(chunk.into());
            }
        }
    }
    Ok(all)
}

/// Replaces those of all sources, which are given in order.
pub fn put(tx: &WriteTransaction, all: &[SourceRequests]) -> Result<(), redb::Error> {
    let mut table = tx.open_table(REQUESTS)?;
    let mut next = (0, 0);
    for SourceRequests { source, first, chunks } in all {
        let end = first + chunks.len() as u64;
        table.retain_in(next..(*source, *first), |_, _| false)?;
        next = (*source, end);
        let there = table.range((*source, *first)..next)?.next_back().transpose()?;
        let there = there.map(|(key, bytes)| (key.value().1, bytes.value().len()));
        for (number, chunk) in (*first..).zip(chunks) {
            // Chunks do nothing but grow, and only the last one does.
            let written = there.is_some_and(|(last, length)| number < last || number == last && length == chunk.len() * ENTRY);
            if !written {
                table.insert((*source, number), encode(chunk).as_slice())?;
            }
        }
    }
    table.retain_in(next.., |_, _| false)?;
    Ok(())
}

fn encode(chunk: &[RequestState]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(chunk.len() * ENTRY);
    for request in chunk {
        bytes.extend_from_slice(&request.id.to_le_bytes());
        bytes.extend_from_slice(&request.time.to_le_bytes());
        bytes.extend_from_slice(&request.bytes.to_le_bytes());
    }
    bytes
}

/// Nothing if it is no chunk.
fn decode(bytes: &[u8]) -> Option<Vec<RequestState>> {
    let (entries, rest) = bytes.as_chunks::<ENTRY>();
    let sound = rest.is_empty() && (1..=SourceRequests::CHUNK).contains(&entries.len());
    let entry = |entry: &[u8; ENTRY]| {
        let (id, rest) = entry.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (id, time) = (u128::from_le_bytes(*id), i64::from_le_bytes(*time));
        Some(RequestState { id, time, bytes: u64::from_le_bytes(*rest.first_chunk()?) })
    };
    entries.iter().map(entry).collect::<Option<Vec<_>>>().filter(|_| sound)
}
