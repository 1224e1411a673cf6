//! Entries as they stand in the store; all numbers are little-endian.
//!
//! A checksum (u32) of all that follows; how many entries (u32); the lengths of the data of keys, sub-keys, values and of the bits of what
//! is deleted (u32 each); the key groups; of keys, sub-keys and values in turn the offsets (u32 each, n + 1) and the data; the bits.

use std::sync::Arc;

use eyas_event::{Entries, Strings};

/// Length of what stands before the key groups.
const HEAD: usize = 24;

/// Entries to bytes. Fails with what is wrong with them.
pub fn encode(entries: &Entries) -> Result<Vec<u8>, &'static str> {
    let rows = entries.rows();
    let columns = [&entries.keys, &entries.sub_keys, &entries.values];
    if columns.iter().any(|column| column.rows() != rows) {
        return Err("entries whose columns differ in length");
    }
    let mut bytes = Vec::with_capacity(HEAD + entries.bytes() + 12);
    bytes.extend([0; 4]);
    let data = columns.map(|column| column.data.len());
    for length in [rows, data[0], data[1], data[2], entries.deleted.len()] {
        bytes.extend(u32::try_from(length).map_err(|_| "entries of more than 4 GiB")?.to_le_bytes());
    }
    bytes.extend_from_slice(&entries.groups);
    for column in columns {
        column.offsets.iter().for_each(|offset| bytes.extend_from_slice(&offset.to_le_bytes()));
        bytes.extend_from_slice(&column.data);
    }
    bytes.extend_from_slice(&entries.deleted);
    let checksum = crc32fast::hash(bytes.get(4..).unwrap_or_default());
    if let Some(place) = bytes.first_chunk_mut() {
        *place = checksum.to_le_bytes();
    }
    Ok(bytes)
}

/// Entries from bytes; nothing if they are not as they were written.
pub fn decode(bytes: &[u8]) -> Option<Entries> {
    let (checksum, mut rest) = bytes.split_first_chunk()?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let mut number = || -> Option<usize> { Some(u32::from_le_bytes(*take(&mut rest, 4)?.first_chunk()?) as usize) };
    let (rows, keys, sub_keys, values, deleted) = (number()?, number()?, number()?, number()?, number()?);
    let groups = take(&mut rest, rows)?.to_vec();
    let keys = strings(&mut rest, rows, keys)?;
    let sub_keys = strings(&mut rest, rows, sub_keys)?;
    let values = strings(&mut rest, rows, values)?;
    let deleted = take(&mut rest, deleted)?.to_vec();
    rest.is_empty().then_some(Entries { groups, keys, sub_keys, values, deleted })
}

fn strings(rest: &mut &[u8], rows: usize, length: usize) -> Option<Strings> {
    let (offsets, _) = take(rest, rows.checked_add(1)?.checked_mul(4)?)?.as_chunks();
    let offsets: Vec<u32> = offsets.iter().map(|offset| u32::from_le_bytes(*offset)).collect();
    let sound = offsets.first() == Some(&0) && offsets.is_sorted() && offsets.last().is_some_and(|last| *last as usize == length);
    let data = take(rest, length)?;
    sound.then(|| Strings { offsets: Arc::new(offsets), data: Arc::new(data.to_vec()) })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (part, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn strings(values: &[Vec<u8>]) -> Strings {
        let ends = values.iter().scan(0, |end, value| {
            *end += value.len() as u32;
            Some(*end)
        });
        Strings { offsets: Arc::new([0].into_iter().chain(ends).collect()), data: Arc::new(values.concat()) }
    }

    fn any_entries() -> impl Strategy<Value = Entries> {
        let value = || prop::collection::vec(any::<u8>(), 0..20);
        let rows = prop::collection::vec((any::<u8>(), value(), value(), value()), 0..20);
        (rows, any::<bool>()).prop_map(|(rows, deleted)| Entries {
            groups: rows.iter().map(|row| row.0).collect(),
            keys: strings(&rows.iter().map(|row| row.1.clone()).collect::<Vec<_>>()),
            sub_keys: strings(&rows.iter().map(|row| row.2.clone()).collect::<Vec<_>>()),
            values: strings(&rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>()),
            deleted: if deleted { vec![0b101; rows.len().div_ceil(8)] } else { Vec::new() },
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(entries in any_entries()) {
            prop_assert_eq!(decode(&encode(&entries).unwrap()), Some(entries));
        }

        #[test]
        fn a_changed_byte_is_seen(entries in any_entries(), place in any::<prop::sample::Index>(), change in 1u8..) {
            let mut bytes = encode(&entries).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn whatever_has_the_right_checksum_gives_sound_entries_or_none(
            entries in any_entries(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        ) {
            let mut bytes = encode(&entries).unwrap();
            for (place, byte) in changes {
                let place = 4 + place.index(bytes.len() - 4);
                bytes[place] = byte;
            }
            let checksum = crc32fast::hash(&bytes[4..]);
            bytes[..4].copy_from_slice(&checksum.to_le_bytes());
            if let Some(entries) = decode(&bytes) {
                prop_assert_eq!(encode(&entries).unwrap(), bytes);
            }
        }
    }
}
