//! Host functions outside the call they belong to are refused.

use eyas_hostile::{Guest, SCRATCH};
use eyas_plugin::{FaultKind, Findings, PluginError, RestoreError, Scope};

use crate::support::{load, part, start};

/// One call of each interface, and the exports in which it may be made.
fn calls(guest: &mut Guest) -> Vec<(String, &'static str, &'static [&'static str])> {
    let path = guest.text("p");
    let zeros = "(i32.const 0) ".repeat(16);
    vec![
        (format!("(drop (call $setup.text {path}))"), "setup.text", &["configure"]),
        ("(drop (call $setup.seed))".to_owned(), "setup.seed", &["configure"]),
        ("(drop (call $batch.rows))".to_owned(), "batch.rows", &["process"]),
        (format!("(call $batch.times (i32.const {SCRATCH}))"), "batch.times", &["process"]),
        (format!("(call $results.count {path} (i64.const 1))"), "results.count", &["process", "advance", "flush"]),
        (format!("(call $results.gauge {path} (i64.const 1))"), "results.gauge", &["process", "advance", "flush", "restore"]),
        (format!("(call $results.alert-id {path} {path} (i32.const {SCRATCH}))"), "results.alert-id", &["process", "advance", "flush"]),
        (format!("(call $state.put {zeros})"), "state.put", &["snapshot"]),
        ("(drop (call $state.state-version))".to_owned(), "state.state-version", &["restore"]),
        (format!("(call $state.next (i32.const {SCRATCH}))"), "state.next", &["restore"]),
        (format!("(call $state.key-hashes (i32.const {SCRATCH}))"), "state.key-hashes", &["restore"]),
        (format!("(call $log.log (i32.const 0) {path})"), "log.log", &EXPORTS),
    ]
}

const EXPORTS: [&str; 7] = ["describe", "configure", "process", "advance", "flush", "snapshot", "restore"];

fn outcome(guest: &Guest, export: &str) -> Result<(), eyas_plugin::Fault> {
    let started = match load(guest) {
        Ok(_) => start(guest),
        Err(error) => Err(error),
    };
    let mut instance = match started {
        Ok(instance) => instance,
        Err(PluginError::Fault { fault, .. }) => return Err(fault),
        Err(other) => panic!("{other}"),
    };
    let mut findings = Findings::default();
    match export {
        "process" => instance.process(&part(1), &mut findings),
        "advance" => instance.advance(0, &mut findings),
        "flush" => instance.flush(&mut findings),
        "snapshot" => instance.snapshot(Scope::Changed).map(drop),
        "restore" => instance.restore(1, "{}".to_owned(), Vec::new()).map_err(|error| match error {
            RestoreError::Fault(fault) => fault,
            other => panic!("{other}"),
        }),
        _ => Ok(()),
    }
}

#[test]
fn every_function_may_be_called_in_its_phase_alone() {
    let mut guest = Guest::new();
    for (call, name, phases) in calls(&mut guest) {
        for export in EXPORTS {
            let result = outcome(&guest.clone().on(export, &call), export);
            if name == "state.put" && export == "snapshot" {
                // Allowed, but sixteen zeros are no entries.
                assert!(result.unwrap_err().message.contains("offsets"));
            } else if phases.contains(&export) {
                result.unwrap_or_else(|fault| panic!("{name} in {export}: {fault}"));
            } else {
                let fault = result.unwrap_err();
                assert_eq!(fault.kind, FaultKind::Refused, "{name} in {export}: {fault}");
                assert!(fault.message.contains(&format!("{name}: may not be called in {export}")), "{fault}");
            }
        }
    }
}
