//! What people get wrong: a clear message, a code that says whose fault it is, and nothing done by half.

use eyas_tests::Scratch;

const GOOD: &str = r#"
[sources.in]
type = "file"
include = ["in.ndjson"]
time = { field = "timestamp" }

[detectors.brute_force]
plugin = "brute_force"
inputs = ["in"]

[sinks.events]
type = "file"
inputs = ["brute_force"]
path = "events.ndjson"
"#;

/// What is added to, or replaced in, a good configuration, and words that the message must hold.
const MISTAKES: [(&str, &str, &str, &[&str]); 19] = [
    ("an unknown key with a near one", "include =", "inclued =", &["inclued", "include"]),
    ("an unknown table", "[sinks.events]", "[sink.events]", &["sink", "sinks"]),
    ("an unknown kind of source", "type = \"file\"\ninclude", "type = \"fiel\"\ninclude", &["fiel", "file"]),
    ("a wrong type", "include = [\"in.ndjson\"]", "include = 7", &["include", "list"]),
    ("an input that does not exist", "inputs = [\"brute_force\"]", "inputs = [\"brute_farce\"]", &["brute_farce", "brute_force"]),
    ("a detector that reads itself", "inputs = [\"in\"]", "inputs = [\"brute_force\"]", &["brute_force"]),
    ("two paths to one component", "inputs = [\"brute_force\"]", "inputs = [\"brute_force\", \"in\"]", &["events"]),
    ("a plugin that is nowhere", "plugin = \"brute_force\"", "plugin = \"brute_farce\"", &["brute_farce", "brute_force"]),
    ("a plugin file that is nowhere", "plugin = \"brute_force\"", "plugin = \"./none.wasm\"", &["none.wasm"]),
    ("a plugin that is no WebAssembly", "plugin = \"brute_force\"", "plugin = \"./in.wasm\"", &["in.wasm"]),
    ("a threshold that is text", "inputs = [\"in\"]", "inputs = [\"in\"]\nconfig = { threshold = \"five\" }", &["threshold"]),
    ("a window that is no multiple", "inputs = [\"in\"]", "inputs = [\"in\"]\nconfig = { slide_secs = 50 }", &["slide_secs"]),
    ("an unknown key of a detector", "inputs = [\"in\"]", "inputs = [\"in\"]\nconfig = { treshold = 5 }", &["treshold"]),
    ("a time format that is none", "{ field = \"timestamp\" }", "{ field = \"timestamp\", format = \"rfc\" }", &["rfc"]),
    ("a windowed detector without time", "time = { field = \"timestamp\" }", "", &["time"]),
    ("an unset variable", "path = \"events.ndjson\"", "path = \"${EYAS_NO_SUCH_VARIABLE}\"", &["EYAS_NO_SUCH_VARIABLE"]),
    ("a name twice", "[detectors.brute_force]", "[detectors.in]\nplugin = \"ddos\"\ninputs = [\"in\"]\n[detectors.brute_force]", &["in"]),
    ("no TOML", "[sinks.events]", "[sinks.events", &["eyas.toml"]),
    ("no credit at all", "include =", "credit = { batches = 0 }\ninclude =", &["batches"]),
];

#[test]
fn each_mistake_in_a_configuration_is_said_before_anything_runs() {
    for (what, from, to, words) in MISTAKES {
        let scratch = Scratch::new();
        let config = GOOD.replacen(from, to, 1);
        assert_ne!(config, GOOD, "{what}");
        scratch.write("eyas.toml", config).write("in.ndjson", "{}\n").write("in.wasm", "no module");
        for command in [vec!["check", "eyas.toml"], vec!["run", "eyas.toml"]] {
            let run = scratch.run(&command);
            assert_eq!(run.code, 2, "{what}: {}", run.err);
            for word in words {
                assert!(run.err.contains(word), "{what}: {word:?} is not in: {}", run.err);
            }
            assert!(!scratch.path("events.ndjson").exists(), "{what}: something was written");
        }
    }
}

#[test]
fn all_mistakes_of_a_file_are_said_at_once() {
    let scratch = Scratch::new();
    let config = GOOD.replace("include =", "inclued =").replace("path =", "paht =").replace("[\"in\"]", "[\"inn\"]");
    let run = scratch.write("eyas.toml", config).run(&["check", "eyas.toml"]);
    assert_eq!(run.code, 2);
    for word in ["inclued", "paht", "inn"] {
        assert!(run.err.contains(word), "{word} is not in: {}", run.err);
    }
}

#[test]
fn two_sinks_on_one_file_are_refused() {
    let scratch = Scratch::new();
    let second = "[sinks.alerts]\ntype = \"file\"\ninputs = [\"brute_force.alerts\"]\npath = \"./events.ndjson\"\n";
    let run = scratch.write("eyas.toml", GOOD.to_owned() + second).run(&["check", "eyas.toml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("events.ndjson"), "{}", run.err);
}

#[test]
fn a_secret_is_not_shown() {
    let scratch = Scratch::new();
    let config = GOOD.replace("inputs = [\"in\"]", "inputs = [\"in\"]\nconfig = { threshold = \"${EYAS_TEST_SECRET}\" }");
    scratch.write("eyas.toml", config);
    let run: eyas_tests::Finished = scratch.eyas(&["check", "eyas.toml"]).env("EYAS_TEST_SECRET", "hunter2").output().unwrap().into();
    assert_eq!(run.code, 2);
    assert!(!run.err.contains("hunter2") && !String::from_utf8_lossy(&run.out).contains("hunter2"), "{}", run.err);
}

#[test]
fn bad_usage_ends_with_code_2() {
    for arguments in [vec!["rnu"], vec!["run", "--shards", "none"], vec!["run", "a.toml", "--no-such-flag"], vec!["run", "none.toml"]] {
        assert_eq!(Scratch::new().run(&arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn an_input_that_is_a_folder_or_not_there_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    scratch.write("eyas.toml", GOOD).write("folder/inside", "");
    for include in ["folder", "none.ndjson"] {
        let run = scratch.run(&["run", "eyas.toml", "--quiet", "--set", &format!("sources.in.include=[\"{include}\"]")]);
        assert_ne!(run.code, 0, "{include}");
        assert!(run.err.contains(include), "{}", run.err);
    }
}

#[test]
fn an_empty_file_is_no_mistake() {
    let scratch = Scratch::new();
    scratch.write("eyas.toml", GOOD).write("in.ndjson", "").run(&["run", "eyas.toml", "--quiet"]).ok();
    assert!(scratch.read("events.ndjson").is_empty());
}

#[test]
fn what_is_already_in_an_output_file_stays() {
    let scratch = Scratch::new();
    scratch.write("eyas.toml", GOOD).write("in.ndjson", "{\"timestamp\":\"2026-03-02T08:00:00Z\"}\n").write("events.ndjson", "before\n");
    scratch.run(&["run", "eyas.toml", "--quiet"]).ok();
    assert_eq!(scratch.read("events.ndjson"), b"before\n{\"timestamp\":\"2026-03-02T08:00:00Z\"}\n");
}
