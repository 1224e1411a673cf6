//! Puts the project's own plugins into the program: whatever lies in `target/plugins` (or `EYAS_PLUGINS_DIR`) as NAME.wasm.
//!
//! Without them the program still compiles; it then says which command puts them in.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=EYAS_PLUGINS_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let folder = env::var_os("EYAS_PLUGINS_DIR").map_or_else(|| target(&out).join("plugins"), PathBuf::from);
    // A folder that is not there would make cargo run this again at every build.
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut plugins: Vec<_> = fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    plugins.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    plugins.sort();
    let entry = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        format!("({name:?}, include_bytes!({:?}) as &[u8])", path.display().to_string())
    };
    let list: Vec<_> = plugins.iter().map(entry).collect();
    fs::write(out.join("embedded.rs"), format!("&[{}]", list.join(", "))).expect("OUT_DIR can be written to");
}

/// The target folder: cargo marks it as a cache.
fn target(out: &Path) -> PathBuf {
    let marked = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    marked.map_or_else(|| manifest.join("../../target"), Path::to_path_buf)
}
