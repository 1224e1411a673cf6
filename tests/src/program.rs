//! The program itself, run the way its users run it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The program that `cargo xtask build` made, beside the tests that run.
pub fn eyas() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let eyas = tests.ancestors().nth(2).unwrap().join("eyas");
    assert!(eyas.exists(), "{} is not there: run `cargo xtask test`, which builds it first", eyas.display());
    eyas
}

/// A folder of its own for one test, removed at the end.
pub struct Scratch {
    folder: tempfile::TempDir,
}

/// What a run of the program left.
pub struct Finished {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl Scratch {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Reads a file; one that is not there is empty, as is a sink into which nothing flowed.
    pub fn read(&self, name: &str) -> Vec<u8> {
        match std::fs::read(self.path(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.unwrap(),
        }
    }

    /// A command that runs the program in this folder, with a plugin cache that all tests share.
    pub fn eyas(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(eyas());
        let cache = eyas().parent().unwrap().parent().unwrap().join("tests-cache");
        command.args(arguments).current_dir(self.folder.path()).env("XDG_CACHE_HOME", cache).env_remove("EYAS_LOG");
        command
    }

    /// Runs the program to its end, with nothing on its standard input.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.eyas(arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs the program to its end; its standard input is a pipe that brings these pieces, one write each.
    pub fn pipe<'a>(&self, arguments: &[&str], pieces: impl IntoIterator<Item = &'a [u8]> + Send) -> Finished {
        let mut command = self.eyas(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // The program may end before it has read all: that is for the test to judge by what came out.
            scope.spawn(move || pieces.into_iter().try_for_each(|piece| input.write_all(piece)));
            child.wait_with_output().unwrap().into()
        })
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Finished {
    /// Itself, if it ended well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "exit code {}: {}", self.code, self.err);
        self
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: output.stdout, err: String::from_utf8_lossy(&output.stderr).into_owned() }
    }
}

/// The lines of a file as JSON.
#[track_caller]
pub fn lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))).collect()
}
