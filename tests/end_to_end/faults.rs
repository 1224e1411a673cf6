//! Plugins that misbehave: no event is lost by them, and people learn which one it was.

use eyas_hostile::Guest;
use eyas_tests::Scratch;

const CONFIG: &str = r#"
[sources.in]
type = "file"
include = ["in.ndjson"]
time = { field = "n", format = "unix" }

[detectors.rogue]
plugin = "./rogue.wasm"
inputs = ["in"]
deadline_ms = 100
memory_bytes = 67108864

[sinks.events]
type = "file"
inputs = ["rogue"]
path = "events.ndjson"
"#;

/// Subscribes to every event, with or without a time.
fn guest() -> Guest {
    Guest::new().on("configure", "(call $setup.timeless)")
}

#[test]
fn events_pass_tagged_whatever_a_plugin_does_with_them() {
    let title = "x".repeat(1 << 20);
    let mut endless = guest();
    let text = endless.text(&title);
    let cases = [
        ("traps", guest().on("process", "(unreachable)")),
        ("never returns", guest().on("process", "(loop $again (br $again))")),
        (
            "takes all memory",
            guest().on("process", "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) (unreachable)"),
        ),
        ("asks for what is not there", guest().on("process", "(call $batch.text (i32.const 7) (i32.const 256))")),
        ("counts without end", endless.on("process", &format!("(loop $again (call $results.count {text} (i64.const 1)) (br $again))"))),
    ];
    for (what, guest) in cases {
        let scratch = Scratch::new();
        let events: String = (0..10).map(|i| format!("{{\"n\":{i}}}\n")).collect();
        scratch.write("eyas.toml", CONFIG).write("in.ndjson", &events).write("rogue.wasm", guest.build());
        let run = scratch.run(&["run", "eyas.toml"]).ok();
        assert!(run.err.contains("rogue"), "{what}: {}", run.err);
        let tagged: String = (0..10).map(|i| format!("{{\"n\":{i},\"eyas\":{{\"tags\":[\"fault\"]}}}}\n")).collect();
        assert_eq!(String::from_utf8(scratch.read("events.ndjson")).unwrap(), tagged, "{what}");
    }
}

#[test]
fn a_plugin_that_cannot_work_is_refused_before_any_event_is_read() {
    let cases = [
        ("lacks an export", guest().without("process").build(), "process"),
        ("traps while it is configured", guest().on("configure", "(unreachable)").build(), "rogue"),
        ("traps while it is described", guest().on("describe", "(unreachable)").build(), "rogue"),
        ("is cut off", guest().build()[..100].to_vec(), "rogue.wasm"),
        ("is empty", Vec::new(), "rogue.wasm"),
    ];
    for (what, module, word) in cases {
        let scratch = Scratch::new();
        scratch.write("eyas.toml", CONFIG).write("in.ndjson", "{}\n").write("rogue.wasm", module);
        let run = scratch.run(&["run", "eyas.toml"]);
        assert_eq!(run.code, 2, "{what}: {}", run.err);
        assert!(run.err.contains(word), "{what}: {}", run.err);
        assert!(!scratch.path("events.ndjson").exists(), "{what}: something was written");
    }
}
