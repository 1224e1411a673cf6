//! The program itself, run in a folder of its own.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, of which each file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for one test.
pub struct Folder(tempfile::TempDir);

/// What a run left.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eyas"));
        // A plugin cache that all tests share.
        command.args(arguments).current_dir(self.0.path()).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("EYAS_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// With a file as standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        self.command(arguments).stdin(std::fs::File::open(self.path(input)).unwrap()).output().unwrap().into()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// Six failed logins of one pair within half a minute.
pub fn failures() -> String {
    let line = |second: u32| {
        format!(
            "{{\"timestamp\":\"2026-03-02 08:00:{second:02}\",\"event_type\":\"authentication\",\"result\":\"failure\",\"source_ip\":\"10.0.0.1\",\"destination_ip\":\"10.0.0.2\"}}\n"
        )
    };
    (0..6).map(|i| line(i * 5)).collect()
}
