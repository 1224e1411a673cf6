//! What is no plugin of ours is told so, with what would be right.

use eyas_hostile::{Guest, contract, encode};
use eyas_plugin::{PluginError, Runtime, RuntimeConfig};

use crate::support::{load, runtime};

fn refusal(bytes: &[u8]) -> String {
    runtime().load("file.wasm", bytes).unwrap_err().to_string()
}

#[test]
fn a_detector_that_does_nothing_loads_and_describes_itself() {
    let mut guest = Guest::new();
    let path = guest.text("a.b");
    let plugin = load(&guest.on("configure", &format!("(drop (call $setup.ip {path}))"))).unwrap();
    assert_eq!(plugin.origin(), "hostile.wasm");
    assert_eq!(plugin.description().name, "hostile");
    assert_eq!(plugin.description().state_version, 1);
    assert_eq!(plugin.imports(), ["setup.ip"]);
    let exports = ["advance", "configure", "describe", "flush", "process", "restore", "snapshot"].map(|name| format!("guest.{name}"));
    assert_eq!(plugin.exports(), exports);
}

/// The functions of the contract's text in the interfaces but these.
fn functions_but_of(left_out: &[&str]) -> Vec<String> {
    let (text, mut interface, mut functions) = (contract("0.1.0-rc.1"), String::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("interface ") {
            interface = name.trim_end_matches(" {").to_owned();
        } else if let Some((name, _)) = line.split_once(": func(").filter(|_| !left_out.contains(&&*interface)) {
            functions.push(format!("{interface}.{}", name.trim_start_matches('%')));
        }
    }
    functions.sort();
    functions
}

#[test]
fn every_function_of_the_contract_is_offered_with_its_types_and_every_export_asked_for() {
    let plugin = load(&Guest::new().importing_all()).unwrap();
    assert_eq!(plugin.imports(), functions_but_of(&["guest"]));
    assert_eq!(plugin.exports(), functions_but_of(&["log", "setup", "batch", "results", "state"]));
}

#[test]
fn what_is_no_webassembly_is_told_so() {
    assert!(refusal(b"").contains("is no WebAssembly (it is empty)"));
    assert!(refusal(b"(module)").contains("is no WebAssembly (it begins with \"(mod\")"));
    assert!(refusal(b"\x7fELF").contains("it begins with \"\\x7fELF\""));
    for cut in [5, 9, 100, 1000] {
        let error = runtime().load("file.wasm", &Guest::new().build()[..cut]).unwrap_err();
        assert!(matches!(error, PluginError::Invalid { .. }), "{error}");
    }
}

#[test]
fn a_plain_module_without_the_contract_in_it_is_told_so() {
    let error = refusal(&[0, b'a', b's', b'm', 1, 0, 0, 0]);
    assert!(error.contains("file.wasm: "), "{error}");
    assert!(error.contains("does not say what contract"), "{error}");
}

#[test]
fn a_component_that_has_nothing_is_told_what_it_lacks() {
    let error = refusal(&[0, b'a', b's', b'm', 0x0d, 0, 1, 0]);
    assert!(error.contains("does not export guest.describe, guest.configure, "), "{error}");
}

#[test]
fn bytes_that_only_begin_like_webassembly_are_refused() {
    let whole = Guest::new().build();
    for place in (8..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[place] ^= 0x55;
        // Either it is refused, or it is another valid plugin; what counts is that an answer comes.
        let _ = runtime().load("broken.wasm", &broken);
    }
}

#[test]
fn a_plugin_for_another_version_is_told_both_versions() {
    for version in ["0.2.0", "0.1.0", "0.1.0-rc.2"] {
        let mut guest = Guest::new().for_contract(contract(version));
        let path = guest.text("a");
        let error = load(&guest.on("configure", &format!("(drop (call $setup.text {path}))"))).unwrap_err();
        assert!(matches!(error, PluginError::OtherContract { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("eyas:detector@{version},")) && text.contains("eyas:detector@0.1.0-rc.1"), "{text}");
    }
}

#[test]
fn a_missing_export_is_named() {
    let error = load(&Guest::new().without("process")).unwrap_err().to_string();
    assert!(error.contains("process"), "{error}");

    let smaller = contract("0.1.0-rc.1").replace("    flush: func();\n", "").replace("    snapshot: func(scope: scope);\n", "");
    let guest = Guest::new().for_contract(smaller).without("flush").without("snapshot");
    let error = load(&guest).unwrap_err();
    assert!(matches!(error, PluginError::MissingExports { .. }), "{error}");
    assert!(error.to_string().contains("does not export guest.flush, guest.snapshot, which eyas:detector@0.1.0-rc.1"), "{error}");
}

#[test]
fn imports_that_are_not_offered_are_named() {
    let foreign = contract("0.1.0-rc.1").replace("    import log;\n", "    import log;\n    import open-file: func() -> u32;\n");
    let guest = Guest::new().for_contract(foreign).importing("(import \"$root\" \"open-file\" (func $open (result i32)))");
    let error = load(&guest.on("process", "(drop (call $open))")).unwrap_err();
    assert!(matches!(error, PluginError::NotOffered { .. }), "{error}");
    assert!(error.to_string().contains("imports open-file, which this host does not offer"), "{error}");

    let later = contract("0.1.0-rc.1").replace("rows: func() -> u32;", "rows: func() -> u32;\n    moon-phase: func() -> u32;");
    let guest = Guest::new()
        .for_contract(later)
        .importing("(import \"eyas:detector/batch@0.1.0-rc.1\" \"moon-phase\" (func $moon (result i32)))")
        .on("process", "(drop (call $moon))");
    let error = load(&guest).unwrap_err();
    assert!(matches!(error, PluginError::NotOffered { .. }), "{error}");
    assert!(error.to_string().contains("imports batch.moon-phase, which this host does not offer"), "{error}");
}

#[test]
fn a_plugin_that_wants_wasi_is_told_so() {
    let clocks = "package wasi:clocks@0.2.6 { interface wall-clock { now: func() -> u64; } }";
    let wit = contract("0.1.0-rc.1").replace("    import log;\n", "    import log;\n    import wasi:clocks/wall-clock@0.2.6;\n");
    let guest = Guest::new()
        .for_contract(format!("{wit}\n{clocks}"))
        .importing("(import \"wasi:clocks/wall-clock@0.2.6\" \"now\" (func $now (result i64)))")
        .on("process", "(drop (call $now))");
    let error = load(&guest).unwrap_err();
    assert!(matches!(error, PluginError::NotOffered { .. }), "{error}");
    assert!(error.to_string().contains("imports wasi:clocks/wall-clock@0.2.6, which this host does not offer"), "{error}");

    let text = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#;
    let error = runtime().load("file.wasm", &encode(text, &contract("0.1.0-rc.1"))).unwrap_err().to_string();
    assert!(error.contains("wasi_snapshot_preview1"), "{error}");
}

#[test]
fn other_types_than_the_contract_has_are_told() {
    let other = contract("0.1.0-rc.1").replace("rows: func() -> u32;", "rows: func() -> s64;");
    let guest = Guest::new()
        .for_contract(other)
        .importing("(import \"eyas:detector/batch@0.1.0-rc.1\" \"rows\" (func $rows (result i64)))")
        .on("process", "(drop (call $rows))");
    let error = load(&guest).unwrap_err().to_string();
    assert!(error.contains("another draft") && error.contains("rows"), "{error}");

    let other = contract("0.1.0-rc.1").replace("advance: func(watermark: s64);", "advance: func(watermark: u64);");
    let error = load(&Guest::new().for_contract(other)).unwrap_err().to_string();
    assert!(error.contains("another draft") && error.contains("guest.advance"), "{error}");
}

#[test]
fn a_description_that_breaks_the_contract_is_refused() {
    for (description, says) in [
        (["Upper", "1.0.0", "", "{}"], "its name is \"Upper\""),
        (["", "1.0.0", "", "{}"], "its name is \"\""),
        (["9lives", "1.0.0", "", "{}"], "its name is"),
        (["a\u{1b}[31m", "1.0.0", "", "{}"], "its name is"),
        (["good", "one", "", "{}"], "no semantic version"),
        (["good", "1.0.0", "", "{"], "no JSON object"),
        (["good", "1.0.0", "", "[]"], "no JSON object"),
    ] {
        let error = load(&Guest::new().described(description)).unwrap_err();
        assert!(matches!(error, PluginError::Description { .. }), "{error}");
        assert!(error.to_string().contains(says) && !error.to_string().contains('\u{1b}'), "{error}");
    }
}

#[test]
fn a_plugin_larger_than_the_limit_is_not_compiled() {
    let runtime = Runtime::new(RuntimeConfig { plugin_bytes: 100, ..RuntimeConfig::default() }).unwrap();
    assert!(matches!(runtime.load("large.wasm", &Guest::new().build()), Err(PluginError::TooLarge { .. })));
}

#[test]
fn a_shared_memory_and_threads_are_refused() {
    let text = r#"(module (memory 1 1 shared))"#;
    let error = runtime().load("file.wasm", &encode(text, &contract("0.1.0-rc.1"))).unwrap_err();
    assert!(matches!(error, PluginError::Invalid { .. }), "{error}");
}
