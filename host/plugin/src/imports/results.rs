//! `results`: what a detector finds.

use eyas_event::{Annotation, Place, alert_id};

use super::Interface;
use crate::abi;
use crate::convert::{alert_from, value_from};
use crate::host::{Host, Phase};
use crate::refusal::{Refusal, at_most};

pub(super) fn link(results: &mut Interface) -> wasmtime::Result<()> {
    const IN: Phase = Phase::RESULTS;
    results.act("annotate", IN, |host, (row, name, value): (u32, String, abi::Value)| annotate(host, row, name, value))?;
    results.act("drop", IN, |host, (row,): (u32,)| drop_row(host, row))?;
    results.get("report", IN, |host, (alert,): (abi::Alert,)| report(host, alert))?;
    results.get("alert-id", IN, |host, (rule, dedup_key): (String, String)| Ok(alert_id(&host.detector, &rule, &dedup_key)))?;
    results.act("row-error", IN, |host, (row, message): (u32, String)| row_error(host, row, message))?;
    results.act("count", IN, |host, (name, n): (String, u64)| {
        let limits = &host.limits;
        measure(&mut host.findings.counts, name, limits.measures, limits.name_bytes, |sum| *sum = sum.saturating_add(n))
    })?;
    results.act("gauge", IN.or(Phase::RESTORE), |host, (name, value): (String, i64)| {
        let limits = &host.limits;
        let gauges = if host.phase == Phase::RESTORE { &mut host.restored_gauges } else { &mut host.findings.gauges };
        measure(gauges, name, limits.measures, limits.name_bytes, |gauge| *gauge = value)
    })?;
    results.act("progress", IN, |host, (row,): (u32,)| {
        host.row(row)?;
        host.findings.progress = Some(row);
        Ok(())
    })
}

fn annotate(host: &mut Host, row: u32, name: String, value: abi::Value) -> Result<(), Refusal> {
    host.row(row)?;
    check_name(&name, host.limits.name_bytes)?;
    at_most(host.limits.annotations, host.findings.annotations.len() + 1, "annotations")?;
    let value = value_from(value, &host.limits)?;
    host.spend(size_of::<Annotation>() + name.len() + value.weight(), host.limits.result_bytes)?;
    host.findings.annotations.push(Annotation { row, name, value });
    Ok(())
}

fn drop_row(host: &mut Host, row: u32) -> Result<(), Refusal> {
    if !host.subscription.drops {
        return Err(Refusal::new("a drop that was not announced by `setup.drops`"));
    }
    host.row(row)?;
    host.spend(size_of::<u32>(), host.limits.result_bytes)?;
    host.findings.drops.push(row);
    Ok(())
}

fn report(host: &mut Host, alert: abi::Alert) -> Result<u32, Refusal> {
    let number = host.findings.alerts.len();
    at_most(host.limits.alerts, number + 1, "alerts")?;
    let alert = alert_from(alert, &host.limits)?;
    check_place(host, alert.place)?;
    if !host.subscription.timeless && (alert.start.is_none() || alert.end.is_none()) {
        return Err(Refusal::new("an alert without start and end, which only a timeless detector may give"));
    }
    host.spend(alert.weight(), host.limits.result_bytes)?;
    host.findings.alerts.push(alert);
    Ok(number as u32)
}

/// An alert may stand at a row of this call, or at a time that the watermark has reached; at the end of input at any time.
fn check_place(host: &Host, place: Place) -> Result<(), Refusal> {
    match place {
        Place::Row(row) => host.row(row).map(drop),
        Place::Timer(time) if host.phase != Phase::FLUSH && time > host.watermark => {
            Err(Refusal::new(format!("an alert placed at the timer {time}, which the watermark {} has not reached", host.watermark)))
        }
        Place::Timer(_) => Ok(()),
    }
}

fn row_error(host: &mut Host, row: u32, message: String) -> Result<(), Refusal> {
    host.row(row)?;
    at_most(host.limits.row_errors, host.findings.row_errors.len() + 1, "row errors")?;
    at_most(host.limits.text_bytes, message.len(), "bytes of a message")?;
    host.spend(size_of::<(u32, String)>() + message.len(), host.limits.result_bytes)?;
    host.findings.row_errors.push((row, message));
    Ok(())
}

fn check_name(name: &str, limit: usize) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::new("a name may not be empty"));
    }
    at_most(limit, name.len(), "bytes of a name")
}

/// Changes a measure, which begins at 0.
fn measure<T: Default>(
    measures: &mut Vec<(String, T)>,
    name: String,
    limit: usize,
    name_bytes: usize,
    change: impl FnOnce(&mut T),
) -> Result<(), Refusal> {
    if let Some((_, value)) = measures.iter_mut().find(|(known, _)| *known == name) {
        change(value);
        return Ok(());
    }
    check_name(&name, name_bytes)?;
    at_most(limit, measures.len() + 1, "names of measures")?;
    let mut value = T::default();
    change(&mut value);
    measures.push((name, value));
    Ok(())
}
