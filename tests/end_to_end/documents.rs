//! What the documents show is what happens. For each Markdown file of the repository, from top to bottom, in one scratch folder:
//!
//! - a fence of `sh` is run by bash, in a copy of the repository, with the program on the path;
//! - any other fence after a line that names a file, such as "in `some/file.toml`:", is written to that file;
//! - the next fence, if it is one of `text`, is what it prints; `…` in it stands for anything.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use eyas_tests::{Scratch, eyas, repository};

/// Commands that are not run here, and why that does no harm.
const ELSEWHERE: [&str; 6] = [
    // What would be cloned is what runs.
    "git clone",
    // This runs in it.
    "cargo xtask test",
    // `.ci/run` runs these before the tests.
    "cargo xtask build",
    "cargo xtask demo",
    // A machine may lack rustup; `cargo xtask` has found a way without it then.
    "rustup target add",
    // It measures for minutes what depends on the machine.
    "cargo xtask bench",
];

/// A fenced block.
struct Fence<'a> {
    /// The word behind the opening fence.
    language: &'a str,
    /// The last line of text before it, unless that is another fence.
    before: &'a str,
    /// What is in it.
    body: String,
    /// Where it begins.
    line: usize,
}

#[test]
fn documents_show_what_happens() {
    let documents = documents();
    assert!(documents.iter().any(|path| path.ends_with("README.md")));
    let failed: Vec<String> = documents.iter().filter_map(|path| follow(path).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn links_in_documents_lead_somewhere() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap();
            let there = link.contains("://") || file.is_empty() || document.parent().unwrap().join(file).exists();
            assert!(there, "{}: {link}", document.display());
        }
    }
}

/// All Markdown files that belong to the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Does what a document says; the error says where that is not what happens.
fn follow(document: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(document).unwrap();
    let fences = fences(&text);
    let scratch = Scratch::new();
    for entry in std::fs::read_dir(repository()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap();
        if name != "target" && name != ".git" {
            copy(&entry, &scratch.path(name.to_str().unwrap()));
        }
    }
    // Its own, so that what a document builds does not replace what is being tested.
    let target = eyas().parent().unwrap().parent().unwrap().join("documents");
    std::fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(target, scratch.path("target")).unwrap();
    let mut printed = None;
    for fence in fences {
        let at = format!("{}:{}", document.display(), fence.line);
        let shown = printed.take().filter(|_| fence.language == "text");
        if let Some(printed) = shown {
            matches(&fence.body, printed).map_err(|why| format!("{at}: {why}"))?;
        } else if fence.language == "sh" {
            printed = Some(shell(&scratch, &fence.body).map_err(|why| format!("{at}: {why}"))?);
        } else if let Some(file) = named_file(fence.before) {
            scratch.write(file, &fence.body);
        }
    }
    Ok(())
}

/// The first file name between backquotes in a line that ends in a colon.
fn named_file(line: &str) -> Option<&str> {
    let quoted = line.strip_suffix(':')?.split('`').skip(1).step_by(2);
    quoted.into_iter().find(|name| [".toml", ".rs", ".json", ".ndjson", ".csv"].iter().any(|ending| name.ends_with(ending)))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// Runs a block and gives what it printed.
fn shell(scratch: &Scratch, block: &str) -> Result<String, String> {
    let here: Vec<&str> = block.lines().filter(|line| !ELSEWHERE.iter().any(|command| line.starts_with(command))).collect();
    let release = eyas().parent().unwrap().to_path_buf();
    let path = format!("{}:{}", release.display(), std::env::var("PATH").unwrap());
    let (out, err) = (scratch.path("stdout of the block"), scratch.path("stderr of the block"));
    let mut block = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &here.join("\n")])
        .current_dir(scratch.path(""))
        .env("PATH", path)
        .env("XDG_CACHE_HOME", release.parent().unwrap().join("tests-cache"))
        .env_remove("CARGO_TARGET_DIR")
        .process_group(0)
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let status = block.wait().unwrap();
    if !status.success() {
        // What it left running would never end; what it left running on purpose is for a later block.
        let _ = Command::new("kill").args(["-9", "--", &format!("-{}", block.id())]).output();
    }
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let (out, err) = (read(&out), read(&err));
    if status.success() { Ok(out) } else { Err(format!("{status}:\n{out}{err}")) }
}

/// Whether what is shown is what was printed.
fn matches(shown: &str, printed: String) -> Result<(), String> {
    let mut rest = printed.trim_end();
    let mut parts = shown.trim_end().split('…');
    let told = |part: &str| Err(format!("the document shows\n{shown}\nbut this was printed, which differs at {part:?}:\n{printed}"));
    let first = parts.next().unwrap_or_default();
    match rest.strip_prefix(first) {
        Some(after) => rest = after,
        None => return told(first),
    }
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return told(part),
        }
        last = Some(part);
    }
    // An ellipsis at the very end stands for the rest.
    if rest.is_empty() || last.is_some_and(str::is_empty) { Ok(()) } else { told(rest) }
}

fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut fences: Vec<Fence<'_>> = Vec::new();
    let (mut inside, mut before) = (false, "");
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => (inside, before) = (false, ""),
            Some(language) => {
                fences.push(Fence { language, before, body: String::new(), line: number + 1 });
                inside = true;
            }
            None if inside => fences.last_mut().unwrap().body += &format!("{line}\n"),
            None if !line.is_empty() => before = line,
            None => {}
        }
    }
    fences
}
