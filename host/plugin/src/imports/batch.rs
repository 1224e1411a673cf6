//! `batch`: the rows of a part, by column. Columns are lent as they are, behind `Arc`: wasmtime's copy into the guest is the only one.

use std::sync::Arc;

use eyas_event::{Bits, CellState, Column, Part, Strings, Timestamp, Values};

use super::Interface;
use crate::abi::SharedStrings;
use crate::host::{Host, Phase};
use crate::refusal::Refusal;

pub(super) fn link(batch: &mut Interface) -> wasmtime::Result<()> {
    const IN: Phase = Phase::PROCESS;
    batch.get("rows", IN, |host, (): ()| Ok(host.part()?.len() as u32))?;
    batch.get("times", IN, |host, (): ()| times(host).cloned())?;
    batch.get("watermarks", IN, |host, (): ()| watermarks(host).cloned())?;
    batch.get("keys", IN, |host, (): ()| Ok(SharedStrings::from(&keys(host.part()?))))?;
    batch.get("key-hashes", IN, |host, (): ()| Ok(hashes(host.part()?)))?;
    batch.get("late", IN, |host, (): ()| Ok(host.part()?.late.bytes.clone()))?;
    batch.get("references", IN, |host, (): ()| {
        host.asked.references = true;
        references(host.part()?)
    })?;

    batch.get("validity", IN, |host, (number,): (u32,)| Ok(validity(column(host, number)?)))?;
    batch.get("states", IN, |host, (number,): (u32,)| Ok(Arc::clone(&column(host, number)?.states)))?;

    batch.get("text", IN, |host, (number,): (u32,)| text(host, number).map(SharedStrings::from))?;
    batch.get("bytes", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::Bytes(strings) => Ok(SharedStrings::from(strings)),
        other => Err(of_another_type(number, other, "bytes")),
    })?;
    batch.get("raw", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::Raw(strings) => Ok(SharedStrings::from(strings)),
        other => Err(of_another_type(number, other, "raw")),
    })?;
    batch.get("s64", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::S64(numbers) => Ok(Arc::clone(numbers)),
        other => Err(of_another_type(number, other, "s64")),
    })?;
    batch.get("u64", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::U64(numbers) => Ok(Arc::clone(numbers)),
        other => Err(of_another_type(number, other, "u64")),
    })?;
    batch.get("f64", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::F64(numbers) => Ok(Arc::clone(numbers)),
        other => Err(of_another_type(number, other, "f64")),
    })?;
    batch.get("timestamp", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::Timestamp(times) => Ok(Arc::clone(times)),
        other => Err(of_another_type(number, other, "timestamp")),
    })?;
    batch.get("boolean", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::Boolean(bytes) => Ok(Bits::pack(bytes.iter().map(|&byte| byte != 0)).bytes),
        other => Err(of_another_type(number, other, "boolean")),
    })?;
    batch.get("ip", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::Ip(bytes) => Ok(Arc::clone(bytes)),
        other => Err(of_another_type(number, other, "ip")),
    })?;

    batch.get("event", IN, |host, (row,): (u32,)| {
        let row = host.row(row)?;
        host.asked.events = true;
        Ok(host.part()?.event(row).ok_or_else(without_events)?.bytes.to_vec())
    })?;
    batch.get("key", IN, |host, (row,): (u32,)| {
        let row = host.row(row)?;
        Ok(host.part()?.keys.get(row).to_vec())
    })?;
    batch.get("text-at", IN, |host, (number, row): (u32, u32)| {
        let row = host.row(row)?;
        Ok(owned(text(host, number)?.get(row)))
    })?;

    batch.get("times-le", IN, |host, (): ()| Ok(little_endian(times(host)?.iter().map(|time| time.to_le_bytes()))))?;
    batch.get("watermarks-le", IN, |host, (): ()| Ok(little_endian(watermarks(host)?.iter().map(|time| time.to_le_bytes()))))?;
    batch.get("key-hashes-le", IN, |host, (): ()| Ok(little_endian(hashes(host.part()?).iter().map(|hash| hash.to_le_bytes()))))?;
    batch.get("numbers-le", IN, |host, (number,): (u32,)| match &column(host, number)?.values {
        Values::S64(numbers) | Values::Timestamp(numbers) => Ok(little_endian(numbers.iter().map(|number| number.to_le_bytes()))),
        Values::U64(numbers) => Ok(little_endian(numbers.iter().map(|number| number.to_le_bytes()))),
        Values::F64(numbers) => Ok(little_endian(numbers.iter().map(|number| number.to_le_bytes()))),
        other => Err(of_another_type(number, other, "a number")),
    })?;
    batch.get("text-list", IN, |host, (number,): (u32,)| {
        let strings = text(host, number)?;
        Ok((0..strings.rows()).map(|row| owned(strings.get(row))).collect::<Vec<_>>())
    })
}

fn times(host: &Host) -> Result<&Arc<Vec<Timestamp>>, Refusal> {
    if host.subscription.timeless { Err(without_time()) } else { Ok(&host.part()?.times) }
}

fn watermarks(host: &Host) -> Result<&Arc<Vec<Timestamp>>, Refusal> {
    if host.subscription.timeless { Err(without_time()) } else { Ok(&host.part()?.watermarks) }
}

fn without_time() -> Refusal {
    Refusal::new("a timeless detector has no time; leave out `setup.timeless`")
}

fn without_events() -> Refusal {
    Refusal::new("the events behind the rows are not at hand")
}

/// Routing keys; nothing in each row where the detector is not keyed.
fn keys(part: &Part) -> Strings {
    if part.keys.rows() == part.len() {
        return part.keys.clone();
    }
    Strings { offsets: Arc::new(vec![0; part.len() + 1]), data: Arc::default() }
}

/// Their hashes; 0 in each row where the detector is not keyed.
fn hashes(part: &Part) -> Arc<Vec<u64>> {
    if part.hashes.len() == part.len() { Arc::clone(&part.hashes) } else { Arc::new(vec![0; part.len()]) }
}

fn references(part: &Part) -> Result<SharedStrings, Refusal> {
    let mut strings = (Vec::with_capacity(part.len() + 1), Vec::with_capacity(part.len() * 14));
    strings.0.push(0);
    for row in 0..part.len() {
        let event = part.event(row).ok_or_else(without_events)?;
        strings.1.extend(event.reference.to_bytes());
        strings.0.push(strings.1.len() as u32);
    }
    Ok(SharedStrings { offsets: Arc::new(strings.0), data: Arc::new(strings.1) })
}

fn column(host: &Host, number: u32) -> Result<&Column, Refusal> {
    let columns = &host.part()?.columns;
    let none = || Refusal::new(format!("there is no column {number}, the subscription has {}", columns.len()));
    columns.get(number as usize).ok_or_else(none)
}

fn text(host: &Host, number: u32) -> Result<&Strings, Refusal> {
    match &column(host, number)?.values {
        Values::Text(strings) => Ok(strings),
        other => Err(of_another_type(number, other, "text")),
    }
}

fn of_another_type(number: u32, values: &Values, asked: &str) -> Refusal {
    let kind = match values {
        Values::Text(_) => "text",
        Values::Bytes(_) => "bytes",
        Values::Raw(_) => "raw",
        Values::S64(_) => "s64",
        Values::U64(_) => "u64",
        Values::F64(_) => "f64",
        Values::Timestamp(_) => "timestamp",
        Values::Boolean(_) => "boolean",
        Values::Ip(_) => "ip",
    };
    Refusal::new(format!("column {number} is {kind}, not {asked}"))
}

fn validity(column: &Column) -> Vec<u8> {
    Bits::pack(column.states.iter().map(|&state| state == CellState::Valid as u8)).bytes
}

fn little_endian(numbers: impl ExactSizeIterator<Item = [u8; 8]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() * 8);
    bytes.extend(numbers.flatten());
    bytes
}

/// Text columns hold UTF-8, cut at character borders.
fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
