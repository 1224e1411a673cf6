//! Paths as serde sees them. They need not be UTF-8, and one that is not must not keep a checkpoint from being written.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// As a text, or as a list of bytes where it is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Text(String),
    Bytes(Vec<u8>),
}

pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) if serializer.is_human_readable() => text.serialize(serializer),
        _ => path.as_os_str().as_bytes().serialize(serializer),
    }
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let bytes = if deserializer.is_human_readable() {
        match Either::deserialize(deserializer)? {
            Either::Text(text) => text.into_bytes(),
            Either::Bytes(bytes) => bytes,
        }
    } else {
        Vec::deserialize(deserializer)?
    };
    Ok(OsString::from_vec(bytes).into())
}
