//! Guests that fail: each kind is told apart, ends in bounded time and memory, and harms nobody else.

use std::time::Duration;

use eyas_hostile::Guest;
use eyas_plugin::{Asked, FaultKind, Findings, InstanceConfig, Limits, PluginError, Scope};

use crate::support::{config, fault_at_start, load, part, refused, start};

const LOOP: &str = "(loop $again (br $again))";
const RECURSE: &str = "(func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))";
const GROW: &str = "(loop $again (if (i32.eq (memory.grow (i32.const 256)) (i32.const -1)) (then (unreachable))) (br $again))";

/// What ends a guest that runs this in the export of this name.
fn fault_in(export: &str, body: &str) -> (FaultKind, String) {
    let guest = Guest::new().with(RECURSE).on(export, body);
    let fault = match export {
        "describe" => match load(&guest) {
            Err(PluginError::Fault { fault, during: "describe", .. }) => fault,
            other => panic!("no fault, but {other:?}"),
        },
        "configure" => fault_at_start(&guest),
        _ => {
            let mut instance = start(&guest).unwrap();
            let mut findings = Findings::default();
            let fault = match export {
                "process" => instance.process(&part(4), &mut findings),
                "advance" => instance.advance(1, &mut findings),
                "flush" => instance.flush(&mut findings),
                "snapshot" => instance.snapshot(Scope::Full).map(drop),
                _ => match instance.restore(1, String::new(), Vec::new()) {
                    Err(eyas_plugin::RestoreError::Fault(fault)) => Err(fault),
                    other => panic!("no fault, but {other:?}"),
                },
            };
            assert!(instance.is_dead());
            fault.unwrap_err()
        }
    };
    (fault.kind, fault.message)
}

const EXPORTS: [&str; 7] = ["describe", "configure", "process", "advance", "flush", "snapshot", "restore"];

#[test]
fn a_trap_is_told_in_every_export() {
    for export in EXPORTS {
        let (kind, message) = fault_in(export, "(unreachable)");
        assert_eq!((kind, message.contains("unreachable")), (FaultKind::Trap, true), "{export}: {message}");
    }
    assert!(fault_in("process", "(drop (i32.load (i32.const -4)))").1.contains("out of bounds memory access"));
    assert!(fault_in("process", "(drop (i32.div_u (i32.const 1) (i32.const 0)))").1.contains("divide by zero"));
}

#[test]
fn an_endless_loop_ends_at_its_deadline_in_every_export() {
    for export in EXPORTS {
        let (kind, message) = fault_in(export, LOOP);
        assert_eq!(kind, FaultKind::Deadline, "{export}: {message}");
        assert!(message.contains(&format!("{export} took longer than")), "{message}");
    }
}

#[test]
fn recursion_without_end_is_a_trap_in_every_export() {
    for export in EXPORTS {
        let (kind, message) = fault_in(export, "(drop (call $recurse (i32.const 0)))");
        assert_eq!((kind, message.contains("recursion too deep")), (FaultKind::Trap, true), "{export}: {message}");
    }
}

#[test]
fn memory_without_end_is_stopped_at_the_cap_in_every_export() {
    for export in EXPORTS {
        let (kind, message) = fault_in(export, GROW);
        assert_eq!((kind, message.contains("wanted more memory")), (FaultKind::Memory, true), "{export}: {message}");
    }
}

#[test]
fn memory_that_grows_a_little_each_call_is_stopped_at_the_cap() {
    let grow = "(if (i32.eq (memory.grow (i32.const 32)) (i32.const -1)) (then (unreachable)))";
    let mut instance = start(&Guest::new().on("process", grow)).unwrap();
    let mut findings = Findings::default();
    let calls = (0..1000).take_while(|_| instance.process(&part(4), &mut findings).is_ok()).count();
    assert!((20..40).contains(&calls), "64 MiB in steps of 2 MiB, but {calls} calls");
    assert!(instance.memory_bytes() <= config().limits.memory_bytes);
}

#[test]
fn a_guest_may_go_on_without_the_memory_that_it_did_not_get() {
    let guest = Guest::new().on("process", "(drop (memory.grow (i32.const 60000)))");
    start(&guest).unwrap().process(&part(4), &mut Findings::default()).unwrap();
}

#[test]
fn a_guest_that_begins_with_too_much_memory_is_not_started() {
    let PluginError::Fault { fault, during, .. } = load(&Guest::new().pages(16_384)).unwrap_err() else { panic!("no fault") };
    assert_eq!((fault.kind, during), (FaultKind::Memory, "instantiate"), "{fault}");
}

#[test]
fn a_table_without_end_is_stopped() {
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 10000000)))
                (if (i32.ne (table.size $t) (i32.const 1)) (then (unreachable)))";
    let guest = Guest::new().with("(table $t 1 funcref)").on("process", grow);
    start(&guest).unwrap().process(&part(4), &mut Findings::default()).unwrap();
}

#[test]
fn a_start_function_that_loops_or_traps_is_stopped() {
    for (body, kind) in [(LOOP, FaultKind::Deadline), ("(unreachable)", FaultKind::Trap)] {
        // It runs for the first time when the plugin is loaded, to be described, under the default limits.
        let guest = Guest::new().with(&format!("(func $begin {body}) (start $begin)"));
        let PluginError::Fault { fault, during, .. } = load(&guest).unwrap_err() else { panic!("no fault") };
        assert_eq!((fault.kind, during), (kind, "instantiate"), "{fault}");
    }
}

#[test]
fn each_call_has_a_deadline_of_its_own() {
    // Some milliseconds of work a call; together the calls take longer than one may.
    let work = "(local.set $i (i32.const 5000000)) (loop $again
        (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $again (local.get $i)))";
    let mut instance = start(&Guest::new().on("process", work)).unwrap();
    for _ in 0..300 {
        instance.process(&part(4), &mut Findings::default()).unwrap();
    }
}

#[test]
fn a_host_call_from_within_cabi_realloc_is_refused() {
    let mut guest = Guest::new();
    let text = guest.text("from within");
    let calls = format!("(call $log.log (i32.const 1) {text})");
    let guest = guest.on_realloc(&calls).on("process", &format!("(call $batch.times (i32.const {}))", eyas_hostile::SCRATCH));
    // `configure` already has a text written into the guest.
    let fault = fault_at_start(&guest);
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.contains("cabi_realloc"), "{fault}");
}

#[test]
fn a_cabi_realloc_that_gives_what_is_not_there_is_refused() {
    let guest = Guest::new().on_realloc("(return (i32.const -16))");
    let fault = fault_at_start(&guest);
    assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
}

#[test]
fn progress_outlives_a_fault() {
    let guest = Guest::new().on("process", "(call $results.progress (i32.const 1)) (call $results.progress (i32.const 3)) (unreachable)");
    assert_eq!(refused(&guest, FaultKind::Trap, "unreachable").progress, Some(3));
}

#[test]
fn the_last_words_of_a_panic_are_in_the_fault() {
    let mut guest = Guest::new();
    let words = guest.text("panicked at src/lib.rs:7: \u{1b}[31mno such thing");
    let guest = guest.on("process", &format!("(call $log.log (i32.const 3) {words}) (unreachable)"));
    let fault = refused(&guest, FaultKind::Trap, "it said: panicked at src/lib.rs:7: \\u{1b}[31mno such thing");
    assert!(!fault.message.contains('\u{1b}'));
}

#[test]
fn functions_with_names_are_in_the_fault() {
    let guest = Guest::new().with("(func $unlucky (unreachable))").on("process", "(call $unlucky)");
    refused(&guest, FaultKind::Trap, "unlucky");
}

#[test]
fn limits_are_those_of_the_instance() {
    let plugin = load(&Guest::new().on("process", GROW)).unwrap();
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let mut instance = plugin.instantiate(&InstanceConfig { limits, ..config() }).unwrap();
    assert_eq!(instance.process(&part(1), &mut Findings::default()).unwrap_err().kind, FaultKind::Memory);
    assert!(instance.memory_bytes() <= 8 << 20);
}

#[test]
fn a_call_may_be_given_more_time_than_usual() {
    let work = "(local.set $i (i32.const 400000000)) (loop $again
        (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $again (local.get $i)))";
    let plugin = load(&Guest::new().on("process", work)).unwrap();
    let limits = Limits { deadline: Duration::from_millis(1), ..Limits::default() };
    let instance = || plugin.instantiate(&InstanceConfig { limits: limits.clone(), ..config() }).unwrap();
    let mut findings = Findings::default();
    assert_eq!(instance().process(&part(1), &mut findings).unwrap_err().kind, FaultKind::Deadline);
    instance().process_within(&part(1), Duration::from_secs(60), &mut findings).unwrap();
}

#[test]
fn what_a_guest_asked_for_of_the_events_is_known_of_the_last_call() {
    let result = eyas_hostile::SCRATCH;
    let ask = format!(
        "(if (i32.gt_u (local.get $rows) (i32.const 1)) (then (call $batch.references (i32.const {result}))))
         (if (i32.gt_u (local.get $rows) (i32.const 2)) (then (call $batch.event (i32.const 0) (i32.const {result}))))"
    );
    let mut instance = start(&Guest::new().on("process", &ask)).unwrap();
    for (rows, references, events) in [(3, true, true), (2, true, false), (1, false, false)] {
        instance.process(&part(rows), &mut Findings::default()).unwrap();
        assert_eq!(instance.asked(), Asked { references, events }, "{rows}");
    }
}
