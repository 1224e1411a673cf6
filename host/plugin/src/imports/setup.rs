//! `setup`: the subscription, built call by call while the guest is configured.

use eyas_event::{Condition, Field, FieldType, Keying, Network, Test};

use super::Interface;
use crate::host::{Host, Phase};
use crate::refusal::{Refusal, at_most};

const PATH_BYTES: usize = 1024;
/// Each point of a path may split it or not, so every one more doubles the ways to read it.
const PATH_POINTS: usize = 15;

pub(super) fn link(setup: &mut Interface) -> wasmtime::Result<()> {
    const IN: Phase = Phase::CONFIGURE;
    setup.get("name", IN, |host, (): ()| Ok(host.detector.to_string()))?;
    setup.get("seed", IN, |host, (): ()| Ok(host.seed))?;
    setup.get("table-seed", IN, |host, (): ()| Ok(host.table_seed))?;

    for kind in [
        FieldType::Text,
        FieldType::Bytes,
        FieldType::S64,
        FieldType::U64,
        FieldType::F64,
        FieldType::Boolean,
        FieldType::Timestamp,
        FieldType::Ip,
        FieldType::Raw,
    ] {
        setup.get(kind.name(), IN, move |host, (path,): (String,)| subscribe(host, path, kind))?;
    }

    setup.act("where-present", IN, |host, (path, negate): (String, bool)| condition(host, path, Test::Present, negate))?;
    setup.act("where-text", IN, |host, (path, one_of, negate): (String, Vec<String>, bool)| {
        condition(host, path, Test::Text(one_of), negate)
    })?;
    setup.act("where-integer", IN, |host, (path, one_of, negate): (String, Vec<i64>, bool)| {
        condition(host, path, Test::Integer(one_of), negate)
    })?;
    setup.act("where-boolean", IN, |host, (path, is, negate): (String, bool, bool)| condition(host, path, Test::Boolean(is), negate))?;
    setup.act("where-number", IN, |host, (path, at_least, below, negate): (String, Option<f64>, Option<f64>, bool)| {
        if at_least.iter().chain(&below).any(|bound| !bound.is_finite()) {
            return Err(Refusal::new("a bound is no number"));
        }
        condition(host, path, Test::Number { at_least, below }, negate)
    })?;
    setup.act("where-prefix", IN, |host, (path, one_of, negate): (String, Vec<String>, bool)| {
        condition(host, path, Test::Prefix(one_of), negate)
    })?;
    setup.act("where-network", IN, |host, (path, one_of, negate): (String, Vec<String>, bool)| {
        let networks = one_of.iter().map(|text| Network::parse(text)).collect::<Result<_, _>>().map_err(Refusal::new)?;
        condition(host, path, Test::Network(networks), negate)
    })?;

    setup.act("keyed", IN, |host, (columns,): (Vec<u32>,)| keyed(host, columns))?;
    setup.act("stateless", IN, |host, (): ()| choose(host, Keying::Stateless))?;
    setup.act("timeless", IN, |host, (): ()| {
        host.subscription.timeless = true;
        Ok(())
    })?;
    setup.act("drops", IN, |host, (): ()| {
        host.subscription.drops = true;
        Ok(())
    })
}

/// The number of the column for a field; the one that there is where it was asked for before.
fn subscribe(host: &mut Host, path: String, kind: FieldType) -> Result<u32, Refusal> {
    check_path(&path)?;
    let field = Field { path, kind };
    let fields = &mut host.subscription.fields;
    let number = fields.iter().position(|known| *known == field).unwrap_or(fields.len());
    if number == fields.len() {
        at_most(host.limits.fields, number + 1, "columns")?;
        fields.push(field);
    }
    Ok(number as u32)
}

fn condition(host: &mut Host, path: String, test: Test, negate: bool) -> Result<(), Refusal> {
    check_path(&path)?;
    at_most(host.limits.fields, host.subscription.conditions.len() + 1, "conditions")?;
    host.spend(weight(&test), host.limits.result_bytes)?;
    host.subscription.conditions.push(Condition { path, test, negate });
    Ok(())
}

fn weight(test: &Test) -> usize {
    match test {
        Test::Text(texts) | Test::Prefix(texts) => texts.iter().map(|text| text.len() + size_of::<String>()).sum(),
        Test::Integer(numbers) => size_of_val(numbers.as_slice()),
        Test::Network(networks) => size_of_val(networks.as_slice()),
        Test::Present | Test::Boolean(_) | Test::Number { .. } => 0,
    }
}

fn check_path(path: &str) -> Result<(), Refusal> {
    if path.is_empty() {
        return Err(Refusal::new("a path may not be empty"));
    }
    at_most(PATH_BYTES, path.len(), "bytes of a path")?;
    at_most(PATH_POINTS, path.matches('.').count(), "points in a path")
}

fn keyed(host: &mut Host, columns: Vec<u32>) -> Result<(), Refusal> {
    if columns.is_empty() {
        return Err(Refusal::new("a key of no columns; without `keyed` one instance sees all rows"));
    }
    for (place, &column) in columns.iter().enumerate() {
        if column as usize >= host.subscription.fields.len() {
            return Err(Refusal::new(format!("there is no column {column}, the subscription has {}", host.subscription.fields.len())));
        }
        if columns.iter().take(place).any(|&earlier| earlier == column) {
            return Err(Refusal::new(format!("column {column} is given twice")));
        }
    }
    choose(host, Keying::Keyed(columns))
}

fn choose(host: &mut Host, keying: Keying) -> Result<(), Refusal> {
    if std::mem::replace(&mut host.keying_chosen, true) {
        return Err(Refusal::new("`keyed` or `stateless` was called before, and one of them counts"));
    }
    host.subscription.keying = keying;
    Ok(())
}
