//! Entries as lines of JSON.

use std::collections::BTreeMap;
use std::io::{BufWriter, ErrorKind, Write, stdout};

use eyas_event::Entries;
use eyas_state::{DetectorState, Store};
use serde_json::{Value, json};

use super::key::{self, hex};
use crate::command::Failure;

/// Writes all entries of these detectors, sorted by group, key and sub-key.
pub fn export(store: &Store, detectors: &[&DetectorState]) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    for detector in detectors {
        let entries = store.entries(&detector.name).map_err(super::failure)?;
        let written = write_all(&detector.name, &entries, &mut out).and_then(|()| out.flush());
        match written {
            Ok(()) => {}
            // Whoever has stopped reading does not want to know.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::Run(format!("cannot write to standard output: {error}").into())),
        }
    }
    Ok(())
}

/// What a name stands for once all chunks, the oldest first, have been laid over each other.
type Final<'a> = BTreeMap<(u8, &'a [u8], &'a [u8]), &'a [u8]>;

fn write_all(detector: &str, chunks: &[Entries], out: &mut impl Write) -> std::io::Result<()> {
    let mut entries = Final::new();
    for chunk in chunks {
        for (row, group) in chunk.groups.iter().enumerate() {
            let name = (*group, chunk.keys.get(row), chunk.sub_keys.get(row));
            if chunk.deleted.get(row / 8).is_some_and(|bits| bits >> (row % 8) & 1 == 1) {
                entries.remove(&name);
            } else {
                entries.insert(name, chunk.values.get(row));
            }
        }
    }
    for ((group, key, sub_key), value) in entries {
        let line = json!({
            "detector": detector,
            "group": group,
            "key": if key.is_empty() { Value::Null } else { key::fields(key).unwrap_or_else(|| json!({ "hex": hex(key) })) },
            "sub_key": key::text(sub_key),
            "bytes": value.len(),
            "value": hex(value),
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use eyas_event::{Entries, Strings};

    use super::write_all;

    fn strings(values: &[&[u8]]) -> Strings {
        let mut offsets = vec![0];
        offsets.extend(values.iter().scan(0, |end, value| {
            *end += value.len() as u32;
            Some(*end)
        }));
        Strings { offsets: Arc::new(offsets), data: Arc::new(values.concat()) }
    }

    fn chunk(rows: &[(u8, &[u8], &[u8])], deleted: u8) -> Entries {
        Entries {
            groups: rows.iter().map(|row| row.0).collect(),
            keys: strings(&rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            sub_keys: strings(&rows.iter().map(|_| b"w".as_slice()).collect::<Vec<_>>()),
            values: strings(&rows.iter().map(|row| row.2).collect::<Vec<_>>()),
            deleted: vec![deleted],
        }
    }

    #[test]
    fn the_last_that_is_said_of_an_entry_counts() {
        let (one, other): (&[u8], &[u8]) = (b"\x01\x01\0\0\0a", b"\x01\x01\0\0\0b");
        let chunks = [chunk(&[(9, other, b"old"), (7, one, b"old")], 0), chunk(&[(7, one, b"\x01\xff"), (9, other, b"")], 0b10)];
        let mut out = Vec::new();
        write_all("d", &chunks, &mut out).unwrap();
        let expected = "{\"bytes\":2,\"detector\":\"d\",\"group\":7,\"key\":[\"a\"],\"sub_key\":\"w\",\"value\":\"01ff\"}\n";
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(line, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    }
}
