//! The one unsafe call of this crate: taking compiled code from a file, which then runs as native code.
//!
//! wasmtime asks two things of who calls `Component::deserialize`: that the bytes are what `Component::serialize` gave, and that nobody
//! changed them since. Both are had by who may write the file, and checked on the file that was opened, not on its name:
//! - It is a plain file of the user as whom we run, and no other user may write it (no bit for group or others). So only
//!   this program and its user put bytes there; who runs code as that user needs no forged plugin.
//! - Its head names the plugin's SHA-256 and the engine's compatibility hash, and a checksum covers the code: so it is whole, not
//!   another program's file, not another plugin's code, not code for another engine. The checksum finds accidents; against
//!   malice stands the point above.
//! - It is read into memory first: what happens to the file afterwards does not matter.

#![allow(unsafe_code, reason = "the proof is above")]

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;
use xxhash_rust::xxh3::xxh3_128;

const MAGIC: &[u8; 16] = b"eyas-compiled-1\n";
const OTHERS_MAY_WRITE: u32 = 0o022;

/// What a file of compiled code begins with.
pub(crate) fn head(key: &[u8], code: &[u8]) -> Vec<u8> {
    [MAGIC, key, &xxh3_128(code).to_le_bytes()].concat()
}

/// The component in a file; an error that says why not.
pub(crate) fn read(path: &Path, owner: u32, key: &[u8], engine: &Engine) -> Result<Component, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.uid() != owner || metadata.mode() & OTHERS_MAY_WRITE != 0 {
        return Err("others than this user may write it".to_owned());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let head_length = MAGIC.len() + key.len() + size_of::<u128>();
    let (found, code) = bytes.split_at_checked(head_length).ok_or("it is cut short")?;
    if found != head(key, code) {
        return Err("it is damaged, or not ours".to_owned());
    }
    // Safety: see the module's documentation; everything it names was checked above.
    unsafe { Component::deserialize(engine, code) }.map_err(|error| format!("{error:#}"))
}
