//! Finding a toolchain that really compiles for `wasm32-unknown-unknown`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, cargo, line, note, run, step, succeeds, target};

/// The target of all plugins.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// What Debian calls its toolchain that knows WebAssembly.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// A way to compile for WebAssembly.
pub enum Toolchain {
    /// The one that runs us knows the target.
    Own,
    /// Debian's compiler builds the standard library from source and links with this linker.
    Debian(PathBuf),
}

impl Toolchain {
    /// The first way that works: the target is there, rustup brings it, Debian's packages bring it.
    pub fn find() -> Outcome<Self> {
        if compiles()? {
            return Ok(Self::Own);
        }
        step(&format!("the target {TARGET} is missing: asking rustup for it"));
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", TARGET]);
        if let Err(message) = run(&mut rustup) {
            note(&format!("    {message}"));
        }
        if compiles()? {
            return Ok(Self::Own);
        }
        step("rustup could not: looking for Debian's own toolchain");
        if let Some(linker) = debian_linker() {
            return Ok(Self::Debian(linker));
        }
        let mut update = Command::new("apt-get");
        update.args(["update", "-q"]);
        let mut install = Command::new("apt-get");
        install.args(["install", "-q", "-y", "--no-install-recommends"]).args(DEBIAN_PACKAGES);
        step(&format!("it is not installed: {}", line(&install)));
        if let Err(message) = run(&mut update).and_then(|()| run(&mut install)) {
            note(&format!("    {message}"));
        }
        debian_linker().map(Self::Debian).ok_or_else(|| {
            format!(
                "no Rust toolchain here compiles for {TARGET}: install it with `rustup target add {TARGET}`, or as root with `{}`",
                line(&install)
            )
        })
    }

    /// A cargo command that compiles for the target: `build`, with what it needs.
    pub fn cargo_build(&self) -> Command {
        let mut command = match self {
            Self::Own => {
                let mut command = cargo();
                command.arg("build");
                command
            }
            Self::Debian(linker) => {
                let mut command = Command::new("/usr/bin/cargo");
                // `std` from source is not stable yet; Debian ships no compiled one for this target.
                command.current_dir(crate::process::root()).args(["build", "-Zbuild-std=std,panic_abort"]);
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTUP_TOOLCHAIN");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command.args(["--target", TARGET]);
        command
    }
}

/// Whether a small library with an allocation compiles and links: a target that is listed may still lack its standard library.
fn compiles() -> Outcome<bool> {
    let folder = target().join("xtask");
    let source = folder.join("probe.rs");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    std::fs::write(&source, "#[unsafe(no_mangle)]\npub extern \"C\" fn probe(n: usize) -> usize {\n    vec![0u8; n].len()\n}\n")
        .map_err(|error| format!("{}: {error}", source.display()))?;
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "--target", TARGET, "-o"]).arg(folder.join("probe.wasm")).arg(&source);
    Ok(succeeds(&mut rustc))
}

/// The linker beside Debian's compiler, if compiler, sources and linker are all there.
fn debian_linker() -> Option<PathBuf> {
    let there = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib/src/rust/library/Cargo.lock"];
    if !there.iter().all(|path| Path::new(path).exists()) {
        return None;
    }
    (14..40).rev().map(|version| PathBuf::from(format!("/usr/bin/wasm-ld-{version}"))).find(|path| path.exists())
}
