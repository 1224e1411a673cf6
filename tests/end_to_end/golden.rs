//! Small cases, each a folder under `tests/golden`: the input, the configuration, and every line that comes out.
//!
//! `EYAS_BLESS=1 cargo test --release -p eyas-tests golden` writes what comes out now; read the difference before you commit it.

use std::path::Path;

use eyas_tests::{Scratch, repository};

/// What a case's configuration may write; a file that is not there stands for nothing written.
const OUTPUTS: [&str; 3] = ["out.ndjson", "alerts.ndjson", "dead.ndjson"];

#[test]
fn golden_cases_come_out_line_by_line() {
    let mut cases: Vec<_> = std::fs::read_dir(repository().join("tests/golden")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "{cases:?}");
    let failed: Vec<String> = cases.iter().flat_map(|case| differences(case)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Runs a case and says, output by output, what is not as it was blessed.
fn differences(case: &Path) -> Vec<String> {
    let scratch = Scratch::new();
    for entry in std::fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !OUTPUTS.contains(&name) {
            scratch.write(name, std::fs::read(&path).unwrap());
        }
    }
    scratch.run(&["run", "config.toml", "--quiet"]).ok();
    let bless = std::env::var_os("EYAS_BLESS").is_some();
    let mut differences = Vec::new();
    for output in OUTPUTS {
        let blessed = case.join(output);
        let found = without_clock(&String::from_utf8(scratch.read(output)).unwrap());
        if bless {
            let written = if found.is_empty() { std::fs::remove_file(&blessed) } else { std::fs::write(&blessed, &found) };
            assert!(written.is_ok() || found.is_empty(), "{}", blessed.display());
            continue;
        }
        let expected = std::fs::read_to_string(&blessed).unwrap_or_default();
        let lines = expected.lines().count().max(found.lines().count());
        let line = |text: &str, number: usize| text.lines().nth(number).unwrap_or("nothing").to_owned();
        for number in (0..lines).filter(|&number| line(&expected, number) != line(&found, number)) {
            let (expected, found) = (line(&expected, number), line(&found, number));
            differences.push(format!("{} line {}:\n  expected {expected}\n  found    {found}", blessed.display(), number + 1));
        }
    }
    differences
}

/// The ingest time of a dead letter is the clock's; everything else is the input's.
fn without_clock(text: &str) -> String {
    let blank = |line: &str| match line.split_once("\"ingest_time\":\"") {
        Some((before, after)) => format!("{before}\"ingest_time\":\"…{}\n", &after[after.find('"').unwrap()..]),
        None => format!("{line}\n"),
    };
    text.lines().map(blank).collect()
}
