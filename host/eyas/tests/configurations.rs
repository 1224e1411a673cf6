//! Every wrong configuration, and what is said of it: tests/bad/NAME.toml and NAME.txt.
//!
//! `EYAS_BLESS=1 cargo test --release -p eyas` writes what is said now; read the difference before you commit it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};

use common::{Folder, failures};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    cases.sort();
    cases
}

#[test]
fn each_wrong_configuration_is_explained_in_its_place() {
    assert!(cases().len() >= 20);
    let mut failed = Vec::new();
    for case in cases() {
        let folder = Folder::new();
        folder.write("eyas.toml", std::fs::read(&case).unwrap()).write("in.ndjson", failures()).write("text.wasm", "no module");
        std::fs::create_dir(folder.path("folder")).unwrap();
        let run = folder.run(&["run", "eyas.toml"]);
        assert_eq!(run.code, Some(2), "{}: {}", case.display(), run.err);
        let told = run.err;
        let golden = case.with_extension("txt");
        if std::env::var_os("EYAS_BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != told {
            failed.push(format!("{}:\n{told}", case.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

const GOOD: &str = "[sources.in]\ntype = \"file\"\ninclude = [\"in.ndjson\"]\n[sinks.out]\ntype = \"stdout\"\ninputs = [\"in\"]\n";

#[test]
fn what_is_set_on_the_command_line_is_laid_over_the_file() {
    let folder = Folder::new();
    folder.write("eyas.toml", GOOD).write("other.ndjson", "{\"other\":1}\n").write("in.ndjson", "");
    let out = |sets: &[&str]| {
        let mut arguments = vec!["run", "-q", "eyas.toml"];
        sets.iter().for_each(|set| arguments.extend(["--set", set]));
        folder.run(&arguments).ok().out
    };
    assert_eq!(out(&[]), "");
    // A TOML value, and a text that is none.
    assert!(out(&["sources.in.include=[\"other.ndjson\"]"]).starts_with("{\"other\":1"));
    assert!(out(&["sources.in.include=other.ndjson", "shards=1"]).starts_with("{\"other\":1"));
    // A table is joined, not replaced.
    assert!(out(&["sources.in={include=\"other.ndjson\"}"]).starts_with("{\"other\":1"));
}

#[test]
fn what_is_wrong_with_a_set_is_shown_in_it() {
    let folder = Folder::new();
    folder.write("eyas.toml", GOOD).write("in.ndjson", "");
    for (set, told) in [
        ("sources.in.type=fiel", "did you mean \"file\"?"),
        ("nothing", "there is no \"=\""),
        ("a b=1", "this is no name of a key"),
        ("shards=0", "it may be 1 to 256"),
        ("sources.in.inclued=1", "did you mean \"include\"?"),
    ] {
        let run = folder.run(&["check", "eyas.toml", "--set", set]);
        assert_eq!(run.code, Some(2), "{set}");
        assert!(run.err.contains("--> --set:1:") && run.err.contains(told), "{set}: {}", run.err);
    }
}

/// In a path, a name, a plugin's configuration: whatever goes wrong with it, and in the log.
#[test]
fn a_secret_is_never_printed() {
    let detector = "[detectors.d]\nplugin = \"brute_force\"\ninputs = [\"in\"]\n[sinks.a]\ntype = \"blackhole\"\ninputs = [\"d.alerts\"]\n";
    let time = "[sources.in.time]\nfield = \"timestamp\"\nformat = \"%Y-%m-%d %H:%M:%S\"\n";
    let configs = [
        GOOD.replace("in.ndjson", "${SECRET}/in.ndjson"),
        GOOD.replace("type = \"file\"", "type = \"${SECRET}\""),
        GOOD.replace("[\"in\"]", "[\"${SECRET}\"]"),
        GOOD.replace("type = \"stdout\"", "type = \"file\"\npath = \"${SECRET}/out\""),
        format!("{GOOD}{time}{detector}").replace("plugin = \"brute_force\"", "plugin = \"${SECRET}\""),
        format!("{GOOD}{time}{detector}").replace("plugin = \"brute_force\"", "plugin = \"./${SECRET}.wasm\""),
        format!("{GOOD}{time}{detector}")
            .replace("inputs = [\"in\"]\n[sinks.a]", "inputs = [\"in\"]\nconfig = { emit = \"${SECRET}\" }\n[sinks.a]"),
        format!("{GOOD}{}{detector}", time.replace("%Y-%m-%d", "${SECRET}")),
        format!("state_dir = \"${{SECRET}}/\\u0000\"\n{GOOD}"),
        GOOD.replace("type = \"stdout\"", "type = \"file\"\npath = \"${SECRET}%\""),
        GOOD.replace("type = \"stdout\"", "type = \"http\"\nuri = \"http://${SECRET}:x/\""),
        GOOD.replace("type = \"stdout\"", "type = \"http\"\nuri = \"http://127.0.0.1:1/\"\nrequest.headers = { a = \"${SECRET}\\n\" }"),
    ];
    for config in configs {
        let folder = Folder::new();
        folder.write("eyas.toml", &config).write("in.ndjson", failures());
        for command in ["check", "run"] {
            let run: common::Ended =
                folder.command(&[command, "eyas.toml", "--log", "trace"]).env("SECRET", "hunter2!").output().unwrap().into();
            assert!(!run.err.contains("hunter2") && !run.out.contains("hunter2"), "{config}\n{}{}", run.out, run.err);
        }
    }
}

/// Written in the file itself, in a request's configuration and in a message about it.
#[test]
fn a_token_is_never_printed() {
    let http = "type = \"http\"\naddress = \"127.0.0.1:0\"\nauth = { strategy = \"bearer\", token = \"hunter2!\" }";
    let post = "type = \"http\"\nuri = \"http://127.0.0.1:1/\"\nauth = { strategy = \"bearer\", token = \"hunter2!\" }";
    let source = GOOD.replace("type = \"file\"\ninclude = [\"in.ndjson\"]", http);
    let basic = "auth = { strategy = \"basic\", user = \"root\", password = \"hunter2!\" }";
    let forward = "type = \"forward\"\naddress = \"127.0.0.1:0\"\nshared_key = \"hunter2!\"\n";
    let configs = [
        source.clone(),
        GOOD.replace("type = \"stdout\"", post),
        source.replace("hunter2!", "hunter2! and more"),
        source.replace("auth = { strategy = \"bearer\", token = \"hunter2!\" }", basic),
        GOOD.replace("type = \"file\"\ninclude = [\"in.ndjson\"]", &format!("{forward}{basic}")),
        GOOD.replace("type = \"stdout\"", &format!("{forward}{}", basic.replace("root", "ro:ot"))),
    ];
    for config in configs {
        let folder = Folder::new();
        folder.write("eyas.toml", &config).write("in.ndjson", "");
        let run = folder.run(&["check", "eyas.toml", "--log", "trace"]);
        assert!(!run.err.contains("hunter2") && !run.out.contains("hunter2"), "{config}\n{}{}", run.out, run.err);
    }
}

#[test]
fn what_is_safe_and_what_is_not_is_said() {
    let folder = Folder::new();
    let config = "[sources.in]\ntype = \"http\"\naddress = \"0.0.0.0:0\"\n[sources.in.time]\nfield = \"timestamp\"\n\
        [detectors.d]\nplugin = \"brute_force\"\ninputs = [\"in\"]\n[sinks.out]\ntype = \"stdout\"\ninputs = [\"d\"]\n\
        [sinks.alerts]\ntype = \"http\"\ninputs = [\"d.alerts\"]\nuri = \"http://127.0.0.1:1/\"\n";
    folder.write("eyas.toml", config);
    let told = |sets: &[&str], parts: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let said = folder.run(&["check", "eyas.toml"].into_iter().chain(sets).collect::<Vec<_>>()).ok().out;
        parts.iter().for_each(|part| assert!(said.contains(part), "{part}: {said}"));
    };
    told(
        &[],
        &[
            "windows that are open when the program ends do not survive it (no state_dir)",
            "in: what was not acknowledged must be sent again if the program is killed (no state_dir)",
            "in: whoever reaches its address can send events (no auth)",
            "alerts: what it has not taken, at most 67.1 MB, is in memory alone (no state_dir)",
            "go to standard error",
            "in: once taken by out, and its alerts wait in the outbox of alerts",
        ],
    );
    told(
        &["state_dir=state", "sources.in.acknowledge=journalled", "admin.address=127.0.0.1:9555", "sync=always"],
        &[
            "state is in state, with a checkpoint every 10 s",
            "a power cut takes nothing that was acknowledged or given out",
            "in: once the journal holds it",
            "dead letters that no sink takes go to state/dead_letters.ndjson",
            "http://127.0.0.1:9555/",
        ],
    );
    told(
        &["state_dir=state", "sources.in.journal=false"],
        &["in: what was not acknowledged must be sent again if the program is killed (journal = false)"],
    );
    assert!(!folder.path("state").exists(), "checking makes nothing");
}

/// They may come later, so the configuration itself is right.
#[test]
fn certificates_that_are_not_there_are_said_where_they_are_named() {
    let folder = Folder::new();
    let config = "[sources.in]\ntype = \"http\"\naddress = \"127.0.0.1:0\"\n\
        tls = { crt_file = \"crt.pem\", key_file = \"key.pem\" }\n\
        [sources.lines]\ntype = \"socket\"\nmode = \"unix\"\npath = \"no/folder/socket\"\n\
        [sinks.out]\ntype = \"http\"\ninputs = [\"in\", \"lines\"]\nuri = \"https://127.0.0.1:1/\"\ntls.ca_file = \"ca.pem\"\n";
    folder.write("eyas.toml", config).write("ca.pem", "no certificate\n");
    let told = folder.run(&["check", "eyas.toml"]).ok().err;
    for part in ["eyas.toml:4:20", "crt.pem: cannot be read", "ca.pem: there is no certificate in it", "no folder for it"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(folder.run(&["run", "eyas.toml"]).code, Some(2));
}

#[test]
fn what_cannot_be_said_has_not_been_done() {
    let folder = Folder::new();
    folder.write("eyas.toml", GOOD).write("in.ndjson", "");
    for arguments in [&["check", "eyas.toml"][..], &["plugin", "list"], &["plugin", "inspect", "brute_force"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run: common::Ended = folder.command(arguments).stdout(full).output().unwrap().into();
        assert!(run.code == Some(1) && run.err.contains("cannot write to standard output: No space left"), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn options_that_mean_nothing_together_are_refused() {
    let folder = Folder::new();
    folder.write("eyas.toml", GOOD).write("in.ndjson", "");
    for arguments in [
        &["run", "eyas.toml", "--resume", "--fresh"][..],
        &["run", "-d", "brute_force", "--resume"],
        &["run", "-d", "brute_force", "--fresh"],
        &["replay", "eyas.toml"],
        &["replay", "eyas.toml", "--log", "--from", "in.ndjson"],
        &["replay", "eyas.toml", "--log", "--source", "in"],
        &["state", "drop", "state"],
    ] {
        assert_eq!(folder.run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn two_dollars_are_one() {
    let folder = Folder::new();
    folder.write("eyas.toml", GOOD.replace("in.ndjson", "$${x}.ndjson")).write("${x}.ndjson", "{\"a\":1}\n");
    assert!(folder.run(&["run", "-q", "eyas.toml"]).ok().out.starts_with("{\"a\":1"));
}
