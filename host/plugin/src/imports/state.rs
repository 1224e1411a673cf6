//! `state`: entries on their way out and in.

use eyas_event::{Entries, Keying, Strings, group_of, key_hash};

use super::Interface;
use crate::abi;
use crate::convert::{entries_from, entries_to};
use crate::host::{Host, Phase};
use crate::refusal::Refusal;

pub(super) fn link(state: &mut Interface) -> wasmtime::Result<()> {
    state.act("put", Phase::SNAPSHOT, |host, (entries,): (abi::Entries,)| put(host, entries_from(entries)))?;
    state.get("state-version", Phase::RESTORE, |host, (): ()| Ok(host.restoring()?.state_version))?;
    state.get("config", Phase::RESTORE, |host, (): ()| Ok(host.restoring()?.config.clone()))?;
    state.get("next", Phase::RESTORE, |host, (): ()| {
        let restoring = host.restoring()?;
        let next = restoring.chunks.next();
        restoring.last = next.clone().unwrap_or_default();
        Ok(next.map(entries_to))
    })?;
    state.get("key-hashes", Phase::RESTORE, |host, (): ()| {
        let seed = host.seed;
        let keys = &host.restoring()?.last.keys;
        Ok((0..keys.rows()).map(|row| hash_of(seed, keys.get(row))).collect::<Vec<_>>())
    })
}

/// 0 where there is no key.
fn hash_of(seed: u64, key: &[u8]) -> u64 {
    if key.is_empty() { 0 } else { key_hash(seed, key) }
}

fn put(host: &mut Host, entries: Entries) -> Result<(), Refusal> {
    host.spend(entries.bytes(), host.limits.snapshot_bytes)?;
    check_shape(&entries)?;
    check_keys(host, &entries)?;
    host.snapshot.push(entries);
    Ok(())
}

/// As many of each, and offsets that can be followed.
fn check_shape(entries: &Entries) -> Result<(), Refusal> {
    let rows = entries.rows();
    for (name, strings) in [("keys", &entries.keys), ("sub-keys", &entries.sub_keys), ("values", &entries.values)] {
        if !is_sound(strings) {
            return Err(Refusal::new(format!("the offsets of the {name} do not begin at 0, go down, or do not end at the data's end")));
        }
        if strings.rows() != rows {
            return Err(Refusal::new(format!("{} {name} for {rows} groups", strings.rows())));
        }
    }
    if !entries.deleted.is_empty() && entries.deleted.len() != rows.div_ceil(8) {
        return Err(Refusal::new(format!("{} bytes of deleted for {rows} rows", entries.deleted.len())));
    }
    Ok(())
}

fn is_sound(strings: &Strings) -> bool {
    strings.offsets.first() == Some(&0)
        && strings.offsets.is_sorted()
        && strings.offsets.last().is_some_and(|&last| last as usize == strings.data.len())
}

/// Each entry in the group to which its key belongs: else it would be restored where its key's rows never come.
fn check_keys(host: &Host, entries: &Entries) -> Result<(), Refusal> {
    let keyed = matches!(host.subscription.keying, Keying::Keyed(_));
    for (row, &group) in entries.groups.iter().enumerate() {
        let key = entries.keys.get(row);
        if !keyed && (!key.is_empty() || group != 0) {
            return Err(Refusal::new(format!("entry {row} has a key or a group, but the detector is not keyed")));
        }
        if !key.is_empty() && group != group_of(key_hash(host.seed, key)) {
            return Err(Refusal::new(format!("entry {row} is said to be of group {group}, but its key is not")));
        }
    }
    Ok(())
}
