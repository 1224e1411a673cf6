//! Puts the project's own plugins into the program: whatever lies in `target/plugins` (or `EYAS_PLUGINS_DIR`) as NAME.wasm.
//!
//! Without them the program still compiles; it then says which command puts them in.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=EYAS_PLUGINS_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let folder = env::var_os("EYAS_PLUGINS_DIR").map_or_else(|| target(&out).join("plugins"), PathBuf::from);
    // A folder that is not there would make cargo run this again at every build.
    fs::create_dir_all(&folder)?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut plugins: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect();
    plugins.sort();
    let entry = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        format!("({name:?}, include_bytes!({:?}) as &[u8])", path.display().to_string())
    };
    let list: Vec<_> = plugins.iter().map(entry).collect();
    fs::write(out.join("embedded.rs"), format!("&[{}]", list.join(", ")))?;
    Ok(())
}

/// The target folder: cargo marks it as a cache.
fn target(out: &Path) -> PathBuf {
    let marked = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    marked.map_or_else(|| PathBuf::from("../../target"), Path::to_path_buf)
}
